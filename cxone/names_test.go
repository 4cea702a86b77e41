package cxone

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAnIndexStandsOverAColumnHoweverItWritesTheName(t *testing.T) {
	const nfd, nfc = "pre\u0301nom", "pr\u00e9nom"
	columns := []string{"email", "Email", "ssn", nfd, "last name", "name", "credit_card"}
	for _, test := range []struct{ entry, want string }{
		{"ssn", "ssn"},
		{"SSN", "ssn"},
		{"ssn DESC", "ssn"},
		{"ssn asc NULLS LAST", "ssn"},
		{"Ssn desc", "ssn"},
		{"ssn(10)", "ssn"},
		{"-ssn", "ssn"},
		{"`ssn`", "ssn"},
		{"[dbo].[contacts].[SSN]", "ssn"},
		{"lower(ssn)", "ssn"},
		{"(CREDIT_CARD, 3)", "credit_card"},
		{" ssn ", "ssn"},
		{"s\u200bsn", "ssn"},
		{nfc, nfd},
		{strings.ToUpper(nfc), nfd},
		{"email", "email"},
		{"EMAIL", "email,Email"}, // it may be either
		{"Email DESC", "Email"},
		{"last name", "last name"},
		{"name", "name"},
		{"LAST NAME desc", "last name"},
		{"coalesce(name, ssn)", "ssn,name"},
		{"ssn_hash", ""},
		{"other", ""},
		{"", ""},
	} {
		got := Index{Name: "i", Columns: []string{test.entry}}.StandsOver(columns)
		if diff := cmp.Diff(test.want, strings.Join(got, ",")); diff != "" {
			t.Errorf("%q: %s", test.entry, diff)
		}
	}
	if got := (Index{Name: "i", Unreadable: "columns is 7"}).StandsOver(columns); len(got) != len(columns) {
		t.Errorf("an index that cannot be read stands over %v", got)
	}
}
