package handlers_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"cxseal/cxone/sandbox"
	"cxseal/internal/access"
	"cxseal/internal/console/consoletest"
	"cxseal/internal/encryption"
)

// An officer reads on the first page how far the sensitive columns are protected. A column that the KMS
// refused, or said nothing of, must not stand there, on its table's page, in a list or in a CSV like one that
// was verified.
func TestAColumnsStateIsTheSameEverywhere(t *testing.T) {
	h := consoletest.Start(t)
	admin := h.As(access.Admin)
	admin.Get(consoletest.TablePath)
	h.WaitFor(admin.Launch("ssn"), encryption.Verified)
	h.Tenant.Fail(sandbox.Fault{Kind: sandbox.FaultKMSWrongAlgorithm, Times: 1})
	refused := h.WaitFor(admin.Launch("credit_card"), encryption.Rejected)
	h.Tenant.ClearFaults()
	h.Tenant.Fail(sandbox.Fault{Kind: sandbox.FaultKMSNone, Times: 1})
	silent := h.WaitFor(admin.Launch("medical_record_number"), encryption.Verifying)
	h.Advance(2 * time.Minute)
	h.WaitFor("/runs/"+silent.ID, encryption.Unconfirmed)
	h.Tenant.ClearFaults()
	for range 2 {
		must(t, h.Tenant.Mutate(datastoreID, tableID, sandbox.Mutation{Action: sandbox.Rotate, Column: "ssn"}))
	}

	page := admin.Get(consoletest.TablePath).Body
	for _, want := range []string{"verified at version 1, now 3, observed", "Refused by the KMS", `href="/runs/` + refused.ID + `"`,
		"Encrypted, not verified", "1 of 14 columns verified", "1 refused by the KMS", "1 encrypted, not verified"} {
		if !strings.Contains(page, want) {
			t.Errorf("the table's page lacks %q", want)
		}
	}
	dashboard := admin.Get("/").Body
	for _, want := range []string{"1 of 8 sensitive columns", ">1 refused by the KMS</a>", ">1 encrypted, not verified</a>", ">5 not encrypted</a>",
		"1 of the verified under a later key version", "1 sensitive column was refused by the KMS check", "1 sensitive column is encrypted and not verified"} {
		if !strings.Contains(dashboard, want) {
			t.Errorf("the dashboard lacks %q", want)
		}
	}
	for state, column := range map[string]string{"verified": "ssn", "refused": "credit_card", "unverified": "medical_record_number"} {
		link := "/sensitivity?protection=" + state + "&amp;state=sensitive"
		if !strings.Contains(dashboard, link) {
			t.Errorf("the dashboard does not lead to the columns that are %s", state)
		}
		list := admin.Get(strings.ReplaceAll(link, "&amp;", "&")).Body
		if !strings.Contains(list, "<code>"+column+"</code>") || !strings.Contains(list, "1 column on this page") {
			t.Errorf("the list of what is %s: %s", state, list)
		}
	}
	series := rowsOf(t, admin.Get("/charts/coverage.csv?table_id="+tableID).Body)
	if last := series[len(series)-1]; !slices.Equal(last[4:], []string{"14", "3", "21.43", "8", "3", "37.5", "1", "1", "1"}) {
		t.Errorf("%q", last)
	}
	if charts := admin.Get("/charts").Body; !strings.Contains(charts, "sensitive columns verified from") || !strings.Contains(charts, "to 12.5%, encrypted") {
		t.Errorf("the chart's headline: %s", charts)
	}

	// Whatever came of it last counts: a rotation confirms the one, and another takes the verdict from the
	// verified one.
	h.WaitFor(rotate(t, admin, "credit_card"), encryption.Verified)
	h.Tenant.Fail(sandbox.Fault{Kind: sandbox.FaultKMSWrongAlgorithm, Times: 1})
	h.WaitFor(rotate(t, admin, "ssn"), encryption.Rejected)
	series = rowsOf(t, admin.Get("/charts/coverage.csv?table_id="+tableID).Body)
	if last := series[len(series)-1]; !slices.Equal(last[8:], []string{"3", "37.5", "1", "1", "1"}) {
		t.Errorf("after the rotations: %q", last)
	}
	if page := admin.Get("/charts").Body; !strings.Contains(page, "1 column of") || !strings.Contains(page, "refused by the KMS.") {
		t.Errorf("the fall of the headline has no reason: %s", page)
	}

	// What is decrypted and encrypted again by somebody else has no verdict any more.
	for _, action := range []sandbox.Action{sandbox.Decrypt, sandbox.Encrypt} {
		must(t, h.Tenant.Mutate(datastoreID, tableID, sandbox.Mutation{Action: action, Column: "credit_card"}))
		h.Advance(3 * time.Minute)
		admin.Get(consoletest.TablePath)
	}
	if a := admin.Get("/sensitivity?protection=verified"); !strings.Contains(a.Body, "No column matches") {
		t.Errorf("a column is verified still: %s", a.Body)
	}
	if a := admin.Get("/sensitivity?protection=safe"); a.Status != 400 {
		t.Errorf("a state that there is none of: %d", a.Status)
	}
}

// rotate launches a key rotation and returns the run's path.
func rotate(t *testing.T, b *consoletest.Browser, columns ...string) string {
	t.Helper()
	form := consoletest.RunForm(columns...)
	form.Set("operation", "KEY_ROTATION")
	return b.LaunchForm(form)
}
