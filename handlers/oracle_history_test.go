package handlers_test

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"cxseal/cxone/sandbox"
	"cxseal/internal/access"
	"cxseal/internal/console/consoletest"
	"cxseal/internal/encryption"
	"cxseal/internal/oracletest"
	"cxseal/internal/sensitivity"
)

// history is a console whose tenants live a random life.
type history struct {
	t       *testing.T
	h       *consoletest.Console
	random  *rand.Rand
	facts   oracletest.Facts
	steps   []string
	extra   []string         // the columns that were added, and are there
	waiting []encryption.Run // unconfirmed runs, oldest first
	added   int

	admin, officer, approver, viewer *consoletest.Browser
}

// eyes is the connection that asks for a second person.
const eyes = "eyes"

var connections = []string{"default", eyes}

// newHistory begins a history so many days ago. Two connections read the same tenant, the second with four eyes.
func newHistory(t *testing.T, random *rand.Rand, days int) *history {
	h := &history{t: t, h: consoletest.Start(t), random: random,
		facts: oracletest.Facts{Read: map[oracletest.Table]oracletest.Reading{}, Proposed: map[oracletest.Table]map[string]string{}, Stages: map[string][4]int64{}}}
	h.h.Advance(-time.Duration(days) * 24 * time.Hour)
	h.signIn()
	form := connectionForm(h.h, eyes)
	form.Set("four_eyes", "1")
	h.submit(h.admin, "/connections/new", "/connections", form)
	for _, connection := range connections {
		h.h.Advance(time.Duration(h.random.IntN(40)) * time.Hour) // a connection's figures begin with its first reading
		h.signIn()
		must(t, h.h.Inventory.Sync(t.Context(), connection, 0))
		for _, ref := range h.h.Tenant.Tables() {
			table, _, ok := h.h.Tenant.Table(ref.DatastoreID, ref.ID)
			if !ok {
				t.Fatalf("the tenant has no table %s", ref.ID)
			}
			read := oracletest.Reading{At: h.h.Now(), Columns: map[string]bool{}}
			for _, c := range table.Columns {
				read.Columns[c.Name] = c.Encrypted
			}
			h.facts.Read[oracletest.Table{Connection: connection, DatastoreID: ref.DatastoreID, TableID: ref.ID}] = read
		}
	}
	return h
}

// signIn begins new sessions: a day's are over.
func (h *history) signIn() {
	h.admin, h.officer, h.approver, h.viewer = h.h.As(access.Admin), h.h.As(access.Officer), h.h.As(access.Approver), h.h.As(access.Viewer)
}

// submit sends a form that must be taken.
func (h *history) submit(b *consoletest.Browser, page, action string, form url.Values) string {
	h.t.Helper()
	a := b.Submit(page, action, form)
	if a.Status != 303 {
		h.t.Fatalf("after %q: %s answered %d: %s", h.steps, action, a.Status, a.Body)
	}
	return a.Header.Get("Location")
}

// happenings are what may happen, each as likely as it is often in the list. An empty answer says that it did not.
var happenings = []func(*history) string{
	(*history).nextDay, (*history).nextDay, (*history).verified, (*history).verified, (*history).refused, (*history).silent, (*history).late, (*history).failed, (*history).unknown,
	(*history).lost, (*history).moved, (*history).foreign, (*history).newColumn, (*history).goneColumn, (*history).decided, (*history).decided, (*history).decidedByTwo,
	(*history).asked, (*history).readByOther, (*history).takenOn, (*history).scheduled, (*history).overdue,
}

// live lets so many things happen.
func (h *history) live(steps int) {
	for range steps {
		h.h.Advance(3 * time.Minute)
		h.signIn() // a session that nobody uses ends
		if what := happenings[h.random.IntN(len(happenings))](h); what != "" {
			h.steps = append(h.steps, what)
			h.h.Tenant.ClearFaults()
			h.h.Advance(3 * time.Minute)
			h.signIn()
			h.admin.Get(consoletest.TablePath + "?connection=default") // read again
			h.learnProposals()
		}
	}
}

func (h *history) nextDay() string {
	h.h.Advance(time.Duration(5+h.random.IntN(40)) * time.Hour)
	return "a day"
}

func pick[T any](random *rand.Rand, list []T) T { return list[random.IntN(len(list))] }

// columns are the columns of the first table of a state, by their names.
func (h *history) columns(encrypted bool) []string {
	table, _, _ := h.h.Tenant.Table(datastoreID, tableID)
	var names []string
	for _, c := range table.Columns {
		if c.Encrypted == encrypted && slices.Contains([]string{"ssn", "credit_card", "city"}, c.Name) {
			names = append(names, c.Name)
		}
	}
	return names
}

