package console_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"cxseal/cxone/sandbox"
	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/connection"
	"cxseal/internal/console/consoletest"
	"cxseal/internal/encryption"
	"cxseal/internal/fault"
	"cxseal/web"
)

const (
	faultsClientSecret = "faults-client-secret-5b1c"
	faultsKMSSecret    = "whsec_ZmF1bHRzLWttcy1zZWNyZXQtMTIzNDU2Nzg5MGFi" //nolint:gosec // G101: made up for this test
)

// faultCase is one fault as it strikes one run.
type faultCase struct {
	name  string
	fault sandbox.Fault
	kms   sandbox.Confirmation

	// always says that the tenant has this habit from its first listing on; otherwise it begins when the
	// tenant was read once.
	always bool

	// rotate says that the run rotates the keys of columns that are encrypted.
	rotate bool
}

// Whatever a tenant of the sandbox's vocabulary does to a run: one idempotency key, one change, no secret
// anywhere, an error that a person can act on, and a ledger that says nothing untrue. The vocabulary is
// sandbox.FaultKinds: a kind that is added there is played here.
func TestUnderEveryFaultARunKeepsItsPromises(t *testing.T) {
	slots := make(chan struct{}, 12) // most of a run under a fault is waiting
	var running sync.WaitGroup
	for _, kind := range sandbox.FaultKinds() {
		for _, c := range withRotations(casesOf(kind)) {
			running.Go(func() {
				slots <- struct{}{}
				defer func() { <-slots }()
				t.Run(c.name, func(t *testing.T) { playFault(t, c) })
			})
		}
	}
	running.Wait()
}

// everyFault plays the whole product of casesOf, for encryption and for rotation, which takes four times as
// long (make faults).
var everyFault = os.Getenv("CXSEAL_FAULTS") == "all"

// withRotations adds to the cases the same ones for a rotation: to all where everyFault asks for it, else to the
// first, so that each kind is played for both.
func withRotations(cases []faultCase) []faultCase {
	for i, c := range slices.Clone(cases) {
		if !everyFault && (i > 0 || testing.Short()) {
			break
		}
		c.name, c.rotate = c.name+", a rotation", true
		cases = append(cases, c)
	}
	return cases
}

