package cxone_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"cxseal/cxone"
	"cxseal/cxone/sandbox"
)

// These tests play what real services answer, over HTTP, by the sandbox's
// faults (cxone/sandbox/README.md).

func always(kind sandbox.FaultKind, endpoint sandbox.Endpoint) sandbox.Fault {
	return sandbox.Fault{Kind: kind, Endpoint: endpoint, Times: -1}
}

func replace(endpoint sandbox.Endpoint, field, value string) sandbox.Fault {
	return sandbox.Fault{Kind: sandbox.FaultReplace, Endpoint: endpoint, Times: -1, Field: field, Value: value}
}

// What can be read without doubt is read, whatever it is written as: a table,
// its indexes and a change come out the same as without the fault.
func TestEveryWayToWriteTheSameIsReadTheSame(t *testing.T) {
	for name, faults := range map[string][]sandbox.Fault{
		"byte-order mark everywhere": {always(sandbox.FaultBOM, sandbox.EndpointAny)},
		"numbers as text":            {always(sandbox.FaultNumbersAsText, sandbox.EndpointAny)},
		"floats":                     {always(sandbox.FaultFloats, sandbox.EndpointAny)},
		"truth values as text":       {always(sandbox.FaultBoolsAsText, sandbox.EndpointAny)},
		"truth values as numbers":    {always(sandbox.FaultBoolsAsNumbers, sandbox.EndpointAny)},
		"empty lists for objects":    {always(sandbox.FaultEmptyArrays, sandbox.EndpointAny)},
		"all of them": {always(sandbox.FaultBOM, sandbox.EndpointAny), always(sandbox.FaultNumbersAsText, sandbox.EndpointAny),
			always(sandbox.FaultBoolsAsText, sandbox.EndpointAny), always(sandbox.FaultEmptyArrays, sandbox.EndpointAny)},
		"packed, which is not said": {always(sandbox.FaultGzipUnsaid, sandbox.EndpointAny)},
		"not packed, as is said":    {always(sandbox.FaultGzipFalsely, sandbox.EndpointAny)},
		"token type":                {replace(sandbox.EndpointToken, "token_type", `"BearerToken"`)},
		"token type BEARER":         {replace(sandbox.EndpointToken, "token_type", `"BEARER"`)},
		"no scope":                  {replace(sandbox.EndpointToken, "scope", `null`)},
	} {
		t.Run(name, func(t *testing.T) {
			box, server := startSandbox(t, sandbox.Config{Tables: 3, Inline: true})
			if err := box.Mutate("ds-customers", "tbl-contacts", sandbox.Mutation{Action: sandbox.Encrypt, Column: "phone"}); err != nil {
				t.Fatal(err)
			}
			for _, f := range faults {
				box.Fail(f)
			}
			client, ctx := connect(t, server), t.Context()
			truth, indexes, _ := box.Table("ds-customers", "tbl-contacts")
			table, err := client.Table(ctx, "ds-customers", "tbl-contacts")
			if err != nil {
				t.Fatal(err)
			}
			if len(table.Unreadable) != 0 || table.Metadata != truth.Metadata || len(table.Columns) != len(truth.Columns) {
				t.Errorf("table = %+v", table)
			}
			for i, c := range table.Columns {
				if w := truth.Columns[i]; c.Name != w.Name || c.Type != w.Type || c.Encrypted != w.Encrypted || c.KeyVersion() != w.KeyVersion() {
					t.Errorf("column %+v, want %+v", c, w)
				}
			}
			got, err := client.Indexes(ctx, "ds-customers", "tbl-contacts")
			if err != nil || fmt.Sprint(got) != fmt.Sprint(indexes) {
				t.Errorf("indexes %v, %v", got, err)
			}
			result, err := client.Encrypt(ctx, "ds-customers", "tbl-contacts", "k", change(t, "tbl-contacts", "ssn"))
			if err != nil || result.KMSPayload == nil || len(result.Columns) != len(truth.Columns) || result.UnderWay || result.Problem != "" {
				t.Errorf("%+v, %v", result, err)
			}
		})
	}
}

