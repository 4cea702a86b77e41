package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cxseal/internal/audit"
	"cxseal/store"
)

// restorable is a database of five records, a backup of its first two, and an
// anchor that knows of four.
func restorable(t *testing.T) (db, backup, anchor string) {
	t.Helper()
	dir := t.TempDir()
	db, backup, anchor = filepath.Join(dir, "cxseal.db"), filepath.Join(dir, "backup.db"), filepath.Join(dir, "anchor")
	s, err := store.Open(t.Context(), db, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.AppendRecords(t.Context(), audit.NewRecord(time.Now(), audit.Login, audit.Success, audit.Actor{Name: "eve", Role: "admin"})); err != nil {
		t.Fatal(err)
	}
	mustRun := func(args ...string) {
		t.Helper()
		if out := command(t, nil, append(args, "--db", db)...); out.code != 0 {
			t.Fatalf("%v: %s%s", args, out.stdout, out.stderr)
		}
	}
	mustRun("export") // signs, and leaves a record
	mustRun("backup", backup)
	for range 3 {
		mustRun("export")
	}
	signed, err := s.LatestCheckpoint(t.Context())
	if err != nil || signed == nil || signed.Size != 4 {
		t.Fatalf("%+v, %v", signed, err)
	}
	if err := os.WriteFile(anchor, []byte(signed.Note), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return db, backup, anchor
}

// wantRecord expects the newest record to be LOG_RESTORED with these words.
func wantRecord(t *testing.T, db, words string) {
	t.Helper()
	out := command(t, nil, "verify", "--db", db)
	if out.code != 0 {
		t.Errorf("%s%s", out.stdout, out.stderr)
	}
	out = command(t, nil, "export", "--format", "jsonl", "--operation", "LOG_RESTORED", "--db", db)
	if out.code != 0 || strings.Count(out.stdout, "\n") != 1 || !strings.Contains(out.stdout, words) {
		t.Errorf("%d %s%s; want %q", out.code, out.stdout, out.stderr, words)
	}
}

func TestRestoreSaysWhatIsMissingAndRecordsIt(t *testing.T) {
	db, backup, anchor := restorable(t)
	out := command(t, nil, "restore", backup, "--db", db, "--anchor", anchor)
	if out.code != 0 || !strings.Contains(out.stdout, "Missing: records 3 to 5, as the replaced database says.") {
		t.Fatalf("%d %s%s", out.code, out.stdout, out.stderr)
	}
	wantRecord(t, db, "Missing: records 3 to 5, as the replaced database says.")
	kept, err := filepath.Glob(db + ".replaced-*")
	if err != nil || len(kept) != 1 {
		t.Fatalf("%v, %v", kept, err)
	}
	old, err := store.OpenReadOnly(t.Context(), kept[0], store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if size, err := old.TreeSize(t.Context()); err != nil || size != 5 {
		t.Errorf("kept: %d records, %v", size, err)
	}
	if err := old.Close(); err != nil {
		t.Error(err)
	}

	// Restored again, the history from before contradicts nothing.
	if out := command(t, nil, "restore", backup, "--db", db, "--anchor", anchor); out.code != 0 {
		t.Errorf("%d %s%s", out.code, out.stdout, out.stderr)
	}
}

func TestRestoreWithoutADatabaseAsksTheAnchors(t *testing.T) {
	db, backup, anchor := restorable(t)
	if err := os.Remove(db); err != nil {
		t.Fatal(err)
	}
	out := command(t, nil, "restore", backup, "--db", db, "--anchor", anchor)
	if out.code != 0 || !strings.Contains(out.stdout, "Missing: records 3 to 4, as the anchor "+anchor+" says.") {
		t.Errorf("%d %s%s", out.code, out.stdout, out.stderr)
	}
	wantRecord(t, db, "Missing: records 3 to 4")
}

func TestRestoreByHandIsAcknowledged(t *testing.T) {
	db, backup, anchor := restorable(t)
	data, err := os.ReadFile(backup)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(db, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if out := command(t, nil, "restore", "--db", db); out.code != 2 {
		t.Errorf("neither a file nor --acknowledge: %d %s", out.code, out.stderr)
	}
	out := command(t, nil, "restore", "--acknowledge", "--db", db, "--anchor", anchor)
	if out.code != 0 || !strings.Contains(out.stdout, "Missing: records 3 to 4") {
		t.Errorf("%d %s%s", out.code, out.stdout, out.stderr)
	}
	wantRecord(t, db, "by hand took the database's place with 2 records. Missing: records 3 to 4")

	// The history that went on contradicts the anchor from now on.
	wrong := filepath.Join(t.TempDir(), "copy.db")
	for range 2 {
		if out := command(t, nil, "export", "--db", db); out.code != 0 {
			t.Fatal(out.stderr)
		}
	}
	if out := command(t, nil, "backup", wrong, "--db", db); out.code != 0 {
		t.Fatal(out.stderr)
	}
	before, err := os.ReadFile(db)
	if err != nil {
		t.Fatal(err)
	}
	if out := command(t, nil, "restore", wrong, "--db", db, "--anchor", anchor); out.code != 1 || !strings.Contains(out.stderr, "another history of the first 4 records") {
		t.Errorf("%d %s%s", out.code, out.stdout, out.stderr)
	}
	if after, err := os.ReadFile(db); err != nil || string(after) != string(before) {
		t.Errorf("a refused restore changed the database: %v", err)
	}
	if out := command(t, nil, "restore", wrong, "--acknowledge", "--db", db, "--anchor", anchor); out.code != 0 {
		t.Errorf("%d %s%s", out.code, out.stdout, out.stderr)
	}
}

func TestRestoreRefusesWhatIsNoGoodBackup(t *testing.T) {
	db, backup, _ := restorable(t)
	dir := filepath.Dir(db)
	forged := filepath.Join(dir, "forged.db")
	data, err := os.ReadFile(backup)
	if err != nil {
		t.Fatal(err)
	}
	forgedData := strings.ReplaceAll(string(data), `"name":"eve"`, `"name":"bob"`)
	if err := os.WriteFile(forged, []byte(forgedData), 0o600); err != nil {
		t.Fatal(err)
	}
	// One that was put in its place by hand gets no record either.
	key, err := os.ReadFile(db + ".log-key")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(forged+".log-key", key, 0o600); err != nil {
		t.Fatal(err)
	}
	if out := command(t, nil, "restore", "--acknowledge", "--db", forged); out.code != 1 || !strings.Contains(out.stdout, "not what was logged") {
		t.Errorf("%d %s%s", out.code, out.stdout, out.stderr)
	}
	s, err := store.OpenReadOnly(t.Context(), forged, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if size, err := s.TreeSize(t.Context()); err != nil || size != 2 {
		t.Errorf("%d records, %v; want 2", size, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	damaged := filepath.Join(dir, "damaged.db")
	if err := os.WriteFile(damaged, data[:len(data)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte("not a database, but long enough"), 0o600); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(db)
	if err != nil {
		t.Fatal(err)
	}
	for file, code := range map[string]int{forged: 1, damaged: 1, text: 1, db: 1, filepath.Join(dir, "none"): 2} {
		if out := command(t, nil, "restore", file, "--db", db); out.code != code {
			t.Errorf("%s: %d %s%s", file, out.code, out.stdout, out.stderr)
		}
	}
	release, held, err := store.Lock(db)
	if err != nil || !held {
		t.Fatal(held, err)
	}
	if out := command(t, nil, "restore", backup, "--db", db); out.code != 1 || !strings.Contains(out.stderr, "stop it first") {
		t.Errorf("while a console serves: %d %s", out.code, out.stderr)
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(db+".log-key", db+".lost"); err != nil {
		t.Fatal(err)
	}
	if out := command(t, nil, "restore", backup, "--db", db); out.code != 1 || !strings.Contains(out.stderr, "signing key") {
		t.Errorf("without the log's key: %d %s", out.code, out.stderr)
	}
	if after, err := os.ReadFile(db); err != nil || string(after) != string(before) {
		t.Errorf("the database was changed: %v", err)
	}
	if left, _ := filepath.Glob(db + ".re*"); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}
