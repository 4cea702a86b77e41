package handlers_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"cxseal/cxone/sandbox"
	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/console/consoletest"
	"cxseal/internal/encryption"
	"cxseal/internal/fault"
)

// A route may ask for more than its service does, by mistake or on purpose. Its
// denial must not do the very thing that is denied: it is asked here for a
// caller whom every service lets through.
//
// Mutation: with tables.launchDenied calling Launcher.Launch, a run is launched
// here; with runs.launchCampaignDenied calling Campaigner.Launch, a campaign.
func TestADenialChangesNothingWhateverTheServiceWouldAllow(t *testing.T) {
	h := consoletest.Start(t)
	b := h.As(access.Admin)
	b.Get(consoletest.TablePath) // the console knows the table then
	admin := access.Caller{UserID: 1, Name: "admin-1", Role: access.Admin}
	why := access.Require(access.Caller{Name: "viewer-1", Role: access.Viewer}, access.PermManagePeople)
	finding := audit.NewRecord(h.Now(), audit.ColumnEncryption, audit.Failure, audit.Actor{Name: "admin-1", Role: "admin"})
	must(t, h.Store.AppendRecords(t.Context(), finding))
	campaign := url.Values{"connection": {"default"}, "datastore_id": {sandbox.ContactsDataStore}, "target": {"tables"}, "table_id": {tableID}}
	forms := map[string]url.Values{"/runs": consoletest.RunForm("ssn"), "/campaigns": campaign,
		"/attention/acknowledge": {"item": {finding.AuditID}, "note": {"seen"}},
		"/reviews":               {"from": {"2026-01-01"}, "to": {"2026-01-31"}, "up_to": {"1"}, "note": {"read"}}}
	denials := 0
	for _, rt := range h.Pages.Routes() {
		if rt.Denied == nil {
			continue
		}
		denials++
		r := httptest.NewRequest(rt.Method, rt.Path, strings.NewReader(forms[rt.Path].Encode()))
		r.Header.Set(echo.HeaderContentType, echo.MIMEApplicationForm)
		must(t, r.ParseForm())
		before := len(h.Records(audit.Filter{Outcome: string(audit.Denied)}))
		if err := rt.Denied(echo.New().NewContext(r, httptest.NewRecorder()), admin, why); fault.CodeOf(err) != fault.Denied {
			t.Errorf("%s %s: %v", rt.Method, rt.Path, err)
		}
		if n := len(h.Records(audit.Filter{Outcome: string(audit.Denied)})) - before; n != 1 {
			t.Errorf("%s %s left %d denials", rt.Method, rt.Path, n)
		}
		if rt.Method == http.MethodPost && forms[rt.Path] == nil {
			t.Errorf("%s has a denial and no form here", rt.Path)
		}
	}
	if denials < 8 {
		t.Errorf("%d routes record their own denial", denials)
	}
	runs, err := h.Store.Runs(t.Context(), encryption.RunFilter{}, 0, 10)
	must(t, err)
	campaigns, err := h.Store.Campaigns(t.Context(), 0, 10)
	must(t, err)
	if list := h.Records(audit.Filter{Operation: string(audit.AttentionAcknowledged), Outcome: string(audit.Success)}); len(list) > 0 {
		t.Errorf("a denial acknowledged %+v", list)
	}
	if len(runs) != 0 || len(campaigns) != 0 || len(h.Records(audit.Filter{Operation: string(audit.AuditReview), Outcome: string(audit.Success)})) != 0 {
		t.Errorf("the denials made %d runs and %d campaigns", len(runs), len(campaigns))
	}
	// The same forms do what they say where nobody is denied, or this proves nothing.
	if a := b.Submit(consoletest.TablePath, "/runs", forms["/runs"]); a.Status != http.StatusSeeOther {
		t.Errorf("the run's form: %d", a.Status)
	}
	if a := b.Submit("/attention", "/attention/acknowledge", forms["/attention/acknowledge"]); a.Status != http.StatusSeeOther {
		t.Errorf("the form of what needs attention: %d %s", a.Status, a.Body)
	}
	if a := b.Submit("/campaigns", "/campaigns", campaign); a.Status != http.StatusSeeOther {
		t.Errorf("the campaign's form: %d %s", a.Status, a.Body)
	}
}

// Fails when a refused page says that the attempt is in the audit log and it is not, or when somebody who asks
// again and again fills the log (tried with the records of denied reads taken out of the guard).
func TestARefusedPageSaysTheTruthAboutTheLog(t *testing.T) {
	const says = "The attempt is in the audit log."
	h := consoletest.Start(t)
	viewer := h.As(access.Viewer)
	of := audit.Filter{Outcome: string(audit.Denied), Actor: "viewer-1"}
	refused := 0
	for _, w := range walk {
		if w.method != http.MethodGet || slices.Contains(w.allowed, access.Viewer) || !w.page {
			continue
		}
		refused++
		before := len(h.Records(of))
		for range 2 {
			if a := viewer.Get(w.path); a.Status != http.StatusForbidden || !strings.Contains(a.Body, says) {
				t.Errorf("%s: %d, and says so: %v", w.path, a.Status, strings.Contains(a.Body, says))
			}
		}
		pattern := strings.TrimPrefix(h.Pages.PatternOf(w.method, w.path), "GET ")
		list := h.Records(of)
		if n := len(list) - before; n > 1 || !slices.ContainsFunc(list, func(e audit.Entry) bool {
			return strings.HasSuffix(e.Record.Detail, " Asked for "+pattern+".")
		}) {
			t.Errorf("%s left %d records", w.path, n)
		}
	}
	if refused < 20 {
		t.Errorf("%d pages were refused", refused)
	}

	// A refusal that leaves no record says nothing of one.
	if a := viewer.Post("/account/sessions/end", nil); a.Status != http.StatusForbidden || strings.Contains(a.Body, says) {
		t.Errorf("a form without its token: %d", a.Status)
	}
	h = consoletest.Start(t, func(c *consoletest.Config) { c.RequireFactor = true })
	a := h.As(access.Officer).Get("/audit", "HX-Request", "true")
	if a.Status != http.StatusForbidden || strings.Contains(a.Body, says) || !strings.Contains(a.Body, "Your account") {
		t.Errorf("without a second factor: %d %s", a.Status, a.Body)
	}
}