// The payload stands at the end of an answer that is as long as the table.
func TestTheAnswerOfALongTableIsReadToItsEnd(t *testing.T) {
	box, server := startSandbox(t, sandbox.Config{Inline: true})
	for i := range 1900 {
		if err := box.Mutate("ds-customers", "tbl-contacts", sandbox.Mutation{Action: sandbox.AddColumn, Type: "string",
			Column: fmt.Sprintf("a_rather_long_column_name_number_%d", i)}); err != nil {
			t.Fatal(err)
		}
	}
	result, err := connect(t, server).Encrypt(t.Context(), "ds-customers", "tbl-contacts", "k", change(t, "tbl-contacts", "ssn"))
	if err != nil || len(result.Body) < 130_000 || len(result.Columns) < 1900 || result.KMSPayload == nil {
		t.Errorf("%d bytes, %d columns, payload %s, %v", len(result.Body), len(result.Columns), result.KMSPayload, err)
	}
}

func TestAListingIsReadToItsEndHoweverItIsPaged(t *testing.T) {
	capped := sandbox.Fault{Kind: sandbox.FaultPagesCapped, Endpoint: sandbox.EndpointTables, Times: -1, Size: 50}
	tables := func(kinds ...sandbox.FaultKind) []sandbox.Fault {
		var out []sandbox.Fault
		for _, kind := range kinds {
			out = append(out, always(kind, sandbox.EndpointTables))
		}
		return out
	}
	for name, test := range map[string]struct {
		faults []sandbox.Fault
		want   int
		doubt  string
	}{
		"as promised":             {nil, 230, ""},
		"capped, no total":        {append(tables(sandbox.FaultNoTotal), capped), 230, ""},
		"capped, bare":            {append(tables(sandbox.FaultBareList), capped), 230, ""},
		"capped, total 0":         {append(tables(sandbox.FaultTotalZero), capped), 230, ""},
		"capped, the page's own":  {append(tables(sandbox.FaultTotalOfPage), capped), 230, ""},
		"total 0":                 {tables(sandbox.FaultTotalZero), 230, ""},
		"the page's own":          {tables(sandbox.FaultTotalOfPage), 230, ""},
		"total as text":           {tables(sandbox.FaultNumbersAsText), 230, ""},
		"numeric ids":             {tables(sandbox.FaultNumericIDs), 230, ""},
		"no content":              {tables(sandbox.FaultNoContent), 0, ""},
		"an empty body":           {tables(sandbox.FaultEmptyBody, sandbox.FaultBOM), 0, ""},
		"more named than given":   {[]sandbox.Fault{replace(sandbox.EndpointTables, "totalRecords", "231")}, 230, "names 231 entries and gave 230"},
		"the same page, a total":  {append(tables(sandbox.FaultSamePage), capped), 50, "names 230 entries and gave 50"},
		"the same page, no total": {append(tables(sandbox.FaultSamePage, sandbox.FaultBareList), capped), 50, "repeats the same entries"},
	} {
		t.Run(name, func(t *testing.T) {
			box, server := startSandbox(t, sandbox.Config{Tables: 2000})
			store, most, held := "", 0, map[string]int{}
			for _, ref := range box.Tables() {
				if held[ref.DatastoreID]++; held[ref.DatastoreID] > most {
					store, most = ref.DatastoreID, held[ref.DatastoreID]
				}
			}
			want := test.want
			if want == 230 {
				want = most
			}
			for _, f := range test.faults {
				if f.Value == "231" {
					f.Value = fmt.Sprint(most + 1)
				}
				box.Fail(f)
			}
			got := 0
			var last error
			for ref, err := range connect(t, server).Tables(t.Context(), store) {
				if last = err; err == nil && ref.ID != "" {
					got++
				}
			}
			doubt := strings.NewReplacer("231", fmt.Sprint(most+1), "230", fmt.Sprint(most)).Replace(test.doubt)
			var incomplete *cxone.IncompleteError
			if got != want || errors.As(last, &incomplete) != (doubt != "") || (last != nil && !strings.Contains(last.Error(), doubt)) {
				t.Errorf("%d of %d tables, %v", got, want, last)
			}
			if incomplete != nil && (incomplete.Read != got || len(incomplete.Reasons) == 0) {
				t.Errorf("%+v", incomplete)
			}
		})
	}
}