// launch sends a run for one or two columns: the encryption of open ones or the rotation of encrypted ones.
func (h *history) launch() (path, what string) {
	names, operation := h.columns(false), ""
	if len(names) == 0 || h.random.IntN(3) == 0 && len(h.columns(true)) > 0 {
		names, operation = h.columns(true), "KEY_ROTATION"
	}
	h.random.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	names = names[:min(len(names), 1+h.random.IntN(2))]
	form := consoletest.RunForm(names...)
	form.Set("interval_days", fmt.Sprint(pick(h.random, []int{1, 3, 90})))
	if operation != "" {
		form.Set("operation", operation)
	}
	return h.admin.LaunchForm(form), fmt.Sprint(names)
}

func (h *history) end(path string, state encryption.State) encryption.Run {
	return h.h.WaitFor(path, state)
}

func (h *history) verified() string {
	path, what := h.launch()
	h.end(path, encryption.Verified)
	return "verified " + what
}

func (h *history) refused() string {
	h.h.Tenant.Fail(sandbox.Fault{Kind: sandbox.FaultKMSWrongAlgorithm, Times: 1})
	path, what := h.launch()
	h.end(path, encryption.Rejected)
	return "refused " + what
}

func (h *history) silent() string {
	h.h.Tenant.Fail(sandbox.Fault{Kind: sandbox.FaultKMSNone, Times: 1})
	path, what := h.launch()
	h.end(path, encryption.Verifying)
	h.h.Advance(2 * time.Minute)
	h.waiting = append(h.waiting, h.end(path, encryption.Unconfirmed))
	return "silent " + what
}

// late is a confirmation that comes after the end of its run, perhaps days after.
func (h *history) late() string {
	if len(h.waiting) == 0 {
		return ""
	}
	run := h.waiting[0]
	h.waiting = h.waiting[1:]
	version := int64(1)
	for _, c := range run.After {
		if c.Name == run.Columns[0] {
			version = c.KeyVersion
		}
	}
	body := fmt.Sprintf(`{"tableId":%q,"columns":["%s"],"keyVersion":%d,"complianceCheck":{"algorithm":"AES-256-GCM"}}`, tableID, strings.Join(run.Columns, `","`), version)
	a := h.h.Browser().Do("POST", "/kms/callback/"+run.CallbackToken, strings.NewReader(body), "Content-Type", "application/json")
	return fmt.Sprintf("late %v: %d", run.Columns, a.Status)
}

func (h *history) failed() string {
	h.h.Tenant.Fail(sandbox.Fault{Kind: sandbox.FaultStatus, Endpoint: sandbox.EndpointEncrypt, Status: 422, Times: 1})
	path, what := h.launch()
	h.end(path, encryption.Failed)
	return "failed " + what
}

// unknown is a run on a column that no table has: it fails before anything is sent.
func (h *history) unknown() string {
	h.end(h.admin.LaunchForm(consoletest.RunForm("no_such_column")), encryption.Failed)
	return "no such column"
}

func (h *history) mutate(action sandbox.Action, column string) string {
	must(h.t, h.h.Tenant.Mutate(datastoreID, tableID, sandbox.Mutation{Action: action, Column: column, Type: "string"}))
	return string(action) + " " + column
}

func (h *history) mutateOne(action sandbox.Action, of []string) string {
	if len(of) == 0 {
		return ""
	}
	return h.mutate(action, pick(h.random, of))
}

func (h *history) lost() string    { return h.mutateOne(sandbox.Decrypt, h.columns(true)) }
func (h *history) moved() string   { return h.mutateOne(sandbox.Rotate, h.columns(true)) }
func (h *history) foreign() string { return h.mutateOne(sandbox.Encrypt, h.columns(false)) }

// newColumn adds a column: one that the rules propose, one that they do not, one of which they cannot tell.
func (h *history) newColumn() string {
	h.added++
	name := fmt.Sprintf("%s_%d", pick(h.random, []string{"passport_number", "shelf", "notes"}), h.added)
	h.extra = append(h.extra, name)
	return h.mutate(sandbox.AddColumn, name)
}

func (h *history) goneColumn() string {
	if len(h.extra) == 0 {
		return ""
	}
	i := h.random.IntN(len(h.extra))
	name := h.extra[i]
	h.extra = slices.Delete(h.extra, i, i+1)
	return h.mutate(sandbox.DropColumn, name)
}

// order is a decision about a column of a connection.
func (h *history) order(connection string) (list string, form url.Values) {
	list = tableList + "&connection=" + connection
	keys := keysOf(h.t, h.officer, list)
	column := pick(h.random, []string{"ssn", "credit_card", "email", "city", "loyalty_points"})
	form = url.Values{"decision": {pick(h.random, []string{"sensitive", "not_sensitive", "undecided"})}, "confirm": {"1"}, "reason": {"As the dice say."}, "column": {keys[column]}}
	h.steps = append(h.steps, connection+": "+form.Get("decision")+" "+column)
	return list, form
}

