package handlers_test

import (
	"html"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cxseal/cxone/sandbox"
	"cxseal/internal/access"
	"cxseal/internal/attention"
	"cxseal/internal/audit"
	"cxseal/internal/console/consoletest"
	"cxseal/internal/encryption"
)

var itemField = regexp.MustCompile(`name="item" value="([^"]+)"`)

// wantPage reports what a page does not say, and what it says though it must not.
func wantPage(t *testing.T, what, page string, says, saysNot []string) {
	t.Helper()
	for _, text := range says {
		if !strings.Contains(page, html.EscapeString(text)) && !strings.Contains(page, text) {
			t.Errorf("%s: the page lacks %q: %s", what, text, page)
		}
	}
	for _, text := range saysNot {
		if strings.Contains(page, html.EscapeString(text)) {
			t.Errorf("%s: the page says %q", what, text)
		}
	}
}

// 23 of 23 lost columns were encrypted again, the refused and the unconfirmed run were superseded by verified ones, and
// all stood in red. Each sentence must be true of the facts, and say when and by what it ended to be.
func TestWhatNeedsAttentionIsWhatIsOpen(t *testing.T) {
	h := consoletest.Start(t)
	admin := h.As(access.Admin)
	const rejected, unconfirmed, failed = "1 run was rejected by the KMS check", "1 run is unconfirmed", "1 run failed"
	const lost = "1 column lost its protection outside of this console"

	h.Tenant.Fail(sandbox.Fault{Kind: sandbox.FaultKMSWrongAlgorithm, Times: 1})
	h.WaitFor(admin.Launch("ssn"), encryption.Rejected)
	h.Tenant.ClearFaults()
	h.Tenant.Fail(sandbox.Fault{Kind: sandbox.FaultKMSNone, Times: 1})
	h.WaitFor(admin.Launch("credit_card"), encryption.Verifying)
	h.Advance(15 * time.Minute)
	runs, err := h.Store.Runs(t.Context(), encryption.RunFilter{}, 0, 1)
	must(t, err)
	silent := h.WaitFor("/runs/"+runs[0].ID, encryption.Unconfirmed)
	h.Tenant.ClearFaults()
	a := admin.Submit("/runs", "/runs", consoletest.RunForm("no_such_column"))
	h.WaitFor(a.Header.Get("Location"), encryption.Failed)
	wantPage(t, "three runs ended badly", admin.Get("/").Body, []string{rejected, unconfirmed, failed, "Do not rely on this encryption",
		"/attention?kind=run_rejected&amp;state=open", ">3 open<"}, []string{lost, "All clear"})

	// A rotation that is verified supersedes the refused run, and says so.
	again := h.WaitFor(rotate(t, admin, "ssn"), encryption.Verified)
	wantPage(t, "the refused run is superseded", admin.Get("/").Body, []string{unconfirmed, failed}, []string{rejected, "was refused by the KMS check"})
	resolved := admin.Get("/attention?kind=run_rejected&state=resolved").Body
	record := h.Records(audit.Filter{RunID: again.ID, Operation: string(audit.KeyRotation)})
	if len(record) != 1 {
		t.Fatalf("%+v", record)
	}
	wantPage(t, "the list of what was resolved", resolved, []string{"A later run was verified", `href="/runs/` + again.ID + `"`,
		`href="/audit/` + record[0].Record.AuditID + `"`, `datetime="` + record[0].Record.Time().UTC().Format("2006-01-02T15:04"), "1 item on this page"}, nil)

	// The right callback of the silent run comes late.
	body := `{"tableId":"` + tableID + `","columns":["credit_card"],"keyVersion":1,"complianceCheck":{"algorithm":"AES-256-GCM"}}`
	if a := h.Browser().Do("POST", "/kms/callback/"+silent.CallbackToken, strings.NewReader(body), "Content-Type", "application/json"); a.Status != 200 {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	wantPage(t, "the callback came late", admin.Get("/").Body, []string{failed}, []string{unconfirmed})
	wantPage(t, "and the list says so", admin.Get("/attention?state=resolved").Body, []string{"Confirmed late by the KMS"}, nil)

	// A column is lost, encrypted by somebody (nothing vouches for that), and verified again.
	h.Advance(5 * time.Minute)
	must(t, h.Tenant.Mutate(datastoreID, tableID, sandbox.Mutation{Action: sandbox.Decrypt, Column: "ssn"}))
	admin.Get(consoletest.TablePath)
	wantPage(t, "ssn is lost", admin.Get("/").Body, []string{lost}, nil)
	wantPage(t, "ssn is in the list", admin.Get("/attention?kind=column_lost&state=open").Body, []string{"ssn", "no longer encrypted", "Open"}, []string{"Resolved,"})
	h.WaitFor(admin.Launch("ssn"), encryption.Verified)
	wantPage(t, "ssn is verified again", admin.Get("/").Body, nil, []string{lost})
	wantPage(t, "and the loss stays findable", admin.Get("/attention?kind=column_lost").Body, []string{"ssn", "A later run was verified", "Resolved"}, nil)
	if list := admin.Get("/attention?table_id=nothing").Body; !strings.Contains(list, "No item matches") {
		t.Errorf("the filter by table: %s", list)
	}
	if a := admin.Get("/attention?state=closed"); a.Status != 400 || !strings.Contains(a.Body, "must be one of open, acknowledged, resolved") {
		t.Errorf("a state that there is not: %d %s", a.Status, a.Body)
	}
}

// An officer takes on what no run will mend, with an owner and a note, on record; it leaves the warnings and stays
// findable; nobody else may.
func TestAPersonTakesOnWhatNeedsAttention(t *testing.T) {
	h := consoletest.Start(t)
	admin, officer, approver, viewer := h.As(access.Admin), h.As(access.Officer), h.As(access.Approver), h.As(access.Viewer)
	a := admin.Submit("/runs", "/runs", consoletest.RunForm("no_such_column"))
	run := h.WaitFor(a.Header.Get("Location"), encryption.Failed)
	const failed = "1 run failed"
	wantPage(t, "the viewer's dashboard", viewer.Get("/").Body, []string{failed, "1 open, 0 acknowledged, 0 resolved."}, []string{`href="/attention`})
	list := officer.Get("/attention?state=open").Body
	item := itemField.FindStringSubmatch(list)
	if item == nil {
		t.Fatalf("nothing to choose: %s", list)
	}
	if page := approver.Get("/attention?state=open").Body; itemField.MatchString(page) || strings.Contains(page, `name="note"`) || !strings.Contains(page, "no_such_column") {
		t.Errorf("an approver is offered to acknowledge, or does not see it: %s", page)
	}
	form := url.Values{"item": {item[1]}, "owner": {"Data platform"}, "note": {"A typing error; <nothing> to mend."}}
	if a := approver.Submit("/attention", "/attention/acknowledge", form); a.Status != 403 {
		t.Errorf("an approver acknowledges: %d", a.Status)
	}
	ack := audit.Filter{Operation: string(audit.AttentionAcknowledged)}
	if list := h.Records(ack); len(list) != 1 || list[0].Record.Outcome != audit.Denied || list[0].Record.Actor.Name != "approver-1" {
		t.Errorf("the denial on record: %+v", list)
	}

	// What is wrong with the form is said on it, and nothing typed is lost.
	a = officer.Submit("/attention", "/attention/acknowledge", url.Values{"item": {item[1]}, "owner": {"Data platform"}, "note": {" "}})
	if a.Status != 422 || !strings.Contains(a.Body, "Write a note") || !strings.Contains(a.Body, `value="Data platform"`) {
		t.Errorf("without a note: %d %s", a.Status, a.Body)
	}
	if a := officer.Submit("/attention", "/attention/acknowledge", url.Values{"item": {"no-such-item"}, "note": {"x"}}); a.Status != 404 {
		t.Errorf("an unknown item: %d", a.Status)
	}
	if a := officer.Submit("/attention", "/attention/acknowledge", form); a.Status != 303 || a.Header.Get("Location") != "/attention?state=acknowledged" {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	records := h.Records(audit.Filter{Operation: string(audit.AttentionAcknowledged), Outcome: string(audit.Success)})
	if len(records) != 1 || records[0].Record.Actor.Name != "officer-1" || records[0].Record.RunID != run.ID {
		t.Fatalf("%+v", records)
	}
	if got, ok := audit.AcknowledgementOf(records[0].Record); !ok || got.Owner != "Data platform" || got.Note != "A typing error; <nothing> to mend." || got.Item != item[1] {
		t.Errorf("on record: %+v", got)
	}
	wantPage(t, "what was taken on is no warning", officer.Get("/").Body, []string{"0 open</a>", "1 acknowledged</a>"}, []string{failed})
	for _, path := range []string{"/attention?state=acknowledged", "/attention?owner=" + url.QueryEscape("Data platform")} {
		wantPage(t, path, officer.Get(path).Body, []string{"Acknowledged by officer-1", "owner Data platform", "A typing error; <nothing> to mend.",
			`href="/audit/` + records[0].Record.AuditID + `"`}, []string{"No item matches"})
	}
	if page := officer.Get("/attention?owner=olga").Body; !strings.Contains(page, "No item matches") {
		t.Errorf("another's items: %s", page)
	}
}

// A month that nobody reviewed is an item from its end until a review closes its last gap.
func TestAMonthIsAnItemUntilItIsReviewed(t *testing.T) {
	var ago atomic.Int64 // the log begins in the middle of a month that is over when its people sign in
	now := time.Now().UTC()
	first := time.Date(now.Year(), now.Month()-1, 1, 0, 0, 0, 0, time.UTC)
	ago.Store(int64(now.Sub(first.AddDate(0, 0, 14))))
	h := consoletest.Start(t, func(c *consoletest.Config) {
		c.Now = func() time.Time { return time.Now().Add(-time.Duration(ago.Load())) }
	})
	must(t, h.Store.AppendRecords(t.Context(), audit.NewRecord(h.Now().Add(-time.Duration(ago.Load())), audit.Login, audit.Success, audit.Actor{Name: "ada"})))
	ago.Store(0)
	officer := h.As(access.Officer)
	officer.Get(consoletest.TablePath) // else the dashboard says what to do first
	const open = "1 month of the log not reviewed to the end"
	wantPage(t, "the month is over", officer.Get("/").Body, []string{open}, nil)
	name := first.Format("January 2006")
	wantPage(t, "the list", officer.Get("/attention?kind=month_not_reviewed&state=open").Body, []string{name, "1 item on this page"}, nil)
	mark(officer, first.Format(time.DateOnly), first.AddDate(0, 1, -1).Format(time.DateOnly))
	wantPage(t, "it is reviewed", officer.Get("/").Body, nil, []string{open})
	record := h.Records(audit.Filter{Operation: string(audit.AuditReview)})[0].Record
	wantPage(t, "and says by what", officer.Get("/attention?kind=month_not_reviewed&state=resolved").Body,
		[]string{name, "Reviewed to its end", `href="/audit/` + record.AuditID + `"`}, nil)
}

// The list of every kind opens, and a page leads to the next.
func TestTheListOfAttentionIsPaged(t *testing.T) {
	h := consoletest.Start(t)
	for i := range 60 {
		r := audit.NewRecord(h.Now(), audit.ColumnEncryption, audit.Failure, audit.Actor{Name: "admin", Role: "admin"})
		r.Connection, r.DatastoreID, r.TableID, r.RunID, r.Columns = "default", datastoreID, "tbl-"+string(rune('a'+i%26)), audit.NewID(h.Now()), []string{"c" + string(rune('a'+i/26))}
		must(t, h.Store.AppendRecords(t.Context(), r))
	}
	officer := h.As(access.Officer)
	page := officer.Get("/attention?kind=run_failed").Body
	next := regexp.MustCompile(`rel="next" href="([^"]+)"`).FindStringSubmatch(page)
	if next == nil || len(itemField.FindAllString(page, -1)) != 50 {
		t.Fatalf("the first page: %s", page)
	}
	if rest := officer.Get(html.UnescapeString(next[1])).Body; len(itemField.FindAllString(rest, -1)) != 10 || !strings.Contains(rest, `rel="prev"`) {
		t.Errorf("the second page: %s", rest)
	}
	for _, kind := range attention.Findings() {
		if a := officer.Get("/attention?kind=" + string(kind)); a.Status != 200 {
			t.Errorf("%s: %d", kind, a.Status)
		}
	}
	if a := officer.Get("/attention?kind=" + string(attention.RunAwaiting)); a.Status != 400 {
		t.Errorf("a kind that is not kept: %d", a.Status)
	}
}