func TestATableWithANumericIDIsReadAndChanged(t *testing.T) {
	box, server := startSandbox(t, sandbox.Config{Tables: 3, Inline: true})
	box.Fail(always(sandbox.FaultNumericIDs, sandbox.EndpointAny))
	client, ctx := connect(t, server), t.Context()
	for store := range client.DataStores(ctx) {
		for ref, err := range client.Tables(ctx, store.ID) {
			if err != nil || store.ID == "ds-customers" {
				continue
			}
			table, err := client.Table(ctx, store.ID, ref.ID)
			if err != nil || table.ID != ref.ID || strings.Contains(ref.ID, "tbl") {
				t.Errorf("%q: %+v, %v", ref.ID, table, err)
			}
			free := table.Columns[1]
			body := strings.ReplaceAll(string(change(t, ref.ID, free.Name)), `"type":"string"`, fmt.Sprintf(`"type":%q`, free.Type))
			if result, err := client.Encrypt(ctx, store.ID, ref.ID, ref.ID, []byte(body)); err != nil || !strings.Contains(string(result.KMSPayload), ref.ID) {
				t.Errorf("%q: %v", ref.ID, err)
			}
		}
	}
	if commits := len(box.Stats().Commits); commits != 3 {
		t.Errorf("%d changes", commits)
	}
}

// A value that cannot be read is named, and only its own place is unusable.
func TestWhatCannotBeReadIsNamedByItsPlace(t *testing.T) {
	box, server := startSandbox(t, sandbox.Config{})
	box.Fail(replace(sandbox.EndpointTable, "maxEncryptedFields", `"many"`))
	box.Fail(replace(sandbox.EndpointIndexes, "columns", `42.5`))
	client := connect(t, server)
	table, err := client.Table(t.Context(), "ds-customers", "tbl-contacts")
	if err != nil || len(table.Unreadable) != 1 || table.Unreadable[0].String() != `metadata.maxEncryptedFields is "many"` || len(table.Columns) < 12 {
		t.Errorf("%+v, %v", table, err)
	}
	indexes, err := client.Indexes(t.Context(), "ds-customers", "tbl-contacts")
	if err != nil || len(indexes) == 0 || indexes[0].Unreadable != "indexes[0].columns is 42.5" || len(indexes[0].StandsOver([]string{"a", "b"})) != 2 {
		t.Errorf("%+v, %v", indexes, err)
	}
	box.ClearFaults()
	box.Fail(replace(sandbox.EndpointTable, "maxEncryptedFields", "0"))
	if table, err := client.Table(t.Context(), "ds-customers", "tbl-contacts"); err != nil || table.Metadata.MaxEncryptedFields != 0 {
		t.Errorf("a limit of 0: %+v, %v", table, err)
	}
	box.ClearFaults()
	box.Fail(replace(sandbox.EndpointTable, "maxEncryptedFields", ""))
	if table, err := client.Table(t.Context(), "ds-customers", "tbl-contacts"); err != nil || table.Metadata.MaxEncryptedFields != cxone.DefaultMaxEncryptedFields {
		t.Errorf("no limit: %+v, %v", table, err)
	}
}

// A key that stands there twice with two values has none, and only its place is
// unusable; a token that stands there twice is none.
func TestAKeyThatStandsThereTwiceIsNotChosenFrom(t *testing.T) {
	twice := func(endpoint sandbox.Endpoint, field, value string) sandbox.Fault {
		return sandbox.Fault{Kind: sandbox.FaultKeyTwice, Endpoint: endpoint, Times: -1, Field: field, Value: value}
	}
	box, server := startSandbox(t, sandbox.Config{Inline: true})
	box.Fail(twice(sandbox.EndpointTable, "encrypted", "true"))
	box.Fail(twice(sandbox.EndpointTable, "maxEncryptedFields", "99"))
	box.Fail(twice(sandbox.EndpointIndexes, "columns", "[]"))
	box.Fail(twice(sandbox.EndpointEncrypt, "externalKmsPayload", "{}"))
	client := connect(t, server)
	table, err := client.Table(t.Context(), "ds-customers", "tbl-contacts")
	if err != nil || len(table.Doubts("")) != 1 || len(table.Doubts("ssn")) != 1 || !table.Columns[1].Unclear {
		t.Errorf("%+v, %v", table, err)
	}
	indexes, err := client.Indexes(t.Context(), "ds-customers", "tbl-contacts")
	if err != nil || len(indexes) == 0 || indexes[0].Unreadable == "" {
		t.Errorf("%+v, %v", indexes, err)
	}
	result, err := client.Encrypt(t.Context(), "ds-customers", "tbl-contacts", "k", change(t, "tbl-contacts", "ssn"))
	if err != nil || result.KMSPayload != nil {
		t.Errorf("one of two payloads was chosen: %s, %v", result.KMSPayload, err)
	}
	box.Fail(twice(sandbox.EndpointToken, "access_token", `"another"`))
	if err := connect(t, server).Check(t.Context()); err == nil || !strings.Contains(err.Error(), "holds no access_token") {
		t.Errorf("%v", err)
	}
}

