package handlers_test

import (
	"strings"
	"testing"
	"time"

	"cxseal/cxone/sandbox"
	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/console/consoletest"
	"cxseal/internal/encryption"
)

// TestARunThatIsShownALossPutsItOnRecord fails when what somebody else did to a table, and a run of another column
// was the first to be shown, is taken over without a record: the loss of protection would be in no log, on no list
// and in no alarm.
func TestARunThatIsShownALossPutsItOnRecord(t *testing.T) {
	h := consoletest.Start(t)
	admin := h.As(access.Admin)
	admin.Get(consoletest.TablePath)
	h.WaitFor(admin.Launch("ssn"), encryption.Verified)
	h.Advance(5 * time.Minute)
	form := consoletest.RunForm("credit_card")
	token := admin.Token("/account")
	for _, m := range []sandbox.Mutation{{Action: sandbox.Decrypt, Column: "ssn"}, {Action: sandbox.AddColumn, Column: "shelf", Type: "string"},
		{Action: sandbox.Encrypt, Column: "city"}} {
		must(t, h.Tenant.Mutate(datastoreID, tableID, m))
	}
	form.Set("csrf_token", token)
	h.WaitFor(admin.Post("/runs", form).Header.Get("Location"), encryption.Verified)
	want := map[string]string{"ssn": "FAILURE The column is no longer encrypted, and no run of this console did that.",
		"shelf": "SUCCESS New column of type string, not encrypted.", "city": "SUCCESS The column was encrypted by someone else."}
	check := func(when string) {
		t.Helper()
		found := h.Records(audit.Filter{Operation: string(audit.DriftDetected)})
		for _, e := range found {
			if got := string(e.Record.Outcome) + " " + e.Record.Detail; want[e.Record.Columns[0]] != got || e.Record.TableID != tableID {
				t.Errorf("%s: %s is on record as %q", when, e.Record.Columns[0], got)
			}
		}
		if len(found) != len(want) {
			t.Errorf("%s: %d records of drift, want %d", when, len(found), len(want))
		}
	}
	check("after the run")
	h.Advance(5 * time.Minute)
	admin = h.As(access.Admin)
	admin.Get(consoletest.TablePath)
	check("after a reading")
	page := h.As(access.Viewer).Get("/").Body
	if !strings.Contains(page, "1 column lost its protection outside of this console") {
		t.Error("the dashboard does not say that a column lost its protection")
	}
}
