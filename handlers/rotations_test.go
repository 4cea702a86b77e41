package handlers_test

import (
	"net/url"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"cxseal/handlers"
	"cxseal/internal/access"
	"cxseal/internal/alarm"
	"cxseal/internal/audit"
	"cxseal/internal/encryption"
	"cxseal/internal/rotation"
	"cxseal/internal/schedule"
	"cxseal/internal/seal"
)

// addRotations gives the house its rotation ledger, alarms and jobs.
func (h *house) addRotations(cfg *handlers.Config) {
	h.t.Helper()
	sealer, err := seal.Open(h.t.Context(), seal.Source{File: filepath.Join(h.t.TempDir(), "seal-key"), MayCreate: true})
	must(h.t, err)
	cfg.Alarms, cfg.Leads = h.db, rotation.DefaultLeads
	if b, ok := cfg.Ledger.(*breakingLedger); ok {
		b.LedgerReader = h.db
	} else {
		cfg.Ledger = h.db
	}
	cfg.Policies = rotation.NewKeeper(h.db, h.clock)
	cfg.Service.UseWindows(cfg.Policies)
	cfg.Feeds = rotation.NewFeeds(h.db, h.accounts, h.clock)
	cfg.Desk = alarm.NewDesk(h.db, sealer, h.clock, cfg.Logger)
	cfg.Jobs = schedule.New(h.db, nil, h.clock, cfg.Logger, schedule.Options{})
}

var rotationKey = regexp.MustCompile(`name="column" value="([^"]+)"`)

func TestTheKeysOfAPageAreRotatedInOneFormAndTheLedgerSaysSo(t *testing.T) {
	h := newHouse(t)
	admin := h.as(access.Admin)
	h.waitFor(admin.launch("ssn", "credit_card"), encryption.Verified)

	list := admin.get("/rotations?table_id=" + tableID)
	keys := rotationKey.FindAllStringSubmatch(list.body, -1)
	if len(keys) != 2 || !strings.Contains(list.body, "none yet") {
		t.Fatalf("%d columns to choose: %s", len(keys), list.body)
	}
	form := url.Values{"column": {keys[0][1], keys[1][1]}}
	if a := admin.submit("/rotations", "/rotations/rotate", form); a.status != 303 {
		t.Fatalf("rotate: %d %s", a.status, a.body)
	}
	runs, err := h.db.Runs(t.Context(), encryption.RunFilter{Operation: string(audit.KeyRotation)}, 0, 10)
	must(t, err)
	if len(runs) != 1 || len(runs[0].Columns) != 2 {
		t.Fatalf("%d rotation runs: %+v", len(runs), runs)
	}
	h.waitFor("/runs/"+runs[0].ID, encryption.Verified)
	list = admin.get("/rotations?table_id=" + tableID)
	if strings.Count(list.body, "on time") < 2 || strings.Contains(list.body, "none yet") {
		t.Errorf("the ledger does not show the rotations that were seen: %s", list.body)
	}
	if n := len(h.records(audit.Filter{Operation: string(audit.RotationObserved)})); n != 2 {
		t.Errorf("%d rotations on record", n)
	}
	for _, bad := range []string{"", "nonsense", keys[0][1] + "x"} {
		if a := admin.submit("/rotations", "/rotations/rotate", url.Values{"column": {bad}}); a.status != 400 && a.status != 404 {
			t.Errorf("column %q: %d", bad, a.status)
		}
	}
}

