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

func TestVerifyingACopyMakesNoKeyAndSaysWhichOneItNeeds(t *testing.T) {
	db := filepath.Join(t.TempDir(), "copy.db")
	s, err := store.Open(t.Context(), db, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r := audit.NewRecord(time.Now(), audit.Login, audit.Success, audit.Actor{Name: "eve", Role: "admin"})
	if err := s.AppendRecords(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if out := command(t, nil, "verify", "--db", db); out.code != 0 || !strings.Contains(out.stdout, "No checkpoint was at hand") {
		t.Errorf("%d %s%s", out.code, out.stdout, out.stderr)
	}
	if _, err := os.Stat(db + ".log-key"); err == nil {
		t.Error("verifying made a signing key")
	}
	if err := s.AddCheckpoint(t.Context(), audit.KeptCheckpoint{Size: 1, Note: "x", CreatedAt: time.Now()}); err != nil {
		t.Fatal(err)
	}
	if out := command(t, nil, "verify", "--db", db); out.code != 1 || !strings.Contains(out.stderr, "give the verifier key as --key") {
		t.Errorf("%d %s%s", out.code, out.stdout, out.stderr)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
