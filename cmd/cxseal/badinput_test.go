package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"cxseal/cxone/sandbox"
)

// TestBadInputIsAnsweredClearlyAndChangesNothing sends a serving console what
// it must not take. Each attempt has its status, its sentence and its record,
// and the run that was in hand ends as if nothing had happened.
func TestBadInputIsAnsweredClearlyAndChangesNothing(t *testing.T) {
	t.Parallel()
	c := newCrash(t, false)
	held := c.set(&c.callback, newHold()) // the run waits for its callback all the while
	run := c.launch(nil)
	c.awaitState(run, "verifying")
	callback := callbackURL(t, c, run)

	other := launchRun(c.admin, "ds-customers", "tbl-contacts", url.Values{"start_at": {"2026-12-31T00:00:00Z"}}, "city")
	otherCallback := strings.Replace(callback, tokenOf(t, c, run), tokenOf(t, c, other), 1)

	good := `{"tableId":"tbl-contacts","columns":["ssn","credit_card"],"keyVersion":1,"complianceCheck":{"algorithm":"AES-256-GCM"}}`
	callbacks := []struct {
		name, url, body string
		status          int
		says            string
	}{
		{"10 MB", callback, `{"tableId":"` + strings.Repeat("a", 10<<20) + `"}`, http.StatusRequestEntityTooLarge, "larger than"},
		{"no JSON", callback, "hello", http.StatusBadRequest, "not a JSON object"},
		{"half of it", callback, good[:40], http.StatusBadRequest, "not a JSON object"},
		{"an array", callback, "[1]", http.StatusBadRequest, "not a JSON object"},
		{"no table", callback, `{"columns":[],"keyVersion":1}`, http.StatusBadRequest, "no tableId"},
		{"another run's token", otherCallback, good, http.StatusConflict, "no confirmation is expected"},
		{"a guessed token", callback[:len(callback)-4] + "AAAA", good, http.StatusNotFound, "belongs to no run"},
	}
	for _, b := range callbacks {
		resp, err := http.Post(b.url, "application/json", strings.NewReader(b.body))
		if err != nil {
			t.Fatalf("%s: %v", b.name, err)
		}
		answer := make([]byte, 4096)
		n, _ := resp.Body.Read(answer)
		resp.Body.Close() //nolint:errcheck // read only
		if resp.StatusCode != b.status || !strings.Contains(string(answer[:n]), b.says) {
			t.Errorf("callback, %s: answered %d %s, want %d and %q", b.name, resp.StatusCode, answer[:n], b.status, b.says)
		}
		c.mustBe(run, "verifying")
	}
	if n := ask[int](t, c.db, `SELECT count(*) FROM audit_records WHERE operation = 'KMS_CALLBACK' AND outcome <> 'SUCCESS'`); n != len(callbacks) {
		t.Errorf("%d refused callbacks are on record, want %d", n, len(callbacks))
	}

	requests := []struct {
		name   string
		form   url.Values
		status int
		says   string
	}{
		{"without the form's token", url.Values{"csrf_token": {"guess"}}, http.StatusForbidden, "not sent from a page of this console"},
		{"no columns", url.Values{"columns": nil}, http.StatusUnprocessableEntity, "Choose at least one column"},
		{"an id that climbs", url.Values{"table_id": {"../../tbl-contacts"}}, http.StatusBadRequest, "malformed"},
		{"no table", url.Values{"table_id": {""}}, http.StatusBadRequest, "missing"},
		{"a connection that is not there", url.Values{"connection": {"' OR 1=1 --"}}, http.StatusNotFound, "no connection"},
		{"an interval out of bounds", url.Values{"interval_days": {"99999999999999999999"}}, http.StatusUnprocessableEntity, "from 1 to 3650"},
		{"a start that is no time", url.Values{"start_at": {"tomorrow"}}, http.StatusUnprocessableEntity, "must be a time"},
		{"a name that is no text", url.Values{"columns": {"\xff\xfe"}}, http.StatusUnprocessableEntity, "UTF-8"},
	}
	runs := ask[int](t, c.db, `SELECT count(*) FROM runs`)
	token := c.admin.Token("/account")
	for _, r := range requests {
		form := url.Values{"csrf_token": {token}, "connection": {"default"}, "datastore_id": {"ds-customers"},
			"table_id": {"tbl-contacts"}, "columns": {"notes"}, "interval_days": {"90"}}
		for k, v := range r.form {
			form[k] = v
		}
		if a := c.admin.Post("/runs", form); a.Status != r.status || !strings.Contains(a.Body, r.says) {
			t.Errorf("POST /runs, %s: answered %d, want %d and %q\n%.3000s", r.name, a.Status, r.status, r.says, a.Body)
		}
	}
	if now := ask[int](t, c.db, `SELECT count(*) FROM runs`); now != runs {
		t.Errorf("%d runs were queued by requests that were refused", now-runs)
	}
	if n := ask[int](t, c.db, `SELECT count(*) FROM audit_records WHERE operation = 'RUN_REQUESTED' AND outcome = 'FAILURE'`); n != len(requests)-1 {
		t.Errorf("%d refused requests are on record, want %d (all but the forged one)", n, len(requests)-1)
	}

	c.hostileColumns()
	for at, want := range map[string]int{
		"/datastores/%2e%2e/tables/x": 404, "/datastores/a/tables/..%2f..%2fb": 404, "/datastores/ds-customers/tables/%3Cscript%3E": 404,
		"/runs/%00": 404, "/runs/nope": 404, "/audit/nope": 404, "/audit?q=%22%27%3B--": 400, "/audit.csv?outcome=FAILURE;x": 400, "/runs?state=%zz": 400, "/audit?from=yesterday": 400,
		"/audit?after=99999999999999999999": 400, "/audit.csv?to=x": 400, "/verifications?accepted=maybe": 400, "/nosuch": 404,
	} {
		a := c.admin.Get(at)
		if a.Status != want || strings.Contains(a.Body, "goroutine") || strings.Contains(a.Body, "<script>alert") {
			t.Errorf("GET %s answered %d, want %d\n%.1000s", at, a.Status, want, a.Body)
		}
	}

	c.release(held)
	c.awaitState(run, "verified")
	c.proc.stop()
	if log := c.proc.stderr(); strings.Contains(log, "level=ERROR") {
		t.Errorf("the console logged errors of its own:\n%s", log)
	}
	if out := command(t, nil, "verify", "--db", c.db); out.code != 0 {
		t.Errorf("verify exits %d:\n%s%s", out.code, out.stdout, out.stderr)
	}
}

