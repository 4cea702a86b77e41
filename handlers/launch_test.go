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
	"cxseal/internal/console/consoletest"
	"cxseal/internal/encryption"
)

func TestARunFromTheFormIsVerifiedAndOnRecord(t *testing.T) {
	h := consoletest.Start(t)
	admin := h.As(access.Admin)
	path := admin.Launch("ssn", "credit_card")
	run := h.WaitFor(path, encryption.Verified)
	page := admin.Get(path)
	for _, want := range []string{"Verified", "credit_card", "/kms/callback/••••", "AES-256-GCM", run.IdempotencyKey} {
		if !strings.Contains(page.Body, want) {
			t.Errorf("the dossier lacks %q", want)
		}
	}
	if strings.Contains(page.Body, run.CallbackToken) {
		t.Error("the dossier shows the callback token")
	}
	if list := admin.Get("/runs?state=verified&table_id=" + tableID); !strings.Contains(list.Body, run.ID) {
		t.Error("the run is not in the history")
	}
	if log := admin.Get("/audit?operation=COLUMN_ENCRYPTION&run_id=" + run.ID); !strings.Contains(log.Body, "Column encryption") || log.Status != 200 {
		t.Error("the run is not in the log")
	}
	if list := admin.Get("/verifications?accepted=yes"); !strings.Contains(list.Body, encryptionShort(run.ID)) {
		t.Error("the callback is not in the list")
	}
	if dates := admin.Get("/rotations?status=scheduled"); !strings.Contains(dates.Body, "credit_card") {
		t.Error("the rotation date is not in the list")
	}
	if dates := admin.Get("/rotations?status=overdue"); strings.Contains(dates.Body, "credit_card") {
		t.Error("a date in 90 days is overdue")
	}
	csvFile := admin.Get("/audit.csv?operation=COLUMN_ENCRYPTION")
	rows, err := csv.NewReader(strings.NewReader(csvFile.Body)).ReadAll()
	must(t, err)
	if len(rows) != 2 || rows[1][12] != run.ID || rows[1][11] != "ssn;credit_card" {
		t.Errorf("CSV: %q", rows)
	}
	if table := admin.Get(consoletest.TablePath); !strings.Contains(table.Body, run.ID) || !strings.Contains(table.Body, "Rotate keys now") {
		t.Error("the table's page does not show the run or the rotation form")
	}
	for _, page := range []string{"/", "/system", "/datastores"} {
		if a := admin.Get(page); a.Status != 200 {
			t.Errorf("%s: %d", page, a.Status)
		}
	}
}

func encryptionShort(id string) string { return `href="/runs/` + id + `"` }

