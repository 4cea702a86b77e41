package handlers_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"cxseal/cxone/sandbox"
	"cxseal/handlers"
	"cxseal/internal/access"
	"cxseal/internal/audit"
)

func TestAnOfficerMarksAPeriodAsReviewed(t *testing.T) {
	h := newHouse(t)
	h.seed(3)
	officer := h.as(access.Officer)
	if page := officer.get("/reviews").body; !strings.Contains(page, "There was none yet") || !strings.Contains(page, `name="note"`) {
		t.Fatalf("the page before the first review: %s", page)
	}
	form := url.Values{"from": {"2026-01-01"}, "to": {"2026-01-31"}, "note": {"<b>Nothing</b> unusual."}, "up_to": {"3"}}
	if a := officer.submit("/reviews", "/reviews", form); a.status != 303 || a.header.Get("Location") != "/reviews" {
		t.Fatalf("%d: %s", a.status, a.body)
	}
	list := h.records(audit.Filter{Operation: string(audit.AuditReview)})
	if len(list) != 1 || list[0].Record.Actor.Name != "officer-1" {
		t.Fatalf("%+v", list)
	}
	got, ok := audit.ReviewOf(list[0].Line())
	if !ok || got.UpToSeq != 3 || got.Note != "<b>Nothing</b> unusual." || !got.To.Equal(time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("%+v, %v", got, ok)
	}
	page := officer.get("/reviews").body
	for _, want := range []string{"Less than a day ago", "&lt;b&gt;Nothing&lt;/b&gt; unusual.", "/audit/" + list[0].Record.AuditID, "as far as record 3"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

func TestThePagesCountTheDaysSinceTheLastReview(t *testing.T) {
	h := newHouse(t)
	r, err := audit.Review{From: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC), UpToSeq: 1, Note: "x"}.
		Record(h.clock().Add(-75*time.Hour), audit.Actor{Name: "olga", Role: "officer"})
	must(t, err)
	must(t, h.db.AppendRecords(t.Context(), r))
	admin := h.as(access.Admin)
	if page := admin.get("/reviews").body; !strings.Contains(page, "3 days ago") || strings.Contains(page, `name="note"`) {
		t.Errorf("an admin's page: %s", page)
	}
	admin.launch("ssn") // an empty console shows what to do first instead
	if page := admin.get("/").body; !strings.Contains(page, `aria-label="3 days since the last review of the log"`) {
		t.Error("the dashboard does not count the days")
	}
}

func TestAReviewThatCannotBeIsShownWithWhatWasTyped(t *testing.T) {
	h := newHouse(t)
	h.seed(2)
	officer := h.as(access.Officer)
	before := len(h.records(audit.Filter{}))
	for name, form := range map[string]url.Values{
		"no note":    {"from": {"2026-01-01"}, "to": {"2026-01-31"}, "note": {" "}, "up_to": {"2"}},
		"backwards":  {"from": {"2026-02-01"}, "to": {"2026-01-01"}, "note": {"fine, typed"}, "up_to": {"2"}},
		"no period":  {"note": {"fine, typed"}, "up_to": {"2"}},
		"the future": {"from": {"2026-01-01"}, "to": {"2026-01-31"}, "note": {"fine, typed"}, "up_to": {"99999"}},
		"not a day":  {"from": {"soon"}, "to": {"2026-01-31"}, "note": {"fine, typed"}, "up_to": {"2"}},
	} {
		a := officer.submit("/reviews", "/reviews", form)
		if a.status != 422 || !strings.Contains(a.body, "review-error") || !strings.Contains(a.body, strings.TrimSpace(form.Get("note"))) {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	if a := officer.submit("/reviews", "/reviews", url.Values{"note": {"x"}}, "Accept", "application/json"); a.status != 400 || !strings.Contains(a.body, `"invalid"`) {
		t.Errorf("a script: %d %s", a.status, a.body)
	}
	if after := len(h.records(audit.Filter{})); after != before {
		t.Errorf("%d records were added", after-before)
	}
}

func TestWhoMayNotReviewIsOnRecord(t *testing.T) {
	h := newHouse(t)
	admin := h.as(access.Admin)
	form := url.Values{"from": {"2026-01-01"}, "to": {"2026-01-31"}, "note": {"All fine."}, "up_to": {"1"}}
	if a := admin.submit("/runs", "/reviews", form); a.status != 403 {
		t.Fatalf("%d", a.status)
	}
	list := h.records(audit.Filter{Operation: string(audit.AuditReview)})
	if len(list) != 1 || list[0].Record.Outcome != audit.Denied || list[0].Record.Actor.Name != "admin-1" {
		t.Errorf("%+v", list)
	}
}

func TestASearchIsKeptFoundAgainAndForgotten(t *testing.T) {
	h := newHouse(t)
	h.seed(60)
	officer := h.as(access.Officer)
	page := officer.get("/audit?actor=seeder&q=seeded").body
	if !strings.Contains(page, `action="/audit/views"`) {
		t.Fatal("the search cannot be kept")
	}
	a := officer.submit("/audit?actor=seeder", "/audit/views", url.Values{"name": {"Seeds & <co>"}, "query": {"?actor=seeder&q=seeded&before=12"}})
	if a.status != 303 || a.header.Get("Location") != "/audit?actor=seeder&q=seeded" {
		t.Fatalf("%d %q: %s", a.status, a.header.Get("Location"), a.body)
	}
	page = officer.get("/audit").body
	if !strings.Contains(page, `href="/audit?actor=seeder&amp;q=seeded"`) || !strings.Contains(page, "Seeds &amp; &lt;co&gt;") {
		t.Fatal("the view is not on the page")
	}
	if other := h.as(access.Admin).get("/audit").body; strings.Contains(other, "Saved views") {
		t.Error("another person sees it")
	}
	if a := h.as(access.Admin).submit("/audit?actor=x", "/audit/views/1/delete", nil); a.status != 404 {
		t.Errorf("another person deletes it: %d", a.status)
	}
	if a := officer.submit("/audit", "/audit/views/1/delete", nil); a.status != 303 {
		t.Errorf("%d: %s", a.status, a.body)
	}
	if page := officer.get("/audit").body; strings.Contains(page, "Saved views") {
		t.Error("the view is still there")
	}
	if a := officer.submit("/audit?actor=x", "/audit/views", url.Values{"name": {" "}, "query": {"q=x"}}); a.status != 400 {
		t.Errorf("a view without a name: %d", a.status)
	}
}

func TestTheLogsPageSaysWhatIsAnchoredAndCountsByValue(t *testing.T) {
	path := t.TempDir() + "/anchors"
	anchor, err := audit.ParseAnchor("file:" + path)
	must(t, err)
	var log *audit.Log
	h := newHouse(t, func(cfg *handlers.Config, _ *sandbox.Config) {
		db, ok := cfg.Audit.(audit.LogStore)
		if !ok {
			t.Fatal("the ledger's reader is not its store")
		}
		key, err := audit.LoadOrCreateKey(t.TempDir()+"/key", "cxseal/test")
		must(t, err)
		log = audit.NewLog(db, key, cfg.Now, t.TempDir(), audit.AnchorTo(anchor))
		cfg.Log, cfg.Pack, cfg.LogStatus = log, log, log.Status
	})
	officer := h.as(access.Officer)
	if page := officer.get("/audit").body; !strings.Contains(page, "No record is signed yet.") || !strings.Contains(page, "Nothing is anchored yet.") {
		t.Errorf("before the first checkpoint: %s", page)
	}
	must(t, log.Tick(t.Context()))
	covered := len(h.records(audit.Filter{}))
	h.seed(2500)
	for _, page := range []string{officer.get("/audit").body, officer.get("/system").body} {
		for _, want := range []string{"are anchored", "file:" + path, "; 2,500 are not."} {
			if !strings.Contains(page, want) {
				t.Errorf("with %d records anchored, the page lacks %q", covered, want)
			}
		}
	}
	if a := officer.get("/audit.csv?operation=LOGIN"); a.status != 200 {
		t.Fatal(a.status)
	}
	if s, err := log.Status(t.Context()); err != nil || s.Checkpoint.Size != int64(covered+2500) {
		t.Errorf("an export made no checkpoint: %+v, %v", s.Checkpoint, err)
	}
	if page := officer.get("/audit").body; !strings.Contains(page, `<span class="cx-num">2,500</span>`) || strings.Contains(page, "Counted over") {
		t.Error("the whole log is not counted by value")
	}
	if page := officer.get("/audit?actor=seeder").body; !strings.Contains(page, "Counted over the newest 1,000 that match") {
		t.Error("the page does not say that its counts are of the newest only")
	}
}
