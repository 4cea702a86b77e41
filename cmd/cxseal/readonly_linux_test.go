package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"cxseal/internal/audit"
	"cxseal/store"
)

func TestACopyOnReadOnlyMediaIsVerifiedAndExportedWithAWordAboutTheRecord(t *testing.T) {
	media := t.TempDir()
	if err := unix.Mount("tmpfs", media, "tmpfs", 0, "size=16m"); err != nil {
		t.Skipf("no disk can be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(media, 0); err != nil {
			t.Error(err)
		}
	})
	db := filepath.Join(media, "cxseal.db")
	s, err := store.Open(t.Context(), db, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.AppendRecords(t.Context(), audit.NewRecord(time.Now(), audit.Login, audit.Success, audit.Actor{Name: "eve", Role: "admin"})); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if out := command(t, nil, "export", "--db", db); out.code != 0 { // makes the key, and a record
		t.Fatal(out.stderr)
	}
	if err := unix.Mount("", media, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"verify", "--deep"}, {"key"}, {"backup", filepath.Join(t.TempDir(), "copy.db")}} {
		if out := command(t, nil, append(args, "--db", db)...); out.code != 0 {
			t.Errorf("%v: %d %s%s", args, out.code, out.stdout, out.stderr)
		}
	}
	if out := command(t, nil, "export", "--db", db); out.code != 1 || out.stdout != "" || !strings.Contains(out.stderr, "--without-record") {
		t.Errorf("%d %q %s", out.code, out.stdout, out.stderr)
	}
	out := command(t, nil, "export", "--db", db, "--format", "jsonl", "--without-record")
	if out.code != 0 || strings.Count(out.stdout, "\n") < 2 || !strings.Contains(out.stderr, "is not recorded") {
		t.Errorf("%d %q %s", out.code, out.stdout, out.stderr)
	}
	if _, err := os.Stat(db + "-shm"); err == nil {
		t.Error("a file was made")
	}
}