func TestAScriptLaunchesWithJSON(t *testing.T) {
	h := consoletest.Start(t)
	admin := h.As(access.Admin)
	form := consoletest.RunForm("ssn")
	form.Del("connection") // the only one is meant
	a := admin.Submit(consoletest.TablePath, "/runs", form, "Accept", "application/json")
	if a.Status != http.StatusSeeOther || !strings.HasPrefix(a.Header.Get("Location"), "/runs/") {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	a = admin.Submit(consoletest.TablePath, "/runs", url.Values{"datastore_id": {datastoreID}, "table_id": {tableID}}, "Accept", "application/json")
	if a.Status != 400 || !strings.Contains(a.Body, `"code":"invalid","message":"Choose at least one column."`) {
		t.Errorf("%d %s", a.Status, a.Body)
	}
}

func TestACampaignsTickBoxIsNeverGuessed(t *testing.T) {
	h := consoletest.Start(t)
	admin := h.As(access.Admin)
	form := url.Values{"connection": {"default"}, "datastore_id": {datastoreID}, "target": {"tables"}, "table_id": {tableID},
		"mask_indexes": {"perhaps"}}
	for _, path := range []string{"/campaigns/preflight", "/campaigns"} {
		a := admin.Submit("/campaigns", path, form)
		if a.Status != http.StatusUnprocessableEntity || !strings.Contains(a.Body, "“mask_indexes” must be 1 or 0.") {
			t.Errorf("%s: %d %s", path, a.Status, a.Body)
		}
	}
}

func TestMalformedLaunchesAreClearErrorsAndNeverDefaults(t *testing.T) {
	h := consoletest.Start(t)
	admin := h.As(access.Admin)
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
		{"mask_indexes", "perhaps", "“mask_indexes” must be 1 or 0."},
	} {
		form := consoletest.RunForm("ssn")
		form.Set(bad.field, bad.value)
		a := admin.Submit(consoletest.TablePath, "/runs", form)
		found := false
		for _, s := range strings.Split(bad.sentence, "|") {
			found = found || strings.Contains(a.Body, s)
		}
		if a.Status != http.StatusUnprocessableEntity || !found {
			t.Errorf("%s=%q: %d, sentence shown: %v", bad.field, bad.value, a.Status, found)
		}
	}
	for _, bad := range []url.Values{
		{"datastore_id": {""}, "table_id": {tableID}, "columns": {"ssn"}},
		{"datastore_id": {datastoreID}, "table_id": {".."}, "columns": {"ssn"}},
		{"datastore_id": {"a\x00b"}, "table_id": {tableID}, "columns": {"ssn"}},
	} {
		if a := admin.Submit(consoletest.TablePath, "/runs", bad); a.Status != 400 && a.Status != 422 {
			t.Errorf("%v: %d", bad, a.Status)
		}
	}
	if a := admin.Submit(consoletest.TablePath, "/runs", url.Values{"connection": {"nope"}, "datastore_id": {"d"}, "table_id": {"t"}, "columns": {"c"}}); a.Status != 404 {
		t.Errorf("unknown connection: %d", a.Status)
	}
	if list := h.Records(audit.Filter{Operation: string(audit.RunRequested), Outcome: string(audit.Success)}); len(list) != 0 {
		t.Errorf("%d runs were launched", len(list))
	}
	if list := h.Records(audit.Filter{Operation: string(audit.RunRequested), Outcome: string(audit.Failure)}); len(list) != 16 {
		t.Errorf("%d refused requests are on record, want 16", len(list))
	}
}

