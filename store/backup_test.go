package store

import (
	"os"
	"path/filepath"
	"testing"

	"cxseal/internal/fault"
)

func TestBackupIsWholePrivateAndNeverOverwrites(t *testing.T) {
	s := open(t)
	fill(t, s, 0, 1200)
	addRun(t, s, newRun("a", "t1"))
	dir := t.TempDir()
	dest := filepath.Join(dir, "copy.db")
	if err := s.Backup(t.Context(), dest); err != nil {
		t.Fatal(err)
	}
	fi, err := os.Stat(dest)
	if err != nil {
		t.Fatal(err)
	}
	if fi.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, want 0600", fi.Mode().Perm())
	}
	wantCode(t, s.Backup(t.Context(), dest), fault.Conflict)
	wantCode(t, s.Backup(t.Context(), s.Path()), fault.Conflict)
	wantCode(t, s.Backup(t.Context(), filepath.Join(dir, "nowhere", "copy.db")), fault.Invalid)
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 {
		t.Errorf("left in the folder: %v, %v", files, err)
	}

	restored := openAt(t, dest)
	mustVerify(t, restored, 1201)
	if _, err := restored.Run(t.Context(), "a"); err != nil {
		t.Error(err)
	}
	page, err := restored.AuditPage(t.Context(), filters["words"].f, 0, 10)
	if err != nil || len(page) != 10 {
		t.Errorf("search in the copy: %d records, %v", len(page), err)
	}
	fill(t, restored, 0, 3)
	mustVerify(t, restored, 1204)
}

func TestLockTellsWhetherAConsoleIsServing(t *testing.T) {
	db := filepath.Join(t.TempDir(), "cxseal.db")
	release, held, err := Lock(db)
	if err != nil || !held {
		t.Fatalf("first: %v, %v", held, err)
	}
	none, held, err := Lock(db)
	if err != nil || held {
		t.Fatalf("second while the first is held: %v, %v", held, err)
	}
	if err := none(); err != nil {
		t.Error(err)
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	release, held, err = Lock(db)
	if err != nil || !held {
		t.Fatalf("after the release: %v, %v", held, err)
	}
	if err := release(); err != nil {
		t.Error(err)
	}
	_, _, err = Lock(filepath.Join(db, "nowhere", "x.db"))
	wantCode(t, err, fault.Invalid)
}
