package handlers_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"cxseal/cxone/sandbox"
	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/encryption"
)

func TestARunFromTheFormIsVerifiedAndOnRecord(t *testing.T) {
	h := newHouse(t)
	admin := h.as(access.Admin)
	path := admin.launch("ssn", "credit_card")
	run := h.waitFor(path, encryption.Verified)
	page := admin.get(path)
	for _, want := range []string{"Verified", "credit_card", "/kms/callback/••••", "AES-256-GCM", run.IdempotencyKey} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the dossier lacks %q", want)
		}
	}
	if strings.Contains(page.body, run.CallbackToken) {
		t.Error("the dossier shows the callback token")
	}
	if list := admin.get("/runs?state=verified&table_id=" + tableID); !strings.Contains(list.body, run.ID) {
		t.Error("the run is not in the history")
	}
	if log := admin.get("/audit?operation=COLUMN_ENCRYPTION&run_id=" + run.ID); !strings.Contains(log.body, "Column encryption") || log.status != 200 {
		t.Error("the run is not in the log")
	}
	if list := admin.get("/verifications?accepted=yes"); !strings.Contains(list.body, encryptionShort(run.ID)) {
		t.Error("the callback is not in the list")
	}
	if dates := admin.get("/rotations?status=scheduled"); !strings.Contains(dates.body, "credit_card") {
		t.Error("the rotation date is not in the list")
	}
	if dates := admin.get("/rotations?status=overdue"); strings.Contains(dates.body, "credit_card") {
		t.Error("a date in 90 days is overdue")
	}
	csvFile := admin.get("/audit.csv?operation=COLUMN_ENCRYPTION")
	rows, err := csv.NewReader(strings.NewReader(csvFile.body)).ReadAll()
	must(t, err)
	if len(rows) != 2 || rows[1][12] != run.ID || rows[1][11] != "ssn;credit_card" {
		t.Errorf("CSV: %q", rows)
	}
	if table := admin.get(tablePath()); !strings.Contains(table.body, run.ID) || !strings.Contains(table.body, "Rotate keys now") {
		t.Error("the table's page does not show the run or the rotation form")
	}
	for _, page := range []string{"/", "/system", "/datastores"} {
		if a := admin.get(page); a.status != 200 {
			t.Errorf("%s: %d", page, a.status)
		}
	}
}

func encryptionShort(id string) string { return `href="/runs/` + id + `"` }

