// Package consoletest starts whole consoles for tests: the composition of
// package console on a port of its own, with a temporary database, a simulated
// tenant over HTTP, people of every role, and a clock that a test moves. Background
// jobs do not run: a test calls what it needs of them. All parts are real; a test
// fakes time and the tenant's faults only.
package consoletest

import (
	"cmp"
	"context"
	"log/slog"
	"net"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cxseal/cxone/sandbox"
	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/connection"
	"cxseal/internal/console"
	"cxseal/internal/encryption"
)

// Password is the password of every person of a console for tests.
const Password = "correct horse battery"

// CheapHash keeps tests from spending their time in argon2.
var CheapHash = access.HashCost{MemoryKiB: 64, Iterations: 1, Parallelism: 1}

// Config is what a console for tests is made of. Start fills it in before the
// options change it.
type Config struct {
	console.Config
	Sandbox sandbox.Config // the tenant of the connection "default"
	People  bool           // there is an account of each role, named like "admin-1"

	// Concurrency and Rate are of the connection: runs at a time, and requests
	// per second (0: no limit).
	Concurrency int
	Rate        float64

	// EditEnvironment changes the settings of that connection. Optional.
	EditEnvironment func(*connection.Settings)
}

// Option changes how a console for tests is made.
type Option func(*Config)

// Console is a console that serves until its test has ended.
type Console struct {
	*console.Console
	*Clock
	T         testing.TB
	URL       string // where it serves, without a slash at the end
	DB        string // the database file
	Tenant    *sandbox.Sandbox
	TenantURL string
	Logs      *Log
}

// Start starts a console and its tenant, and ends both with the test.
func Start(t testing.TB, options ...Option) *Console {
	t.Helper()
	c := Open(t, options...)
	c.Serve()
	return c
}

// Open is Start for a test that asks for something before the console works:
// its runner and its pages begin with Serve.
func Open(t testing.TB, options ...Option) *Console {
	t.Helper()
	c := &Console{T: t, Clock: &Clock{}, Logs: &Log{}, DB: filepath.Join(t.TempDir(), "cxseal.db")}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	Must(t, err)
	c.URL = console.AddressOf(listener)

	cfg := Config{People: true, Concurrency: 2, Sandbox: sandbox.Config{Tables: 3, Seed: 1, Now: c.Now}, Config: console.Config{
		DB: c.DB, Listener: listener, Version: "test", HashCost: CheapHash, Now: c.Now, NoJobs: true,
		Runner: encryption.RunnerOptions{Poll: 50 * time.Millisecond, Backoff: 10 * time.Millisecond},
		Logger: slog.New(slog.NewTextHandler(c.Logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}}
	for _, o := range options {
		o(&cfg)
	}
	c.Tenant = sandbox.New(cfg.Sandbox)
	api := httptest.NewServer(c.Tenant)
	t.Cleanup(func() { c.Tenant.Close(); api.Close() })
	c.TenantURL = api.URL
	if cfg.Tenant == nil {
		cfg.Tenant = c.environment(&cfg)
	}
	c.Console, err = console.New(t.Context(), cfg.Config)
	Must(t, err)
	t.Cleanup(func() { Must(t, c.Close()) })
	if cfg.People {
		for _, role := range access.Roles() {
			_, err := c.Accounts.Create(t.Context(), access.Caller{Name: "cli", Role: access.System},
				string(role)+"-1", Password, role)
			Must(t, err)
		}
	}
	return c
}

// environment is the connection "default" to the simulated tenant. Its callback
// URL is where the console listens, whatever its public address.
func (c *Console) environment(cfg *Config) *console.Tenant {
	env := &console.Tenant{Settings: connection.Defaults(),
		Secrets: connection.Secrets{ClientSecret: cmp.Or(cfg.Sandbox.ClientSecret, sandbox.DefaultClientSecret)}}
	env.BaseURL, env.ClientID, env.Realm = c.TenantURL, sandbox.DefaultClientID, sandbox.DefaultRealm
	env.CallbackURL, env.CallbackDeadline, env.Concurrency, env.Rate = c.URL+"/kms/callback", time.Minute, cfg.Concurrency, cfg.Rate
	if cfg.Sandbox.KMSSecret != "" {
		env.KMS = []string{cfg.Sandbox.KMSSecret}
	}
	if cfg.EditEnvironment != nil {
		cfg.EditEnvironment(&env.Settings)
	}
	return env
}

// Serve runs the console until the test has ended.
func (c *Console) Serve() {
	ctx, stop := context.WithCancel(context.Background())
	running := make(chan error, 1)
	go func() { running <- c.Run(ctx) }()
	c.T.Cleanup(func() {
		stop()
		if err := <-running; err != nil {
			c.T.Error(err)
		}
	})
}

// Must fails the test on an error.
func Must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Records are the audit records that match, newest first.
func (c *Console) Records(f audit.Filter) []audit.Entry {
	c.T.Helper()
	list, err := c.Store.AuditPage(c.T.Context(), f, 0, 100)
	Must(c.T, err)
	return list
}

// WaitFor waits until the run of a page /runs/… is in the state.
func (c *Console) WaitFor(path string, want encryption.State) encryption.Run {
	c.T.Helper()
	id := strings.TrimPrefix(path, "/runs/")
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(15 * time.Second)
	for {
		run, err := c.Store.Run(c.T.Context(), id)
		Must(c.T, err)
		if run.State == want {
			return run
		}
		if run.State.Ended() {
			c.T.Fatalf("the run ended %s: %s", run.State, run.ErrorMessage)
		}
		select {
		case <-tick.C:
		case <-deadline:
			c.T.Fatalf("the run is still %s", run.State)
		}
	}
}
