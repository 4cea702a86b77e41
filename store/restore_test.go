package store

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cxseal/internal/fault"
)

// restoreSteps are where a kill may come, in their order.
var restoreSteps = []string{"copy", "copied", "settled", "folded", "kept", "kept-wal", "rename", "renamed", "removed-wal", "removed-shm", "removed-journal"}

// swap restores a backup as the command does, without what it records.
func swap(t *testing.T, backup, path string) (kept string, err error) {
	t.Helper()
	staged, err := StageBackup(backup, path)
	if err != nil {
		return "", err
	}
	s, err := Open(t.Context(), staged, Options{})
	if err != nil {
		return "", err
	}
	if err := s.Close(); err != nil {
		return "", err
	}
	return PutInPlace(t.Context(), staged, path, noon)
}

// TestRestoreThatIsKilled is the process that TestARestoreKilledAtAnyStep kills.
func TestRestoreThatIsKilled(t *testing.T) {
	at := os.Getenv("RESTORE_DIES_AT")
	if at == "" {
		t.Skip("another test runs this as a process")
	}
	restoreStep = func(step string) {
		if step == at {
			p, _ := os.FindProcess(os.Getpid())
			_ = p.Kill()
			select {}
		}
	}
	if _, err := swap(t, os.Getenv("RESTORE_FROM"), os.Getenv("RESTORE_TO")); err != nil {
		t.Fatal(err)
	}
}

func TestARestoreKilledAtAnyStepLeavesTheOldOrTheNewDatabase(t *testing.T) {
	s := open(t)
	fill(t, s, 0, 100)
	backup := filepath.Join(t.TempDir(), "backup.db")
	if err := s.Backup(t.Context(), backup); err != nil {
		t.Fatal(err)
	}
	fill(t, s, 100, 900)
	for _, damaged := range []bool{false, true} {
		for _, step := range restoreSteps {
			t.Run(strings.TrimSuffix(step+"/damaged", map[bool]string{false: "/damaged"}[damaged]), func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "cxseal.db")
				crashed(t, s, path) // its newest records are in its write-ahead log
				if damaged {
					data, err := os.ReadFile(backup) // put in its place by hand
					if err != nil {
						t.Fatal(err)
					}
					if err := os.WriteFile(path, data, 0o600); err != nil {
						t.Fatal(err)
					}
				}
				cmd := exec.Command(os.Args[0], "-test.run=^TestRestoreThatIsKilled$") //nolint:gosec // G204: this test
				cmd.Env = append(os.Environ(), "RESTORE_DIES_AT="+step, "RESTORE_FROM="+backup, "RESTORE_TO="+path)
				out, err := cmd.CombinedOutput()
				reached := err != nil
				if reached && strings.Contains(string(out), "FAIL") {
					t.Fatalf("%s", out)
				}
				if !reached && step != "kept-wal" {
					t.Fatalf("the step was never reached:\n%s", out)
				}
				db, err := Open(t.Context(), path, Options{})
				if damaged && fault.CodeOf(err) == fault.Conflict && !slices.Contains(restoreSteps[5:], step) {
					// Until the other's log is kept, it is refused as it was before the restore.
					if _, err := swap(t, backup, path); err != nil {
						t.Fatal(err)
					}
					db, err = Open(t.Context(), path, Options{})
				}
				if err != nil {
					t.Fatal(err)
				}
				size, err := db.TreeSize(t.Context())
				if err != nil || size != 100 && size != 900 || damaged && size != 100 {
					t.Errorf("%d records, %v; want 100 or 900", size, err)
				}
				mustVerify(t, db, size)
				if err := db.CheckIntegrity(t.Context()); err != nil {
					t.Error(err)
				}
				if err := db.Close(); err != nil {
					t.Fatal(err)
				}
				// It can be done again, and then it is done.
				if _, err := swap(t, backup, path); err != nil {
					t.Fatal(err)
				}
				mustVerify(t, openAt(t, path), 100)
			})
		}
	}
}

func TestARestoreKeepsTheDatabaseThatItReplaces(t *testing.T) {
	s := open(t)
	fill(t, s, 0, 100)
	dir := t.TempDir()
	backup, path := filepath.Join(dir, "backup.db"), filepath.Join(dir, "cxseal.db")
	if err := s.Backup(t.Context(), backup); err != nil {
		t.Fatal(err)
	}
	fill(t, s, 100, 900)
	crashed(t, s, path)
	before := filesOf(t, dir)["backup.db"]
	kept, err := swap(t, backup, path)
	if err != nil {
		t.Fatal(err)
	}
	again, err := swap(t, backup, path)
	if err != nil || again == kept {
		t.Fatalf("%s after %s, %v", again, kept, err)
	}
	mustVerify(t, openAt(t, path), 100)
	mustVerify(t, openAt(t, kept), 900)
	mustVerify(t, openAt(t, again), 100)
	if filesOf(t, dir)["backup.db"] != before {
		t.Error("the backup was changed")
	}
	for name, from := range map[string]string{"itself": path, "nothing": filepath.Join(dir, "none.db")} {
		if _, err := StageBackup(from, path); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	crashed(t, s, filepath.Join(dir, "live.db"))
	if _, err := StageBackup(filepath.Join(dir, "live.db"), path); fault.CodeOf(err) != fault.Invalid {
		t.Errorf("a console's database: %v", err)
	}
}