func TestARunOutsideItsWindowWaitsUnlessAnAdminChoosesOtherwise(t *testing.T) {
	h := newHouse(t)
	admin := h.as(access.Admin)
	// A window that is open for one minute, at this time tomorrow.
	opens := h.clock().UTC().Add(-time.Hour)
	form := url.Values{"strategy": {"MANUAL"}, "interval_days": {"30"}, "grace_days": {"3"}, "connection": {"default"},
		"window_cron": {strconv.Itoa(opens.Minute()) + " " + strconv.Itoa(opens.Hour()) + " * * *"}, "window_zone": {"UTC"}, "window_minutes": {"1"}}
	check := url.Values{"check": {"1"}}
	for k, v := range form {
		check[k] = v
	}
	if a := admin.submit("/rotations/policies", "/rotations/policies", check); a.status != 200 || strings.Count(a.body, " UTC</li>") != 5 {
		t.Errorf("the next five openings are not shown: %d", a.status)
	}
	if a := admin.submit("/rotations/policies", "/rotations/policies", form); a.status != 303 {
		t.Fatalf("policy: %d %s", a.status, a.body)
	}
	waiting := h.waitFor(admin.launch("ssn"), encryption.Queued)
	if waiting.StartAt.Sub(h.clock()) < 22*time.Hour || waiting.StartAt.Minute() != opens.Minute() {
		t.Errorf("the run starts at %s, the window opens at minute %d", waiting.StartAt, opens.Minute())
	}
	if page := admin.get("/runs/" + waiting.ID); !strings.Contains(page.body, "to start at") {
		t.Error("the run's page does not say until when it waits")
	}
	if a := admin.submit("/runs", "/runs/"+waiting.ID+"/cancel", nil); a.status != 303 {
		t.Fatalf("cancel: %d", a.status)
	}
	choice := runForm("ssn")
	choice.Set("ignore_window", "1")
	a := admin.submit("/runs", "/runs", choice)
	run := h.waitFor(a.header.Get("Location"), encryption.Verified)
	if list := h.records(audit.Filter{RunID: run.ID, Operation: string(audit.RunRequested)}); len(list) != 1 || !strings.Contains(list[0].Record.Detail, "by choice of admin-1") {
		t.Errorf("the choice is not on record: %+v", list)
	}
	if list := admin.get("/rotations"); !strings.Contains(list.body, "policy for connection default") {
		t.Error("the page does not say which policy applies")
	}
}

// A key that somebody else must rotate needs its strategy from the table's own
// page: no policy names a table, and only a run can tell the tenant.
func TestATablesPageSetsWhoRotatesItsKeys(t *testing.T) {
	h := newHouse(t)
	admin := h.as(access.Admin)
	form := runForm("ssn")
	form.Set("strategy", "MANUAL")
	form.Set("interval_days", "30")
	run := h.waitFor(admin.submit(tablePath(), "/runs", form).header.Get("Location"), encryption.Verified)
	if !strings.Contains(string(run.Payload), `"strategy":"MANUAL","intervalDays":30`) {
		t.Errorf("the tenant was asked %s", run.Payload)
	}
	if dossier := admin.get("/runs/" + run.ID); !strings.Contains(dossier.body, "every 30 days, by us") {
		t.Error("the dossier does not say who rotates")
	}
	if list := h.records(audit.Filter{RunID: run.ID, Operation: string(audit.RunRequested)}); len(list) != 1 || !strings.Contains(list[0].Record.Detail, "manual key rotation every 30 days") {
		t.Errorf("on record: %+v", list)
	}

	// The form for a rotation begins with what holds, and can change it.
	const automatic, manual = `<option value="AUTOMATIC" selected>`, `<option value="MANUAL" selected>`
	encrypt, rotate, _ := strings.Cut(admin.get(tablePath()).body, `id="rotate"`)
	if !strings.Contains(encrypt, automatic) || !strings.Contains(rotate, manual) || !strings.Contains(rotate, `value="30"`) {
		t.Errorf("the forms begin with\n%s\nand\n%s", encrypt, rotate)
	}
	form.Set("operation", string(audit.KeyRotation))
	form.Set("strategy", "AUTOMATIC")
	h.waitFor(admin.submit(tablePath(), "/runs", form).header.Get("Location"), encryption.Verified)
	dates, err := h.db.Ledger(t.Context(), rotation.Filter{TableID: tableID}, nil, 10)
	must(t, err)
	for _, d := range dates {
		if d.Column == "ssn" && (d.Strategy != encryption.Automatic || d.IntervalDays != 30) {
			t.Errorf("the ledger has %+v", d)
		}
	}

	form.Set("strategy", "SOMETIMES")
	if a := admin.submit(tablePath(), "/runs", form); a.status != 422 || !strings.Contains(a.body, "The rotation strategy is AUTOMATIC or MANUAL.") {
		t.Errorf("a strategy that there is not: %d", a.status)
	}
	for _, who := range []access.Role{access.Officer, access.Viewer} {
		if page := h.as(who).get(tablePath()); strings.Contains(page.body, `name="strategy"`) {
			t.Errorf("a %s is shown the choice", who)
		}
	}
}

