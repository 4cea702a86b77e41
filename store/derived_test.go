package store

import (
	"bytes"
	"database/sql"
	"log/slog"
	"math"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"cxseal/internal/audit"
)

// derivedCounts returns how many records a search for a word finds, and how many are counted by value.
func derivedCounts(t *testing.T, s *Store) (found, counted int64) {
	t.Helper()
	found, _, err := s.AuditCount(t.Context(), audit.Filter{Query: "derived"}, 100_000)
	if err != nil {
		t.Fatal(err)
	}
	facets, err := facetsOf(t, s, audit.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range facets.Outcomes {
		counted += c.Count
	}
	return found, counted
}

func derivedRecord() audit.Record {
	r := record(noon)
	r.Detail = "to be derived"
	return r
}

func TestWordsAndCountsFollowWhoeverAppendsAndWhoeverAsks(t *testing.T) {
	one := open(t)
	other := openAt(t, one.Path()) // another process
	for n := int64(1); n <= 40; n++ {
		appending, asking := one, other
		if n%3 == 0 {
			appending, asking = other, one
		}
		if err := appending.AppendRecords(t.Context(), derivedRecord()); err != nil {
			t.Fatal(err)
		}
		if found, counted := derivedCounts(t, asking); found != n || counted != n {
			t.Fatalf("after %d records %d are found and %d counted", n, found, counted)
		}
	}
}

func TestAThousandRecordsAreDerivedThoughNobodyAsksOrRests(t *testing.T) {
	s := open(t)
	list := make([]audit.Record, 300)
	for range 4 {
		for i := range list {
			list[i] = derivedRecord()
		}
		if err := s.AppendRecords(t.Context(), list...); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.write(t.Context(), func(*tx) error { return nil }); err != nil { // the writer is past it
		t.Fatal(err)
	}
	// A writer that rested on the way has derived some before, and fewer than a thousand are left.
	if n, err := s.mark(t.Context(), derivedMark); err != nil || n <= 200 {
		t.Errorf("of 1,200 records the first %d are derived, %v", n, err)
	}
}

func TestClosingDerivesWhatIsLeftWhereItIsMuch(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cxseal.db")
	s, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for range deriveAtRest {
		if err := s.AppendRecords(t.Context(), derivedRecord()); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	var mark int64
	if err := db.QueryRowContext(t.Context(), `SELECT value FROM marks WHERE name = ?`, derivedMark).Scan(&mark); err != nil || mark != deriveAtRest {
		t.Errorf("derived up to %d, %v; want all %d", mark, err, deriveAtRest)
	}
}

// The words are a convenience. That they cannot be kept must not keep the
// record of what was done from being written.
func TestABrokenIndexOfWordsStopsNoRecord(t *testing.T) {
	var log bytes.Buffer
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "cxseal.db"), Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.write(t.Context(), func(t *tx) error { return t.Control(`DROP TABLE audit_terms`) }); err != nil {
		t.Fatal(err)
	}
	for range deriveAtRest {
		if err := s.AppendRecords(t.Context(), derivedRecord()); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := s.AuditCount(t.Context(), audit.Filter{Query: "derived"}, 10); err == nil {
		t.Error("a search finds words without an index of them")
	}
	mustVerify(t, s, deriveAtRest)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), "index of the audit log's terms is behind") {
		t.Errorf("the log says nothing: %s", log.String())
	}
}

func TestOnlyCommittedRecordsAreToBeDerived(t *testing.T) {
	d := derivation{lag: 55}
	d.Begin()
	d.Save()
	d.add(10)
	d.Save()
	d.add(100)
	d.Undo()
	d.Save()
	d.add(1)
	d.Commit()
	if d.lag != 66 {
		t.Errorf("%d records wait after a commit of 11, want 66", d.lag)
	}
	d.Begin()
	d.Save()
	d.add(1000)
	d.Rollback()
	d.Begin()
	d.Commit()
	if d.lag != 66 {
		t.Errorf("%d records wait after a transaction that was lost, want 66", d.lag)
	}
	if work := d.Idle(false); work.Do != nil {
		t.Error("so few are not worth a transaction while others write")
	}
	if work := (&derivation{lag: deriveAtRest - 1}).Idle(true); work.Do != nil {
		t.Error("so few are not worth a transaction at rest")
	}
	if work := d.Idle(true); work.Do == nil || d.lag != 0 {
		t.Errorf("nothing is done at rest, %d wait", d.lag)
	}
	if work := d.Idle(true); work.Do != nil {
		t.Error("there is nothing left to do")
	}
}

// After an upgrade that makes the index anew, or a crash, it catches up by itself.
func TestAnIndexThatIsFarBehindCatchesUpWhileNobodyAsks(t *testing.T) {
	s := open(t)
	s.behind.lag = math.MinInt32
	list := make([]audit.Record, 500)
	for i := range list {
		list[i] = derivedRecord()
	}
	const size = 2*blockRecords + 500
	for n := 0; n < size; n += len(list) {
		if err := s.AppendRecords(t.Context(), list[:min(len(list), size-n)]...); err != nil {
			t.Fatal(err)
		}
		for i := range list {
			list[i] = derivedRecord()
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again := openAt(t, s.Path())
	for {
		n, err := again.mark(t.Context(), derivedMark)
		if err != nil {
			t.Fatal(err)
		}
		if n == size {
			break
		}
		runtime.Gosched()
	}
	if found, counted := derivedCounts(t, again); found != size || counted != size {
		t.Errorf("%d are found and %d counted, want %d", found, counted, size)
	}
}