func TestHostileNamesAreShownInertAndChangeNothing(t *testing.T) {
	h := consoletest.Start(t)
	admin := h.As(access.Admin)
	hostile := []string{"<script>alert(1)</script>", "=cmd()", "a,\"b\"\nc", "'; DROP TABLE runs; --", "../../etc", "\u202egnp.exe"}
	path := admin.Launch(hostile...)
	id := strings.TrimPrefix(path, "/runs/")
	for run, err := h.Store.Run(t.Context(), id); run.State != encryption.Failed; run, err = h.Store.Run(t.Context(), id) {
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
	for _, page := range []string{path, "/runs", "/audit", "/audit?q=script", consoletest.TablePath} {
		a := admin.Get(page)
		if a.Status != 200 || strings.Contains(a.Body, "<script>alert") {
			t.Errorf("%s: %d, or it runs a script", page, a.Status)
		}
	}
	file := admin.Get("/audit.csv?run_id=" + id)
	rows, err := csv.NewReader(strings.NewReader(file.Body)).ReadAll()
	must(t, err)
	if want := strings.Join(hostile, ";"); len(rows) != 3 || rows[1][11] != want {
		t.Errorf("CSV cell %q, want %q", rows[1][11], want)
	}
	pre := admin.Submit(consoletest.TablePath, consoletest.TablePath+"/preflight", consoletest.RunForm(hostile...), "HX-Request", "true")
	if pre.Status != 200 || strings.Contains(pre.Body, "<script>alert") || !strings.Contains(pre.Body, "The table has no column") {
		t.Errorf("preflight: %d %s", pre.Status, pre.Body)
	}
	if stats := len(h.Records(audit.Filter{Operation: string(audit.ColumnEncryption), Outcome: string(audit.Success)})); stats != 0 {
		t.Error("something was encrypted")
	}
}

func TestAnUnknownTableIsASentence(t *testing.T) {
	h := consoletest.Start(t)
	admin := h.As(access.Admin)
	a := admin.Get("/datastores/ds-customers/tables/no%2Fsuch%25table%F0%9F%94%92")
	if a.Status != 404 || !strings.Contains(a.Body, "Data store or table not found") {
		t.Errorf("%d %s", a.Status, a.Body)
	}
	open := admin.Get("/datastores/open?" + url.Values{"datastore_id": {"a/b"}, "table_id": {"50%?#ü"}}.Encode())
	if want := "/datastores/a%2Fb/tables/50%25%3F%23%C3%BC"; open.Status != 303 || open.Header.Get("Location") != want {
		t.Errorf("%d %q, want %q", open.Status, open.Header.Get("Location"), want)
	}
	if a := admin.Get("/datastores/open?datastore_id=&table_id=x"); a.Status != 400 || !strings.Contains(a.Body, "Type the ids") {
		t.Errorf("no id: %d", a.Status)
	}
}

func TestPreflightWorksWithAndWithoutJavaScript(t *testing.T) {
	h := consoletest.Start(t)
	admin := h.As(access.Admin)
	fragment := admin.Submit(consoletest.TablePath, consoletest.TablePath+"/preflight", consoletest.RunForm("ssn", "email"), "HX-Request", "true")
	if fragment.Status != 200 || strings.Contains(fragment.Body, "<html") || !strings.Contains(fragment.Body, "idx_contacts_email") {
		t.Errorf("fragment: %d %s", fragment.Status, fragment.Body)
	}
	whole := admin.Submit(consoletest.TablePath, consoletest.TablePath+"/preflight", consoletest.RunForm("ssn"))
	if whole.Status != 200 || !strings.Contains(whole.Body, "<html") || !strings.Contains(whole.Body, "columnTargetMatrix") {
		t.Errorf("page: %d", whole.Status)
	}
	if !strings.Contains(whole.Body, `value="ssn" id=`) || !strings.Contains(whole.Body, "checked") {
		t.Error("the page forgot what was ticked")
	}
	none := admin.Submit(consoletest.TablePath, consoletest.TablePath+"/preflight", url.Values{"interval_days": {"90"}}, "HX-Request", "true")
	if none.Status != 200 || !strings.Contains(none.Body, "Tick the columns") {
		t.Errorf("nothing ticked: %d %s", none.Status, none.Body)
	}
	bad := admin.Submit(consoletest.TablePath, consoletest.TablePath+"/preflight", url.Values{"columns": {"ssn"}, "interval_days": {"x"}}, "HX-Request", "true")
	if bad.Status != 422 || !strings.Contains(bad.Body, "whole number of days") {
		t.Errorf("bad interval: %d %s", bad.Status, bad.Body)
	}
	if n := len(h.Records(audit.Filter{Operation: string(audit.RunRequested)})); n != 0 {
		t.Errorf("a check left %d requests on record", n)
	}
}

func TestATenantThatIsDownLeavesTheStoredCopy(t *testing.T) {
	h := consoletest.Start(t)
	admin := h.As(access.Admin)
	if a := admin.Get(consoletest.TablePath); a.Status != 200 {
		t.Fatalf("%d", a.Status)
	}
	h.Tenant.Fail(sandbox.Fault{Kind: sandbox.FaultStatus, Status: 403, Endpoint: sandbox.EndpointTable, Times: -1})
	a := admin.Get(consoletest.TablePath)
	if a.Status != 200 || !strings.Contains(a.Body, "CXone refused") || !strings.Contains(a.Body, "credit_card") {
		t.Errorf("%d %s", a.Status, a.Body)
	}
	if a := admin.Get("/datastores/ds-customers/tables/other"); a.Status != 502 || !strings.Contains(a.Body, "CXone refused") {
		t.Errorf("a table never seen: %d", a.Status)
	}
}

func TestFormsAreBounded(t *testing.T) {
	h := consoletest.Start(t)
	admin := h.As(access.Admin)
	var names []string
	for i := range 500 {
		names = append(names, fmt.Sprintf("%03d%s", i, strings.Repeat("ü", 30)))
	}
	a := admin.Submit(consoletest.TablePath, consoletest.TablePath+"/preflight", consoletest.RunForm(names...), "HX-Request", "true")
	if a.Status != 200 || strings.Count(a.Body, "The table has no column") < 500 {
		t.Errorf("500 columns: %d %.300s", a.Status, a.Body)
	}
	for i := range names {
		names[i] += strings.Repeat("ü", 480)
	}
	a = admin.Submit(consoletest.TablePath, consoletest.TablePath+"/preflight", consoletest.RunForm(names...), "HX-Request", "true")
	if a.Status != 422 || !strings.Contains(a.Body, "too long together") {
		t.Errorf("500 columns of 1 KiB: %d %.300s", a.Status, a.Body)
	}
	form := url.Values{"csrf_token": {admin.Token("/")}, "columns": {strings.Repeat("x", 3<<20)}}
	if a := admin.Post("/runs", form); a.Status != 413 || !strings.Contains(a.Body, "larger than 2 MiB") {
		t.Errorf("3 MiB: %d", a.Status)
	}
	if a := admin.Do("POST", "/runs", strings.NewReader(`{"columns":["ssn"]}`), "Content-Type", "application/json"); a.Status != 415 {
		t.Errorf("JSON body: %d", a.Status)
	}
}

func TestAQueuedRunCanBeCancelledAndADoneOneCannot(t *testing.T) {
	h := consoletest.Start(t)
	admin := h.As(access.Admin)
	form := consoletest.RunForm("ssn")
	form.Set("start_at", h.Now().Add(2*time.Hour).UTC().Format("2006-01-02T15:04"))
	a := admin.Submit(consoletest.TablePath, "/runs", form)
	path := a.Header.Get("Location")
	if page := admin.Get(path); !strings.Contains(page.Body, "Cancel this run") {
		t.Fatalf("no button to cancel: %d", page.Status)
	}
	if page := h.As(access.Officer).Get(path); strings.Contains(page.Body, "Cancel this run") {
		t.Error("an officer is offered to cancel")
	}
	if a := admin.Submit(path, path+"/cancel", nil); a.Status != 303 || a.Header.Get("Location") != path {
		t.Fatalf("cancel: %d %s", a.Status, a.Body)
	}
	if page := admin.Get(path); !strings.Contains(page.Body, "Nothing was sent to CXone.") {
		t.Error("the page does not say that it was cancelled")
	}
	if page := admin.Get(path); strings.Contains(page.Body, "The run is cancelled. Nothing") {
		t.Error("a message is shown twice")
	}
	if a := admin.Submit(path, path+"/cancel", nil); a.Status != 409 || !strings.Contains(a.Body, "only a queued run can be cancelled") {
		t.Errorf("again: %d", a.Status)
	}
}

// message is one server-sent event.
type message struct{ id, event, data string }

// listen opens a run's event stream and hands every message over.
func listen(ctx context.Context, b *consoletest.Browser, path, lastID string) (<-chan message, consoletest.Answer) {
	b.T.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, b.URL+path, nil)
	must(b.T, err)
	req.Header.Set("Accept-Encoding", "gzip")
	if lastID != "" {
		req.Header.Set("Last-Event-ID", lastID)
	}
	resp, err := b.Client.Do(req) //nolint:bodyclose // closed by the reader below
	must(b.T, err)
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
	return out, consoletest.Answer{Status: resp.StatusCode, Header: resp.Header}
}

