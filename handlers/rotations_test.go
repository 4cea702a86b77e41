package handlers_test

import (
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/console/consoletest"
	"cxseal/internal/encryption"
	"cxseal/internal/rotation"
)

var rotationKey = regexp.MustCompile(`name="column" value="([^"]+)"`)

func TestTheKeysOfAPageAreRotatedInOneFormAndTheLedgerSaysSo(t *testing.T) {
	h := consoletest.Start(t)
	admin := h.As(access.Admin)
	h.WaitFor(admin.Launch("ssn", "credit_card"), encryption.Verified)

	list := admin.Get("/rotations?table_id=" + tableID)
	keys := rotationKey.FindAllStringSubmatch(list.Body, -1)
	if len(keys) != 2 || !strings.Contains(list.Body, "none yet") {
		t.Fatalf("%d columns to choose: %s", len(keys), list.Body)
	}
	form := url.Values{"column": {keys[0][1], keys[1][1]}}
	if a := admin.Submit("/rotations", "/rotations/rotate", form); a.Status != 303 {
		t.Fatalf("rotate: %d %s", a.Status, a.Body)
	}
	runs, err := h.Store.Runs(t.Context(), encryption.RunFilter{Operation: string(audit.KeyRotation)}, 0, 10)
	must(t, err)
	if len(runs) != 1 || len(runs[0].Columns) != 2 {
		t.Fatalf("%d rotation runs: %+v", len(runs), runs)
	}
	h.WaitFor("/runs/"+runs[0].ID, encryption.Verified)
	list = admin.Get("/rotations?table_id=" + tableID)
	if strings.Count(list.Body, "on time") < 2 || strings.Contains(list.Body, "none yet") {
		t.Errorf("the ledger does not show the rotations that were seen: %s", list.Body)
	}
	if n := len(h.Records(audit.Filter{Operation: string(audit.RotationObserved)})); n != 2 {
		t.Errorf("%d rotations on record", n)
	}
	for _, bad := range []string{"", "nonsense", keys[0][1] + "x"} {
		if a := admin.Submit("/rotations", "/rotations/rotate", url.Values{"column": {bad}}); a.Status != 400 && a.Status != 404 {
			t.Errorf("column %q: %d", bad, a.Status)
		}
	}
}

func TestARunOutsideItsWindowWaitsUnlessAnAdminChoosesOtherwise(t *testing.T) {
	h := consoletest.Start(t)
	admin := h.As(access.Admin)
	// A window that is open for one minute, at this time tomorrow.
	opens := h.Now().UTC().Add(-time.Hour)
	form := url.Values{"strategy": {"MANUAL"}, "interval_days": {"30"}, "grace_days": {"3"}, "connection": {"default"},
		"window_cron": {strconv.Itoa(opens.Minute()) + " " + strconv.Itoa(opens.Hour()) + " * * *"}, "window_zone": {"UTC"}, "window_minutes": {"1"}}
	check := url.Values{"check": {"1"}}
	for k, v := range form {
		check[k] = v
	}
	if a := admin.Submit("/rotations/policies", "/rotations/policies", check); a.Status != 200 || strings.Count(a.Body, " UTC</li>") != 5 {
		t.Errorf("the next five openings are not shown: %d", a.Status)
	}
	if a := admin.Submit("/rotations/policies", "/rotations/policies", form); a.Status != 303 {
		t.Fatalf("policy: %d %s", a.Status, a.Body)
	}
	waiting := h.WaitFor(admin.Launch("ssn"), encryption.Queued)
	if waiting.StartAt.Sub(h.Now()) < 22*time.Hour || waiting.StartAt.Minute() != opens.Minute() {
		t.Errorf("the run starts at %s, the window opens at minute %d", waiting.StartAt, opens.Minute())
	}
	if page := admin.Get("/runs/" + waiting.ID); !strings.Contains(page.Body, "to start at") {
		t.Error("the run's page does not say until when it waits")
	}
	if a := admin.Submit("/runs", "/runs/"+waiting.ID+"/cancel", nil); a.Status != 303 {
		t.Fatalf("cancel: %d", a.Status)
	}
	choice := consoletest.RunForm("ssn")
	choice.Set("ignore_window", "1")
	a := admin.Submit("/runs", "/runs", choice)
	run := h.WaitFor(a.Header.Get("Location"), encryption.Verified)
	if list := h.Records(audit.Filter{RunID: run.ID, Operation: string(audit.RunRequested)}); len(list) != 1 || !strings.Contains(list[0].Record.Detail, "by choice of admin-1") {
		t.Errorf("the choice is not on record: %+v", list)
	}
	if list := admin.Get("/rotations"); !strings.Contains(list.Body, "policy for connection default") {
		t.Error("the page does not say which policy applies")
	}
}