// hostileColumns encrypts columns whose names were chosen to do harm, and looks
// at the pages that show them.
func (c *crash) hostileColumns() {
	c.t.Helper()
	names := []string{`<script>alert(1)</script>`, `=cmd()`, "a,\"b\"\nc", `'; DROP TABLE runs; --`}
	ref := c.tenant.Tables()[1]
	for _, name := range names {
		if err := c.tenant.Mutate(ref.DatastoreID, ref.ID, sandbox.Mutation{Action: sandbox.AddColumn, Column: name, Type: "string"}); err != nil {
			c.t.Fatal(err)
		}
	}
	run := launchRun(c.admin, ref.DatastoreID, ref.ID, nil, names...)
	eventually(c.t, "the run to wait for its callback", func() bool { return c.state(run) == "verifying" })
	for _, at := range []string{"/runs/" + run, "/runs", "/audit?run_id=" + run, "/audit?q=cmd", "/",
		fmt.Sprintf("/datastores/%s/tables/%s?connection=default", ref.DatastoreID, ref.ID)} {
		if a := c.admin.Get(at); a.Status != http.StatusOK || strings.Contains(a.Body, "<script>alert") {
			c.t.Errorf("GET %s answered %d, or a name as markup", at, a.Status)
		}
	}
	if csv := c.admin.Get("/audit.csv?run_id=" + run).Body; !strings.Contains(csv, `"<script>alert(1)</script>;=cmd();a,""b""`+"\n"+`c;'; DROP TABLE runs; --"`) {
		c.t.Errorf("the CSV says:\n%s", csv)
	}
}

// callbackURL is where the tenant was asked to call for a run.
func callbackURL(t *testing.T, c *crash, run string) string {
	t.Helper()
	found := ask[string](t, c.db, `SELECT json_extract(payload, '$.externalKmsSync.callbackUrl') FROM runs WHERE id = ?`, run)
	if !strings.HasPrefix(found, "http://"+c.addr+"/kms/callback/") {
		t.Fatalf("the callback URL is %q", found)
	}
	return found
}

func tokenOf(t *testing.T, c *crash, run string) string {
	t.Helper()
	token := ask[string](t, c.db, `SELECT callback_token FROM runs WHERE id = ?`, run)
	if len(token) < 32 {
		t.Fatalf("the callback's token %q can be guessed", token)
	}
	return token
}
