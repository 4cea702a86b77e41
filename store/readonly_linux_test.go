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

func TestASearchOnAFullDiskFindsTheNewestRecordsToo(t *testing.T) {
	disk := smallDisk(t, 4<<20)
	s := openAt(t, filepath.Join(disk, "cxseal.db"))
	fill(t, s, 0, 240)
	if err := s.derived(t.Context()); err != nil {
		t.Fatal(err)
	}
	fill(t, s, 240, 240+deriveAtRest/2) // which are not indexed
	filler, err := os.Create(filepath.Join(disk, "filler"))
	if err != nil {
		t.Fatal(err)
	}
	defer filler.Close() //nolint:errcheck // the disk goes with it
	if _, err := filler.WriteAt(make([]byte, 8<<20), 0); err == nil {
		t.Fatal("the disk is larger than it was asked to be")
	}
	if err := s.AppendRecords(t.Context(), variety(1000)); fault.CodeOf(err) != fault.Unavailable {
		t.Fatalf("writing to a full disk: %v", err)
	}
	for _, f := range []audit.Filter{{}, {Query: "series"}, {Query: "ser*"}, {Operation: "COLUMN_ENCRYPTION"}} {
		want := int64(0)
		for i := range 240 + deriveAtRest/2 {
			if r := variety(i); (f.Query == "" || strings.Contains(r.Detail, "series")) && (f.Operation == "" || f.Operation == string(r.Operation)) {
				want++
			}
		}
		n, exact, err := s.AuditCount(t.Context(), f, 1000)
		if n != want || !exact || err != nil {
			t.Errorf("%+v: %d, %v, %v; want %d", f, n, exact, err, want)
		}
		facets, err := facetsOf(t, s, f)
		var of int64
		for _, c := range facets.Outcomes {
			of += c.Count
		}
		if facets.Of != want || of != want || err != nil {
			t.Errorf("%+v: facets of %d and %d, %v; want %d", f, facets.Of, of, err, want)
		}
		var out strings.Builder
		if n, err := s.ExportJSONL(t.Context(), f, &out); n != want || err != nil {
			t.Errorf("%+v: %d exported, %v; want %d", f, n, err, want)
		}
	}
}
