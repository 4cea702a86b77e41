package web

import (
	"strings"
	"testing"

	"cxseal/internal/protection"
)

// Fails when a column that nobody should rely on is shown like one that was verified, or when the key version that was
// verified is not told apart from the one that was only observed.
func TestATablesColumnIsShownInItsState(t *testing.T) {
	for _, c := range []struct {
		column ColumnRow
		want   []string
	}{
		{ColumnRow{Protection: "verified", Encrypted: true, KeyVersion: 1, VerifiedVersion: 1, VerdictRun: "r1"}, []string{"Verified", "key version 1"}},
		{ColumnRow{Protection: "verified", Encrypted: true, KeyVersion: 3, VerifiedVersion: 1, Observed: true}, []string{"Verified", "verified at version 1, now 3, observed"}},
		{ColumnRow{Protection: "verified", Encrypted: true, VerifiedVersion: 2}, []string{"verified at version 2; the tenant shows no key version"}},
		{ColumnRow{Protection: "unverified", Encrypted: true}, []string{"Encrypted, not verified", "No KMS verdict yet."}},
		{ColumnRow{Protection: "refused", Encrypted: true, VerdictRun: "r2"}, []string{"Refused by the KMS", "Do not rely on it", `href="/runs/r2"`}},
		{ColumnRow{Protection: "unprotected"}, []string{"Not encrypted"}},
	} {
		c.column.Name = "ssn"
		page := draw(t, columnsTable(TableView{Name: "crm", Columns: []ColumnRow{c.column}}, nil))
		for _, want := range c.want {
			if !strings.Contains(page, want) {
				t.Errorf("%+v: the page lacks %q:\n%s", c.column, want, page)
			}
		}
		for _, state := range protection.States() {
			if text := protectionLabel(string(state)).text; string(state) != c.column.Protection && strings.Contains(page, "</svg> "+text+"</span>") {
				t.Errorf("%+v is shown as %q", c.column, text)
			}
		}
	}
}

// Fails when the headline counts more than the verified columns, or leaves a number out.
func TestTheHeadlineCountsVerifiedColumnsAndNamesTheOthers(t *testing.T) {
	p := Protected{Verified: 5, Observed: 2, Unverified: 3, Refused: 1, Total: 10, Rate: 50,
		VerifiedHref: "/v", UnverifiedHref: "/u", RefusedHref: "/r", OpenHref: "/o"}
	page := draw(t, coverageCard(DashboardView{Sensitive: p}))
	for _, want := range []string{`<a href="/v">50%</a>`, "5 of 10 sensitive columns", `<a href="/r">1 refused by the KMS</a>`,
		`<a href="/u">3 encrypted, not verified</a>`, `<a href="/o">1 not encrypted</a>`, "2 of the verified under a later key version"} {
		if !strings.Contains(page, want) {
			t.Errorf("the dashboard lacks %q:\n%s", want, page)
		}
	}
	if rest := (Protected{Verified: 2, Total: 2}).rest(); len(rest) > 0 {
		t.Errorf("nothing is left out, and the page names %v", rest)
	}
}
