package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"cxseal/internal/audit"
	"cxseal/internal/encryption"
	"cxseal/internal/fault"
	"cxseal/migrations"
)

// noon is when every test begins.
var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func openAt(t testing.TB, path string) *Store {
	t.Helper()
	s, err := Open(t.Context(), path, Options{Now: func() time.Time { return noon }})
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

func open(t testing.TB) *Store {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "cxseal.db"))
}

// shell is a second way into the file, as a person with sqlite3 has it.
func shell(t testing.TB, s *Store, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", s.Path()+"?_pragma=busy_timeout(10000)") // the writer derives meanwhile
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	for _, text := range statements {
		if _, err := db.Exec(text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
}

func number(t testing.TB, s *Store, text string, args ...any) int64 {
	t.Helper()
	var n int64
	if err := s.queryRow(context.Background(), text, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return n
}

func record(at time.Time) audit.Record {
	return audit.NewRecord(at, audit.RunRequested, audit.Success, audit.Actor{Name: "admin", Role: "admin", IP: "127.0.0.1"})
}

func wantCode(t testing.TB, err error, code fault.Code) {
	t.Helper()
	if got := fault.CodeOf(err); got != code {
		t.Fatalf("error %v has code %q, want %q", err, got, code)
	}
}

func TestDatabaseFileIsPrivateAndReopens(t *testing.T) {
	path := filepath.Join(t.TempDir(), "with space ? # %41.db")
	s := openAt(t, path)
	if err := s.AppendRecords(t.Context(), record(noon)); err != nil {
		t.Fatal(err)
	}
	fi, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if fi.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, want 0600", fi.Mode().Perm())
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again := openAt(t, path)
	if n := number(t, again, `SELECT count(*) FROM audit_records`); n != 1 {
		t.Errorf("%d records after reopening, want 1", n)
	}
}

func TestForeignFileIsRefusedAndLeftAlone(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "notes.txt")
	if err := os.WriteFile(text, []byte("these are my notes, not a database"), 0o600); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(dir, "other.db")
	db, err := sql.Open("sqlite", other)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(`CREATE TABLE songs (title TEXT)`); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	broken := filepath.Join(dir, "broken.db")
	if err := os.WriteFile(broken, append([]byte(sqliteMagic), bytes.Repeat([]byte{7}, 4000)...), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{text, other, broken} {
		before, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		_, err = Open(t.Context(), path, Options{})
		wantCode(t, err, fault.Invalid)
		if !strings.Contains(err.Error(), "is not a cxseal database") {
			t.Errorf("%s: unclear sentence %q", path, err)
		}
		if path == other {
			continue // SQLite may have switched its journal mode in the header
		}
		if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
			t.Errorf("%s was changed", path)
		}
	}
}

func TestMissingFolderIsNamed(t *testing.T) {
	_, err := Open(t.Context(), filepath.Join(t.TempDir(), "nowhere", "cxseal.db"), Options{})
	wantCode(t, err, fault.Invalid)
	if !strings.Contains(err.Error(), "does not exist") {
		t.Errorf("unclear sentence %q", err)
	}
}

func TestReadOnlyFileIsNamed(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may write anything")
	}
	path := filepath.Join(t.TempDir(), "cxseal.db")
	if err := os.WriteFile(path, nil, 0o400); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), path, Options{})
	wantCode(t, err, fault.Invalid)
	if !strings.Contains(err.Error(), "permissions") {
		t.Errorf("unclear sentence %q", err)
	}
}