// A table whose data store has a policy starts from it.
func TestTheFormsBeginWithThePolicysStrategy(t *testing.T) {
	h := newHouse(t)
	admin := h.as(access.Admin)
	form := url.Values{"strategy": {"MANUAL"}, "interval_days": {"45"}, "grace_days": {"3"}, "connection": {"default"}, "datastore_id": {datastoreID}}
	if a := admin.submit("/rotations/policies", "/rotations/policies", form); a.status != 303 {
		t.Fatalf("policy: %d %s", a.status, a.body)
	}
	page := admin.get(tablePath())
	if !strings.Contains(page.body, `<option value="MANUAL" selected>`) || !strings.Contains(page.body, `value="45"`) {
		t.Errorf("the form does not begin with the policy: %s", page.body)
	}
}

var feedAddress = regexp.MustCompile(`(/rotations\.ics\?token=[A-Z0-9]+)`)

func TestACalendarFeedReadsDatesUntilItIsRevoked(t *testing.T) {
	h := newHouse(t)
	admin, officer, stranger := h.as(access.Admin), h.as(access.Officer), h.browser()
	h.waitFor(admin.launch("ssn"), encryption.Verified)
	due := h.clock().UTC().AddDate(0, 0, 90)
	if page := officer.get("/rotations/month?month=" + due.Format("2006-01")); !strings.Contains(page.body, "1 due</a>") || !strings.Contains(page.body, due.Format("January 2006")) {
		t.Errorf("the month does not show what is due: %s", page.body)
	}
	if page := officer.get("/rotations?from=" + due.Format("2006-01-02") + "&until=" + due.AddDate(0, 0, 1).Format("2006-01-02")); !strings.Contains(page.body, "ssn") {
		t.Error("the day's list does not have the column")
	}
	made := officer.submit("/rotations", "/rotations/feed", nil)
	address := feedAddress.FindString(made.body)
	if made.status != 200 || address == "" {
		t.Fatalf("feed: %d", made.status)
	}
	if again := officer.get("/rotations"); strings.Contains(again.body, address) {
		t.Error("the address is shown again")
	}
	feed := stranger.get(address)
	if feed.status != 200 || !strings.HasPrefix(feed.header.Get("Content-Type"), "text/calendar") || !strings.Contains(feed.body, "SUMMARY:Key rotation due: ssn") {
		t.Fatalf("feed: %d %s", feed.status, feed.body)
	}
	if logs := h.logs.String(); strings.Contains(logs, strings.TrimPrefix(address, "/rotations.ics?token=")) {
		t.Error("the feed's token is in the log")
	}
	renewed := feedAddress.FindString(officer.submit("/rotations", "/rotations/feed", nil).body)
	if a := stranger.get(address); a.status != 401 {
		t.Errorf("the replaced address answers %d", a.status)
	}
	if a := officer.submit("/rotations", "/rotations/feed/revoke", nil); a.status != 303 {
		t.Fatalf("revoke: %d", a.status)
	}
	for _, path := range []string{renewed, "/rotations.ics", "/rotations.ics?token=", "/rotations.ics?token=A"} {
		if a := stranger.get(path); a.status != 401 {
			t.Errorf("%s answers %d", path, a.status)
		}
	}
	mine := feedAddress.FindString(officer.submit("/rotations", "/rotations/feed", nil).body)
	users, err := h.db.ListUsers(t.Context())
	must(t, err)
	for _, u := range users {
		if u.Name == "officer-1" {
			must(t, h.db.SetDisabled(t.Context(), u.ID, true, h.clock()))
		}
	}
	if a := stranger.get(mine); a.status != 401 {
		t.Errorf("the feed of a disabled account answers %d", a.status)
	}
}

