package handlers_test

import (
	"html"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"cxseal/cxone/sandbox"
	"cxseal/internal/access"
	"cxseal/internal/console/consoletest"
	"cxseal/internal/encryption"
	"cxseal/internal/sensitivity"
)

// An officer who follows a number finds as many rows as it said, or stops
// believing the dashboard.
func TestTheDashboardsNumbersLeadToListsThatAgree(t *testing.T) {
	h := consoletest.Start(t)
	today := h.Now().UTC().Truncate(24 * time.Hour)
	h.Advance(today.AddDate(0, 0, -7).Add(time.Minute).Sub(h.Now())) // the first minute of the seventh day before
	admin := h.As(access.Admin)
	h.WaitFor(admin.Launch("ssn"), encryption.Verified)
	form := consoletest.RunForm("credit_card")
	form.Set("start_at", h.Now().AddDate(0, 0, 30).UTC().Format(time.RFC3339))
	if a := admin.Submit("/runs", "/runs", form); a.Status != 303 {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	page := admin.Get("/").Body
	const link = "/runs?state=in_progress"
	if !strings.Contains(page, `href="`+link+`" aria-label="1 runs in progress">1<`) {
		t.Fatalf("one run is in progress: %s", page)
	}
	list := admin.Get(link).Body
	if !strings.Contains(list, "1 run on this page") || !strings.Contains(list, "credit_card") {
		t.Errorf("the list behind it: %s", list)
	}

	// The list knows whole days, so the number counts them.
	a := admin.Submit("/runs", "/runs", consoletest.RunForm("no_such_column"))
	h.WaitFor(a.Header.Get("Location"), encryption.Failed)
	h.Advance(7*24*time.Hour - time.Minute)
	officer := h.As(access.Officer)
	failed := "/runs?from=" + today.AddDate(0, 0, -7).Format(time.DateOnly) + "&state=not_verified"
	if page := officer.Get("/").Body; !strings.Contains(page, `href="`+html.EscapeString(failed)+`" aria-label="1 runs ended, not verified">1<`) {
		t.Errorf("the number of failed runs, which %s lists: %s", failed, page)
	}
	if list := officer.Get(failed).Body; !strings.Contains(list, "1 run on this page") {
		t.Errorf("the list behind it: %s", list)
	}
}

// A coverage of what could be listed is not the coverage of the tenant: the number says so beside itself,
// whichever listing it was.
func TestTheCoverageSaysWhenThereMayBeMoreColumns(t *testing.T) {
	headline := regexp.MustCompile(`(?s)id="coverage".*?<progress.*?</p>`)
	refused := func(at sandbox.Endpoint) sandbox.Fault {
		return sandbox.Fault{Kind: sandbox.FaultStatus, Endpoint: at, Status: 403}
	}
	repeating := []sandbox.Fault{{Kind: sandbox.FaultSamePage, Endpoint: sandbox.EndpointTables, Times: -1},
		{Kind: sandbox.FaultPagesCapped, Endpoint: sandbox.EndpointTables, Times: -1, Size: 2}}
	for name, c := range map[string]struct {
		faults []sandbox.Fault
		says   string
	}{
		"none":                    {nil, ""},
		"a data store is refused": {[]sandbox.Fault{refused(sandbox.EndpointTables)}, "1 data store could not be listed whole"},
		"pages are repeated":      {repeating, "data stores could not be listed whole"},
		"the stores are refused":  {[]sandbox.Fault{refused(sandbox.EndpointDataStores)}, "1 connection could not be read"},
	} {
		h := consoletest.Start(t, func(cfg *consoletest.Config) { cfg.Sandbox.Tables = 30 })
		must(t, h.Inventory.Sync(t.Context(), "default", 0))
		for _, f := range c.faults {
			h.Tenant.Fail(f)
		}
		_ = h.Inventory.Sync(t.Context(), "default", time.Hour) // what it says of a refusal is tested beside it
		shown := headline.FindString(h.As(access.Viewer).Get("/").Body)
		if shown == "" || strings.Contains(shown, "there may be more columns") != (c.says != "") || !strings.Contains(shown, c.says) {
			t.Errorf("%s: the headline is %s", name, shown)
		}
	}
}

// The coverage is one of the columns that are known to be sensitive. Fails when the headline hides how many may be
// sensitive too, names another number than the list behind it, or leads a viewer to what they may not read.
func TestTheHeadlineSaysHowManyColumnsAreUndecided(t *testing.T) {
	headline := regexp.MustCompile(`(?s)id="coverage".*?<progress.*?</p>`)
	h := consoletest.Start(t, func(cfg *consoletest.Config) { cfg.Sandbox.Tables = 30 })
	must(t, h.Inventory.Sync(t.Context(), "default", 0))
	open, err := h.Store.SensitivityCount(t.Context(), sensitivity.Filter{State: sensitivity.Undecided})
	if err != nil || open < 2 {
		t.Fatalf("%d columns are undecided, %v: this test needs some", open, err)
	}
	const list = "/sensitivity?state=undecided"
	says := strconv.Itoa(open) + " columns are undecided"
	officer := h.As(access.Officer)
	if shown := headline.FindString(officer.Get("/").Body); !strings.Contains(shown, `<a href="`+list+`">`+says+`</a> and not counted here`) {
		t.Errorf("the headline does not say %q: %s", says, shown)
	}
	if shown := headline.FindString(h.As(access.Viewer).Get("/").Body); !strings.Contains(shown, says) || strings.Contains(shown, list) {
		t.Errorf("a viewer is not told, or is led to what they may not read: %s", shown)
	}
	decide := url.Values{"decision": {"sensitive"}, "all": {"1"}, "state": {"undecided"}}
	if a := officer.Submit(list, "/sensitivity", decide); a.Status != 303 {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	if shown := headline.FindString(officer.Get("/").Body); shown == "" || strings.Contains(shown, "undecided") {
		t.Errorf("all is decided, and the headline says %s", shown)
	}
}

// Every sensitive column that is known is not every sensitive column: a campaign on them says so where the list of
// the data store's tables broke off.
func TestACampaignOnAllSensitiveColumnsSaysWhenThereMayBeMore(t *testing.T) {
	const says = "there may be more"
	h := consoletest.Start(t)
	admin := h.As(access.Admin)
	must(t, h.Inventory.Sync(t.Context(), "default", 0))
	if strings.Contains(admin.Get("/campaigns?datastore_id="+datastoreID).Body, says) {
		t.Error("a list that is whole is doubted")
	}
	h.Tenant.Fail(sandbox.Fault{Kind: sandbox.FaultReplace, Endpoint: sandbox.EndpointTables, Field: "totalRecords", Value: "999", Times: -1})
	_ = h.Inventory.Sync(t.Context(), "default", time.Hour) // it says that the list may be incomplete
	if !strings.Contains(admin.Get("/campaigns?datastore_id="+datastoreID).Body, says) {
		t.Error("the list names 999 tables and gave fewer, and the form does not say so")
	}
}

// A newcomer opens the address before they read the terminal.
func TestWhoeverOpensAConsoleWithoutAnAccountIsToldWhereTheLinkIs(t *testing.T) {
	const says = "No account exists yet"
	h := consoletest.Start(t)
	if page := h.Browser().Get("/login"); strings.Contains(page.Body, says) {
		t.Error("said where there are accounts")
	}
	h = consoletest.Start(t, func(c *consoletest.Config) { c.People = false })
	if token, err := h.Accounts.SetupToken(t.Context()); err != nil || token == "" {
		t.Fatalf("%q, %v", token, err)
	}
	if page := h.Browser().Get("/login"); !strings.Contains(page.Body, says) {
		t.Errorf("the first page says nothing of it: %s", page.Body)
	}
}

// Fails when the dashboard says that no run went wrong on the day on which the KMS rejected one.
func TestARejectedRunIsCountedOnItsDay(t *testing.T) {
	h := consoletest.Start(t, func(c *consoletest.Config) { c.Sandbox.KMS = sandbox.KMSNone })
	run := h.As(access.Admin).Launch("ssn")
	h.WaitFor(run, encryption.Verifying)
	token := h.WaitFor(run, encryption.Verifying).CallbackToken
	h.Browser().Do("POST", "/kms/callback/"+token, strings.NewReader(
		`{"tableId":"`+tableID+`","columns":["ssn"],"keyVersion":1,"complianceCheck":{"algorithm":"AES-128-CBC"}}`), "Content-Type", "application/json")
	h.WaitFor(run, encryption.Rejected)
	officer := h.As(access.Officer)
	page := officer.Get("/").Body
	link := regexp.MustCompile(`href="([^"]*)" aria-label="1 runs ended, not verified">1<`).FindStringSubmatch(page)
	if link == nil {
		t.Fatalf("the rejected run is not counted: %s", page)
	}
	if list := officer.Get(html.UnescapeString(link[1])).Body; !strings.Contains(list, "1 run on this page") || !strings.Contains(list, ">Rejected<") && !strings.Contains(list, "Rejected</span>") {
		t.Errorf("the list behind it: %s", list)
	}
}
