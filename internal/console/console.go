// Package console puts the console together: from the database and the ledger
// to the pages and the listener. New opens everything, Run serves until its
// context is done, Close releases what New took. The commands and every end-to-end test start
// this one composition; nothing under internal/ or handlers/ imports it. It
// holds no rules: those stand with their subjects.
package console

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"cxseal/handlers"
	"cxseal/internal/access"
	"cxseal/internal/alarm"
	"cxseal/internal/audit"
	"cxseal/internal/campaign"
	"cxseal/internal/connection"
	"cxseal/internal/encryption"
	"cxseal/internal/fault"
	"cxseal/internal/inventory"
	"cxseal/internal/rotation"
	"cxseal/internal/schedule"
	"cxseal/internal/seal"
	"cxseal/internal/sensitivity"
	"cxseal/store"
)

// Console is a console with all its parts. The exported ones are for the demo,
// which lives its history through them, and for tests; they stand from New on.
type Console struct {
	Store       *store.Store
	Log         *audit.Log
	Accounts    *access.Accounts
	Sealer      *seal.Sealer
	Directory   *connection.Directory
	Connections *connection.Manager
	Encryption  *encryption.Service
	Inventory   *inventory.Service
	Campaigns   *campaign.Service
	Alarms      *alarm.Service
	Policies    *rotation.PolicyService
	Rotations   *rotation.Scanner
	Sensitivity *sensitivity.Service
	Pages       *handlers.Console

	cfg       Config
	unlock    func() error
	sessions  *store.Sessions
	signedIn  *access.Sessions
	factors   *access.SecondFactor
	tokens    *access.Tokens
	sso       *access.SSO
	runner    *encryption.Runner
	scheduler *schedule.Scheduler
	server    *http.Server
	closing   sync.Once
}

// New opens the database and puts the parts together. Nothing runs yet, and
// after an error nothing stays open, the listener included. The error is a
// *ConfigError when a setting is wrong.
func New(ctx context.Context, cfg Config) (c *Console, err error) {
	cfg.setDefaults()
	c = &Console{cfg: cfg}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.Close())
			c = nil
		}
	}()
	var free bool
	if c.unlock, free, err = store.Lock(cfg.DB); err != nil {
		return c, &ConfigError{errors.New(fault.MessageOf(err))}
	}
	if !free {
		return c, &ConfigError{fmt.Errorf("another console is serving on %s already: one database has one console", cfg.DB)}
	}
	if c.Store, err = store.Open(ctx, cfg.DB, store.Options{Now: cfg.Now, Logger: cfg.Logger, Rules: cfg.Rules}); err != nil {
		return c, err
	}
	if _, err = c.Store.ApplyRules(ctx); err != nil {
		return c, err
	}
	if c.Log, err = openLog(ctx, cfg.DB, c.Store, cfg.Now, cfg.Signing...); err != nil {
		return c, err
	}
	if err = c.openSealer(ctx); err != nil {
		return c, err
	}
	if err = c.openAccess(); err != nil {
		return c, err
	}
	if err = settleFourEyes(ctx, c.Store, cfg.Tenant, cfg.Now); err != nil {
		return c, err
	}
	if c.Directory, err = openDirectory(cfg.Tenant, cfg.address(), UserAgent(cfg.Version), cfg.Now, cfg.Logger); err != nil {
		return c, err
	}
	c.Connections = connection.NewManager(c.Store, c.Sealer, c.Directory, cfg.Now)
	c.Connections.TellBy(c.Log.CheckAnswer)
	if err = c.Connections.Load(ctx); err != nil {
		return c, err
	}
	c.Encryption = encryption.NewService(c.Store, c.Directory, cfg.Now, cfg.Logger)
	c.Encryption.ProveBy(c.Log.AnswerChallenge)
	c.Inventory = inventory.NewService(c.Store, c.Directory, cfg.Now, cfg.Logger)
	c.runner = encryption.NewRunner(c.Encryption, cfg.Runner)
	c.Campaigns = campaign.NewService(c.Store, c.Encryption, c.Inventory, cfg.Now, cfg.Logger)
	c.openBackground()
	if c.Pages, err = handlers.New(c.PagesConfig()); err != nil {
		return c, err
	}
	c.server = &http.Server{
		Handler:           c.Pages,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       cfg.ReadTimeout,
		WriteTimeout:      cfg.WriteTimeout,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(cfg.Logger.Handler(), slog.LevelDebug),
	}
	return c, nil
}

// Address is where browsers and the KMS find the console.
func (c *Console) Address() string { return c.cfg.address() }

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
// runner, database. It closes the console and may be called once.
func (c *Console) Run(ctx context.Context) error {
	stopJobs, err := c.start(ctx)
	if err != nil {
		if ctx.Err() != nil && errors.Is(err, context.Canceled) {
			err = nil // told to stop while it was still starting: an orderly end too
		}
		return errors.Join(err, c.Close())
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
	stopped := stopJobs(limit)
	c.Campaigns.Stop()
	c.Pages.Close() // ends the event streams, which never end by themselves
	err = errors.Join(failed, stopped, c.server.Shutdown(limit), c.runner.Stop(limit), c.sign(limit), c.Close())
	if err != nil {
		return fmt.Errorf("stopping: %w", err)
	}
	return nil
}

// start starts the runner, the campaigns and, where the console has them, the
// background jobs; stopJobs stops the latter. What was started before an error
// is stopped again.
func (c *Console) start(ctx context.Context) (stopJobs func(context.Context) error, err error) {
	if err := c.runner.Start(ctx); err != nil {
		return nil, err
	}
	c.Campaigns.Start(ctx)
	if c.cfg.NoJobs {
		return func(context.Context) error { return nil }, nil
	}
	if err := c.scheduler.Start(ctx); err != nil {
		c.Campaigns.Stop()
		limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
		defer cancel()
		return nil, errors.Join(err, c.runner.Stop(limit))
	}
	return c.scheduler.Stop, nil
}

// sign makes a checkpoint when there are records that none covers.
func (c *Console) sign(ctx context.Context) error {
	_, err := c.Log.Sign(ctx)
	return err
}

// Close releases what New took, in reverse order. Run does so at its end; Close is
// for a console that was never run. A second call does nothing.
func (c *Console) Close() error {
	var errs []error
	c.closing.Do(func() {
		if c.Pages != nil {
			c.Pages.Close()
		}
		if c.cfg.Listener != nil {
			if err := c.cfg.Listener.Close(); !errors.Is(err, net.ErrClosed) { // the server has closed it when it ran
				errs = append(errs, err)
			}
		}
		if c.sso != nil && c.Store != nil {
			limit, cancel := context.WithTimeout(context.Background(), stopWithin)
			errs = append(errs, c.sso.FlushRepeats(limit))
			cancel()
		}
		if c.Directory != nil {
			c.Directory.Close()
		}
		if c.Store != nil {
			errs = append(errs, c.Store.Close())
		}
		if c.unlock != nil {
			errs = append(errs, c.unlock())
		}
	})
	return errors.Join(errs...)
}