func TestARunIsFollowedLiveToItsEnd(t *testing.T) {
	h := consoletest.Start(t)
	h.Tenant.Fail(sandbox.Fault{Kind: sandbox.FaultLatency, LatencyMs: 100, Endpoint: sandbox.EndpointEncrypt})
	admin := h.As(access.Admin)
	path := admin.Launch("ssn")
	stream, resp := listen(t.Context(), admin, path+"/events", "")
	if resp.Status != 200 || resp.Header.Get("Content-Type") != "text/event-stream" || resp.Header.Get("Content-Encoding") != "" {
		t.Fatalf("%d %v", resp.Status, resp.Header)
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
	again, _ := listen(t.Context(), admin, path+"/events", ids[len(ids)-2])
	var replayed []message
	for m := range again {
		replayed = append(replayed, m)
	}
	if len(replayed) != 3 || replayed[0].id != ids[len(ids)-1] || replayed[2].event != "end" {
		t.Errorf("replay after the last but one: %+v", replayed)
	}
	if a := admin.Get(path+"/events", "Last-Event-ID", "x"); a.Status != 400 {
		t.Errorf("bad Last-Event-ID: %d", a.Status)
	}
}

func TestAStreamOutlivesTheServersDeadlines(t *testing.T) {
	const deadline = 300 * time.Millisecond
	h := consoletest.Start(t, func(c *consoletest.Config) { c.ReadTimeout, c.WriteTimeout = deadline, deadline })
	admin := h.As(access.Admin)
	form := consoletest.RunForm("ssn")
	form.Set("start_at", h.Now().Add(2*time.Hour).UTC().Format(time.RFC3339))
	path := admin.Submit(consoletest.TablePath, "/runs", form).Header.Get("Location")
	stream, _ := listen(t.Context(), admin, path+"/events", "")
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
	admin.Submit(path, path+"/cancel", nil)
	ended := false
	for m := range stream {
		ended = ended || m.event == "end" && m.data == "cancelled\n"
	}
	if !ended {
		t.Error("the end of the run did not arrive")
	}
}

func TestAStreamEndsWithItsClientAndWithTheConsole(t *testing.T) {
	h := consoletest.Start(t)
	admin := h.As(access.Admin)
	form := consoletest.RunForm("ssn")
	form.Set("start_at", h.Now().Add(2*time.Hour).UTC().Format(time.RFC3339))
	path := admin.Submit(consoletest.TablePath, "/runs", form).Header.Get("Location")

	ctx, cancel := context.WithCancel(t.Context())
	gone, _ := listen(ctx, admin, path+"/events", "")
	<-gone
	cancel()
	for range gone { // closes
	}
	stays, _ := listen(t.Context(), admin, path+"/events", "")
	<-stays
	h.Pages.Close()
	for m := range stays {
		if m.event == "end" {
			t.Error("a console that stops says that the run has ended")
		}
	}
}

func TestCallbacksAreJudgedHoweverHostile(t *testing.T) {
	h := consoletest.Start(t)
	h.Tenant.Fail(sandbox.Fault{Kind: sandbox.FaultKMSNone, Times: -1})
	admin := h.As(access.Admin)
	run := h.WaitFor(admin.Launch("ssn"), encryption.Verifying)
	kms := h.Browser()
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
		{path + "/", "{", 400}, // a slash appended by the sender
		{path, `[1]`, 400},
		{path, strings.Repeat("[", 60000), 400},
	} {
		a := kms.Do("POST", bad.path, strings.NewReader(bad.body), "Content-Type", "application/json")
		if a.Status != bad.status || a.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%.40s %.20q: %d %s", bad.path, bad.body, a.Status, a.Body)
		}
	}
	if a := kms.Get(path); a.Status != 405 {
		t.Errorf("GET: %d", a.Status)
	}
	h.WaitFor("/runs/"+run.ID, encryption.Verifying)
	a := kms.Do("POST", path+"/", strings.NewReader(good), "Content-Type", "application/json")
	if a.Status != 200 || !strings.Contains(a.Body, `"status":"VERIFIED"`) {
		t.Errorf("a good callback: %d %s", a.Status, a.Body)
	}
	h.WaitFor("/runs/"+run.ID, encryption.Verified)
	if list := admin.Get("/verifications?accepted=no"); strings.Count(list.Body, "Refused") < 5 {
		t.Error("the refused callbacks are not in the list")
	}
}

func TestACallbackOf10MBIsRefusedUnread(t *testing.T) {
	h := consoletest.Start(t)
	h.Tenant.Fail(sandbox.Fault{Kind: sandbox.FaultKMSNone, Times: -1})
	run := h.WaitFor(h.As(access.Admin).Launch("ssn"), encryption.Verifying)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.URL+"/kms/callback/"+run.CallbackToken,
		bytes.NewReader(bytes.Repeat([]byte("x"), 10<<20)))
	must(t, err)
	resp, err := h.Browser().Client.Do(req)
	if err == nil { // the console hangs up on the rest; either end of that is fine for a client
		defer resp.Body.Close() //nolint:errcheck // a test's consoletest.Answer
		if resp.StatusCode != 413 {
			t.Errorf("%d", resp.StatusCode)
		}
	}
	list, err := h.Store.RunVerifications(t.Context(), run.ID)
	must(t, err)
	if len(list) != 1 || list[0].Code != "too_large" || list[0].Body != "" {
		t.Errorf("%+v", list)
	}
}