// An answer that breaks off is none: a read is made again, and a change that was
// made is not taken for one that was not.
func TestAnAnswerThatBreaksOffIsNone(t *testing.T) {
	box, server := startSandbox(t, sandbox.Config{})
	client := connect(t, server)
	box.Fail(sandbox.Fault{Kind: sandbox.FaultBrokenOff, Endpoint: sandbox.EndpointTable})
	if table, err := client.Table(t.Context(), "ds-customers", "tbl-contacts"); err != nil || len(table.Columns) < 12 {
		t.Errorf("%+v, %v", table, err)
	}
	box.Fail(sandbox.Fault{Kind: sandbox.FaultBrokenOff, Endpoint: sandbox.EndpointEncrypt})
	_, err := client.Encrypt(t.Context(), "ds-customers", "tbl-contacts", "k", change(t, "tbl-contacts", "ssn"))
	if commits := box.Stats().Commits; !errors.As(err, new(*cxone.AmbiguousError)) || len(commits) != 1 {
		t.Errorf("%v after %v", err, commits)
	}
}

func TestAnIndexOfAnotherSpellingStandsOverItsColumn(t *testing.T) {
	const name = "pre\u0301nom" // NFD
	for _, kind := range []sandbox.FaultKind{sandbox.FaultIndexUpper, sandbox.FaultIndexDesc, sandbox.FaultNamesNFC} {
		box, server := startSandbox(t, sandbox.Config{})
		for _, m := range []sandbox.Mutation{
			{Action: sandbox.AddColumn, Column: name, Type: "string"},
			{Action: sandbox.AddColumn, Column: "desc", Type: "string"}, // which is not what the index's DESC means
			{Action: sandbox.AddIndex, Index: "by_first", Columns: []string{name}},
		} {
			if err := box.Mutate("ds-customers", "tbl-contacts", m); err != nil {
				t.Fatal(err)
			}
		}
		box.Fail(always(kind, sandbox.EndpointIndexes))
		client := connect(t, server)
		table, err := client.Table(t.Context(), "ds-customers", "tbl-contacts")
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, c := range table.Columns {
			names = append(names, c.Name)
		}
		indexes, err := client.Indexes(t.Context(), "ds-customers", "tbl-contacts")
		if err != nil {
			t.Fatal(err)
		}
		for _, index := range indexes {
			if index.Name == "by_first" && (slices.Contains(index.Columns, name) || !slices.Equal(index.StandsOver(names), []string{name})) {
				t.Errorf("%s: %q stands over %q", kind, index.Columns, index.StandsOver(names))
			}
		}
	}
}

func TestAKeyThatIsAnIDCanBeToldApart(t *testing.T) {
	box, server := startSandbox(t, sandbox.Config{Inline: true})
	box.Fail(always(sandbox.FaultKeyIDs, sandbox.EndpointTable))
	client := connect(t, server)
	read := func() string {
		table, err := client.Table(t.Context(), "ds-customers", "tbl-contacts")
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(table.Columns, func(c cxone.Column) bool { return c.Name == "ssn" })
		if table.Columns[i].KeyVersion() != 0 {
			t.Errorf("an id became the number %d", table.Columns[i].KeyVersion())
		}
		return table.Columns[i].KeyVersionText()
	}
	for i := range 2 {
		if _, err := client.Encrypt(t.Context(), "ds-customers", "tbl-contacts", fmt.Sprint(i), change(t, "tbl-contacts", "ssn")); err != nil {
			t.Fatal(err)
		}
		if i == 0 && read() == "" {
			t.Error("no key is shown")
		}
	}
	before := read()
	if err := box.Mutate("ds-customers", "tbl-contacts", sandbox.Mutation{Action: sandbox.Rotate, Column: "ssn"}); err != nil {
		t.Fatal(err)
	}
	if after := read(); after == before || len(after) != 13 {
		t.Errorf("key %q after a rotation, %q before", after, before)
	}
}

