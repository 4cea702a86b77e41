package store

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"cxseal/internal/audit"
	"cxseal/internal/fault"
)

// smallDisk mounts a disk of so many bytes, and skips the test where nobody may.
func smallDisk(t *testing.T, size int) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d", size)); err != nil {
		t.Skipf("no disk can be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func TestReadOnlyMediaAreRead(t *testing.T) {
	const records = 300
	s := open(t)
	fill(t, s, 0, records)
	if err := s.derived(t.Context()); err != nil {
		t.Fatal(err)
	}
	media := smallDisk(t, 64<<20)
	for _, name := range []string{"killed", "torn"} {
		crashed(t, s, filepath.Join(media, name+".db"))
	}
	shm, err := os.ReadFile(s.Path() + "-shm")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(media, "killed.db-shm"), shm, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Backup(t.Context(), filepath.Join(media, "backup.db")); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(s.Path())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(media, "stopped.db"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("", media, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"backup", "stopped", "killed"} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(media, name+".db")
			if Writable(path) {
				t.Error("it is called writable")
			}
			readAll(t, path, records)
		})
	}
	_, err = OpenReadOnly(t.Context(), filepath.Join(media, "torn.db"), Options{})
	wantCode(t, err, fault.Invalid)
	if !strings.Contains(fault.MessageOf(err), "torn.db-wal") || !strings.Contains(fault.MessageOf(err), "copy both files") {
		t.Error(fault.MessageOf(err))
	}
}

func TestASearchOnAFullDiskWorksFromWhatIsIndexedAndSaysFromWhen(t *testing.T) {
	disk := smallDisk(t, 4<<20)
	s := openAt(t, filepath.Join(disk, "cxseal.db"))
	fill(t, s, 0, 20)
	if err := s.derived(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, _, err := s.Unindexed(t.Context()); err != nil || n != 0 {
		t.Fatalf("with room: %d, %v", n, err)
	}
	// The disk is filled while records wait for their words, which the writer adds
	// when it has been at rest for a moment.
	filler, err := os.Create(filepath.Join(disk, "filler"))
	if err != nil {
		t.Fatal(err)
	}
	defer filler.Close() //nolint:errcheck // the disk goes with it
	var size, mark int64
	for i := 20; size == mark; i += 5 {
		if i > 200 {
			t.Fatal("the words of every record were added before the disk was full")
		}
		if err := filler.Truncate(0); err != nil {
			t.Fatal(err)
		}
		fill(t, s, i, i+5)
		if _, err := filler.WriteAt(make([]byte, 8<<20), 0); err == nil {
			t.Fatal("the disk is larger than it was asked to be")
		}
		if size, err = s.TreeSize(t.Context()); err != nil {
			t.Fatal(err)
		}
		if mark, err = s.mark(t.Context(), derivedMark); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.AppendRecords(t.Context(), variety(1000)); fault.CodeOf(err) != fault.Unavailable {
		t.Fatalf("writing to a full disk: %v", err)
	}
	for i := range 10 {
		for _, f := range []audit.Filter{{}, {Query: "series"}, {Query: "ser*"}, {Operation: "COLUMN_ENCRYPTION"}} {
			if _, err := s.AuditLines(t.Context(), f, 0, 50); err != nil {
				t.Errorf("%d %+v: %v", i, f, err)
			}
			if _, _, err := s.AuditCount(t.Context(), f, 1000); err != nil {
				t.Errorf("%d %+v: %v", i, f, err)
			}
			if _, err := s.AuditFacets(t.Context(), f); err != nil {
				t.Errorf("%d %+v: %v", i, f, err)
			}
		}
	}
	n, since, err := s.Unindexed(t.Context())
	if err != nil || n != size-mark || since.IsZero() {
		t.Errorf("%d of %d records after %d, from %s: %v", n, size, mark, since, err)
	}
	var out strings.Builder
	if _, err := s.ExportJSONL(t.Context(), audit.Filter{Query: "series"}, &out); err == nil {
		t.Error("an export by words left records out without a word")
	}
}
