package handlers_test

import (
	"html"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cxseal/cxone/sandbox"
	"cxseal/handlers"
	"cxseal/internal/access"
	"cxseal/internal/encryption"
	"cxseal/store"
)

// An officer who follows a number finds as many rows as it said, or stops
// believing the dashboard.
func TestTheDashboardsNumbersLeadToListsThatAgree(t *testing.T) {
	h := newHouse(t)
	today := h.clock().UTC().Truncate(24 * time.Hour)
	h.advance(today.AddDate(0, 0, -7).Add(time.Minute).Sub(h.clock())) // the first minute of the seventh day before
	admin := h.as(access.Admin)
	h.waitFor(admin.launch("ssn"), encryption.Verified)
	form := runForm("credit_card")
	form.Set("start_at", h.clock().AddDate(0, 0, 30).UTC().Format(time.RFC3339))
	if a := admin.submit("/runs", "/runs", form); a.status != 303 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	page := admin.get("/").body
	const link = "/runs?state=in_progress"
	if !strings.Contains(page, `href="`+link+`" aria-label="1 runs in progress">1<`) {
		t.Fatalf("one run is in progress: %s", page)
	}
	list := admin.get(link).body
	if !strings.Contains(list, "1 run on this page") || !strings.Contains(list, "credit_card") {
		t.Errorf("the list behind it: %s", list)
	}

	// The list knows whole days, so the number counts them.
	a := admin.submit("/runs", "/runs", runForm("no_such_column"))
	h.waitFor(a.header.Get("Location"), encryption.Failed)
	h.advance(7*24*time.Hour - time.Minute)
	officer := h.as(access.Officer)
	failed := "/runs?from=" + today.AddDate(0, 0, -7).Format(time.DateOnly) + "&state=failed"
	if page := officer.get("/").body; !strings.Contains(page, `href="`+html.EscapeString(failed)+`" aria-label="1 runs failed">1<`) {
		t.Errorf("the number of failed runs, which %s lists: %s", failed, page)
	}
	if list := officer.get(failed).body; !strings.Contains(list, "1 run on this page") {
		t.Errorf("the list behind it: %s", list)
	}
}

// A newcomer opens the address before they read the terminal.
func TestWhoeverOpensAConsoleWithoutAnAccountIsToldWhereTheLinkIs(t *testing.T) {
	const says = "No account exists yet"
	h := newHouse(t)
	if page := h.browser().get("/login"); strings.Contains(page.body, says) {
		t.Error("said where there are accounts")
	}
	h = newHouse(t, func(cfg *handlers.Config, _ *sandbox.Config) {
		empty, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "empty.db"), store.Options{})
		must(t, err)
		t.Cleanup(func() { must(t, empty.Close()) })
		cfg.Accounts = access.NewAccounts(empty, cfg.Now, cheap)
		if token, err := cfg.Accounts.SetupToken(t.Context()); err != nil || token == "" {
			t.Fatalf("%q, %v", token, err)
		}
	})
	if page := h.browser().get("/login"); !strings.Contains(page.body, says) {
		t.Errorf("the first page says nothing of it: %s", page.body)
	}
}
