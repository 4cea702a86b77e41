package inventory

import (
	"testing"
	"time"

	"cxseal/internal/encryption"
)

func TestOnlyARunThatEndedAndWasToldTheColumnsLeavesATable(t *testing.T) {
	noon := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	run := encryption.Run{ID: "r", Connection: "c", DatastoreID: "d", TableID: "t", State: encryption.Unconfirmed, PatchedAt: noon, ShownAt: noon,
		After: []encryption.ColumnState{{Name: "ssn", Type: "string", Encrypted: true, KeyVersion: 3}}}
	table, columns, ok := AfterRun(&run)
	if !ok || table.Connection != "c" || table.DatastoreID != "d" || table.TableID != "t" || table.Name != "t" || table.MaxFields != 0 ||
		len(columns) != 1 || columns[0] != (Column{Name: "ssn", Type: "string", Encrypted: true, KeyVersion: 3}) {
		t.Errorf("%+v, %+v, %v", table, columns, ok)
	}
	run.Plan = &encryption.Plan{TableName: "Customers", MaxFields: 12}
	if table, _, _ := AfterRun(&run); table.Name != "Customers" || table.MaxFields != 12 {
		t.Errorf("with a plan: %+v", table)
	}
	for _, c := range []struct {
		what    string
		knownAt time.Time
		want    bool
	}{
		{"never read", time.Time{}, true},
		{"read before the change", noon.Add(-time.Second), true},
		{"read at the change", noon, true},
		{"read since", noon.Add(time.Second), false},
	} {
		if got := table.Replaces(c.knownAt); got != c.want {
			t.Errorf("a table that was %s is replaced: %v", c.what, got)
		}
	}
	run.State = encryption.Verifying
	if _, _, ok := AfterRun(&run); ok {
		t.Error("a run that goes on left a table")
	}
	run.State, run.After = encryption.Verified, nil
	if _, _, ok := AfterRun(&run); ok {
		t.Error("a run that was told nothing left a table")
	}
}

// A run is shown the whole table, and a tenant that is slow to show another run's change must not undo it.
func TestWhatAnotherRunIsAtWorkOnStaysAsItWasKnown(t *testing.T) {
	noon := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	run := &encryption.Run{ID: "mine", FinishedAt: noon}
	before := []Column{{Name: "ssn", Encrypted: true, KeyVersion: 2}, {Name: "iban", Encrypted: true, KeyVersion: 1}}
	shown := []Column{{Name: "ssn"}, {Name: "iban", Encrypted: true, KeyVersion: 2}}
	for _, c := range []struct {
		what    string
		other   encryption.Sent
		records int
	}{
		{"no run", encryption.Sent{}, 1},
		{"a run that goes on", encryption.Sent{RunID: "other", State: encryption.Verifying}, 0},
		{"a run of a minute ago", encryption.Sent{RunID: "other", State: encryption.Verified, EndedAt: noon.Add(-time.Minute)}, 0},
		{"a run of long ago", encryption.Sent{RunID: "other", State: encryption.Verified, EndedAt: noon.Add(-time.Hour)}, 1},
		{"this run", encryption.Sent{RunID: "mine", State: encryption.Failed, EndedAt: noon}, 1},
	} {
		ours := map[string]encryption.Sent{"iban": {RunID: "mine", State: encryption.Verified, EndedAt: noon}}
		if c.other.RunID != "" {
			ours["ssn"] = c.other
		}
		columns, records := DriftAfterRun(run, Table{TableID: "t"}, "", before, shown, ours)
		if len(records) != c.records || columns[0].Encrypted != (c.records == 0) || columns[1].KeyVersion != 2 || shown[0].Encrypted {
			t.Errorf("%s: %+v, %+v", c.what, columns, records)
		}
	}
	if columns, records := DriftAfterRun(run, Table{}, "", nil, shown, nil); len(records) != 0 || len(columns) != 2 {
		t.Errorf("a table that was not read before: %+v, %+v", columns, records)
	}
}
