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