// Errors are sentences that a person can act on, whatever carries them, and
// hold no secret.
func TestARefusalIsSaidWhateverItIsWrittenAs(t *testing.T) {
	body := func(status int, text, header string) sandbox.Fault {
		return sandbox.Fault{Kind: sandbox.FaultStatus, Endpoint: sandbox.EndpointEncrypt, Status: status, Body: text, Header: header}
	}
	for name, test := range map[string]struct {
		faults []sandbox.Fault
		want   string
	}{
		"problem details": {[]sandbox.Fault{always(sandbox.FaultProblemJSON, sandbox.EndpointEncrypt)}, `Bad Request: columnTargetMatrix[0].name: the table has no column "nothing"`},
		"ASP.NET":         {[]sandbox.Fault{always(sandbox.FaultASPNet, sandbox.EndpointEncrypt)}, `The request is invalid.: request.bad_request: columnTargetMatrix[0].name: the table has no column "nothing"`},
		"XML":             {[]sandbox.Fault{body(400, `<?xml version="1.0"?><Fault><Reason>no such column</Reason></Fault>`, "")}, "no such column"},
		"a mark":          {[]sandbox.Fault{always(sandbox.FaultBOM, sandbox.EndpointEncrypt)}, `the table has no column "nothing"`},
	} {
		box, server := startSandbox(t, sandbox.Config{})
		for _, f := range test.faults {
			box.Fail(f)
		}
		_, err := connect(t, server).Encrypt(t.Context(), "ds-customers", "tbl-contacts", "k", change(t, "tbl-contacts", "nothing"))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}

	box, server := startSandbox(t, sandbox.Config{})
	client := connect(t, server)
	box.Fail(sandbox.Fault{Kind: sandbox.FaultEchoCallback, Endpoint: sandbox.EndpointEncrypt})
	secret := "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
	request := strings.Replace(string(change(t, "tbl-contacts", "ssn")), "https://127.0.0.1:1/kms", "https://127.0.0.1:1/kms/callback/"+secret, 1)
	if _, err := client.Encrypt(t.Context(), "ds-customers", "tbl-contacts", "k", []byte(request)); err == nil || strings.Contains(err.Error(), secret) ||
		!strings.Contains(err.Error(), "https://127.0.0.1:1/kms/callback/[redacted]") {
		t.Errorf("%v", err)
	}

	box.Fail(body(200, `{"error":{"message":"the key is disabled"}}`, ""))
	if result, err := client.Encrypt(t.Context(), "ds-customers", "tbl-contacts", "k2", change(t, "tbl-contacts", "ssn")); err != nil || result.Problem != "the key is disabled" {
		t.Errorf("%+v, %v", result, err)
	}
	box.Fail(sandbox.Fault{Kind: sandbox.FaultStatus, Endpoint: sandbox.EndpointTable, Status: 200, Body: `{"success":false,"message":"tenant is being moved"}`})
	var decode *cxone.DecodeError
	if _, err := client.Table(t.Context(), "ds-customers", "tbl-contacts"); !errors.As(err, &decode) || !strings.Contains(err.Error(), "reports an error: tenant is being moved") {
		t.Errorf("%v", err)
	}
	box.Fail(sandbox.Fault{Kind: sandbox.FaultAccepted, Endpoint: sandbox.EndpointEncrypt, LatencyMs: 1})
	if result, err := client.Encrypt(t.Context(), "ds-customers", "tbl-contacts", "k3", change(t, "tbl-contacts", "ssn")); err != nil || !result.UnderWay || result.Status != 202 {
		t.Errorf("%+v, %v", result, err)
	}
}

func TestAPauseIsKeptHoweverItIsAskedFor(t *testing.T) {
	box, server := startSandbox(t, sandbox.Config{})
	box.SetOffset(-time.Hour) // the tenant's clock is an hour behind
	in := box.Now().Add(3 * time.Minute)
	for header, want := range map[string]time.Duration{
		"Retry-After: 180.5": 180500 * time.Millisecond,
		"Retry-After: " + in.UTC().Format(http.TimeFormat): 3 * time.Minute,
		"RateLimit-Reset: 180":                             3 * time.Minute,
		fmt.Sprintf("X-RateLimit-Reset: %d", in.Unix()):    3 * time.Minute,
		"X-RateLimit-Reset: 180":                           3 * time.Minute,
		"Retry-After: 9999999999999":                       24 * time.Hour,
	} {
		client := connect(t, server) // a new one: a client that was throttled leaves its tenant alone
		box.Fail(sandbox.Fault{Kind: sandbox.FaultStatus, Endpoint: sandbox.EndpointTable, Status: 429, Header: header})
		_, err := client.Table(t.Context(), "ds-customers", "tbl-contacts")
		var limit *cxone.RateLimitError
		if !errors.As(err, &limit) || (limit.RetryAfter-want).Abs() > 2*time.Second || (limit.Asked != "") != (want == 24*time.Hour) {
			t.Errorf("%s: %+v, %v", header, limit, err)
		}
	}
}

