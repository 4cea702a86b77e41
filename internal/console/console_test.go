package console_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"cxseal/internal/access"
	"cxseal/internal/console"
	"cxseal/internal/console/consoletest"
	"cxseal/internal/seal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newConfig is a console's configuration on a database that may be there.
func newConfig(t *testing.T, db string) console.Config {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	consoletest.Must(t, err)
	return console.Config{DB: db, Listener: listener, HashCost: consoletest.CheapHash, Now: time.Now, Logger: slog.New(slog.DiscardHandler)}
}

// isFree fails the test unless the address can be listened on and another
// console could serve on the database.
func isFree(t *testing.T, cfg console.Config) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", cfg.Listener.Addr().String())
	if err != nil {
		t.Errorf("the address stays taken: %v", err)
	} else {
		consoletest.Must(t, l.Close())
	}
	c, err := console.New(t.Context(), newConfig(t, cfg.DB))
	if err != nil {
		t.Errorf("the database stays taken: %v", err)
		return
	}
	consoletest.Must(t, c.Close())
}

func TestAConsoleThatCannotStartLeavesNothingTaken(t *testing.T) {
	for name, spoil := range map[string]func(*console.Config){
		"a sign-in provider that cannot work": func(c *console.Config) { c.SSO = []access.ProviderConfig{{ID: "../x"}} },
		"a sealing key that is none":          func(c *console.Config) { c.Seal = seal.Source{Value: "nonsense"} },
		"a tenant that cannot be used":        func(c *console.Config) { c.Tenant = &console.Tenant{} },
	} {
		t.Run(name, func(t *testing.T) {
			cfg := newConfig(t, filepath.Join(t.TempDir(), "cxseal.db"))
			spoil(&cfg)
			c, err := console.New(t.Context(), cfg)
			var wrong *console.ConfigError
			if c != nil || !errors.As(err, &wrong) {
				t.Errorf("%v, %v: not a wrong setting", c, err)
			}
			isFree(t, cfg)
		})
	}
}

// The first console's database is its own: a second one says so and takes
// nothing from it.
func TestASecondConsoleOnADatabaseIsRefused(t *testing.T) {
	first := consoletest.Start(t)
	cfg := newConfig(t, first.DB)
	if _, err := console.New(t.Context(), cfg); err == nil {
		t.Fatal("two consoles on one database")
	}
	if a := first.Browser().Get("/readyz"); a.Status != http.StatusOK {
		t.Errorf("the first one: %d %s", a.Status, a.Body)
	}
}

func TestAConsoleIsClosedWhetherItRanOrNot(t *testing.T) {
	cfg := newConfig(t, filepath.Join(t.TempDir(), "cxseal.db"))
	c, err := console.New(t.Context(), cfg)
	consoletest.Must(t, err)
	for range 2 {
		consoletest.Must(t, c.Close())
	}
	isFree(t, cfg)

	cfg = newConfig(t, cfg.DB)
	c, err = console.New(t.Context(), cfg)
	consoletest.Must(t, err)
	ctx, stop := context.WithCancel(t.Context())
	running := make(chan error, 1)
	go func() { running <- c.Run(ctx) }()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(c.Address() + "/healthz") // answered as soon as New has returned: the listener was open before
	consoletest.Must(t, err)
	_, err = io.Copy(io.Discard, resp.Body)
	consoletest.Must(t, errors.Join(err, resp.Body.Close()))
	stop()
	consoletest.Must(t, <-running)
	consoletest.Must(t, c.Close())
	isFree(t, cfg)
}

// A context that is done while the console starts ends it in order, with what
// it had begun.
func TestAConsoleThatIsToldToStopWhileStartingLeavesNothingTaken(t *testing.T) {
	cfg := newConfig(t, filepath.Join(t.TempDir(), "cxseal.db"))
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := console.New(ctx, cfg); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	isFree(t, cfg)
	if _, err := os.Stat(cfg.DB + ".seal-key"); err != nil {
		t.Errorf("the console after it has no sealing key: %v", err)
	}
}

// A service manager that stops a console in the moment it starts must not read
// of a failure.
func TestRunEndsInOrderWhenItIsToldToStopWhileStarting(t *testing.T) {
	cfg := newConfig(t, filepath.Join(t.TempDir(), "cxseal.db"))
	c, err := console.New(t.Context(), cfg)
	consoletest.Must(t, err)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := c.Run(ctx); err != nil {
		t.Errorf("it ended with %v", err)
	}
	isFree(t, cfg)
}