// A key that somebody else must rotate needs its strategy from the table's own
// page: no policy names a table, and only a run can tell the tenant.
func TestATablesPageSetsWhoRotatesItsKeys(t *testing.T) {
	h := consoletest.Start(t)
	admin := h.As(access.Admin)
	form := consoletest.RunForm("ssn")
	form.Set("strategy", "MANUAL")
	form.Set("interval_days", "30")
	run := h.WaitFor(admin.Submit(consoletest.TablePath, "/runs", form).Header.Get("Location"), encryption.Verified)
	if !strings.Contains(string(run.Payload), `"strategy":"MANUAL","intervalDays":30`) {
		t.Errorf("the tenant was asked %s", run.Payload)
	}
	if dossier := admin.Get("/runs/" + run.ID); !strings.Contains(dossier.Body, "every 30 days, by us") {
		t.Error("the dossier does not say who rotates")
	}
	if list := h.Records(audit.Filter{RunID: run.ID, Operation: string(audit.RunRequested)}); len(list) != 1 || !strings.Contains(list[0].Record.Detail, "manual key rotation every 30 days") {
		t.Errorf("on record: %+v", list)
	}

	// The form for a rotation begins with what holds, and can change it.
	const automatic, manual = `<option value="AUTOMATIC" selected>`, `<option value="MANUAL" selected>`
	encrypt, rotate, _ := strings.Cut(admin.Get(consoletest.TablePath).Body, `id="rotate"`)
	if !strings.Contains(encrypt, automatic) || !strings.Contains(rotate, manual) || !strings.Contains(rotate, `value="30"`) {
		t.Errorf("the forms begin with\n%s\nand\n%s", encrypt, rotate)
	}
	form.Set("operation", string(audit.KeyRotation))
	form.Set("strategy", "AUTOMATIC")
	h.WaitFor(admin.Submit(consoletest.TablePath, "/runs", form).Header.Get("Location"), encryption.Verified)
	dates, err := h.Store.Ledger(t.Context(), rotation.Filter{TableID: tableID}, nil, 10)
	must(t, err)
	for _, d := range dates {
		if d.Column == "ssn" && (d.Strategy != encryption.Automatic || d.IntervalDays != 30) {
			t.Errorf("the ledger has %+v", d)
		}
	}

	form.Set("strategy", "SOMETIMES")
	if a := admin.Submit(consoletest.TablePath, "/runs", form); a.Status != 422 || !strings.Contains(a.Body, "The rotation strategy is AUTOMATIC or MANUAL.") {
		t.Errorf("a strategy that there is not: %d", a.Status)
	}
	for _, who := range []access.Role{access.Officer, access.Viewer} {
		if page := h.As(who).Get(consoletest.TablePath); strings.Contains(page.Body, `name="strategy"`) {
			t.Errorf("a %s is shown the choice", who)
		}
	}
}

// A table whose data store has a policy starts from it.
func TestTheFormsBeginWithThePolicysStrategy(t *testing.T) {
	h := consoletest.Start(t)
	admin := h.As(access.Admin)
	form := url.Values{"strategy": {"MANUAL"}, "interval_days": {"45"}, "grace_days": {"3"}, "connection": {"default"}, "datastore_id": {datastoreID}}
	if a := admin.Submit("/rotations/policies", "/rotations/policies", form); a.Status != 303 {
		t.Fatalf("policy: %d %s", a.Status, a.Body)
	}
	page := admin.Get(consoletest.TablePath)
	if !strings.Contains(page.Body, `<option value="MANUAL" selected>`) || !strings.Contains(page.Body, `value="45"`) {
		t.Errorf("the form does not begin with the policy: %s", page.Body)
	}
}

