package rotation_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"cxseal/internal/access"
	"cxseal/internal/alarm"
	"cxseal/internal/encryption"
	"cxseal/internal/fault"
	"cxseal/internal/inventory"
	"cxseal/internal/rotation"
	"cxseal/store"
)

// scanned is a scanner on a database, with a tenant that shows one column.
type scanned struct {
	*rotation.Scanner
	t       *testing.T
	store   *store.Store
	now     time.Time
	version int64 // what the tenant shows
	reads   int
	down    bool
	refuse  error // what launching a run answers
	runs    []encryption.Run
}

func (w *scanned) clock() time.Time { return w.now }

func (w *scanned) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *scanned) Observe(ctx context.Context, _, _, _ string) error {
	if w.reads++; w.down {
		return errors.New("CXone did not answer")
	}
	return w.store.SaveTable(ctx, w.now, inventory.Table{Connection: "default", DatastoreID: "ds", TableID: "t", Total: 1, Encrypted: 1, ReadAt: w.now},
		[]inventory.Column{{Name: "ssn", Type: "string", Encrypted: true, KeyVersion: w.version}})
}

func (w *scanned) NewRun(_ context.Context, c access.Caller, r encryption.Request) (encryption.Run, error) {
	return encryption.Run{Operation: r.Operation, Columns: r.Columns, TableID: r.TableID, RequestedBy: c.Actor(), IntervalDays: r.IntervalDays}, w.refuse
}

func (w *scanned) Enqueue(_ context.Context, run encryption.Run) (encryption.Run, error) {
	w.runs = append(w.runs, run)
	return run, nil
}

func newScanned(t *testing.T, rule rotation.Rule) *scanned {
	t.Helper()
	w := &scanned{t: t, now: start, version: 1}
	var err error
	w.store, err = store.Open(t.Context(), filepath.Join(t.TempDir(), "cxseal.db"), store.Options{Now: w.clock})
	w.must(err)
	t.Cleanup(func() { w.must(w.store.Close()) })
	w.must(w.store.SavePolicy(t.Context(), rotation.Policy{Rule: rule, UpdatedAt: start}))
	w.Scanner = rotation.NewScanner(w.store, w, w, rotation.ScanOptions{Leads: rotation.DefaultLeads}, w.clock, slog.New(slog.DiscardHandler))
	w.must(w.Observe(t.Context(), "", "", ""))
	w.reads = 0
	return w
}

func (w *scanned) on(d int) []alarm.Alarm {
	w.t.Helper()
	w.now = start.Add(time.Duration(d) * day)
	w.must(w.Tick(w.t.Context()))
	list, err := w.store.Alarms(w.t.Context(), "", 0, 100)
	w.must(err)
	return list
}

func TestARotationThatNobodySawYetIsNotCalledOverdue(t *testing.T) {
	w := newScanned(t, rotation.DefaultRule)
	w.version = 2 // rotated, and no inventory has run since
	if alarms := w.on(98); len(alarms) != 0 || w.reads != 1 {
		t.Errorf("%d reads, alarms %+v", w.reads, alarms)
	}
	list, err := w.store.Ledger(t.Context(), rotation.Filter{}, nil, 1)
	if err != nil || list[0].Rotated.Timeliness != rotation.Unproven {
		t.Errorf("%+v, %v", list, err)
	}
}

func TestATenantThatIsAwayDoesNotPutOverdueOff(t *testing.T) {
	w := newScanned(t, rotation.DefaultRule)
	w.down = true
	if alarms := w.on(98); len(alarms) != 1 || alarms[0].Kind != alarm.RotationOverdue || w.reads != 1 {
		t.Errorf("%d reads, alarms %+v", w.reads, alarms)
	}
	if w.on(99); w.reads != 1 {
		t.Errorf("an overdue column is read by the scan again and again: %d times", w.reads)
	}
}

func TestTheConsoleRotatesOnlyWhereItIsToldTo(t *testing.T) {
	auto := rotation.DefaultRule
	auto.AutoRotate = true
	manual := auto
	manual.Strategy = encryption.Manual
	for _, c := range []struct {
		what  string
		rule  rotation.Rule
		day   int
		wants int
	}{
		{"off by default", rotation.DefaultRule, 98, 0}, {"automatic and due: the tenant's turn", auto, 91, 0},
		{"automatic and overdue", auto, 98, 1}, {"manual and due", manual, 91, 1}, {"manual and not due", manual, 89, 0},
	} {
		w := newScanned(t, c.rule)
		w.on(c.day)
		w.on(c.day)
		if len(w.runs) != c.wants {
			t.Errorf("%s: %d runs", c.what, len(w.runs))
		}
		if c.wants == 1 && (w.runs[0].RequestedBy.Name != "scheduler" || w.runs[0].Columns[0] != "ssn" || w.runs[0].ID == "") {
			t.Errorf("%s: %+v", c.what, w.runs[0])
		}
	}
}

func TestALongerGraceHoldsAtOnce(t *testing.T) {
	w := newScanned(t, rotation.DefaultRule)
	if alarms := w.on(91); len(alarms) != 1 || alarms[0].Kind != alarm.RotationDue {
		t.Fatalf("alarms %+v", alarms)
	}
	longer := rotation.DefaultRule
	longer.GraceDays = 20
	w.must(w.store.SavePolicy(t.Context(), rotation.Policy{Rule: longer, UpdatedAt: w.now}))
	if alarms := w.on(100); len(alarms) != 1 {
		t.Errorf("overdue within the grace: %+v", alarms)
	}
	if alarms := w.on(110); len(alarms) != 2 || alarms[0].Kind != alarm.RotationOverdue {
		t.Errorf("after the grace: %+v", alarms)
	}
}

func TestARunThatCannotBeLaunchedIsAnAlarmAndNoLoop(t *testing.T) {
	auto := rotation.DefaultRule
	auto.AutoRotate = true
	w := newScanned(t, auto)
	w.refuse = fault.New(fault.NotFound, "There is no connection “default”.")
	w.on(98)
	alarms := w.on(98)
	if len(alarms) != 2 || alarms[0].Kind != alarm.RunFailed || alarms[0].Detail != "There is no connection “default”." {
		t.Errorf("alarms %+v", alarms)
	}
	wanted, err := w.store.WantedRuns(t.Context(), 10)
	if err != nil || len(wanted) != 0 {
		t.Errorf("still wanted: %+v, %v", wanted, err)
	}
	w = newScanned(t, auto)
	w.refuse = errors.New("disk full")
	w.now = start.Add(98 * day)
	if err := w.Tick(t.Context()); err == nil {
		t.Error("a failing database is not reported")
	}
	w.refuse = nil
	if w.on(98); len(w.runs) != 1 {
		t.Errorf("%d runs after the database came back", len(w.runs))
	}
}
