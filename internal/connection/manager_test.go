package connection_test

import (
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/connection"
	"cxseal/internal/fault"
	"cxseal/internal/seal"
	"cxseal/store"
)

var admin = access.Caller{UserID: 1, Name: "admin", Role: access.Admin}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantCode(t *testing.T, err error, code fault.Code) {
	t.Helper()
	if fault.CodeOf(err) != code {
		t.Fatalf("%v, want %s", err, code)
	}
}

// open is the connections of a database under a sealing key.
func open(t *testing.T, db *store.Store, key string) (*connection.Manager, *connection.Directory) {
	t.Helper()
	sealer, err := seal.Open(t.Context(), seal.Source{File: key, MayCreate: true})
	check(t, err)
	d := connection.NewDirectory("https://seal.example", "cxseal/test", time.Now, slog.New(slog.DiscardHandler))
	m := connection.NewManager(db, sealer, d, time.Now)
	check(t, m.Load(t.Context()))
	return m, d
}

func settings(name string) connection.Settings {
	s := connection.Defaults()
	s.Name, s.ClientID = name, "id"
	return s
}

func TestAConnectionUnderAnotherKeyIsShownAndNotUsed(t *testing.T) {
	dir := t.TempDir()
	db, err := store.Open(t.Context(), filepath.Join(dir, "cxseal.db"), store.Options{})
	check(t, err)
	defer func() { check(t, db.Close()) }()
	m, d := open(t, db, filepath.Join(dir, "key"))
	check(t, m.Add(t.Context(), admin, settings("eu"), connection.Secrets{ClientSecret: "one"}))
	if names := d.Names(); len(names) != 1 {
		t.Fatalf("%v", names)
	}

	m, d = open(t, db, filepath.Join(dir, "other"))
	if all := d.All(); len(d.Names()) != 0 || len(all) != 1 || !strings.Contains(all[0].Trouble, "sealing key") {
		t.Fatalf("%+v", all)
	}
	_, err = d.Connection("eu")
	wantCode(t, err, fault.Conflict)
	_, err = m.NewCallbackSecret(t.Context(), admin, "eu")
	wantCode(t, err, fault.Invalid) // the client secret would be lost
	known, err := m.Find(t.Context(), admin, "eu")
	check(t, err)
	wantCode(t, m.Edit(t.Context(), admin, known.Settings, connection.Secrets{}, known.Version), fault.Invalid)
	check(t, m.Edit(t.Context(), admin, known.Settings, connection.Secrets{ClientSecret: "anew"}, known.Version))
	if len(d.Names()) != 1 {
		t.Error("the connection is not in use after its secret was entered again")
	}

	_, d = open(t, db, filepath.Join(dir, "other"))
	if len(d.Names()) != 1 {
		t.Error("and not after a restart")
	}
}

func TestWhatNoTenantCouldBeIsRefused(t *testing.T) {
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "cxseal.db"), store.Options{})
	check(t, err)
	defer func() { check(t, db.Close()) }()
	m, d := open(t, db, filepath.Join(t.TempDir(), "key"))
	secrets := connection.Secrets{ClientSecret: "one"}
	for what, change := range map[string]func(*connection.Settings){
		"the environment's name": func(s *connection.Settings) { s.Name = connection.Environment },
		"a name with a slash":    func(s *connection.Settings) { s.Name = "a/b" },
		"plain http":             func(s *connection.Settings) { s.BaseURL = "http://tenant.example" },
		"a token URL with a password": func(s *connection.Settings) {
			s.TokenURL = "https://user:pass@tenant.example/token"
		},
		"no client id":           func(s *connection.Settings) { s.ClientID = "" },
		"an unknown mode":        func(s *connection.Settings) { s.Mode = "magic" },
		"a rate below zero":      func(s *connection.Settings) { s.Rate = -1 },
		"no run at a time":       func(s *connection.Settings) { s.Concurrency = 0 },
		"an approval for a year": func(s *connection.Settings) { s.ApprovalLife = 366 * 24 * time.Hour },
		"a callback by ftp":      func(s *connection.Settings) { s.CallbackURL = "ftp://x" },
		"a path that climbs":     func(s *connection.Settings) { s.PathPrefix = "/api/../x" },
	} {
		s := settings("eu")
		change(&s)
		if err := m.Add(t.Context(), admin, s, secrets); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("%s: %v", what, err)
		}
	}
	wantCode(t, m.Add(t.Context(), admin, settings("eu"), connection.Secrets{}), fault.Invalid)
	for _, weak := range []string{"whsec_", "whsec_QQ==", "whsec_c2hvcnRlciB0aGFuIDI0"} { // it would sign nothing
		forged := connection.Secrets{ClientSecret: "one", KMS: []string{weak}}
		wantCode(t, m.Add(t.Context(), admin, settings("eu"), forged), fault.Invalid)
		env := settings(connection.Environment)
		env.BaseURL = "https://tenant.example"
		wantCode(t, d.UseEnvironment(env, forged), fault.Invalid)
	}
	if len(d.All()) != 0 {
		t.Errorf("%+v", d.All())
	}

	officer := access.Caller{UserID: 2, Name: "olga", Role: access.Officer}
	wantCode(t, m.Add(t.Context(), officer, settings("eu"), secrets), fault.Denied)
	_, err = m.List(t.Context(), officer)
	wantCode(t, err, fault.Denied)
	list, err := db.AuditPage(t.Context(), audit.Filter{Operation: string(audit.AccessDenied), Actor: "olga"}, 0, 10)
	check(t, err)
	if len(list) != 2 {
		t.Errorf("%d denials on record", len(list))
	}
}

func TestASecretDoesNotFollowItsAddress(t *testing.T) {
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "cxseal.db"), store.Options{})
	check(t, err)
	defer func() { check(t, db.Close()) }()
	m, _ := open(t, db, filepath.Join(t.TempDir(), "key"))
	check(t, m.Add(t.Context(), admin, settings("eu"), connection.Secrets{ClientSecret: "one"}))
	edit := func(change func(*connection.Settings), x connection.Secrets) error {
		t.Helper()
		known, err := m.Find(t.Context(), admin, "eu")
		check(t, err)
		s := known.Settings
		change(&s)
		return m.Edit(t.Context(), admin, s, x, known.Version)
	}
	moves := map[string]func(*connection.Settings){
		"base URL":  func(s *connection.Settings) { s.BaseURL = "https://elsewhere.example" },
		"token URL": func(s *connection.Settings) { s.TokenURL = "https://elsewhere.example/token" },
		"mode": func(s *connection.Settings) {
			s.Mode, s.AccessKeyID, s.Issuer = connection.AccessKey, "id", "https://elsewhere.example"
		},
	}
	for what, move := range moves {
		err := edit(move, connection.Secrets{})
		if fault.CodeOf(err) != fault.Invalid || !strings.Contains(fault.MessageOf(err), "enter them again") {
			t.Errorf("another %s: %v", what, err)
		}
	}
	check(t, edit(func(s *connection.Settings) { s.Rate = 5 }, connection.Secrets{}))
	check(t, edit(moves["base URL"], connection.Secrets{ClientSecret: "one"}))
}
