package sensitivity

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cxseal/internal/audit"
	"cxseal/internal/protection"
)

// TestTheConfirmationSaysByHowMuch fails when the sentence that a person confirms is not what the decision does.
func TestTheConfirmationSaysByHowMuch(t *testing.T) {
	figures := func(verified, sensitive int) audit.CoverageFigures {
		return audit.CoverageFigures{Sensitive: sensitive, Verified: verified}
	}
	column := func(is protection.State, now, proposed State) Column {
		return Column{State: now, Proposal: Proposal{State: proposed}, Protection: is}
	}
	change := func(n int, c Column, to State) (list []Change) {
		for range n {
			list = append(list, Change{c, to})
		}
		return list
	}
	open, verified := column(protection.Unprotected, Sensitive, Sensitive), column(protection.Verified, Sensitive, Sensitive)
	plain := column(protection.Unprotected, NotSensitive, NotSensitive)
	for _, c := range []struct {
		before  audit.CoverageFigures
		changes []Change
		want    string
	}{
		{figures(38, 55), change(17, open, NotSensitive), "raises coverage from 69.09 to 100 % (table t: 38 of 55 sensitive columns verified before, 38 of 38 after)"},
		{figures(38, 55), change(1, plain, Sensitive), "lowers coverage from 69.09 to 67.86 % (table t: 38 of 55 sensitive columns verified before, 38 of 56 after)"},
		{figures(9, 10), change(1, verified, NotSensitive), "lowers coverage from 90 to 88.89 % (table t: 9 of 10 sensitive columns verified before, 8 of 9 after)"},
		{figures(0, 10), change(1, open, NotSensitive), "leaves coverage at 0 % (table t: 0 of 10 sensitive columns verified before, 0 of 9 after)"},
		{figures(1, 1), change(1, verified, NotSensitive), "leaves no column that counts as sensitive (coverage was 100 %) (table t: 1 of 1 sensitive columns verified before, 0 of 0 after)"},
		{figures(0, 0), change(1, plain, Sensitive), "begins coverage at 0 % (table t: 0 of 0 sensitive columns verified before, 0 of 1 after)"},
		{figures(0, 0), change(1, plain, NotSensitive), "leaves no column that counts as sensitive, as before (table t: 0 of 0 sensitive columns verified before, 0 of 0 after)"},
	} {
		if got := effectOf(Scope{TableID: "t"}, c.before, c.changes).Sentence(); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
	e := effectOf(Scope{}, audit.CoverageFigures{Sensitive: 9, Unverified: 4, Refused: 2}, append(
		change(1, column(protection.Unverified, Sensitive, Sensitive), NotSensitive), Change{column(protection.Refused, Sensitive, NotSensitive), Undecided}))
	if e.After != (audit.CoverageFigures{Sensitive: 7, Unverified: 3, Refused: 1}) {
		t.Errorf("%+v", e.After)
	}
}

// TestADecisionConcernsWhatItsColumnsAreIn fails when the effect on a store or a connection is left out, or said of one
// that the decision is not in alone.
func TestADecisionConcernsWhatItsColumnsAreIn(t *testing.T) {
	for _, c := range []struct {
		what string
		keys []Key
		want []string
	}{
		{"one table", []Key{{"a", "d", "t", "x"}, {"a", "d", "t", "y"}}, []string{"table t", "data store d", "connection a", "all tables"}},
		{"one store", []Key{{"a", "d", "t", "x"}, {"a", "d", "u", "x"}}, []string{"data store d", "connection a", "all tables"}},
		{"tables of one name in two stores", []Key{{"a", "d", "t", "x"}, {"a", "e", "t", "x"}}, []string{"connection a", "all tables"}},
		{"two connections", []Key{{"a", "d", "t", "x"}, {"b", "d", "t", "x"}}, []string{"all tables"}},
		{"a third store", []Key{{"a", "d", "t", "x"}, {"a", "e", "t", "x"}, {"a", "d", "t", "y"}}, []string{"connection a", "all tables"}},
		{"nothing", nil, nil},
	} {
		var changes []Change
		for _, k := range c.keys {
			changes = append(changes, Change{Column: Column{Key: k}})
		}
		var got []string
		for _, s := range scopesOf(changes) {
			got = append(got, fmt.Sprint(s))
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s:\n%s", c.what, diff)
		}
	}
}
