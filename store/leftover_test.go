package store

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cxseal/internal/fault"
)

// crashed copies a database as a console that was killed leaves it: the file
// with its write-ahead log.
func crashed(t *testing.T, s *Store, to string) {
	t.Helper()
	for _, end := range []string{"", "-wal"} {
		data, err := os.ReadFile(s.Path() + end)
		if err != nil || len(data) == 0 {
			t.Fatalf("%s%s: %d bytes, %v", s.Path(), end, len(data), err)
		}
		if err := os.WriteFile(to+end, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestABackupBesideAnothersWriteAheadLogIsRefusedByName(t *testing.T) {
	s := open(t)
	fill(t, s, 0, 100)
	dir := t.TempDir()
	backup := filepath.Join(dir, "backup.db")
	if err := s.Backup(t.Context(), backup); err != nil {
		t.Fatal(err)
	}
	fill(t, s, 100, 900)
	path := filepath.Join(dir, "cxseal.db")
	crashed(t, s, path)
	mustVerify(t, openAt(t, path), 900) // the log that a crash leaves is the database's own

	data, err := os.ReadFile(backup)
	if err != nil {
		t.Fatal(err)
	}
	for name, bytesOf := range map[string][]byte{"backup": data, "nothing": nil} {
		t.Run(name, func(t *testing.T) {
			at := filepath.Join(t.TempDir(), "cxseal.db")
			crashed(t, s, at)
			if err := os.WriteFile(at, bytesOf, 0o600); err != nil {
				t.Fatal(err)
			}
			before, err := os.ReadFile(at + "-wal")
			if err != nil {
				t.Fatal(err)
			}
			_, err = Open(t.Context(), at, Options{})
			wantCode(t, err, fault.Conflict)
			for _, want := range []string{at + "-wal", "cxseal restore"} {
				if !strings.Contains(fault.MessageOf(err), want) {
					t.Errorf("%q does not name %s", fault.MessageOf(err), want)
				}
			}
			after, err := os.ReadFile(at + "-wal")
			if err != nil || !bytes.Equal(before, after) {
				t.Errorf("the log was changed: %v", err)
			}
			if now, err := os.ReadFile(at); err != nil || !bytes.Equal(now, bytesOf) {
				t.Errorf("the database was changed: %v", err)
			}
		})
	}
}

func TestADamagedDatabaseSaysWhatMayHaveHappened(t *testing.T) {
	s := open(t)
	fill(t, s, 0, 2000)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(s.Path(), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	const from = 8 * 4096
	size := fileSize(s.Path())
	if _, err := f.WriteAt(bytes.Repeat([]byte{0xa5}, int(size-from)), from); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	other, err := Open(t.Context(), s.Path(), Options{})
	if err == nil {
		defer other.Close() //nolint:errcheck // it is damaged
		_, err = other.AuditPage(t.Context(), filters["all"].f, 0, 1000)
	}
	if !strings.Contains(fault.MessageOf(err), "cxseal restore") {
		t.Errorf("%v", err)
	}
}
