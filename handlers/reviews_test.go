package handlers_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/console/consoletest"
)

func TestAnOfficerMarksAPeriodAsReviewed(t *testing.T) {
	h := consoletest.Start(t)
	seed(h, 3)
	officer := h.As(access.Officer)
	if page := officer.Get("/reviews").Body; !strings.Contains(page, "There was none yet") || !strings.Contains(page, `name="note"`) {
		t.Fatalf("the page before the first review: %s", page)
	}
	form := url.Values{"from": {"2026-01-01"}, "to": {"2026-01-31"}, "note": {"<b>Nothing</b> unusual."}, "up_to": {"3"}}
	if a := officer.Submit("/reviews", "/reviews", form); a.Status != 303 || a.Header.Get("Location") != "/reviews" {
		t.Fatalf("%d: %s", a.Status, a.Body)
	}
	list := h.Records(audit.Filter{Operation: string(audit.AuditReview)})
	if len(list) != 1 || list[0].Record.Actor.Name != "officer-1" {
		t.Fatalf("%+v", list)
	}
	got, ok := audit.ReviewOf(list[0].Line())
	if !ok || got.UpToSeq != 3 || got.Note != "<b>Nothing</b> unusual." || !got.To.Equal(time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("%+v, %v", got, ok)
	}
	page := officer.Get("/reviews").Body
	for _, want := range []string{"Less than a day ago", "&lt;b&gt;Nothing&lt;/b&gt; unusual.", "/audit/" + list[0].Record.AuditID, "as far as record 3"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

func TestThePagesCountTheDaysSinceTheLastReview(t *testing.T) {
	h := consoletest.Start(t)
	r, err := audit.Review{From: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC), UpToSeq: 1, Note: "x"}.
		Record(h.Now().Add(-75*time.Hour), audit.Actor{Name: "olga", Role: "officer"})
	must(t, err)
	must(t, h.Store.AppendRecords(t.Context(), r))
	admin := h.As(access.Admin)
	if page := admin.Get("/reviews").Body; !strings.Contains(page, "3 days ago") || strings.Contains(page, `name="note"`) {
		t.Errorf("an admin's page: %s", page)
	}
	admin.Launch("ssn") // an empty console shows what to do first instead
	if page := admin.Get("/").Body; !strings.Contains(page, `aria-label="3 days since the last review of the log"`) {
		t.Error("the dashboard does not count the days")
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
