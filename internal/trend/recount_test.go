package trend

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cxseal/internal/audit"
	"cxseal/internal/encryption"
)

var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

func TestARecountMovesTheTotalAndMarksAFall(t *testing.T) {
	today := DayOf(noon)
	counts := func(total, encrypted int) Counts { return Counts{Total: total, Encrypted: encrypted} }
	for _, c := range []struct {
		what        string
		before, now Counts
		total       *Total
		day         int64 // of the total
		sum         Counts
		falls       Kind // empty: it does not fall
	}{
		{"the first reading there is", Counts{}, counts(4, 1), nil, today, counts(4, 1), ""},
		{"the first day, on which a connection is only being read", Counts{}, counts(4, 0),
			&Total{First: today, Newest: today, Counts: counts(4, 4)}, today, counts(8, 4), ""},
		{"a later day", Counts{}, counts(4, 0), &Total{First: today - 1, Newest: today, Counts: counts(4, 4)}, today, counts(8, 4), Counted},
		{"a table that falls on the first day", counts(4, 2), counts(4, 1),
			&Total{First: today, Newest: today, Counts: counts(4, 2)}, today, counts(4, 1), Drop},
		{"a table that rises", counts(4, 1), counts(4, 2), &Total{First: today - 9, Newest: today - 2, Counts: counts(8, 3)}, today, counts(8, 4), ""},
		{"a clock that went back", counts(4, 1), counts(4, 2), &Total{First: today - 9, Newest: today + 2, Counts: counts(8, 3)}, today + 2, counts(8, 4), ""},
	} {
		why := Cause{Table: "crm", RunID: "r1"}
		if c.falls == Counted {
			why.Members = c.now.Sub(c.before)
		}
		r := Recount(noon, c.before, c.now, c.total, why)
		if r.Day != today || r.TotalDay != c.day || r.Total != c.sum || (r.Event != nil) != (c.falls != "") {
			t.Errorf("%s: %+v", c.what, r)
		}
		if e := r.Event; e != nil && (e.Kind != c.falls || !e.At.Equal(noon) || e.RunID != "r1" || e.Reason == "") {
			t.Errorf("%s: event %+v", c.what, e)
		}
	}
}

func TestAFallIsExplainedByWhatIsKnownOfItElseByTheCounts(t *testing.T) {
	for _, c := range []struct {
		why         Cause
		before, now Counts
		want        string
	}{
		{Cause{Table: "crm", Reasons: []string{"A.", "B.", "C."}}, Counts{}, Counts{}, "A. B. C."},
		{Cause{Table: "crm", Reasons: []string{"A.", "B.", "C.", "D.", "E."}}, Counts{}, Counts{}, "A. B. C. And 2 more."},
		{Cause{Table: "crm"}, Counts{}, Counts{Total: 4, Encrypted: 1}, "crm was read for the first time: 1 of 4 columns are encrypted."},
		{Cause{Table: "crm"}, Counts{Total: 4, Encrypted: 3}, Counts{}, "crm is gone from the tenant, with 3 encrypted columns."},
		{Cause{Table: "crm"}, Counts{Total: 4, Encrypted: 3, Sensitive: 1}, Counts{Total: 6, Encrypted: 2, Sensitive: 4},
			"1 column of crm no longer encrypted. 2 columns of crm new. 3 columns of crm more counted as sensitive."},
		{Cause{Table: "crm"}, Counts{Total: 4, Encrypted: 2, Sensitive: 2, Protected: Protected{Verified: 2}},
			Counts{Total: 4, Encrypted: 2, Sensitive: 2, Protected: Protected{Verified: 1}}, "Columns of crm were replaced."},
		{Cause{Table: "crm"}, Counts{Total: 4, Encrypted: 2, Sensitive: 2, Protected: Protected{Verified: 2}},
			Counts{Total: 4, Encrypted: 2, Sensitive: 2, Protected: Protected{Verified: 0, Unverified: 1, Refused: 1}},
			"1 column of crm refused by the KMS. 1 column of crm encrypted and not verified."},
	} {
		given := len(c.why.Reasons)
		if got := c.why.explain(c.before, c.now); got != c.want {
			t.Errorf("%+v: %q, want %q", c.why, got, c.want)
		}
		if given == 5 && c.why.Reasons[3] != "D." {
			t.Error("the reasons of the caller were overwritten")
		}
	}
}

func TestReasonsNameTheirColumnsOnceAndNotTooMany(t *testing.T) {
	found := func(detail, column string) audit.Record {
		return audit.Record{Detail: detail, Columns: []string{column}}
	}
	records := []audit.Record{found("No longer encrypted.", "c0"), found("New.", "n")}
	for _, c := range []string{"c1", "c2", "c3", "c4", "c5", "c6", "c7"} {
		records = append(records, found("No longer encrypted.", c))
	}
	want := []string{"c0, c1, c2, c3, c4, c5, and 2 more: No longer encrypted.", "n: New."}
	if diff := cmp.Diff(want, ReasonsOf(records)); diff != "" {
		t.Error(diff)
	}
	if got := ReasonsOf(nil); got != nil {
		t.Errorf("no records give the reasons %q", got)
	}
}

func TestOnlyAVerifiedRunIsMarked(t *testing.T) {
	run := encryption.Run{ID: "r1", State: encryption.Verified, Operation: audit.ColumnEncryption, TableID: "tbl", Columns: []string{"a"},
		FinishedAt: noon, After: []encryption.ColumnState{{Name: "a", Encrypted: true}}}
	for _, c := range []struct {
		what   string
		change func(*encryption.Run)
		want   string
	}{
		{"an encryption", func(*encryption.Run) {}, "Encryption of 1 column of tbl was verified."},
		{"a rotation of a named table", func(r *encryption.Run) {
			r.Operation, r.Columns, r.Plan = audit.KeyRotation, []string{"a", "b"}, &encryption.Plan{TableName: "Customers"}
		}, "Key rotation of 2 columns of Customers was verified."},
		{"an unconfirmed run", func(r *encryption.Run) { r.State = encryption.Unconfirmed }, ""},
		{"a run that was not told the table's columns", func(r *encryption.Run) { r.After = nil }, ""},
	} {
		r := run
		c.change(&r)
		got := ""
		if e := AfterRun(&r); e != nil {
			got = e.Reason
			if e.Kind != Run || e.RunID != "r1" || !e.At.Equal(noon) {
				t.Errorf("%s: %+v", c.what, e)
			}
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.what, got, c.want)
		}
	}
}
