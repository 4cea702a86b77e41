package store

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cxseal/internal/fault"
)

func link(t *testing.T, make func(from, to string) error, from, to string) {
	t.Helper()
	if err := make(from, to); err != nil {
		t.Skipf("this disk has no such links: %v", err)
	}
}

func TestADatabaseHasOneLockUnderAllItsNames(t *testing.T) {
	dir := t.TempDir()
	s := openAt(t, filepath.Join(dir, "cxseal.db"))
	names := t.TempDir()
	link(t, os.Symlink, s.Path(), filepath.Join(names, "linked.db"))
	link(t, os.Symlink, dir, filepath.Join(names, "folder"))
	link(t, os.Symlink, filepath.Join(names, "linked.db"), filepath.Join(names, "twice.db"))

	release, held, err := Lock(s.Path())
	if err != nil || !held {
		t.Fatal(held, err)
	}
	defer release() //nolint:errcheck // the test ends
	for _, name := range []string{"linked.db", "folder/cxseal.db", "twice.db"} {
		path := filepath.Join(names, name)
		if _, held, err := Lock(path); err != nil || held {
			t.Errorf("%s: a second lock: %v, %v", name, held, err)
		}
		if real, err := RealFile(path); err != nil || real != s.Path() {
			t.Errorf("%s is %s, %v; want %s", name, real, err, s.Path())
		}
		if other := openAt(t, path); other.Path() != s.Path() {
			t.Errorf("%s was opened as %s", name, other.Path())
		}
	}
}

func TestADatabaseWithASecondNameIsRefusedByName(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "cxseal.db")
	if err := openAt(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	link(t, os.Link, path, filepath.Join(dir, "other.db"))
	for _, name := range []string{path, filepath.Join(dir, "other.db")} {
		_, err := Open(t.Context(), name, Options{})
		wantCode(t, err, fault.Conflict)
		if !strings.Contains(fault.MessageOf(err), name) || !strings.Contains(fault.MessageOf(err), "hard link") {
			t.Error(fault.MessageOf(err))
		}
		_, _, err = Lock(name)
		wantCode(t, err, fault.Conflict)
	}
	gone := filepath.Join(dir, "gone.db")
	link(t, os.Symlink, filepath.Join(dir, "nowhere.db"), gone)
	_, err := Open(t.Context(), gone, Options{})
	wantCode(t, err, fault.Invalid)
}