func (h *history) decided() string {
	list, form := h.order("default")
	h.submit(h.officer, list, "/sensitivity", form)
	return "decided"
}

var requestPath = regexp.MustCompile(`href="(/sensitivity/requests/[^"]+)"`)

// decidedByTwo is a decision on a connection with four eyes: approved, declined or left to wait.
func (h *history) decidedByTwo() string {
	before := requestPath.FindAllString(h.approver.Get("/approvals").Body, -1)
	list, form := h.order(eyes)
	h.submit(h.officer, list, "/sensitivity", form)
	for _, m := range requestPath.FindAllStringSubmatch(h.approver.Get("/approvals").Body, -1) {
		if slices.Contains(before, m[0]) {
			continue
		}
		switch h.random.IntN(4) {
		case 0:
			return "left to wait"
		case 1:
			h.submit(h.approver, "/account", m[1]+"/decline", url.Values{"reason": {"No."}})
			return "declined"
		}
		h.submit(h.approver, "/account", m[1]+"/approve", url.Values{"fingerprint": {first(h.t, approvalField, h.approver.Get(m[1]).Body)}})
		return "approved"
	}
	return "nothing to approve"
}

// asked is a run on the connection with four eyes that nobody approves, or somebody declines.
func (h *history) asked() string {
	names := h.columns(false)
	if len(names) == 0 {
		return ""
	}
	h.admin.Get(consoletest.TablePath + "?connection=" + eyes) // the plan is made of what stands now
	a := h.admin.Submit("/account", "/runs", onConnection(eyes, names[0]))
	path := a.Header.Get("Location")
	if !strings.HasPrefix(path, "/runs/") {
		h.t.Fatalf("after %q: %d %s", h.steps, a.Status, textOf(a.Body))
	}
	if h.random.IntN(2) == 0 {
		return "asked"
	}
	h.submit(h.approver, "/account", path+"/decline", url.Values{"reason": {"No."}})
	return "asked, and declined"
}

// readByOther reads the table through the other connection: what the first one did was done by somebody else.
func (h *history) readByOther() string {
	h.admin.Get(consoletest.TablePath + "?connection=" + eyes)
	return "read by " + eyes
}

func (h *history) takenOn() string {
	items := itemField.FindAllStringSubmatch(h.officer.Get("/attention?state=open").Body, -1)
	if len(items) == 0 {
		return ""
	}
	h.submit(h.officer, "/attention", "/attention/acknowledge", url.Values{"item": {pick(h.random, items)[1]}, "owner": {"Data platform"}, "note": {"We look into it."}})
	return "taken on"
}

// scheduled is a run that starts long after the history's end.
func (h *history) scheduled() string {
	form := consoletest.RunForm("no_such_column")
	form.Set("start_at", h.h.Now().AddDate(0, 0, 80).UTC().Format(time.RFC3339))
	path := h.admin.LaunchForm(form)
	if h.random.IntN(2) == 0 {
		return "scheduled"
	}
	h.submit(h.admin, "/account", path+"/cancel", nil)
	return "scheduled, and cancelled"
}

// overdue is the job that looks for rotations that are due.
func (h *history) overdue() string {
	must(h.t, h.h.Rotations.Tick(h.t.Context()))
	return "scanned"
}

// learn takes down what no record tells, as oracletest.Facts describes it: what the rules propose and the stages'
// durations come from the console's own store.
func (h *history) learn(l oracletest.Ledger) {
	h.learnProposals()
	for _, run := range l.Runs(h.h.Now().Add(time.Second)) {
		r, err := h.h.Store.Run(h.t.Context(), run.ID)
		must(h.t, err)
		h.facts.Stages[run.ID] = [4]int64{r.Timings.TokenMs, r.Timings.ChecksMs, r.Timings.PatchMs, r.Timings.KMSMs}
	}
}

// learnProposals takes down what the rules propose for the columns that are there.
func (h *history) learnProposals() {
	columns, err := h.h.Store.SensitivityColumns(h.t.Context(), sensitivity.Filter{}, nil, 1000)
	must(h.t, err)
	for _, c := range columns {
		table := oracletest.Table{Connection: c.Connection, DatastoreID: c.DatastoreID, TableID: c.TableID}
		if h.facts.Proposed[table] == nil {
			h.facts.Proposed[table] = map[string]string{}
		}
		was, now := h.facts.Proposed[table][c.Key.Column], string(c.Proposal.State)
		if was != "" && was != now {
			h.t.Fatalf("after %q: the rules propose %s for %s, and proposed %s", h.steps, now, c.Key.Column, was)
		}
		h.facts.Proposed[table][c.Key.Column] = now
	}
}