var feedAddress = regexp.MustCompile(`(/rotations\.ics\?token=[A-Z0-9]+)`)

func TestACalendarFeedReadsDatesUntilItIsRevoked(t *testing.T) {
	h := consoletest.Start(t)
	admin, officer, stranger := h.As(access.Admin), h.As(access.Officer), h.Browser()
	h.WaitFor(admin.Launch("ssn"), encryption.Verified)
	due := h.Now().UTC().AddDate(0, 0, 90)
	if page := officer.Get("/rotations/month?month=" + due.Format("2006-01")); !strings.Contains(page.Body, "1 due</a>") || !strings.Contains(page.Body, due.Format("January 2006")) {
		t.Errorf("the month does not show what is due: %s", page.Body)
	}
	if page := officer.Get("/rotations?from=" + due.Format("2006-01-02") + "&until=" + due.AddDate(0, 0, 1).Format("2006-01-02")); !strings.Contains(page.Body, "ssn") {
		t.Error("the day's list does not have the column")
	}
	made := officer.Submit("/rotations", "/rotations/feed", url.Values{"present": {consoletest.Password}})
	address := feedAddress.FindString(made.Body)
	if made.Status != 200 || address == "" {
		t.Fatalf("feed: %d", made.Status)
	}
	if again := officer.Get("/rotations"); strings.Contains(again.Body, address) {
		t.Error("the address is shown again")
	}
	feed := stranger.Get(address)
	if feed.Status != 200 || !strings.HasPrefix(feed.Header.Get("Content-Type"), "text/calendar") || !strings.Contains(feed.Body, "SUMMARY:Key rotation due: ssn") {
		t.Fatalf("feed: %d %s", feed.Status, feed.Body)
	}
	if logs := h.Logs.String(); strings.Contains(logs, strings.TrimPrefix(address, "/rotations.ics?token=")) {
		t.Error("the feed's token is in the log")
	}
	renewed := feedAddress.FindString(officer.Submit("/rotations", "/rotations/feed", url.Values{"present": {consoletest.Password}}).Body)
	if a := stranger.Get(address); a.Status != 401 {
		t.Errorf("the replaced address answers %d", a.Status)
	}
	if a := officer.Submit("/rotations", "/rotations/feed/revoke", nil); a.Status != 303 {
		t.Fatalf("revoke: %d", a.Status)
	}
	for _, path := range []string{renewed, "/rotations.ics", "/rotations.ics?token=", "/rotations.ics?token=A"} {
		if a := stranger.Get(path); a.Status != 401 {
			t.Errorf("%s answers %d", path, a.Status)
		}
	}
	mine := feedAddress.FindString(officer.Submit("/rotations", "/rotations/feed", url.Values{"present": {consoletest.Password}}).Body)
	users, err := h.Store.ListUsers(t.Context())
	must(t, err)
	for _, u := range users {
		if u.Name == "officer-1" {
			must(t, h.Store.SetDisabled(t.Context(), u.ID, true, h.Now(), access.Touch{}))
		}
	}
	if a := stranger.Get(mine); a.Status != 401 {
		t.Errorf("the feed of a disabled account answers %d", a.Status)
	}
}