func TestATokenAnswerThatIsNoTokenSaysWhy(t *testing.T) {
	for text, test := range map[string]struct {
		status int
		want   string
		url    bool
	}{
		`{"error":"invalid_client","error_description":"locked"}`: {200, "invalid_client locked", false},
		`<html><body>Sign in</body></html>`:                       {200, "check the token URL", true},
		`<!doctype html>`:                                         {401, "check the token URL", true},
		`not here`:                                                {404, "check the token URL", true},
	} {
		box, server := startSandbox(t, sandbox.Config{})
		box.Fail(sandbox.Fault{Kind: sandbox.FaultStatus, Endpoint: sandbox.EndpointToken, Status: test.status, Body: text})
		var auth *cxone.AuthError
		if err := connect(t, server).Check(t.Context()); !errors.As(err, &auth) || !strings.Contains(err.Error(), test.want) || auth.URL != test.url {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestATokenOfHalfAMinuteIsUsedForHalfOfIt(t *testing.T) {
	box, server := startSandbox(t, sandbox.Config{TokenSeconds: 45})
	client := connect(t, server)
	for range 3 {
		if _, err := client.Table(t.Context(), "ds-customers", "tbl-contacts"); err != nil {
			t.Fatal(err)
		}
	}
	if n := box.Stats().Requests[sandbox.EndpointToken]; n != 1 {
		t.Errorf("%d token calls for three reads", n)
	}
}

func TestAnAccessKeyTenantMayNameItsOwnIssuerAndANumber(t *testing.T) {
	const tenant = "1234567890123456789"
	region, regionServer := startSandbox(t, sandbox.Config{TenantID: tenant})
	front, frontServer := startSandbox(t, sandbox.Config{TenantID: tenant, BaseURL: ""})
	if err := front.Configure(func(s *sandbox.Settings) { s.TenantIDNumber, s.TokenIssuer = true, regionServer.URL+under }); err != nil {
		t.Fatal(err)
	}
	front.Fail(always(sandbox.FaultBOM, sandbox.EndpointAny))
	client := open(t, frontServer, cxone.AccessKey(cxone.AccessKeyConfig{
		Issuer: frontServer.URL + under, ClientID: sandbox.DefaultClientID, ClientSecret: sandbox.DefaultClientSecret,
		AccessKeyID: sandbox.DefaultAccessKeyID, AccessKeySecret: sandbox.DefaultAccessKeySecret, HTTPClient: frontServer.Client(),
	}))
	access, err := client.Probe(t.Context())
	if err != nil || access.BaseURL != regionServer.URL+under || region.Stats().Requests[sandbox.EndpointDiscovery] != 1 {
		t.Errorf("%+v, %v", access, err)
	}
}

func TestTheTenantGivesTheCorrelationIDBack(t *testing.T) {
	_, server := startSandbox(t, sandbox.Config{})
	var ids []string
	ctx := cxone.WithTrace(t.Context(), &cxone.Trace{AttemptDone: func(a cxone.Attempt) { ids = append(ids, a.CorrelationID) }})
	client := connect(t, server)
	for range 2 {
		if _, err := client.Table(ctx, "ds-customers", "tbl-contacts"); err != nil {
			t.Fatal(err)
		}
	}
	if len(ids) != 2 || ids[0] == ids[1] || len(ids[0]) != 36 {
		t.Errorf("ids %v", ids)
	}
}

func TestATenantConfirmsAsItIsTold(t *testing.T) {
	for kms, want := range map[sandbox.Confirmation][2]int{ // inline, by callback
		sandbox.KMSCallback: {0, 1}, sandbox.KMSInline: {1, 0}, sandbox.KMSBoth: {1, 1}, sandbox.KMSNone: {0, 0},
	} {
		box, server := startSandbox(t, sandbox.Config{KMS: kms})
		result, err := connect(t, server).Encrypt(t.Context(), "ds-customers", "tbl-contacts", "k", change(t, "tbl-contacts", "ssn"))
		if err != nil {
			t.Fatal(err)
		}
		if err := box.WaitCallbacks(t.Context()); err != nil {
			t.Fatal(err)
		}
		if inline := result.KMSPayload != nil && json.Valid(result.KMSPayload); inline != (want[0] == 1) || box.Stats().Callbacks.Sent != want[1] {
			t.Errorf("%s: inline %v, %d callbacks", kms, inline, box.Stats().Callbacks.Sent)
		}
	}
}
