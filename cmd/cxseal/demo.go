package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"cxseal/cxone/sandbox"
	"cxseal/internal/access"
	"cxseal/internal/console"
	"cxseal/internal/encryption"
	"cxseal/internal/fault"
	"cxseal/internal/inventory"
	"cxseal/internal/sensitivity"
)

type demoCmd struct {
	logging
	Addr string `help:"The address to listen on; 127.0.0.1:8080 unless given." default:"127.0.0.1:8080" env:"CXSEAL_ADDR" placeholder:"HOST:PORT"`
	Dir  string `help:"Where to keep the demo's database; a temporary folder unless given." placeholder:"DIR"`
	Days int    `help:"How many days of history the demo has lived." default:"180"`
}

// demoAccounts are the demo's people. Their passwords are printed, so the demo
// listens on loopback unless told otherwise.
var demoAccounts = []struct {
	name, password string
	role           access.Role
}{
	{"admin", "demo admin password", access.Admin},
	{"officer", "demo officer password", access.Officer},
	{"approver", "demo approver password", access.Approver},
	{"viewer", "demo viewer password", access.Viewer},
}

const demoKMSSecret = "whsec_ZGVtby1zZWNyZXQtb2YtdGhlLXNhbmRib3ga" //nolint:gosec // G101: of the simulated tenant, which is printed

// demo is a console and the simulated tenant it talks to.
type demo struct {
	db        string
	clock     *movedClock
	tenant    *sandbox.Sandbox
	tenantURL string
	server    *http.Server
	console   *console.Console
}

// Run serves the demo until it is told to stop.
func (cmd *demoCmd) Run(a *app) error { return stoppedEarly(a, cmd.serve(a)) }

func (cmd *demoCmd) serve(a *app) error {
	if cmd.Days < 0 || cmd.Days > 3650 {
		return usagef("--days must be 0 to 3650")
	}
	dir, remove, err := cmd.folder()
	if err != nil {
		return err
	}
	defer remove()
	d, err := cmd.open(a, filepath.Join(dir, "cxseal.db"))
	if err != nil {
		return err
	}
	defer d.close() //nolint:errcheck // Run has closed the console
	ctx, stop := context.WithCancel(a.ctx)
	defer stop()
	running := make(chan error, 1)
	go func() { running <- d.console.Run(ctx) }()

	if err := d.people(ctx); err != nil {
		return stopped(stop, running, err)
	}
	if err := d.liveHistory(ctx, cmd.Days, a.stderr); err != nil {
		return stopped(stop, running, err)
	}
	d.clock.catchUp()
	fmt.Fprintf(a.stdout, "\ncxseal demo is serving on %s\n\n", d.console.Address())
	for _, p := range demoAccounts {
		fmt.Fprintf(a.stdout, "  %-9s password: %-24s %s\n", p.name, p.password, p.role.Description())
	}
	fmt.Fprintf(a.stdout, "\nThe simulated CXone tenant is on %s (controls: /_sandbox/). Database: %s\nStop with Ctrl-C.\n",
		d.tenantURL, d.db)
	return <-running
}

// stopped ends the console after an error.
func stopped(stop func(), running <-chan error, err error) error {
	stop()
	return errors.Join(err, <-running)
}

// folder is where the demo lives, and how to clean up after it.
func (cmd *demoCmd) folder() (dir string, remove func(), err error) {
	if cmd.Dir != "" {
		return cmd.Dir, func() {}, os.MkdirAll(cmd.Dir, 0o700)
	}
	dir, err = os.MkdirTemp("", "cxseal-demo-")
	return dir, func() { os.RemoveAll(dir) }, err //nolint:errcheck // it is a temporary folder
}

