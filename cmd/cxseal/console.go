package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"cxseal/handlers"
	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/campaign"
	"cxseal/internal/connection"
	"cxseal/internal/encryption"
	"cxseal/internal/fault"
	"cxseal/internal/inventory"
	"cxseal/internal/rotation"
	"cxseal/internal/seal"
	"cxseal/internal/sensitivity"
	"cxseal/store"
)

// consoleConfig is what a Console is made of.
type consoleConfig struct {
	DB            string
	Listener      net.Listener // open already, so that its address is known
	PublicURL     string       // as set; empty: the listener's address, and any host name is accepted
	Tenant        *tenantEnv   // nil: none yet
	Proxies       []netip.Prefix
	Seal          seal.Source
	SSO           []access.ProviderConfig
	NoLocal       bool        // local accounts may not sign in, once an admin has through a provider
	RequireFactor bool        // no password without a second factor
	TLS           *tls.Config // nil: plain HTTP
	DemoNote      string
	Runner        encryption.RunnerOptions
	SyncEvery     time.Duration // 0: the inventory is synchronised only when asked for
	Leads         rotation.Leads
	Rules         *sensitivity.Rules // nil: the built-in ones
	Signing       []audit.LogOption  // when checkpoints are due, and where they are anchored
	Now           func() time.Time
	Logger        *slog.Logger
}

// Console is a console with all its parts, from the database to the listener.
type Console struct {
	cfg    consoleConfig
	store  *store.Store
	unlock func() error
	log    *audit.Log
	*gate
	directory *connection.Directory
	managed   *connection.Manager
	service   *encryption.Service
	inv       *inventory.Service
	runner    *encryption.Runner
	campaign  *campaign.Service
	background
	pages  *handlers.Console
	server *http.Server
}

// address is where browsers and the KMS find the console.
func (cfg consoleConfig) address() string {
	if cfg.PublicURL != "" {
		return cfg.PublicURL
	}
	return addressOf(cfg.Listener)
}

// newConsole opens the database and puts the parts together. Nothing runs yet.
func newConsole(ctx context.Context, cfg consoleConfig) (c *Console, err error) {
	c = &Console{cfg: cfg}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.close())
			c = nil
		}
	}()
	var free bool
	if c.unlock, free, err = store.Lock(cfg.DB); err != nil {
		return c, usagef("%s", fault.MessageOf(err))
	}
	if !free {
		return c, usagef("another console is serving on %s already: one database has one console", cfg.DB)
	}
	if c.store, err = store.Open(ctx, cfg.DB, store.Options{Now: cfg.Now, Logger: cfg.Logger, Rules: cfg.Rules}); err != nil {
		return c, err
	}
	if _, err = c.store.ApplyRules(ctx); err != nil {
		return c, err
	}
	if c.log, err = openLog(ctx, cfg.DB, c.store, cfg.Now, cfg.Signing...); err != nil {
		return c, err
	}
	if c.gate, err = newGate(ctx, cfg, c.store); err != nil {
		return c, err
	}
	if c.directory, err = newDirectory(cfg.Tenant, cfg.address(), cfg.Now, cfg.Logger); err != nil {
		return c, err
	}
	c.managed = connection.NewManager(c.store, c.sealer, c.directory, cfg.Now)
	if err := c.managed.Load(ctx); err != nil {
		return c, err
	}
	c.service = encryption.NewService(c.store, c.directory, cfg.Now, cfg.Logger)
	c.inv = inventory.NewService(c.store, c.directory, cfg.Now, cfg.Logger)
	c.runner = encryption.NewRunner(c.service, cfg.Runner)
	c.campaign = campaign.NewService(c.store, c.service, c.inv, cfg.Now, cfg.Logger)
	c.background = newBackground(c)
	if c.pages, err = newPages(c); err != nil {
		return c, err
	}
	c.server = &http.Server{
		Handler:           c.pages,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       time.Minute, // a form; nothing larger is taken
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(cfg.Logger.Handler(), slog.LevelDebug),
	}
	return c, nil
}

func (c *Console) serve() error {
	if c.cfg.TLS == nil {
		return c.server.Serve(c.cfg.Listener)
	}
	c.server.TLSConfig = c.cfg.TLS
	return c.server.ServeTLS(c.cfg.Listener, "", "")
}

// stopWithin bounds an orderly stop; what is not done by then is broken off
// and taken up at the next start.
const stopWithin = 15 * time.Second

// Run serves until ctx is done, then stops in order: background work, HTTP,
// runner, database.
func (c *Console) Run(ctx context.Context) error {
	if err := c.runner.Start(ctx); err != nil {
		return errors.Join(err, c.close())
	}
	c.campaign.Start(ctx)
	if err := c.scheduler.Start(ctx); err != nil {
		c.campaign.Stop()
		return errors.Join(err, c.runner.Stop(ctx), c.close())
	}

	serving := make(chan error, 1)
	go func() { serving <- c.serve() }()
	var failed error
	select {
	case <-ctx.Done():
	case failed = <-serving:
	}
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
	defer cancel()
	stopped := c.scheduler.Stop(limit)
	c.campaign.Stop()
	c.pages.Close() // ends the event streams, which never end by themselves
	err := errors.Join(failed, stopped, c.server.Shutdown(limit), c.runner.Stop(limit), c.sign(limit), c.close())
	if err != nil {
		return fmt.Errorf("stopping: %w", err)
	}
	return nil
}

// sign makes a checkpoint when there are records that none covers.
func (c *Console) sign(ctx context.Context) error {
	_, err := c.log.Sign(ctx)
	return err
}

// ready says whether the console can do its work.
func (c *Console) ready(ctx context.Context) error {
	err := c.store.Ping(ctx)
	if err != nil && fault.CodeOf(err) != fault.Unavailable {
		return fault.Wrap(err, fault.Internal, "The database does not answer.")
	}
	return err
}

// close lets go of what newConsole took, last first.
func (c *Console) close() error {
	var errs []error
	if c.directory != nil {
		c.directory.Close()
	}
	if c.store != nil {
		errs = append(errs, c.store.Close())
	}
	if c.unlock != nil {
		errs = append(errs, c.unlock())
	}
	return errors.Join(errs...)
}
