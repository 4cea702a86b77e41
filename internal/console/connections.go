package console

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"time"

	"cxseal/internal/audit"
	"cxseal/internal/connection"
	"cxseal/internal/fault"
	"cxseal/internal/seal"
	"cxseal/store"
)

// ConnectionsConfig is what Connections are made of.
type ConnectionsConfig struct {
	DB      string // optional: where there is no such file, only the environment's connection is known
	Seal    seal.Source
	Tenant  *Tenant // the environment's connection; optional
	Address string  // under which the KMS reaches the console
	Version string  // in the user agent
	Logger  *slog.Logger
}

// Connections are a console's connections as a command examines them: the
// environment's, and those that were made in the console.
type Connections struct {
	Manager *connection.Manager

	directory *connection.Directory
	db        *store.Store // nil without a database
}

// OpenConnections reads the connections, and changes none. With the log's key
// beside the database, this installation can be told from another one at a
// callback URL. After an error nothing stays open; it is a *ConfigError when a
// setting is wrong.
func OpenConnections(ctx context.Context, cfg ConnectionsConfig) (c *Connections, err error) {
	c = &Connections{}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.Close())
			c = nil
		}
	}()
	if c.directory, err = openDirectory(cfg.Tenant, cfg.Address, UserAgent(cfg.Version), time.Now, cfg.Logger); err != nil {
		return c, err
	}
	if _, err = os.Stat(cfg.DB); err != nil { //nolint:gosec // G703: the path is the operator's own
		c.Manager = connection.NewManager(nil, nil, c.directory, time.Now)
		return c, nil //nolint:nilerr // the environment's connection needs no database
	}
	if c.db, err = store.Open(ctx, cfg.DB, store.Options{Logger: cfg.Logger}); err != nil {
		return c, err
	}
	sealed, err := c.db.SealedValues(ctx, seal.Place{}, 1)
	if err != nil {
		return c, err
	}
	var sealer *seal.Sealer
	if len(sealed) > 0 { // otherwise there is nothing to open, and perhaps no key
		if sealer, err = seal.Open(ctx, cfg.Seal); err != nil {
			return c, &ConfigError{errors.New(fault.MessageOf(err))}
		}
	}
	c.Manager = connection.NewManager(c.db, sealer, c.directory, time.Now)
	key, err := audit.LoadKey(LogKeyPath(cfg.DB))
	switch {
	case err == nil:
		c.Manager.TellBy(key.CheckAnswer)
	case fault.CodeOf(err) != fault.NotFound:
		return c, err
	}
	return c, c.Manager.Load(ctx)
}

// All returns every connection, the environment's first.
func (c *Connections) All() []connection.Known { return c.directory.All() }

// Close lets go of the clients and the database.
func (c *Connections) Close() error {
	if c.directory != nil {
		c.directory.Close()
	}
	if c.db == nil {
		return nil
	}
	return c.db.Close()
}
