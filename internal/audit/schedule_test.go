package audit_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"cxseal/internal/audit"
	"cxseal/internal/fault"
	"cxseal/store"
)

// keptLog is a log on a real database with a clock that the test moves.
type keptLog struct {
	*audit.Log
	store *store.Store
	now   time.Time
}

func newLog(t *testing.T, options ...audit.LogOption) *keptLog {
	t.Helper()
	l := &keptLog{now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}
	clock := func() time.Time { return l.now }
	dir := t.TempDir()
	s, err := store.Open(t.Context(), filepath.Join(dir, "log.db"), store.Options{Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	key, err := audit.LoadOrCreateKey(filepath.Join(dir, "key"), "cxseal/test")
	if err != nil {
		t.Fatal(err)
	}
	l.store, l.Log = s, audit.NewLog(s, key, clock, dir, options...)
	return l
}

func (l *keptLog) append(t *testing.T, n int) {
	t.Helper()
	var list []audit.Record
	for i := range n {
		r := audit.NewRecord(l.now, audit.Login, audit.Success, audit.Actor{Name: "admin", Role: "admin"})
		r.Detail = fmt.Sprint("Sign-in ", i)
		list = append(list, r)
	}
	if err := l.store.AppendRecords(t.Context(), list...); err != nil {
		t.Fatal(err)
	}
}

func (l *keptLog) tick(t *testing.T) {
	t.Helper()
	if err := l.Tick(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (l *keptLog) status(t *testing.T) audit.LogStatus {
	t.Helper()
	s, err := l.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestACheckpointIsMadeAfterSoManyRecordsOrMinutes(t *testing.T) {
	l := newLog(t, audit.Schedule(10, time.Minute))
	l.tick(t)
	if s := l.status(t); s.Checkpoint != nil {
		t.Fatalf("an empty log was signed: %+v", s.Checkpoint)
	}
	covered := func(want int64) {
		t.Helper()
		l.tick(t)
		if s := l.status(t); s.Checkpoint == nil || s.Checkpoint.Size != want || s.NotCovered != s.Size-want {
			t.Fatalf("after %d records the newest checkpoint is %+v, want one of %d", s.Size, s.Checkpoint, want)
		}
	}
	l.append(t, 1)
	covered(1) // the first record is covered at once
	l.append(t, 9)
	covered(1) // too few, too soon
	l.now = l.now.Add(59 * time.Second)
	covered(1)
	l.now = l.now.Add(time.Second)
	covered(10) // a minute has passed
	l.append(t, 10)
	covered(20) // ten records have
	l.now = l.now.Add(time.Hour)
	covered(20) // nothing is new
	if list, err := l.store.Checkpoints(t.Context(), 0, 100); err != nil || len(list) != 3 {
		t.Errorf("%d checkpoints were made (%v), want 3", len(list), err)
	}
}

// flaky is an anchor that fails while its test says so.
type flaky struct {
	name string
	err  error
	got  []int64
}

func (f *flaky) String() string { return f.name }

func (f *flaky) Put(_ context.Context, c audit.KeptCheckpoint) error {
	if f.err == nil {
		f.got = append(f.got, c.Size)
	}
	return f.err
}

func TestAnAnchorThatFailedIsTriedAgainAndSaysSo(t *testing.T) {
	good, bad := &flaky{name: "good"}, &flaky{name: "bad", err: fault.New(fault.Internal, "The far end is down")}
	l := newLog(t, audit.Schedule(1, time.Minute), audit.AnchorTo(good, bad))
	l.append(t, 3)
	if err := l.Tick(t.Context()); err == nil {
		t.Fatal("a failing anchor went unnoticed")
	}
	down := l.now
	s := l.status(t)
	if s.AnchorError != "The far end is down." || !s.FailedSince.Equal(down) {
		t.Errorf("status says %q since %v", s.AnchorError, s.FailedSince)
	}
	if s.Anchored == nil || s.Anchored.Anchor != "good" || s.NotAnchored != 0 {
		t.Errorf("a copy left the machine, status says %+v", s.Anchored)
	}
	l.now = l.now.Add(time.Minute)
	l.append(t, 1)
	if err := l.Tick(t.Context()); err == nil {
		t.Fatal("a failing anchor went unnoticed the second time")
	}
	if s := l.status(t); !s.FailedSince.Equal(down) {
		t.Errorf("failing since %v, want since the first failure at %v", s.FailedSince, down)
	}
	bad.err = nil
	l.tick(t)
	l.tick(t) // has nothing left to do
	if want := []int64{3, 4}; !slices.Equal(good.got, want) {
		t.Errorf("the good anchor got %v, want %v: each checkpoint once", good.got, want)
	}
	if want := []int64{4}; !slices.Equal(bad.got, want) {
		t.Errorf("the other one got %v, want %v: only the newest counts", bad.got, want)
	}
	s = l.status(t)
	if s.AnchorError != "" || !s.FailedSince.IsZero() || s.Anchored.Anchor != "good, bad" || s.NotAnchored != 0 {
		t.Errorf("after it recovered: %+v", s)
	}
}

func TestStatusCountsWhatIsNotAnchored(t *testing.T) {
	a := &flaky{name: "a"}
	l := newLog(t, audit.Schedule(100, time.Hour), audit.AnchorTo(a))
	if s := l.status(t); s.Size != 0 || s.NotAnchored != 0 || !slices.Equal(s.Anchors, []string{"a"}) {
		t.Errorf("an empty log: %+v", s)
	}
	l.append(t, 5)
	if s := l.status(t); s.NotCovered != 5 || s.NotAnchored != 5 {
		t.Errorf("before the first tick: %+v", s)
	}
	l.tick(t)
	l.append(t, 7)
	if s := l.status(t); s.NotCovered != 7 || s.NotAnchored != 7 || s.Anchored.Size != 5 {
		t.Errorf("after it: %+v", s)
	}
	if _, err := l.Sign(t.Context()); err != nil { // as an export does
		t.Fatal(err)
	}
	if s := l.status(t); s.NotCovered != 0 || s.NotAnchored != 7 {
		t.Errorf("after an export: %+v", s)
	}
	l.tick(t)
	if s := l.status(t); s.NotAnchored != 0 || s.Anchored.Size != 12 {
		t.Errorf("the export's checkpoint was not anchored: %+v", s)
	}
}

// shell changes the database file as a person with sqlite3 can.
func (l *keptLog) shell(t *testing.T, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", l.store.Path())
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range statements {
		if _, err := db.Exec(text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestATruncatedLogIsFoundByItsAnchorFile fails when records can be cut from the
// end of the log, with their hashes and checkpoints, so that the database agrees
// with itself and nobody notices.
func TestATruncatedLogIsFoundByItsAnchorFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "anchors")
	anchor, err := audit.ParseAnchor("file:" + path)
	if err != nil {
		t.Fatal(err)
	}
	l := newLog(t, audit.Schedule(1, time.Minute), audit.AnchorTo(anchor))
	l.append(t, 8)
	l.tick(t)
	l.append(t, 12)
	l.tick(t)
	l.shell(t,
		`DROP TRIGGER audit_records_no_delete`, `DROP TRIGGER audit_hashes_no_delete`,
		`DELETE FROM audit_records WHERE seq > 8`,
		`DELETE FROM audit_hashes WHERE idx >= 15`, // 8 leaves and the 7 nodes over them
		`DELETE FROM checkpoints WHERE size > 8`)

	verify := func(anchors ...audit.SignedCheckpoint) audit.Report {
		t.Helper()
		in := l.store.LogInput(t.Context(), l.VerifierKey())
		own := in.Checkpoints
		in.Checkpoints = func(yield func(audit.SignedCheckpoint, error) bool) {
			for _, a := range anchors {
				if !yield(a, nil) {
					return
				}
			}
			own(yield)
		}
		report, err := audit.VerifyLog(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		return report
	}
	if report := verify(); !report.OK() {
		t.Fatalf("the cut was not clean, so this test shows nothing: %+v", report.Problems)
	}
	anchors, err := audit.ReadAnchorFile(path)
	if err != nil || len(anchors) != 2 {
		t.Fatalf("%d checkpoints were read back (%v), want 2", len(anchors), err)
	}
	report := verify(anchors...)
	if len(report.Problems) != 1 || report.Problems[0].Kind != audit.RecordsCut ||
		report.Problems[0].From != 9 || report.Problems[0].To != 20 || !strings.Contains(report.Problems[0].Message, path) {
		t.Errorf("with the anchor file: %+v", report.Problems)
	}
	if _, err := audit.ReadAnchorFile(path + ".gone"); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("a missing anchor file: %v", err)
	}
}

func TestALogWhoseEndIsGoneIsNotSignedAgain(t *testing.T) {
	a := &flaky{name: "a"}
	l := newLog(t, audit.Schedule(1, time.Minute), audit.AnchorTo(a))
	l.append(t, 6)
	l.tick(t)
	l.shell(t, `DROP TRIGGER audit_records_no_delete`, `DELETE FROM audit_records WHERE seq > 4`)
	if err := l.Tick(t.Context()); fault.CodeOf(err) != fault.Conflict {
		t.Errorf("Tick on a cut log: %v", err)
	}
	if !slices.Equal(a.got, []int64{6}) {
		t.Errorf("the anchor got %v", a.got)
	}
}

var errDown = errors.New("down")

func TestAnUnreadableDatabaseIsAnErrorAndNotAnEmptyLog(t *testing.T) {
	l := newLog(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errDown)
	if _, err := l.Status(ctx); err == nil {
		t.Error("Status answered")
	}
	if err := l.Tick(ctx); err == nil {
		t.Error("Tick answered")
	}
}