func TestAnAlarmRoutesAddressIsNeverShownAgain(t *testing.T) {
	h := newHouse(t)
	admin := h.as(access.Admin)
	form := url.Values{"name": {"hook"}, "way": {"webhook"}, "url": {h.server.URL + "/hunter2secret"}, "secret": {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}}
	if a := admin.submit("/alarms", "/alarms/routes", form); a.status != 303 {
		t.Fatalf("route: %d %s", a.status, a.body)
	}
	if a := admin.submit("/alarms", "/alarms/routes/1/test", nil); a.status != 303 {
		t.Fatalf("test: %d %s", a.status, a.body)
	}
	page := admin.get("/alarms")
	if !strings.Contains(page.body, "Given up") || !strings.Contains(page.body, "the receiver answered 404") {
		t.Errorf("the test's fate is not shown: %s", page.body)
	}
	form.Set("secret", "")
	refused := admin.submit("/alarms", "/alarms/routes", form)
	if refused.status != 422 || strings.Contains(page.body+refused.body, "hunter2") || strings.Contains(page.body+refused.body, "whsec_Mf") {
		t.Errorf("%d, or a secret is shown", refused.status)
	}
	if a := admin.submit("/alarms", "/alarms/routes/1/delete", nil); a.status != 303 {
		t.Errorf("delete: %d", a.status)
	}
	if page := admin.get("/alarms"); strings.Contains(page.body, "Test</button>") {
		t.Error("the route is still there")
	}
}

func TestTheTimelineCountsWhatIsLongOverdue(t *testing.T) {
	h := newHouse(t)
	const past = 200 * 24 * time.Hour // a key's 90 days, and far more than the weeks that are drawn
	h.advance(-past)
	h.tenant.SetNow(h.clock())
	h.waitFor(h.as(access.Admin).launch("ssn"), encryption.Verified)
	h.advance(past)
	page := h.as(access.Officer).get("/rotations/timeline").body
	link := regexp.MustCompile(`href="(/rotations\?until=[0-9-]+)">1<`).FindStringSubmatch(page)
	if link == nil {
		t.Fatalf("the key is nowhere on the timeline: %s", page)
	}
	if list := h.as(access.Officer).get(link[1]).body; !strings.Contains(list, "1 column on this page") || !strings.Contains(list, ">Contacts<") {
		t.Errorf("the list behind it: %s", list)
	}
}

// A policy that says when changes to health data may be sent must not be kept
// and then forgotten.
func TestARunOnColumnsOfACategoryKeepsTheCategorysWindow(t *testing.T) {
	h := newHouse(t)
	admin := h.as(access.Admin)
	admin.get(tablePath()) // the inventory meets the columns
	opened := h.clock().UTC().Add(-time.Hour)
	if a := admin.submit("/rotations/policies", "/rotations/policies", url.Values{"strategy": {"AUTOMATIC"}, "interval_days": {"90"}, "grace_days": {"7"}, "category": {"health"},
		"window_cron": {strconv.Itoa(opened.Minute()) + " " + strconv.Itoa(opened.Hour()) + " * * *"}, "window_zone": {"UTC"}, "window_minutes": {"1"}}); a.status != 303 {
		t.Fatalf("policy: %d %s", a.status, a.body)
	}
	const says = "low-traffic window of category"
	if page := admin.get(tablePath()); !strings.Contains(page.body, says) || !strings.Contains(page.body, `name="ignore_window"`) {
		t.Error("the form does not say that such columns would wait, or offers no way around")
	}
	h.waitFor(admin.launch("city"), encryption.Verified)

	plan := admin.submit(tablePath(), tablePath()+"/preflight", runForm("ssn", "medical_record_number"))
	if !strings.Contains(plan.body, "when the low-traffic window of category health opens") || strings.Contains(plan.body, "Encrypt 2 columns now") {
		t.Errorf("the plan promises to start at once: %s", plan.body)
	}
	waiting := h.waitFor(admin.launch("ssn", "medical_record_number"), encryption.Queued)
	if waiting.StartAt.Sub(h.clock()) < 22*time.Hour {
		t.Errorf("the run starts at %s, the window opens in 23 hours", waiting.StartAt)
	}
}