func TestNewerDatabaseIsRefused(t *testing.T) {
	s := open(t)
	shell(t, s, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (9000, 1)`)
	_, err := Open(t.Context(), s.Path(), Options{})
	wantCode(t, err, fault.Conflict)
	if !strings.Contains(err.Error(), "newer release") {
		t.Errorf("unclear sentence %q", err)
	}
}

// Numbers of migrations of a build before the first release mean other files:
// going on from them would leave a schema that is neither.
func TestDatabaseFromBeforeTheFirstReleaseIsRefusedAndLeftAlone(t *testing.T) {
	for _, version := range []int{1, 21, migrations.First - 1} {
		path := filepath.Join(t.TempDir(), "cxseal.db")
		db, err := sql.Open("sqlite", path)
		if err != nil {
			t.Fatal(err)
		}
		_, err = db.Exec(`CREATE TABLE goose_db_version (id INTEGER PRIMARY KEY AUTOINCREMENT, version_id INTEGER NOT NULL,
				is_applied INTEGER NOT NULL, tstamp TIMESTAMP DEFAULT (datetime('now')));
			INSERT INTO goose_db_version (version_id, is_applied) VALUES (0, 1), (?, 1);
			CREATE TABLE audit_records (seq INTEGER PRIMARY KEY, record TEXT NOT NULL)`, version)
		if err := errors.Join(err, db.Close()); err != nil {
			t.Fatal(err)
		}
		_, err = Open(t.Context(), path, Options{})
		wantCode(t, err, fault.Conflict)
		for _, part := range []string{path, "before the first release", fmt.Sprintf("schema %d", version), "--db"} {
			if !strings.Contains(fault.MessageOf(err), part) {
				t.Errorf("schema %d: the sentence %q lacks %q", version, fault.MessageOf(err), part)
			}
		}
		if db, err = sql.Open("sqlite", path); err != nil {
			t.Fatal(err)
		}
		var tables, newest int
		err = db.QueryRow(`SELECT (SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'), (SELECT max(version_id) FROM goose_db_version)`).Scan(&tables, &newest)
		if err := errors.Join(err, db.Close()); err != nil || tables != 2 || newest != version {
			t.Errorf("%d tables and version %d after the refusal, %v", tables, newest, err)
		}
	}
}

func TestTwoProcessesOpenOneNewDatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cxseal.db")
	var wg sync.WaitGroup
	errs := make([]error, 4)
	for i := range errs {
		wg.Go(func() {
			s, err := Open(t.Context(), path, Options{})
			if err == nil {
				err = s.Close()
			}
			errs[i] = err
		})
	}
	wg.Wait()
	for i, err := range errs {
		if err != nil {
			t.Errorf("opener %d: %v", i, err)
		}
	}
}

func TestPagesDoNotWaitForLongReads(t *testing.T) {
	s := open(t)
	fill(t, s, 0, 10)
	for range maxReaders {
		busy, err := s.long.db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = busy.Close() }()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if page, err := s.AuditPage(ctx, audit.Filter{}, 0, 5); err != nil || len(page) != 5 {
		t.Errorf("a page of %d records, %v", len(page), err)
	}
	if _, err := s.AuditTotals(ctx, audit.Filter{Query: "operation:LOGIN"}, 10); err != nil {
		t.Errorf("the facets beside it: %v", err)
	}
	export, stop := context.WithCancel(t.Context())
	told := make(chan error)
	go func() {
		_, err := s.ExportCSV(export, audit.Filter{}, io.Discard)
		told <- err
	}()
	for s.long.db.Stats().WaitCount == 0 && ctx.Err() == nil { // it waits for its own
		runtime.Gosched()
	}
	stop()
	if err := <-told; !errors.Is(err, context.Canceled) || ctx.Err() != nil {
		t.Errorf("the export was told %v", err)
	}
}

func newRun(id, table string) encryption.Run {
	return encryption.Run{
		ID: id, Operation: audit.ColumnEncryption, Connection: "default", DatastoreID: "ds", TableID: table,
		Columns: []string{"ssn", "credit_card"}, Strategy: "AUTOMATIC", IntervalDays: 90,
		State: encryption.Queued, RequestedBy: audit.Actor{Name: "admin", Role: "admin", IP: "127.0.0.1"},
		RequestedAt: noon, CallbackToken: "token-" + id,
		Timings: encryption.Timings{TokenMs: -1, ChecksMs: -1, PatchMs: -1, KMSMs: -1},
	}
}

func event(kind string) encryption.Event {
	return encryption.Event{At: noon, State: encryption.Queued, Kind: kind, Message: "It happened."}
}

func addRun(t testing.TB, s *Store, run encryption.Run) encryption.Run {
	t.Helper()
	got, err := s.AddRun(t.Context(), run, []encryption.Event{event("state")}, []audit.Record{record(noon)})
	if err != nil {
		t.Fatalf("AddRun: %v", err)
	}
	return got
}
