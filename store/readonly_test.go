package store

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cxseal/internal/audit"
	"cxseal/internal/fault"
)

// filesOf are the hashes of the folder's files.
func filesOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, f := range list {
		data, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(data)
		all[f.Name()] = hex.EncodeToString(sum[:])
	}
	return all
}

// readAll verifies everything that a store which only reads can, and expects so
// many records.
func readAll(t *testing.T, path string, records int64) {
	t.Helper()
	s, err := OpenReadOnly(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	report := verify(t, s)
	if err := s.VerifySurroundings(t.Context(), "", report.Add); err != nil {
		t.Error(err)
	}
	if err := s.VerifyReadings(t.Context(), report.Add); err != nil {
		t.Error(err)
	}
	if !report.OK() || report.Records != records {
		t.Errorf("%d records, want %d: %v", report.Records, records, report.Problems)
	}
	wantCode(t, s.AppendRecords(t.Context(), record(noon)), fault.Invalid)
	if err := s.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	if err := s.Undisturbed(); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestReadingChangesNothing(t *testing.T) {
	s := open(t)
	fill(t, s, 0, 500)
	if err := s.derived(t.Context()); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	backup := filepath.Join(dir, "backup.db")
	if err := s.Backup(t.Context(), backup); err != nil {
		t.Fatal(err)
	}
	before := filesOf(t, dir)
	readAll(t, backup, 500)
	if diff := cmp.Diff(before, filesOf(t, dir)); diff != "" {
		t.Errorf("a backup (-before +after):\n%s", diff)
	}

	readAll(t, s.Path(), 500) // while a console has it open
	fill(t, s, 500, 600)
	readAll(t, s.Path(), 600)

	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	before = filesOf(t, filepath.Dir(s.Path()))
	readAll(t, s.Path(), 600)
	if diff := cmp.Diff(before, filesOf(t, filepath.Dir(s.Path()))); diff != "" {
		t.Errorf("a console's database (-before +after):\n%s", diff)
	}
}

func TestReadingRefusesAnOlderSchemaAndLeavesIt(t *testing.T) {
	s := open(t)
	shell(t, s, `DELETE FROM goose_db_version WHERE version_id > 101`)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	before := filesOf(t, filepath.Dir(s.Path()))
	_, err := OpenReadOnly(t.Context(), s.Path(), Options{})
	wantCode(t, err, fault.Conflict)
	if !strings.Contains(fault.MessageOf(err), "older release") {
		t.Error(fault.MessageOf(err))
	}
	if diff := cmp.Diff(before, filesOf(t, filepath.Dir(s.Path()))); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
}

func TestReadingSaysWhenAConsoleWroteMeanwhile(t *testing.T) {
	s := open(t)
	fill(t, s, 0, 10)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	read, err := OpenReadOnly(t.Context(), s.Path(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close() //nolint:errcheck // it was only read
	other := openAt(t, s.Path())
	fill(t, other, 10, 20)
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	wantCode(t, read.Undisturbed(), fault.Conflict)
}

// TestASearchThatNeedsTheNewestWordsIsRefusedWhereTheyCannotBeIndexed: an export
// that left records out would be evidence of the wrong thing.
func TestASearchFindsRecordsThatAreNotIndexedAndCannotBe(t *testing.T) {
	s := open(t)
	fill(t, s, 0, 100)
	if err := s.derived(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := openWriter(t.Context(), s.Path())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(`UPDATE marks SET value = 5 WHERE name = ?`, derivedMark); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	read, err := OpenReadOnly(t.Context(), s.Path(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close() //nolint:errcheck // it was only read
	for _, f := range []audit.Filter{{}, {Query: "series"}} {
		want := int64(0)
		for i := range 100 {
			if f.Query == "" || strings.Contains(variety(i).Detail, "series") {
				want++
			}
		}
		var out strings.Builder
		if n, err := read.ExportJSONL(t.Context(), f, &out); err != nil || n != want {
			t.Errorf("%+v: %d records, %v; want %d", f, n, err, want)
		}
	}
}