// open starts the tenant and opens the console on it. What was opened is closed
// again when it fails.
func (cmd *demoCmd) open(a *app, db string) (*demo, error) {
	d := &demo{db: db, clock: &movedClock{}}
	if err := cmd.start(a, d); err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

// start opens what a demo is made of, as far as it gets.
func (cmd *demoCmd) start(a *app, d *demo) error {
	logger := slog.New(slog.DiscardHandler) // half a year of log lines helps nobody
	if cmd.LogFormat == "json" {
		logger = cmd.logger(a.stderr)
	}
	if _, err := os.Stat(d.db); os.IsNotExist(err) {
		d.clock.offset.Store(int64(-time.Duration(cmd.Days) * 24 * time.Hour))
	}
	d.tenant = sandbox.New(sandbox.Config{Tables: 30, Seed: 7, KMSSecret: demoKMSSecret, Now: d.clock.Now,
		After: func(time.Duration) <-chan time.Time { return time.After(10 * time.Millisecond) }})
	tenantListener, err := listen("127.0.0.1:0")
	if err != nil {
		return err
	}
	d.server = &http.Server{Handler: d.tenant, ReadHeaderTimeout: 10 * time.Second}
	d.tenantURL = console.AddressOf(tenantListener)
	go d.server.Serve(tenantListener) //nolint:errcheck // ends with close

	env := map[string]string{
		"CXONE_CLIENT_ID": sandbox.DefaultClientID, "CXONE_CLIENT_SECRET": sandbox.DefaultClientSecret, "CXONE_REALM": sandbox.DefaultRealm,
		"CXONE_BASE_URL": d.tenantURL, "CXONE_RATE": "0", "CXONE_KMS_SECRET": demoKMSSecret,
	}
	tenant, err := readTenant(func(name string) string { return env[name] })
	if err != nil {
		return err
	}
	listener, err := listen(cmd.Addr)
	if err != nil {
		return err
	}
	d.console, err = console.New(a.ctx, console.Config{DB: d.db, Listener: listener, Version: version(),
		Tenant: tenant, Now: d.clock.Now, Logger: logger,
		DemoNote: "Demo accounts and their passwords are printed on the terminal.",
		Runner:   encryption.RunnerOptions{Poll: 100 * time.Millisecond, Backoff: 10 * time.Millisecond}})
	if err != nil {
		return err
	}
	if d.clock.offset.Load() == 0 {
		// Before any job runs: one that looks at a table would find it bare.
		return d.restore(a.ctx)
	}
	return nil
}

// close ends the tenant, and the console if it was never run.
func (d *demo) close() (err error) {
	if d.console != nil {
		err = d.console.Close()
	}
	if d.server != nil {
		d.server.Close() //nolint:errcheck // nothing of it is kept
	}
	if d.tenant != nil {
		d.tenant.Close()
	}
	return err
}

// people makes the demo's accounts, unless the folder has them already.
func (d *demo) people(ctx context.Context) error {
	for _, p := range demoAccounts {
		_, err := d.console.Accounts.Create(ctx, operator(), p.name, p.password, p.role)
		if err != nil && fault.CodeOf(err) != fault.Conflict {
			return err
		}
	}
	return nil
}

// liveHistory lives the days before now through the real pipeline, on a clock
// that the tenant shares.
func (d *demo) liveHistory(ctx context.Context, days int, progress io.Writer) error {
	if d.clock.offset.Load() == 0 {
		return d.console.Inventory.Sync(ctx, defaultConnection, 0)
	}
	started := time.Now()
	rules, err := sensitivity.Load(nil)
	if err != nil {
		return err
	}
	h := &history{demo: d, start: d.clock.Now(), days: days, rules: rules}
	if err := h.live(ctx); err != nil {
		return fmt.Errorf("living the demo's history: %w", err)
	}
	fmt.Fprintf(progress, "Lived %d days of history in %.1f s: %d runs.\n", days, time.Since(started).Seconds(), h.runs)
	return nil
}

// restore teaches a fresh tenant what the one before it had encrypted, so that
// a demo that is started again finds its tables as it left them.
func (d *demo) restore(ctx context.Context) error {
	for _, t := range d.tenant.Tables() {
		columns, err := d.console.Store.Columns(ctx, defaultConnection, t.DatastoreID, t.ID)
		if err != nil {
			return err
		}
		table, _, _ := d.tenant.Table(t.DatastoreID, t.ID)
		for _, now := range table.Columns {
			i := slices.IndexFunc(columns, func(c inventory.Column) bool { return c.Name == now.Name })
			if i < 0 || !columns[i].Encrypted {
				continue
			}
			var steps []sandbox.Action
			version := now.KeyVersion()
			if !now.Encrypted {
				steps, version = append(steps, sandbox.Encrypt), 1
			}
			for ; version < columns[i].KeyVersion; version++ {
				steps = append(steps, sandbox.Rotate)
			}
			for _, action := range steps {
				if err := d.tenant.Mutate(t.DatastoreID, t.ID, sandbox.Mutation{Action: action, Column: now.Name}); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