func TestAnAlarmRoutesAddressIsNeverShownAgain(t *testing.T) {
	h := consoletest.Start(t)
	admin := h.As(access.Admin)
	form := url.Values{"name": {"hook"}, "way": {"webhook"}, "url": {h.URL + "/hunter2secret"}, "secret": {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}}
	if a := admin.Submit("/alarms", "/alarms/routes", form); a.Status != 303 {
		t.Fatalf("route: %d %s", a.Status, a.Body)
	}
	if a := admin.Submit("/alarms", "/alarms/routes/1/test", nil); a.Status != 303 {
		t.Fatalf("test: %d %s", a.Status, a.Body)
	}
	page := admin.Get("/alarms")
	if !strings.Contains(page.Body, "Given up") || !strings.Contains(page.Body, "the receiver answered 404") {
		t.Errorf("what became of the test is not shown: %s", page.Body)
	}
	form.Set("secret", "")
	refused := admin.Submit("/alarms", "/alarms/routes", form)
	if refused.Status != 422 || strings.Contains(page.Body+refused.Body, "hunter2") || strings.Contains(page.Body+refused.Body, "whsec_Mf") {
		t.Errorf("%d, or a secret is shown", refused.Status)
	}
	if a := admin.Submit("/alarms", "/alarms/routes/1/delete", nil); a.Status != 303 {
		t.Errorf("delete: %d", a.Status)
	}
	if page := admin.Get("/alarms"); strings.Contains(page.Body, "Test</button>") {
		t.Error("the route is still there")
	}
}

func TestTheTimelineCountsWhatIsLongOverdue(t *testing.T) {
	h := consoletest.Start(t)
	const past = 200 * 24 * time.Hour // a key's 90 days, and far more than the weeks that are drawn
	h.Advance(-past)
	h.Tenant.SetNow(h.Now())
	h.WaitFor(h.As(access.Admin).Launch("ssn"), encryption.Verified)
	h.Advance(past)
	page := h.As(access.Officer).Get("/rotations/timeline").Body
	link := regexp.MustCompile(`href="(/rotations\?until=[0-9-]+)">1<`).FindStringSubmatch(page)
	if link == nil {
		t.Fatalf("the key is nowhere on the timeline: %s", page)
	}
	if !strings.Contains(page, "1 overdue</span>") || !strings.Contains(page, "cx-bar-big cx-tone-danger") {
		t.Errorf("nothing says that it is overdue: %s", page)
	}
	if list := h.As(access.Officer).Get(link[1]).Body; !strings.Contains(list, "1 column on this page") || !strings.Contains(list, ">Contacts<") {
		t.Errorf("the list behind it: %s", list)
	}
}

// A policy that says when changes to health data may be sent must not be kept
// and then forgotten.
func TestARunOnColumnsOfACategoryKeepsTheCategorysWindow(t *testing.T) {
	h := consoletest.Start(t)
	admin := h.As(access.Admin)
	admin.Get(consoletest.TablePath) // the inventory meets the columns
	opened := h.Now().UTC().Add(-time.Hour)
	if a := admin.Submit("/rotations/policies", "/rotations/policies", url.Values{"strategy": {"AUTOMATIC"}, "interval_days": {"90"}, "grace_days": {"7"}, "category": {"health"},
		"window_cron": {strconv.Itoa(opened.Minute()) + " " + strconv.Itoa(opened.Hour()) + " * * *"}, "window_zone": {"UTC"}, "window_minutes": {"1"}}); a.Status != 303 {
		t.Fatalf("policy: %d %s", a.Status, a.Body)
	}
	const says = "low-traffic window of category"
	if page := admin.Get(consoletest.TablePath); !strings.Contains(page.Body, says) || !strings.Contains(page.Body, `name="ignore_window"`) {
		t.Error("the form does not say that such columns would wait, or offers no way around")
	}
	h.WaitFor(admin.Launch("city"), encryption.Verified)

	plan := admin.Submit(consoletest.TablePath, consoletest.TablePath+"/preflight", consoletest.RunForm("ssn", "medical_record_number"))
	if !strings.Contains(plan.Body, "when the low-traffic window of category health opens") || strings.Contains(plan.Body, "Encrypt 2 columns now") {
		t.Errorf("the plan promises to start at once: %s", plan.Body)
	}
	waiting := h.WaitFor(admin.Launch("ssn", "medical_record_number"), encryption.Queued)
	if waiting.StartAt.Sub(h.Now()) < 22*time.Hour {
		t.Errorf("the run starts at %s, the window opens in 23 hours", waiting.StartAt)
	}
}
