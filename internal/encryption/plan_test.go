package encryption

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cxseal/cxone"
	"cxseal/internal/audit"
)

func contacts() *cxone.Table {
	return &cxone.Table{ID: "tbl-contacts", DatastoreID: "ds-customers", Name: "Contacts", Columns: []cxone.Column{
		{Name: "id", Type: "integer"},
		{Name: "email", Type: "string"},
		{Name: "ssn", Type: "string"},
		{Name: "credit_card", Type: "string"},
		{Name: "passport", Type: "string", Encrypted: true, EncryptionConfiguration: &cxone.ColumnEncryption{KeyVersion: 3}},
		{Name: "photo", Type: "blob"},
		{Name: "badge", Type: "string"},
		{Name: "<script>", Type: "string"},
	}, Metadata: cxone.TableMetadata{MaxEncryptedFields: cxone.DefaultMaxEncryptedFields}}
}

var contactIndexes = []cxone.Index{
	{Name: "by_email", Columns: []string{"email", "id"}},
	{Name: "pk", Columns: []string{"badge"}, ReadOnly: true},
}

func codes(p Plan) []string {
	var out []string
	for _, b := range p.Blockers {
		out = append(out, b.Column+":"+string(b.Code))
	}
	return out
}

func TestEveryBlockerIsToldAtOnce(t *testing.T) {
	got := codes(NewPlan(contacts(), contactIndexes, Change{Columns: []string{"nope", "email", "passport", "photo", "badge", "ssn", "ssn"}}))
	want := []string{"nope:unknown_column", "email:index", "passport:already_encrypted", "photo:unsupported_type", "badge:read_only_index", "ssn:duplicate_column"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAnAlreadyEncryptedColumnCountsOnceAgainstTheLimit(t *testing.T) {
	table := contacts()
	table.Metadata.MaxEncryptedFields = 2
	p := NewPlan(table, nil, Change{Columns: []string{"passport", "ssn"}})
	if diff := cmp.Diff([]string{"passport:already_encrypted"}, codes(p)); diff != "" {
		t.Errorf("1 encrypted + 1 new fits a limit of 2: %s", diff)
	}
	p = NewPlan(table, nil, Change{Columns: []string{"credit_card", "ssn"}})
	if diff := cmp.Diff([]string{":over_limit"}, codes(p)); diff != "" {
		t.Errorf("1 encrypted + 2 new does not fit a limit of 2: %s", diff)
	}
}

func TestALimitOfNoneAllowsNone(t *testing.T) {
	table := contacts()
	table.Metadata.MaxEncryptedFields = 0
	p := NewPlan(table, nil, Change{Columns: []string{"ssn"}})
	if diff := cmp.Diff([]string{":over_limit"}, codes(p)); diff != "" || p.MaxFields != 0 {
		t.Errorf("limit %d: %s", p.MaxFields, diff)
	}
	if p := NewPlan(table, nil, Change{Columns: []string{"passport"}, Operation: audit.KeyRotation}); len(p.Blockers) != 0 {
		t.Errorf("a rotation adds no column: %v", p.Summary())
	}
}

// When in doubt a run is blocked, and what is in doubt is named.
func TestAnIndexThatMayStandOverAColumnBlocksIt(t *testing.T) {
	for entry, says := range map[string]string{
		"SSN": `"ssn" stands in the index "x", which is written "SSN".`, "ssn DESC": `which is written "ssn DESC"`, "lower(ssn)": `"lower(ssn)"`,
		"\u212bngstr\u00f6m": "", "email": "", "<SCRIPT>": "",
	} {
		p := NewPlan(contacts(), []cxone.Index{{Name: "x", Columns: []string{entry}}}, Change{Columns: []string{"ssn", "credit_card"}})
		if says == "" && len(p.Blockers) == 0 {
			continue
		}
		if diff := cmp.Diff([]string{"ssn:index"}, codes(p)); diff != "" || !strings.Contains(p.Summary(), says) {
			t.Errorf("%q: %s %s", entry, p.Summary(), diff)
		}
	}
	unreadable := []cxone.Index{{Name: "x", ReadOnly: true, Unreadable: "indexes[0].columns is 7"}}
	p := NewPlan(contacts(), unreadable, Change{Columns: []string{"ssn", "credit_card"}, MaskIndexes: true})
	if diff := cmp.Diff([]string{"ssn:read_only_index", "credit_card:read_only_index"}, codes(p)); diff != "" ||
		!strings.Contains(p.Summary(), `"ssn" may stand in the read-only index "x", whose columns cannot be read (indexes[0].columns is 7).`) {
		t.Errorf("%s %s", p.Summary(), diff)
	}
}

func TestOnlyThePlaceThatCannotBeReadBlocks(t *testing.T) {
	table := contacts()
	table.Columns[2].Unclear = true
	table.Unreadable = []cxone.Unreadable{
		{Column: "ssn", Place: "columns[2].encrypted", Found: `"perhaps"`},
		{Column: "credit_card", Place: "columns[3].encryptionConfiguration.keyVersion", Found: "[]"},
	}
	p := NewPlan(table, nil, Change{Columns: []string{"ssn", "credit_card"}})
	if diff := cmp.Diff([]string{"ssn:unreadable"}, codes(p)); diff != "" || !strings.Contains(p.Summary(), `columns[2].encrypted is "perhaps"`) {
		t.Errorf("%s %s", p.Summary(), diff)
	}
	table.Unreadable = []cxone.Unreadable{{Place: "metadata.maxEncryptedFields", Found: `"many"`}}
	if diff := cmp.Diff([]string{":unreadable"}, codes(NewPlan(table, nil, Change{Columns: []string{"credit_card"}}))); diff != "" {
		t.Error(diff)
	}
	if p := NewPlan(table, nil, Change{Columns: []string{"passport"}, Operation: audit.KeyRotation}); len(p.Blockers) != 0 {
		t.Errorf("a rotation needs no limit: %s", p.Summary())
	}
}

// A key version that is a name can be told apart, and not ordered.
func TestARotationIsSeenByAnotherKeyToo(t *testing.T) {
	state := func(number int64, id string, unclear bool) []ColumnState {
		return []ColumnState{{Name: "ssn", Encrypted: !unclear, KeyVersion: number, KeyID: id, Unclear: unclear}}
	}
	for _, test := range []struct {
		before, now []ColumnState
		want        made
	}{
		{state(1, "", false), state(2, "", false), madeYes},
		{state(2, "", false), state(2, "", false), madeNo},
		{state(0, "9f", false), state(0, "a0", false), madeYes},
		{state(0, "a0", false), state(0, "a0", false), madeNo},
		{state(3, "", false), state(0, "a0", false), madeYes},
		{state(0, "", false), state(0, "a0", false), madeUnknown},
		{state(0, "a0", false), state(0, "", false), madeUnknown},
		{state(1, "", false), state(0, "", true), madeUnknown},
	} {
		if got := changeMade(audit.KeyRotation, test.before, test.now); got != test.want {
			t.Errorf("%+v, then %+v: %d", test.before, test.now, got)
		}
	}
	if got := changeMade(audit.ColumnEncryption, state(0, "", false), state(0, "", true)); got != madeUnknown {
		t.Errorf("an unclear column is %d", got)
	}
}

func TestCoverageCountsColumnsEncryptedBefore(t *testing.T) {
	p := NewPlan(contacts(), nil, Change{Columns: []string{"ssn", "credit_card"}})
	if p.Before != (Coverage{1, 8, 12.5}) || p.After != (Coverage{3, 8, 37.5}) {
		t.Errorf("before %+v, after %+v", p.Before, p.After)
	}
	if got := NewCoverage(1, 3).Rate; got != 33.33 {
		t.Errorf("two decimals: %v", got)
	}
	if got := NewCoverage(0, 0).Rate; got != 0 {
		t.Errorf("an empty table: %v", got)
	}
}

func TestAnOrdinaryIndexIsMaskedOnlyByChoice(t *testing.T) {
	p := NewPlan(contacts(), contactIndexes, Change{Columns: []string{"email"}, MaskIndexes: true})
	if len(p.Blockers) != 0 || !slices.Equal(p.Masked, []string{"by_email"}) {
		t.Errorf("blockers %v, masked %v", p.Blockers, p.Masked)
	}
	p = NewPlan(contacts(), contactIndexes, Change{Columns: []string{"badge"}, MaskIndexes: true})
	if diff := cmp.Diff([]string{"badge:read_only_index"}, codes(p)); diff != "" {
		t.Errorf("a read-only index can't be masked: %s", diff)
	}
}

func TestARotationWantsAnEncryptedColumn(t *testing.T) {
	p := NewPlan(contacts(), contactIndexes, Change{Operation: audit.KeyRotation, Columns: []string{"passport", "ssn"}})
	if diff := cmp.Diff([]string{"ssn:not_encrypted"}, codes(p)); diff != "" {
		t.Error(diff)
	}
	if p.After != p.Before {
		t.Errorf("a rotation changes no coverage: %+v → %+v", p.Before, p.After)
	}
}

func TestAShownPlanHoldsWhileOnlyTheOrderOrAKeyVersionChanges(t *testing.T) {
	was := NewPlan(contacts(), contactIndexes, Change{Columns: []string{"ssn"}})
	table := contacts()
	slices.Reverse(table.Columns)
	for i := range table.Columns {
		if table.Columns[i].Encrypted {
			table.Columns[i].EncryptionConfiguration = &cxone.ColumnEncryption{KeyVersion: 4}
		}
	}
	indexes := slices.Clone(contactIndexes)
	slices.Reverse(indexes)
	is := NewPlan(table, indexes, Change{Columns: []string{"credit_card"}})
	if was.Fingerprint != is.Fingerprint {
		t.Errorf("changes: %v", is.ChangesSince(was))
	}
}

func TestAShownPlanFallsWithAnyChangeAndSaysWhich(t *testing.T) {
	was := NewPlan(contacts(), contactIndexes, Change{Columns: []string{"ssn"}})
	for name, change := range map[string]struct {
		do   func(*cxone.Table, *[]cxone.Index)
		want string
	}{
		"type":                 {func(t *cxone.Table, _ *[]cxone.Index) { t.Columns[2].Type = "text" }, `column "ssn" was string and is now text`},
		"encrypted":            {func(t *cxone.Table, _ *[]cxone.Index) { t.Columns[2].Encrypted = true }, `column "ssn" has been encrypted meanwhile`},
		"decrypted":            {func(t *cxone.Table, _ *[]cxone.Index) { t.Columns[4].Encrypted = false }, `column "passport" is no longer encrypted`},
		"new":                  {func(t *cxone.Table, _ *[]cxone.Index) { t.Columns = append(t.Columns, cxone.Column{Name: "x"}) }, `column "x" is new`},
		"gone":                 {func(t *cxone.Table, _ *[]cxone.Index) { t.Columns = t.Columns[:7] }, `column "<script>" is gone`},
		"limit":                {func(t *cxone.Table, _ *[]cxone.Index) { t.Metadata.MaxEncryptedFields = 5 }, "the limit of encrypted columns was 12 and is now 5"},
		"index":                {func(_ *cxone.Table, i *[]cxone.Index) { *i = append(*i, cxone.Index{Name: "ix"}) }, `index "ix" is new`},
		"index gone":           {func(_ *cxone.Table, i *[]cxone.Index) { *i = (*i)[:1] }, `index "pk" is gone`},
		"index made read-only": {func(_ *cxone.Table, i *[]cxone.Index) { (*i)[0].ReadOnly = true }, `index "by_email" has changed`},
	} {
		table, indexes := contacts(), slices.Clone(contactIndexes)
		change.do(table, &indexes)
		is := NewPlan(table, indexes, Change{Columns: []string{"ssn"}})
		if is.Fingerprint == was.Fingerprint {
			t.Errorf("%s: the fingerprint did not change", name)
		}
		if diff := cmp.Diff([]string{change.want}, is.ChangesSince(was)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
