package console

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"cxseal/handlers"
	"cxseal/internal/audit"
	"cxseal/internal/connection"
	"cxseal/internal/encryption"
	"cxseal/store"
)

// PipelineConfig is what a Pipeline is made of.
type PipelineConfig struct {
	DatabaseConfig
	Tenant  *Tenant
	Version string // in the user agent

	// PublicURL is the address that the KMS uses. Optional: without it that is
	// the listener's, or Addr's where a console serves already.
	PublicURL string
	Addr      string // HOST:PORT on which a console of this database serves

	// Listen opens the address on which callbacks are answered. It is called
	// only while no console serves on the database, which would answer them.
	// Optional: a pipeline that sends nothing waits for no callback.
	Listen func() (net.Listener, error)
}

// Pipeline is the part of a console that a single run needs: the database, the
// environment's connection, and an answer to the KMS callback.
type Pipeline struct {
	*Database
	Encryption *encryption.Service

	directory *connection.Directory
	unlock    func() error
	server    *http.Server // answers callbacks; nil while a console does
}

// OpenPipeline puts a Pipeline together. Nothing runs yet but the answer to
// callbacks, and after an error nothing stays open. The error is a *ConfigError
// when a setting is wrong.
func OpenPipeline(ctx context.Context, cfg PipelineConfig) (p *Pipeline, err error) {
	p = &Pipeline{}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.Close())
			p = nil
		}
	}()
	if p.Database, err = OpenDatabase(ctx, cfg.DatabaseConfig); err != nil {
		return p, err
	}
	var free bool
	if p.unlock, free, err = store.Lock(cfg.Path); err != nil {
		return p, err
	}
	address := "http://" + cfg.Addr
	var listener net.Listener
	if free && cfg.Listen != nil {
		if listener, err = cfg.Listen(); err != nil {
			return p, err
		}
		address = AddressOf(listener)
	}
	if cfg.PublicURL != "" {
		address = cfg.PublicURL
	}
	var tenant *Tenant
	if tenant, err = obeyFourEyes(ctx, p.Store, cfg.Tenant); err == nil {
		p.directory, err = openDirectory(tenant, address, UserAgent(cfg.Version), time.Now, cfg.Logger)
	}
	if err == nil {
		p.Encryption = encryption.NewService(p.Store, p.directory, time.Now, cfg.Logger)
		if key, none := audit.LoadKey(LogKeyPath(cfg.Path)); none == nil { // there is none before the first checkpoint
			p.Encryption.ProveBy(key.AnswerChallenge)
		}
	}
	if listener == nil {
		return p, err
	}
	if err != nil {
		return p, errors.Join(err, listener.Close())
	}
	p.server = &http.Server{Handler: handlers.Callbacks(p.Encryption, cfg.Logger),
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second}
	go p.server.Serve(listener) //nolint:errcheck // ends with Close
	return p, nil
}

// Close releases what OpenPipeline took, in reverse order.
func (p *Pipeline) Close() error {
	var errs []error
	if p.server != nil {
		errs = append(errs, p.server.Close())
	}
	if p.directory != nil {
		p.directory.Close()
	}
	if p.Database != nil {
		errs = append(errs, p.Database.Close())
	}
	if p.unlock != nil {
		errs = append(errs, p.unlock())
	}
	return errors.Join(errs...)
}
