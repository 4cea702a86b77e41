package main

import (
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cxseal/cxone/sandbox"
	"cxseal/internal/access"
	"cxseal/internal/connection"
	"cxseal/internal/seal"
	"cxseal/store"
)

// TestDoctorExaminesConnectionsOfTheConsole fails when doctor leaves out a connection that was made in the console,
// or when its advice about one names a variable of the environment.
func TestDoctorExaminesConnectionsOfTheConsole(t *testing.T) {
	t.Parallel()
	tenant := sandbox.New(sandbox.Config{})
	api := httptest.NewServer(tenant)
	t.Cleanup(api.Close)
	t.Cleanup(tenant.Close)
	db := filepath.Join(t.TempDir(), "cxseal.db")
	s, err := store.Open(t.Context(), db, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	sealer, err := seal.Open(t.Context(), seal.Source{File: db + ".seal-key", MayCreate: true})
	if err != nil {
		t.Fatal(err)
	}
	m := connection.NewManager(s, sealer, connection.NewDirectory("", "test", time.Now, slog.New(slog.DiscardHandler)), time.Now)
	for name, secret := range map[string]string{"eu": sandbox.DefaultClientSecret, "us": "a-wrong-secret"} {
		settings := connection.Defaults()
		settings.Name, settings.BaseURL, settings.TokenURL = name, api.URL, api.URL+"/oauth/token"
		settings.ClientID, settings.Realm = sandbox.DefaultClientID, sandbox.DefaultRealm
		if err := m.Add(t.Context(), access.Caller{Name: "ada", Role: access.Admin}, settings, connection.Secrets{ClientSecret: secret}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	done := command(t, nil, "doctor", "--db", db)
	code, said := done.code, done.stdout
	for _, want := range []string{
		"connection eu (client-credentials)\n  ok       token", "connection us (client-credentials)\n  problem  token",
		"“New callback secret”", "(its page, “Settings”)",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("%q is missing", want)
		}
	}
	if code != 1 || strings.Contains(said, "CXONE_") || strings.Contains(said, "a-wrong-secret") {
		t.Errorf("exit %d\n%s", code, said)
	}
}