func TestAScriptLaunchesWithJSON(t *testing.T) {
	h := newHouse(t)
	admin := h.as(access.Admin)
	form := runForm("ssn")
	form.Del("connection") // the only one is meant
	a := admin.submit(tablePath(), "/runs", form, "Accept", "application/json")
	if a.status != http.StatusSeeOther || !strings.HasPrefix(a.header.Get("Location"), "/runs/") {
		t.Fatalf("%d %s", a.status, a.body)
	}
	a = admin.submit(tablePath(), "/runs", url.Values{"datastore_id": {datastoreID}, "table_id": {tableID}}, "Accept", "application/json")
	if a.status != 400 || !strings.Contains(a.body, `"code":"invalid","message":"Choose at least one column."`) {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestMalformedLaunchesAreClearErrorsAndNeverDefaults(t *testing.T) {
	h := newHouse(t)
	admin := h.as(access.Admin)
	for _, bad := range []struct{ field, value, sentence string }{
		{"interval_days", "abc", "The rotation interval must be a whole number of days"},
		{"interval_days", "0", "The rotation interval must be a whole number of days"},
		{"interval_days", "-1", "The rotation interval must be a whole number of days"},
		{"interval_days", "3651", "The rotation interval must be a whole number of days"},
		{"interval_days", "9e9", "The rotation interval must be a whole number of days"},
		{"interval_days", "99999999999999999999", "The rotation interval must be a whole number of days"},
		{"start_at", "tomorrow", "The start must be a time like"},
		{"start_at", "2026-13-01T00:00", "The start must be a time like"},
		{"start_at", "2999-01-01T00:00:00Z", "within a year"},
		{"columns", "", "Choose at least one column|A column&#39;s name must be"},
		{"operation", "DROP_TABLE", "neither"},
		{"mask_indexes", "perhaps", "mask_indexes"},
	} {
		form := runForm("ssn")
		form.Set(bad.field, bad.value)
		a := admin.submit(tablePath(), "/runs", form)
		found := false
		for _, s := range strings.Split(bad.sentence, "|") {
			found = found || strings.Contains(a.body, s)
		}
		if a.status != http.StatusUnprocessableEntity || !found && bad.field != "mask_indexes" {
			t.Errorf("%s=%q: %d, sentence shown: %v", bad.field, bad.value, a.status, found)
		}
	}
	for _, bad := range []url.Values{
		{"datastore_id": {""}, "table_id": {tableID}, "columns": {"ssn"}},
		{"datastore_id": {datastoreID}, "table_id": {".."}, "columns": {"ssn"}},
		{"datastore_id": {"a\x00b"}, "table_id": {tableID}, "columns": {"ssn"}},
	} {
		if a := admin.submit(tablePath(), "/runs", bad); a.status != 400 && a.status != 422 {
			t.Errorf("%v: %d", bad, a.status)
		}
	}
	if a := admin.submit(tablePath(), "/runs", url.Values{"connection": {"nope"}, "datastore_id": {"d"}, "table_id": {"t"}, "columns": {"c"}}); a.status != 404 {
		t.Errorf("unknown connection: %d", a.status)
	}
	if list := h.records(audit.Filter{Operation: string(audit.RunRequested), Outcome: string(audit.Success)}); len(list) != 0 {
		t.Errorf("%d runs were launched", len(list))
	}
	if list := h.records(audit.Filter{Operation: string(audit.RunRequested), Outcome: string(audit.Failure)}); len(list) != 16 {
		t.Errorf("%d refused requests are on record, want 16", len(list))
	}
}

func TestHostileNamesAreShownInertAndChangeNothing(t *testing.T) {
	h := newHouse(t)
	admin := h.as(access.Admin)
	hostile := []string{"<script>alert(1)</script>", "=cmd()", "a,\"b\"\nc", "'; DROP TABLE runs; --", "../../etc", "\u202egnp.exe"}
	path := admin.launch(hostile...)
	id := strings.TrimPrefix(path, "/runs/")
	for run, err := h.db.Run(t.Context(), id); run.State != encryption.Failed; run, err = h.db.Run(t.Context(), id) {
		must(t, err)
		if run.State.Ended() {
			t.Fatalf("the run ended %s", run.State)
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-t.Context().Done():
			return
		}
	}
	for _, page := range []string{path, "/runs", "/audit", "/audit?q=script", tablePath()} {
		a := admin.get(page)
		if a.status != 200 || strings.Contains(a.body, "<script>alert") {
			t.Errorf("%s: %d, or it runs a script", page, a.status)
		}
	}
	file := admin.get("/audit.csv?run_id=" + id)
	rows, err := csv.NewReader(strings.NewReader(file.body)).ReadAll()
	must(t, err)
	if want := strings.Join(hostile, ";"); len(rows) != 3 || rows[1][11] != want {
		t.Errorf("CSV cell %q, want %q", rows[1][11], want)
	}
	pre := admin.submit(tablePath(), tablePath()+"/preflight", runForm(hostile...), "HX-Request", "true")
	if pre.status != 200 || strings.Contains(pre.body, "<script>alert") || !strings.Contains(pre.body, "The table has no column") {
		t.Errorf("preflight: %d %s", pre.status, pre.body)
	}
	if stats := len(h.records(audit.Filter{Operation: string(audit.ColumnEncryption), Outcome: string(audit.Success)})); stats != 0 {
		t.Error("something was encrypted")
	}
}

func TestAnUnknownTableIsASentence(t *testing.T) {
	h := newHouse(t)
	admin := h.as(access.Admin)
	a := admin.get("/datastores/ds-customers/tables/no%2Fsuch%25table%F0%9F%94%92")
	if a.status != 404 || !strings.Contains(a.body, "Data store or table not found") {
		t.Errorf("%d %s", a.status, a.body)
	}
	open := admin.get("/datastores/open?" + url.Values{"datastore_id": {"a/b"}, "table_id": {"50%?#ü"}}.Encode())
	if want := "/datastores/a%2Fb/tables/50%25%3F%23%C3%BC"; open.status != 303 || open.header.Get("Location") != want {
		t.Errorf("%d %q, want %q", open.status, open.header.Get("Location"), want)
	}
	if a := admin.get("/datastores/open?datastore_id=&table_id=x"); a.status != 400 || !strings.Contains(a.body, "Type the ids") {
		t.Errorf("no id: %d", a.status)
	}
}

func TestPreflightWorksWithAndWithoutJavaScript(t *testing.T) {
	h := newHouse(t)
	admin := h.as(access.Admin)
	fragment := admin.submit(tablePath(), tablePath()+"/preflight", runForm("ssn", "email"), "HX-Request", "true")
	if fragment.status != 200 || strings.Contains(fragment.body, "<html") || !strings.Contains(fragment.body, "idx_contacts_email") {
		t.Errorf("fragment: %d %s", fragment.status, fragment.body)
	}
	whole := admin.submit(tablePath(), tablePath()+"/preflight", runForm("ssn"))
	if whole.status != 200 || !strings.Contains(whole.body, "<html") || !strings.Contains(whole.body, "columnTargetMatrix") {
		t.Errorf("page: %d", whole.status)
	}
	if !strings.Contains(whole.body, `value="ssn" id=`) || !strings.Contains(whole.body, "checked") {
		t.Error("the page forgot what was ticked")
	}
	none := admin.submit(tablePath(), tablePath()+"/preflight", url.Values{"interval_days": {"90"}}, "HX-Request", "true")
	if none.status != 200 || !strings.Contains(none.body, "Tick the columns") {
		t.Errorf("nothing ticked: %d %s", none.status, none.body)
	}
	bad := admin.submit(tablePath(), tablePath()+"/preflight", url.Values{"columns": {"ssn"}, "interval_days": {"x"}}, "HX-Request", "true")
	if bad.status != 422 || !strings.Contains(bad.body, "whole number of days") {
		t.Errorf("bad interval: %d %s", bad.status, bad.body)
	}
	if n := len(h.records(audit.Filter{Operation: string(audit.RunRequested)})); n != 0 {
		t.Errorf("a check left %d requests on record", n)
	}
}

func TestATenantThatIsDownLeavesTheStoredCopy(t *testing.T) {
	h := newHouse(t)
	admin := h.as(access.Admin)
	if a := admin.get(tablePath()); a.status != 200 {
		t.Fatalf("%d", a.status)
	}
	h.tenant.Fail(sandbox.Fault{Kind: sandbox.FaultStatus, Status: 403, Endpoint: sandbox.EndpointTable, Times: -1})
	a := admin.get(tablePath())
	if a.status != 200 || !strings.Contains(a.body, "CXone refused") || !strings.Contains(a.body, "credit_card") {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := admin.get("/datastores/ds-customers/tables/other"); a.status != 502 || !strings.Contains(a.body, "CXone refused") {
		t.Errorf("a table never seen: %d", a.status)
	}
}

func TestFormsAreBounded(t *testing.T) {
	h := newHouse(t)
	admin := h.as(access.Admin)
	var names []string
	for i := range 500 {
		names = append(names, fmt.Sprintf("%03d%s", i, strings.Repeat("ü", 30)))
	}
	a := admin.submit(tablePath(), tablePath()+"/preflight", runForm(names...), "HX-Request", "true")
	if a.status != 200 || strings.Count(a.body, "The table has no column") < 500 {
		t.Errorf("500 columns: %d %.300s", a.status, a.body)
	}
	for i := range names {
		names[i] += strings.Repeat("ü", 480)
	}
	a = admin.submit(tablePath(), tablePath()+"/preflight", runForm(names...), "HX-Request", "true")
	if a.status != 422 || !strings.Contains(a.body, "too long together") {
		t.Errorf("500 columns of 1 KiB: %d %.300s", a.status, a.body)
	}
	form := url.Values{"csrf_token": {admin.token("/")}, "columns": {strings.Repeat("x", 3<<20)}}
	if a := admin.post("/runs", form); a.status != 413 || !strings.Contains(a.body, "larger than 2 MiB") {
		t.Errorf("3 MiB: %d", a.status)
	}
	if a := admin.do("POST", "/runs", strings.NewReader(`{"columns":["ssn"]}`), "Content-Type", "application/json"); a.status != 415 {
		t.Errorf("JSON body: %d", a.status)
	}
}

func TestAQueuedRunCanBeCancelledAndADoneOneCannot(t *testing.T) {
	h := newHouse(t)
	admin := h.as(access.Admin)
	form := runForm("ssn")
	form.Set("start_at", h.clock().Add(2*time.Hour).UTC().Format("2006-01-02T15:04"))
	a := admin.submit(tablePath(), "/runs", form)
	path := a.header.Get("Location")
	if page := admin.get(path); !strings.Contains(page.body, "Cancel this run") {
		t.Fatalf("no button to cancel: %d", page.status)
	}
	if page := h.as(access.Officer).get(path); strings.Contains(page.body, "Cancel this run") {
		t.Error("an officer is offered to cancel")
	}
	if a := admin.submit(path, path+"/cancel", nil); a.status != 303 || a.header.Get("Location") != path {
		t.Fatalf("cancel: %d %s", a.status, a.body)
	}
	if page := admin.get(path); !strings.Contains(page.body, "Nothing was sent to CXone.") {
		t.Error("the page does not say that it was cancelled")
	}
	if page := admin.get(path); strings.Contains(page.body, "The run is cancelled. Nothing") {
		t.Error("a message is shown twice")
	}
	if a := admin.submit(path, path+"/cancel", nil); a.status != 409 || !strings.Contains(a.body, "only a queued run can be cancelled") {
		t.Errorf("again: %d", a.status)
	}
}

// message is one server-sent event.
type message struct{ id, event, data string }

// listen opens a run's event stream and hands every message over.
func (b *browser) listen(ctx context.Context, path, lastID string) (<-chan message, answer) {
	b.h.t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, b.h.server.URL+path, nil)
	must(b.h.t, err)
	req.Header.Set("Accept-Encoding", "gzip")
	if lastID != "" {
		req.Header.Set("Last-Event-ID", lastID)
	}
	resp, err := b.client.Do(req) //nolint:bodyclose // closed by the reader below
	must(b.h.t, err)
	out := make(chan message, 1000)
	go func() {
		defer close(out)
		defer resp.Body.Close() //nolint:errcheck // a test's stream
		lines := bufio.NewScanner(resp.Body)
		lines.Buffer(nil, 1<<20)
		var m message
		for lines.Scan() {
			name, value, _ := strings.Cut(lines.Text(), ": ")
			switch name {
			case "":
				if m != (message{}) {
					out <- m
				}
				m = message{}
			case "id":
				m.id = value
			case "event":
				m.event = value
			case "data":
				m.data += value + "\n"
			}
		}
	}()
	return out, answer{status: resp.StatusCode, header: resp.Header}
}

func TestARunIsFollowedLiveToItsEnd(t *testing.T) {
	h := newHouse(t)
	h.tenant.Fail(sandbox.Fault{Kind: sandbox.FaultLatency, LatencyMs: 100, Endpoint: sandbox.EndpointEncrypt})
	admin := h.as(access.Admin)
	path := admin.launch("ssn")
	stream, resp := admin.listen(t.Context(), path+"/events", "")
	if resp.status != 200 || resp.header.Get("Content-Type") != "text/event-stream" || resp.header.Get("Content-Encoding") != "" {
		t.Fatalf("%d %v", resp.status, resp.header)
	}
	var all []message
	for m := range stream { // ends with the run
		all = append(all, m)
	}
	last := all[len(all)-1]
	if last.event != "end" || last.data != "verified\n" {
		t.Fatalf("the stream ended with %+v", last)
	}
	if page := all[len(all)-2]; page.event != "run" || !strings.Contains(page.data, "Verified") || strings.Contains(page.data, "<html") {
		t.Errorf("the last fragment is %+v", page)
	}
	var ids []string
	states := ""
	for _, m := range all {
		if m.event == "progress" {
			ids = append(ids, m.id)
			states += m.data
		}
	}
	for _, state := range []string{"queued", "checking", "patching", "verified"} {
		if !strings.Contains(states, `"state":"`+state+`"`) {
			t.Errorf("no event of %s", state)
		}
	}
	again, _ := admin.listen(t.Context(), path+"/events", ids[len(ids)-2])
	var replayed []message
	for m := range again {
		replayed = append(replayed, m)
	}
	if len(replayed) != 3 || replayed[0].id != ids[len(ids)-1] || replayed[2].event != "end" {
		t.Errorf("replay after the last but one: %+v", replayed)
	}
	if a := admin.get(path+"/events", "Last-Event-ID", "x"); a.status != 400 {
		t.Errorf("bad Last-Event-ID: %d", a.status)
	}
}

func TestAStreamOutlivesTheServersDeadlines(t *testing.T) {
	const deadline = 300 * time.Millisecond
	h := newHouseOn(t, func(s *http.Server) { s.ReadTimeout, s.WriteTimeout = deadline, deadline })
	admin := h.as(access.Admin)
	form := runForm("ssn")
	form.Set("start_at", h.clock().Add(2*time.Hour).UTC().Format(time.RFC3339))
	path := admin.submit(tablePath(), "/runs", form).header.Get("Location")
	stream, _ := admin.listen(t.Context(), path+"/events", "")
	over := time.After(3 * deadline)
	for open := true; open; {
		select {
		case m, more := <-stream:
			if !more {
				t.Fatalf("the stream ended within %v", 3*deadline)
			}
			if m.event == "end" {
				t.Fatal("the run ended")
			}
		case <-over:
			open = false
		}
	}
	admin.submit(path, path+"/cancel", nil)
	ended := false
	for m := range stream {
		ended = ended || m.event == "end" && m.data == "cancelled\n"
	}
	if !ended {
		t.Error("the end of the run did not arrive")
	}
}

func TestAStreamEndsWithItsClientAndWithTheConsole(t *testing.T) {
	h := newHouse(t)
	admin := h.as(access.Admin)
	form := runForm("ssn")
	form.Set("start_at", h.clock().Add(2*time.Hour).UTC().Format(time.RFC3339))
	path := admin.submit(tablePath(), "/runs", form).header.Get("Location")

	ctx, cancel := context.WithCancel(t.Context())
	gone, _ := admin.listen(ctx, path+"/events", "")
	<-gone
	cancel()
	for range gone { // closes
	}
	stays, _ := admin.listen(t.Context(), path+"/events", "")
	<-stays
	h.console.Close()
	for m := range stays {
		if m.event == "end" {
			t.Error("a console that stops says that the run has ended")
		}
	}
}

func TestCallbacksAreJudgedHoweverHostile(t *testing.T) {
	h := newHouse(t)
	h.tenant.Fail(sandbox.Fault{Kind: sandbox.FaultKMSNone, Times: -1})
	admin := h.as(access.Admin)
	run := h.waitFor(admin.launch("ssn"), encryption.Verifying)
	kms := h.browser()
	path := "/kms/callback/" + run.CallbackToken
	good := fmt.Sprintf(`{"tableId":%q,"columns":["ssn"],"keyVersion":1,"complianceCheck":{"algorithm":"AES-256-GCM"}}`, tableID)
	for _, bad := range []struct {
		path, body string
		status     int
	}{
		{"/kms/callback/no-such-token", good, 404},
		{"/kms/callback/" + strings.Repeat("x", 5000), good, 404},
		{"/kms/callback/%2F..%00", good, 404},
		{path, "", 400},
		{path, "{", 400},
		{path, `[1]`, 400},
		{path, strings.Repeat("[", 60000), 400},
	} {
		a := kms.do("POST", bad.path, strings.NewReader(bad.body), "Content-Type", "application/json")
		if a.status != bad.status || a.header.Get("Content-Type") != "application/json" {
			t.Errorf("%.40s %.20q: %d %s", bad.path, bad.body, a.status, a.body)
		}
	}
	if a := kms.get(path); a.status != 405 {
		t.Errorf("GET: %d", a.status)
	}
	h.waitFor("/runs/"+run.ID, encryption.Verifying)
	a := kms.do("POST", path, strings.NewReader(good), "Content-Type", "application/json")
	if a.status != 200 || !strings.Contains(a.body, `"status":"VERIFIED"`) {
		t.Errorf("a good callback: %d %s", a.status, a.body)
	}
	h.waitFor("/runs/"+run.ID, encryption.Verified)
	if list := admin.get("/verifications?accepted=no"); strings.Count(list.body, "Refused") < 5 {
		t.Error("the refused callbacks are not in the list")
	}
}

func TestACallbackOf10MBIsRefusedUnread(t *testing.T) {
	h := newHouse(t)
	h.tenant.Fail(sandbox.Fault{Kind: sandbox.FaultKMSNone, Times: -1})
	run := h.waitFor(h.as(access.Admin).launch("ssn"), encryption.Verifying)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.server.URL+"/kms/callback/"+run.CallbackToken,
		bytes.NewReader(bytes.Repeat([]byte("x"), 10<<20)))
	must(t, err)
	resp, err := h.browser().client.Do(req)
	if err == nil { // the console hangs up on the rest; either end of that is fine for a client
		defer resp.Body.Close() //nolint:errcheck // a test's answer
		if resp.StatusCode != 413 {
			t.Errorf("%d", resp.StatusCode)
		}
	}
	list, err := h.db.RunVerifications(t.Context(), run.ID)
	must(t, err)
	if len(list) != 1 || list[0].Code != "too_large" || list[0].Body != "" {
		t.Errorf("%+v", list)
	}
}
