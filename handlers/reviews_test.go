package handlers_test

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/console/consoletest"
	"cxseal/web"
)

func TestAnOfficerMarksAPeriodAsReviewed(t *testing.T) {
	h := consoletest.Start(t)
	seed(h, 3)
	officer := h.As(access.Officer)
	if page := officer.Get("/reviews").Body; !strings.Contains(page, "There was none yet") || !strings.Contains(page, `name="note"`) {
		t.Fatalf("the page before the first review: %s", page)
	}
	upTo := upToField.FindStringSubmatch(officer.Get("/reviews").Body)[1]
	form := url.Values{"from": {"2026-01-01"}, "to": {"2026-01-31"}, "note": {"<b>Nothing</b> unusual."}, "up_to": {upTo}}
	if a := officer.Submit("/reviews", "/reviews", form); a.Status != 303 || a.Header.Get("Location") != "/reviews" {
		t.Fatalf("%d: %s", a.Status, a.Body)
	}
	list := h.Records(audit.Filter{Operation: string(audit.AuditReview)})
	if len(list) != 1 || list[0].Record.Actor.Name != "officer-1" {
		t.Fatalf("%+v", list)
	}
	got, ok := audit.ReviewOf(list[0].Line())
	if !ok || fmt.Sprint(got.UpToSeq) != upTo || got.Note != "<b>Nothing</b> unusual." || !got.To.Equal(time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("%+v, %v", got, ok)
	}
	page := officer.Get("/reviews").Body
	for _, want := range []string{"Less than a day ago", "&lt;b&gt;Nothing&lt;/b&gt; unusual.", "/audit/" + list[0].Record.AuditID, "as far as record " + upTo} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

var upToField = regexp.MustCompile(`name="up_to" value="([0-9]+)"`)

// mark marks a period as reviewed, as far as the page says.
func mark(b *consoletest.Browser, from, to string) {
	b.T.Helper()
	page := b.Get("/reviews?" + url.Values{"from": {from}, "to": {to}}.Encode()).Body
	upTo := upToField.FindStringSubmatch(page)
	if upTo == nil {
		b.T.Fatal("the page has no form")
	}
	if a := b.Submit("/reviews", "/reviews", url.Values{"from": {from}, "to": {to}, "note": {"Read."}, "up_to": {upTo[1]}}); a.Status != 303 {
		b.T.Fatalf("%d: %s", a.Status, a.Body)
	}
}

// Marking the newest month once cleared the warning for all the months before it.
func TestThePagesNameTheMonthsThatNobodyReviewed(t *testing.T) {
	var ago atomic.Int64 // the log begins a hundred days before its people sign in
	ago.Store(int64(100 * 24 * time.Hour))
	h := consoletest.Start(t, func(c *consoletest.Config) {
		c.Now = func() time.Time { return time.Now().Add(-time.Duration(ago.Load())) }
	})
	began := time.Now().Add(-time.Duration(ago.Load())).UTC()
	for op, outcome := range map[audit.Operation]audit.Outcome{audit.Login: audit.Failure, audit.AccessDenied: audit.Denied, audit.DriftDetected: audit.Success} {
		must(t, h.Store.AppendRecords(t.Context(), audit.NewRecord(began, op, outcome, audit.Actor{Name: "ada", Role: "admin"})))
	}
	ago.Store(0)
	now := h.Now().UTC()
	var ended []time.Time
	for first := time.Date(began.Year(), began.Month(), 1, 0, 0, 0, 0, time.UTC); first.AddDate(0, 1, 0).Before(now); first = first.AddDate(0, 1, 0) {
		ended = append(ended, first)
	}
	names := func(months []time.Time) string {
		var list []string
		for _, m := range months {
			list = append(list, m.Format("January 2006"))
		}
		return web.Plural(len(list), "month is", "months are") + " over and not reviewed to the end: " + strings.Join(list, ", ") + "."
	}
	officer, admin := h.As(access.Officer), h.As(access.Admin)
	admin.Launch("ssn") // the dashboard of an empty console shows what to do first instead
	look := func(what string, due []time.Time, from time.Time) {
		t.Helper()
		page := officer.Get("/reviews").Body
		if got := strings.Contains(page, "over and not reviewed to the end"); got != (len(due) > 0) || got && !strings.Contains(page, names(due)) {
			t.Errorf("%s: the page does not say %q", what, names(due))
		}
		if want := `name="from" type="date" value="` + from.Format(time.DateOnly) + `"`; !strings.Contains(page, want) {
			t.Errorf("%s: the proposal does not begin at the oldest gap: no %s", what, want)
		}
		warns := strings.Contains(admin.Get("/").Body, web.Plural(len(due), "month", "months")+" of the log not reviewed to the end</")
		if warns != (len(due) > 0) {
			t.Errorf("%s: the dashboard warns: %v", what, warns)
		}
	}
	look("nothing reviewed", ended, began)
	page := officer.Get("/reviews?from=" + began.Format(time.DateOnly) + "&to=" + began.Format(time.DateOnly)).Body
	day := "from=" + began.Format(time.DateOnly) + "&amp;"
	for _, want := range []string{">1 failure</a>", ">1 refusal</a>", ">1 finding of drift</a>", `href="/audit?` + day, "operation=DRIFT_DETECTED", `formaction="/audit"`} {
		if !strings.Contains(page, want) {
			t.Errorf("what is in the period lacks %q", want)
		}
	}
	newest := ended[len(ended)-1]
	mark(officer, newest.Format(time.DateOnly), newest.AddDate(0, 1, -1).Format(time.DateOnly))
	look("the newest month reviewed", ended[:len(ended)-1], began)
	mark(officer, began.Format(time.DateOnly), newest.AddDate(0, 0, -1).Format(time.DateOnly))
	look("all ended months reviewed", nil, newest.AddDate(0, 1, 0))
	kept, err := h.Store.LatestCheckpoint(t.Context())
	must(t, err)
	list := h.Records(audit.Filter{Operation: string(audit.AuditReview)})
	if r, ok := audit.ReviewOf(list[0].Line()); !ok || r.Size < r.UpToSeq || r.Size > kept.Size || r.Root == ([32]byte{}) {
		t.Errorf("the review is not bound to a checkpoint: %+v", r)
	}
}

func TestAPeriodThatCannotBeReadIsSaidOnTheForm(t *testing.T) {
	h := consoletest.Start(t)
	for _, query := range []string{"from=soon&to=2026-01-31", "from=2026-02-01&to=2026-01-01", "from=2026-01-01"} {
		if a := h.As(access.Officer).Get("/reviews?" + query); a.Status != 200 || !strings.Contains(a.Body, "review-error") {
			t.Errorf("%s: %d, and nothing is said", query, a.Status)
		}
	}
}

func TestAReviewThatCannotBeIsShownWithWhatWasTyped(t *testing.T) {
	h := consoletest.Start(t)
	seed(h, 2)
	officer := h.As(access.Officer)
	before := len(h.Records(audit.Filter{}))
	for name, form := range map[string]url.Values{
		"no note":    {"from": {"2026-01-01"}, "to": {"2026-01-31"}, "note": {" "}, "up_to": {"2"}},
		"backwards":  {"from": {"2026-02-01"}, "to": {"2026-01-01"}, "note": {"fine, typed"}, "up_to": {"2"}},
		"no period":  {"note": {"fine, typed"}, "up_to": {"2"}},
		"the future": {"from": {"2026-01-01"}, "to": {"2026-01-31"}, "note": {"fine, typed"}, "up_to": {"99999"}},
		"not a day":  {"from": {"soon"}, "to": {"2026-01-31"}, "note": {"fine, typed"}, "up_to": {"2"}},
	} {
		a := officer.Submit("/reviews", "/reviews", form)
		if a.Status != 422 || !strings.Contains(a.Body, "review-error") || !strings.Contains(a.Body, strings.TrimSpace(form.Get("note"))) {
			t.Errorf("%s: %d %s", name, a.Status, a.Body)
		}
	}
	if a := officer.Submit("/reviews", "/reviews", url.Values{"note": {"x"}}, "Accept", "application/json"); a.Status != 400 || !strings.Contains(a.Body, `"invalid"`) {
		t.Errorf("a script: %d %s", a.Status, a.Body)
	}
	if after := len(h.Records(audit.Filter{})); after != before {
		t.Errorf("%d records were added", after-before)
	}
}

func TestWhoMayNotReviewIsOnRecord(t *testing.T) {
	h := consoletest.Start(t)
	admin := h.As(access.Admin)
	form := url.Values{"from": {"2026-01-01"}, "to": {"2026-01-31"}, "note": {"All fine."}, "up_to": {"1"}}
	if a := admin.Submit("/runs", "/reviews", form); a.Status != 403 {
		t.Fatalf("%d", a.Status)
	}
	list := h.Records(audit.Filter{Operation: string(audit.AuditReview)})
	if len(list) != 1 || list[0].Record.Outcome != audit.Denied || list[0].Record.Actor.Name != "admin-1" {
		t.Errorf("%+v", list)
	}
}

func TestASearchIsKeptFoundAgainAndForgotten(t *testing.T) {
	h := consoletest.Start(t)
	seed(h, 60)
	officer := h.As(access.Officer)
	page := officer.Get("/audit?actor=seeder&q=seeded").Body
	if !strings.Contains(page, `action="/audit/views"`) {
		t.Fatal("the search cannot be kept")
	}
	a := officer.Submit("/audit?actor=seeder", "/audit/views", url.Values{"name": {"Seeds & <co>"}, "query": {"?actor=seeder&q=seeded&before=12"}})
	if a.Status != 303 || a.Header.Get("Location") != "/audit?actor=seeder&q=seeded" {
		t.Fatalf("%d %q: %s", a.Status, a.Header.Get("Location"), a.Body)
	}
	page = officer.Get("/audit").Body
	if !strings.Contains(page, `href="/audit?actor=seeder&amp;q=seeded"`) || !strings.Contains(page, "Seeds &amp; &lt;co&gt;") {
		t.Fatal("the view is not on the page")
	}
	if other := h.As(access.Admin).Get("/audit").Body; strings.Contains(other, "Saved views") {
		t.Error("another person sees it")
	}
	if a := h.As(access.Admin).Submit("/audit?actor=x", "/audit/views/1/delete", nil); a.Status != 404 {
		t.Errorf("another person deletes it: %d", a.Status)
	}
	if a := officer.Submit("/audit", "/audit/views/1/delete", nil); a.Status != 303 {
		t.Errorf("%d: %s", a.Status, a.Body)
	}
	if page := officer.Get("/audit").Body; strings.Contains(page, "Saved views") {
		t.Error("the view is still there")
	}
	if a := officer.Submit("/audit?actor=x", "/audit/views", url.Values{"name": {" "}, "query": {"q=x"}}); a.Status != 400 {
		t.Errorf("a view without a name: %d", a.Status)
	}
}

func TestTheLogsPageSaysWhatIsAnchoredAndCountsByValue(t *testing.T) {
	path := t.TempDir() + "/anchors"
	anchor, err := audit.ParseAnchor("file:" + path)
	must(t, err)
	h := consoletest.Start(t, func(c *consoletest.Config) { c.Signing = []audit.LogOption{audit.AnchorTo(anchor)} })
	officer := h.As(access.Officer)
	if page := officer.Get("/audit").Body; !strings.Contains(page, "No record is signed yet.") || !strings.Contains(page, "Nothing is anchored yet.") {
		t.Errorf("before the first checkpoint: %s", page)
	}
	must(t, h.Log.Tick(t.Context()))
	covered := len(h.Records(audit.Filter{}))
	seed(h, 2500)
	for _, page := range []string{officer.Get("/audit").Body, officer.Get("/system").Body} {
		for _, want := range []string{"are anchored", "file:" + path, "; 2,500 are not."} {
			if !strings.Contains(page, want) {
				t.Errorf("with %d records anchored, the page lacks %q", covered, want)
			}
		}
	}
	if a := officer.Get("/audit.csv?operation=LOGIN"); a.Status != 200 {
		t.Fatal(a.Status)
	}
	if s, err := h.Log.Status(t.Context()); err != nil || s.Checkpoint.Size != int64(covered+2500) {
		t.Errorf("an export made no checkpoint: %+v, %v", s.Checkpoint, err)
	}
	if page := officer.Get("/audit").Body; !strings.Contains(page, `<span class="cx-num">2,500</span>`) || strings.Contains(page, "Counted over") {
		t.Error("the whole log is not counted by value")
	}
	if page := officer.Get("/audit?actor=seeder").Body; !strings.Contains(page, "Counted over the newest 1,000 that match") {
		t.Error("the page does not say that its counts are of the newest only")
	}
}