// casesOf plays a kind once and for ever, with both ways of confirmation: once with the callback and for ever
// with the inline one, or each with each where everyFault asks for it. What needs a value has some that tell;
// what needs none is switched on as it is.
func casesOf(kind sandbox.FaultKind) []faultCase {
	var cases []faultCase
	for i, f := range variationsOf(kind) {
		if testing.Short() && i > 0 {
			break // the race detector's run plays each kind, not each variation
		}
		name := string(kind)
		for _, more := range []string{string(f.Endpoint), number(f.Status), number(f.LatencyMs), f.Header, f.Body, f.Field, f.Value} {
			if more != "" {
				name += " " + more
			}
		}
		for _, kms := range []sandbox.Confirmation{sandbox.KMSCallback, sandbox.KMSInline} {
			if everyFault && isRequestKind(kind) && f.Endpoint != sandbox.EndpointEncrypt && kms == sandbox.KMSInline {
				continue // how a change is confirmed matters where one is made
			}
			for _, times := range []int{1, -1} {
				if !everyFault && (times == 1) != (kms == sandbox.KMSCallback) {
					continue
				}
				f.Times = times
				once := fmt.Sprintf("%s by %s, %d times", name, kms, times)
				switch {
				case changesIdentities(kind):
					cases = append(cases, faultCase{name: once + ", always", fault: f, kms: kms, always: true})
				case times == -1 && !isRequestKind(kind):
					cases = append(cases, faultCase{name: once + ", always", fault: f, kms: kms, always: true})
				default:
					cases = append(cases, faultCase{name: once, fault: f, kms: kms})
				}
			}
		}
	}
	return cases
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// isRequestKind reports whether a fault strikes requests at an endpoint of its choice.
func isRequestKind(kind sandbox.FaultKind) bool {
	switch kind {
	case sandbox.FaultLatency, sandbox.FaultStatus, sandbox.FaultStatusAfter, sandbox.FaultDropBefore, sandbox.FaultDropAfter:
		return true
	}
	return false
}

// changesIdentities reports whether a fault gives tables or columns another id or name. A tenant that does so
// from one day to the next is another tenant.
func changesIdentities(kind sandbox.FaultKind) bool {
	return kind == sandbox.FaultNumericIDs || kind == sandbox.FaultNamesNFC
}

// ofARun are the endpoints that a run asks.
var ofARun = []sandbox.Endpoint{sandbox.EndpointToken, sandbox.EndpointTable, sandbox.EndpointIndexes, sandbox.EndpointEncrypt}

func variationsOf(kind sandbox.FaultKind) []sandbox.Fault {
	var list []sandbox.Fault
	add := func(f sandbox.Fault) { f.Kind = kind; list = append(list, f) }
	switch kind {
	case sandbox.FaultLatency:
		for _, endpoint := range append(slices.Clone(ofARun), sandbox.EndpointCallback) {
			add(sandbox.Fault{Endpoint: endpoint, LatencyMs: 60})
		}
	case sandbox.FaultDropBefore, sandbox.FaultDropAfter:
		for _, endpoint := range ofARun {
			add(sandbox.Fault{Endpoint: endpoint})
		}
	case sandbox.FaultStatus:
		for _, endpoint := range ofARun {
			for _, status := range []int{200, 403, 503} {
				add(sandbox.Fault{Endpoint: endpoint, Status: status, Body: refusalBody(status)})
			}
		}
		for _, status := range []int{400, 401, 404, 409, 422, 429, 500} {
			add(sandbox.Fault{Endpoint: sandbox.EndpointEncrypt, Status: status})
		}
		add(sandbox.Fault{Endpoint: sandbox.EndpointToken, Status: 200, Body: `{"error":"invalid_client","error_description":"unknown client"}`})
		add(sandbox.Fault{Endpoint: sandbox.EndpointEncrypt, Status: 429, Header: "Retry-After: 0.05"})
	case sandbox.FaultStatusAfter:
		for _, status := range []int{200, 400, 404, 409, 422, 500, 504} {
			add(sandbox.Fault{Endpoint: sandbox.EndpointEncrypt, Status: status, Body: refusalBody(status)})
		}
	case sandbox.FaultAccepted, sandbox.FaultLateTable:
		add(sandbox.Fault{LatencyMs: 1})
		add(sandbox.Fault{LatencyMs: 60})
	case sandbox.FaultPagesCapped:
		add(sandbox.Fault{Size: 1})
	case sandbox.FaultReplace:
		add(sandbox.Fault{Field: "maxEncryptedFields", Value: `"many"`})
		add(sandbox.Fault{Field: "maxEncryptedFields", Value: `0`})
		add(sandbox.Fault{Field: "token_type", Value: `"BearerToken"`})
		add(sandbox.Fault{Field: "encrypted"})
		add(sandbox.Fault{Field: "keyVersion", Value: `{"v":1}`})
		add(sandbox.Fault{Field: "columns", Value: `"none"`})
		add(sandbox.Fault{Field: "externalKmsPayload", Value: `[]`})
	case sandbox.FaultKeyTwice:
		add(sandbox.Fault{Field: "encrypted", Value: `true`})
		add(sandbox.Fault{Field: "encrypted", Value: `false`})
		add(sandbox.Fault{Field: "keyVersion", Value: `7`})
		add(sandbox.Fault{Field: "externalKmsPayload", Value: `{}`})
		add(sandbox.Fault{Field: "access_token", Value: `"another"`})
		add(sandbox.Fault{Endpoint: sandbox.EndpointCallback, Field: "algorithm", Value: `"AES-128-CBC"`})
		add(sandbox.Fault{Endpoint: sandbox.EndpointCallback, Field: "tableId", Value: `"tbl-other"`})
	case sandbox.FaultBrokenOff:
		for _, endpoint := range ofARun {
			add(sandbox.Fault{Endpoint: endpoint})
		}
	case sandbox.FaultIndexUpper, sandbox.FaultIndexDesc:
		add(sandbox.Fault{Endpoint: sandbox.EndpointIndexes})
	case sandbox.FaultNamesNFC:
		add(sandbox.Fault{Endpoint: sandbox.EndpointIndexes})
		add(sandbox.Fault{Endpoint: sandbox.EndpointCallback})
	case sandbox.FaultBOM, sandbox.FaultFloats, sandbox.FaultNumbersAsText:
		add(sandbox.Fault{})
		add(sandbox.Fault{Endpoint: sandbox.EndpointCallback})
	default:
		add(sandbox.Fault{})
	}
	return list
}

// refusalBody is a web page, as gateways answer.
func refusalBody(status int) string {
	return fmt.Sprintf("<html><h1>%d</h1></html>", status)
}

// isAway reports whether a fault is a tenant that does not answer: of such a one alone it is right to say
// that it is down.
func isAway(f sandbox.Fault) bool {
	switch f.Kind {
	case sandbox.FaultLatency, sandbox.FaultDropBefore, sandbox.FaultDropAfter, sandbox.FaultBrokenOff:
		return true
	case sandbox.FaultStatus, sandbox.FaultStatusAfter:
		return f.Status >= 500 || f.Status == http.StatusTooManyRequests
	}
	return false
}

// mustBeRefused reports whether a fault makes of every confirmation one that must be refused.
func mustBeRefused(f faultCase) bool {
	switch f.fault.Kind {
	case sandbox.FaultKMSColumnObjects, sandbox.FaultKMSDuplicate, sandbox.FaultKMSSlash:
		return false
	case sandbox.FaultKMSBadSignature, sandbox.FaultKMSTrailing, sandbox.FaultKMSOtherCase:
		return f.kms == sandbox.KMSCallback // what comes in the tenant's own answer has no signature, and no bytes of its own
	case sandbox.FaultKeyTwice:
		return f.kms == sandbox.KMSCallback && f.fault.Endpoint == sandbox.EndpointCallback
	}
	return strings.HasPrefix(string(f.fault.Kind), "kms_")
}

// mustVerify reports whether a fault leaves no doubt about anything: a run under it ends as it would without.
func mustVerify(f faultCase) bool {
	switch f.fault.Kind {
	case sandbox.FaultPagesCapped, sandbox.FaultSamePage, sandbox.FaultNoTotal, sandbox.FaultTotalZero, sandbox.FaultTotalOfPage,
		sandbox.FaultBareList, sandbox.FaultIndexUpper, sandbox.FaultIndexDesc, sandbox.FaultNamesNFC,
		sandbox.FaultKeyIDs, sandbox.FaultNumbersAsText, sandbox.FaultFloats, sandbox.FaultBoolsAsText, sandbox.FaultBoolsAsNumbers,
		sandbox.FaultEmptyArrays, sandbox.FaultProblemJSON, sandbox.FaultASPNet, sandbox.FaultBOM, sandbox.FaultGzipUnsaid,
		sandbox.FaultGzipFalsely, sandbox.FaultKMSColumnObjects, sandbox.FaultKMSDuplicate, sandbox.FaultKMSSlash,
		sandbox.FaultLatency, sandbox.FaultLateTable:
		return true
	case sandbox.FaultAccepted:
		return f.kms == sandbox.KMSCallback // a 202 carries no confirmation
	case sandbox.FaultNumericIDs:
		return f.fault.Times == -1
	case sandbox.FaultDropBefore, sandbox.FaultDropAfter, sandbox.FaultBrokenOff:
		return f.fault.Times == 1
	case sandbox.FaultReplace:
		return f.fault.Field == "token_type"
	}
	return false
}

// composed and decomposed are one column's name in Unicode's two forms.
const composed, decomposed = "stra\u00dfe_caf\u00e9", "stra\u00dfe_cafe\u0301"

// requestUnder is the run that a fault concerns.
func requestUnder(c *consoletest.Console, f sandbox.Fault) encryption.Request {
	request := encryption.Request{Connection: connection.Environment, DatastoreID: sandbox.ContactsDataStore,
		TableID: sandbox.ContactsTable, Columns: []string{"ssn"}, IntervalDays: 90}
	switch f.Kind {
	case sandbox.FaultIndexUpper, sandbox.FaultIndexDesc:
		request.Columns, request.MaskIndexes = []string{"email"}, true
	case sandbox.FaultNamesNFC:
		for _, m := range []sandbox.Mutation{{Action: sandbox.AddColumn, Column: decomposed, Type: "string"},
			{Action: sandbox.AddIndex, Index: "by_place", Columns: []string{decomposed}}} {
			consoletest.Must(c.T, c.Tenant.Mutate(request.DatastoreID, request.TableID, m))
		}
		request.Columns, request.MaskIndexes = []string{decomposed}, true
	case sandbox.FaultNumericIDs:
		for _, store := range c.Tenant.DataStores() {
			table, indexes, ok := c.Tenant.Table(store.ID, "1")
			if !ok {
				continue
			}
			request.DatastoreID, request.TableID = store.ID, "1"
			for _, column := range table.Columns {
				indexed := false
				for _, index := range indexes {
					indexed = indexed || slices.Contains(index.Columns, column.Name)
				}
				if !indexed && !column.Encrypted && column.Type == "string" {
					request.Columns = []string{column.Name}
				}
			}
		}
	}
	return request
}

// playFault plays a fault under a run and holds what must be true afterwards.
func playFault(t *testing.T, f faultCase) {
	c := consoletest.Start(t, func(cfg *consoletest.Config) {
		cfg.Sandbox.ClientSecret, cfg.Sandbox.KMSSecret, cfg.Sandbox.KMS = faultsClientSecret, faultsKMSSecret, f.kms
		cfg.Sandbox.After = func(time.Duration) <-chan time.Time { return time.After(time.Millisecond) }
		cfg.Runner = encryption.RunnerOptions{Poll: 20 * time.Millisecond, Backoff: time.Millisecond,
			Grace: 30 * time.Millisecond, Look: 10 * time.Millisecond, InFlight: 200 * time.Millisecond}
	})
	request := requestUnder(c, f.fault)
	if f.rotate {
		request.Operation = audit.KeyRotation
		for _, column := range request.Columns {
			consoletest.Must(t, c.Tenant.Mutate(request.DatastoreID, request.TableID, sandbox.Mutation{Action: sandbox.Encrypt, Column: column}))
		}
	}
	sync := func() { _ = c.Inventory.Sync(t.Context(), connection.Environment, 0) } // what it could not read is its own matter
	if f.always {
		switchOn(t, c.Tenant, f.fault)
		sync()
	} else {
		sync()
		switchOn(t, c.Tenant, f.fault)
	}
	admin := access.Caller{UserID: 1, Name: "admin-1", Role: access.Admin, IP: "127.0.0.1"}
	run, err := c.Encryption.Launch(t.Context(), admin, request)
	consoletest.Must(t, err)
	endOf(c, run.ID)
	consoletest.Must(t, c.Tenant.WaitCallbacks(t.Context()))
	run, err = c.Store.Run(t.Context(), run.ID) // one may have corrected it
	consoletest.Must(t, err)
	if f.fault.Kind != sandbox.FaultStatus && f.fault.Kind != sandbox.FaultDropBefore && f.fault.Kind != sandbox.FaultDropAfter {
		sync() // the console reads such a tenant on; one that is away it can only fail to read, slowly
	}
	c.Tenant.ClearFaults()
	sync()

	stats := c.Tenant.Stats()
	commits, keys := 0, 0
	for _, n := range stats.Commits {
		commits += n
	}
	for _, list := range stats.Keys {
		keys += len(list)
	}
	if keys > 1 || commits > 1 {
		t.Errorf("%d idempotency keys and %d changes: %v", keys, commits, stats.Keys)
	}
	if run.Attempts > 0 && stats.Requests[sandbox.EndpointEncrypt] > 0 && keys != 1 {
		t.Errorf("the sandbox noted no idempotency key")
	}
	checkError(t, f.fault, run)
	checkRecords(t, c, run)
	verified := stats.Callbacks.Verified > 0
	if verified && run.State != encryption.Verified {
		t.Errorf("the sandbox was told VERIFIED of a run that is %s: %s", run.State, run.ErrorMessage)
	}
	if run.State == encryption.Verified && (commits != 1 || mustBeRefused(f)) {
		t.Errorf("the run is verified after %d changes and a confirmation that says otherwise", commits)
	}
	if mustVerify(f) && run.State != encryption.Verified {
		t.Errorf("nothing is in doubt, and the run is %s: %s %s", run.State, run.ErrorCode, run.ErrorMessage)
	}
	checkLateConfirmation(t, c, run, commits == 1)
	checkSecrets(t, c, run)
}

// switchOn switches a fault on, and fails the test for one that this test does not know how to: then
// variationsOf lacks the values that it needs.
func switchOn(t *testing.T, tenant *sandbox.Sandbox, f sandbox.Fault) {
	t.Helper()
	defer func() {
		if r := recover(); r != nil {
			t.Fatalf("variationsOf does not say how %s is switched on: %v", f.Kind, r)
		}
	}()
	tenant.Fail(f)
}

// nothingComes reports whether a run that was sent waits for nothing but its deadline: the tenant is asked for a
// lost answer first, which takes a moment on a busy machine.
func nothingComes(c *consoletest.Console, run encryption.Run) bool {
	waited := c.Now().Sub(run.PatchedAt)
	if run.Answer == nil {
		return run.Attempts > 1 && waited > time.Second || waited > 10*time.Second
	}
	return waited > 200*time.Millisecond
}

// endOf waits for the run's end. When nothing is on its way any more and the run still waits for the KMS,
// the clock moves past its deadline.
func endOf(c *consoletest.Console, id string) {
	c.T.Helper()
	moved, stop := c.Encryption.Watch(id)
	defer stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	late := time.After(60 * time.Second)
	advanced := false
	for {
		run, err := c.Store.Run(c.T.Context(), id)
		consoletest.Must(c.T, err)
		if run.State.Ended() {
			return
		}
		stats := c.Tenant.Stats()
		if run.State == encryption.Verifying && stats.UnderWay == 0 && stats.Callbacks.Pending == 0 && !advanced &&
			nothingComes(c, run) {
			c.Advance(2 * time.Minute)
			advanced = true
		}
		select {
		case <-moved:
		case <-tick.C:
		case <-late:
			c.T.Fatalf("the run is still %s: %s", run.State, run.ErrorMessage)
		}
	}
}

// checkError holds that a run which was not verified says why, with a code that has an advice, and that
// only a tenant which is away is called down.
func checkError(t *testing.T, f sandbox.Fault, run encryption.Run) {
	t.Helper()
	if run.State == encryption.Verified {
		if run.ErrorCode != "" || run.ErrorMessage != "" {
			t.Errorf("verified with an error: %s %s", run.ErrorCode, run.ErrorMessage)
		}
		return
	}
	if len(run.ErrorMessage) < 10 || run.ErrorCode == "" || run.ErrorCode == fault.Internal || web.AdviceFor(string(run.ErrorCode)) == "" {
		t.Errorf("%s says %q (%q), which nobody can act on", run.State, run.ErrorMessage, run.ErrorCode)
	}
	if run.ErrorCode == fault.TenantDown && !isAway(f) {
		t.Errorf("the tenant answers, and is called down: %s", run.ErrorMessage)
	}
}

// checkRecords holds that one record ends the run, that it says what the run says, and that nobody else is
// said to have done anything to the tenant: nobody has.
func checkRecords(t *testing.T, c *consoletest.Console, run encryption.Run) {
	t.Helper()
	status := map[encryption.State]string{encryption.Verified: "VERIFIED", encryption.Rejected: "REJECTED",
		encryption.Unconfirmed: "UNCONFIRMED", encryption.Failed: "NOT_REACHED"}[run.State]
	final, corrected := 0, false
	for _, entry := range c.Records(audit.Filter{Operation: string(audit.KMSCallback), Outcome: string(audit.Success)}) {
		corrected = corrected || entry.Record.RunID == run.ID && run.State == encryption.Verified
	}
	for _, entry := range c.Records(audit.Filter{}) {
		r := entry.Record
		switch {
		case r.Operation == audit.DriftDetected && !strings.HasPrefix(r.Detail, "The column is encrypted."): // since when, or by which run, is not known
			t.Errorf("somebody else is blamed: %s %q: %s", r.Outcome, r.Columns, r.Detail)
		case r.Operation == run.Operation && r.RunID == run.ID:
			final++
			agrees := r.KMS != nil && r.KMS.Status == status && (r.Outcome == audit.Success) == (run.State == encryption.Verified)
			agrees = agrees || corrected && r.Outcome == audit.Failure // the record that ended a run stands; the callback's corrects it
			if !agrees {
				t.Errorf("the run is %s, and its record says %s %+v: %s", run.State, r.Outcome, r.KMS, r.Detail)
			}
		}
	}
	if final != 1 {
		t.Errorf("%d records end the run", final)
	}
}

// checkLateConfirmation sends the right confirmation once the tenant is well again: it makes a run verified
// whose change was made, and no other.
func checkLateConfirmation(t *testing.T, c *consoletest.Console, run encryption.Run, made bool) {
	t.Helper()
	if run.State == encryption.Verified || run.CallbackToken == "" {
		return
	}
	c.Advance(3 * time.Minute) // what the client or a breaker waits for is over
	var version int64 = 1
	table, _, _ := c.Tenant.Table(run.DatastoreID, run.TableID)
	for _, column := range table.Columns {
		if column.Name == run.Columns[0] && column.EncryptionConfiguration != nil {
			version = column.EncryptionConfiguration.KeyVersion
		}
	}
	body, err := json.Marshal(map[string]any{"tableId": run.TableID, "columns": run.Columns, "keyVersion": version,
		"complianceCheck": map[string]string{"algorithm": "AES-256-GCM"}})
	consoletest.Must(t, err)
	hook, err := standardwebhooks.NewWebhook(faultsKMSSecret)
	consoletest.Must(t, err)
	signature, err := hook.Sign("msg_late", c.Now(), body)
	consoletest.Must(t, err)
	answer := c.Browser().Do(http.MethodPost, "/kms/callback/"+run.CallbackToken, strings.NewReader(string(body)),
		"Content-Type", "application/json", "webhook-id", "msg_late",
		"webhook-timestamp", strconv.FormatInt(c.Now().Unix(), 10), "webhook-signature", signature)
	now, err := c.Store.Run(t.Context(), run.ID)
	consoletest.Must(t, err)
	if became := now.State == encryption.Verified; became != made {
		t.Errorf("change made: %v; the right confirmation of a run that ended %s (%s) is answered %d %s, and it is %s now",
			made, run.State, run.ErrorMessage, answer.Status, answer.Body, now.State)
	}
}

// checkSecrets looks for the secrets that were in play where none may be: the database, the log and the
// pages of the run. The run's own callback URL may stand where it is kept to be sent and recognised.
func checkSecrets(t *testing.T, c *consoletest.Console, run encryption.Run) {
	t.Helper()
	admin := c.As(access.Admin)
	var pages strings.Builder
	for _, path := range []string{"/runs/" + run.ID, "/runs", "/audit", "/verifications", "/",
		"/datastores/" + run.DatastoreID + "/tables/" + run.TableID, "/system", "/connections"} {
		a := admin.Get(path)
		pages.WriteString(a.Body)
		if path == "/runs/"+run.ID && run.State != encryption.Verified {
			advice := html.EscapeString(web.AdviceFor(string(run.ErrorCode)))
			if now, err := c.Store.Run(t.Context(), run.ID); err == nil && now.State == run.State && !strings.Contains(a.Body, advice) {
				t.Errorf("the run's page (%d) does not say what to do about %s", a.Status, run.ErrorCode)
			}
		}
	}
	secrets := map[string]string{"client secret": faultsClientSecret, "KMS secret": faultsKMSSecret,
		"KMS secret's key": strings.TrimPrefix(faultsKMSSecret, "whsec_")}
	for i, token := range c.Tenant.Tokens() {
		secrets["token "+strconv.Itoa(i)] = token
	}
	if run.CallbackToken != "" {
		secrets["callback token"] = run.CallbackToken
	}
	places := map[string]string{"the log": c.Logs.String(), "a page": pages.String(), "the database": textsOf(t, c.DB)}
	for what, secret := range secrets {
		for where, text := range places {
			if at := strings.Index(text, secret); at >= 0 {
				t.Errorf("%s holds the %s: …%s…", where, what, text[max(0, at-80):min(len(text), at+len(secret)+20)])
			}
		}
	}
}

// textsOf is everything that stands in a database's columns, but the two in which a run's callback URL is
// kept to be sent and recognised.
func textsOf(t *testing.T, path string) string {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro")
	consoletest.Must(t, err)
	defer func() { consoletest.Must(t, db.Close()) }()
	var out strings.Builder
	for _, table := range columnOf(t, db, `SELECT name FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'`) {
		for _, column := range columnOf(t, db, `SELECT name FROM pragma_table_info('`+table+`')`) {
			if table == "runs" && (column == "callback_token" || column == "payload") {
				continue
			}
			for _, text := range columnOf(t, db, `SELECT coalesce(CAST("`+column+`" AS TEXT), '') FROM "`+table+`"`) {
				out.WriteString(table + "." + column + ": " + text + "\n")
			}
		}
	}
	return out.String()
}

func columnOf(t *testing.T, db *sql.DB, query string) []string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	consoletest.Must(t, err)
	defer func() { consoletest.Must(t, rows.Close()) }()
	var out []string
	for rows.Next() {
		var text string
		consoletest.Must(t, rows.Scan(&text))
		out = append(out, text)
	}
	consoletest.Must(t, rows.Err())
	return out
}
