package console

import (
	"context"
	"log/slog"
	"time"

	"cxseal/internal/access"
	"cxseal/internal/sensitivity"
	"cxseal/store"
)

// DatabaseConfig is what a command opens a database with.
type DatabaseConfig struct {
	Path   string             // made when there is none
	Rules  *sensitivity.Rules // what is sensitive; optional: the built-in rules
	Logger *slog.Logger
}

// Database is a console's database as a command uses it that does one thing and
// ends: it takes no lock, so that it may be opened while a console serves on it.
type Database struct {
	Store *store.Store

	path string
}

// OpenDatabase opens a database for a command. Close releases it.
func OpenDatabase(ctx context.Context, cfg DatabaseConfig) (*Database, error) {
	s, err := store.Open(ctx, cfg.Path, store.Options{Logger: cfg.Logger, Rules: cfg.Rules})
	if err != nil {
		return nil, err
	}
	return &Database{Store: s, path: cfg.Path}, nil
}

// Close closes the database. Every step was committed before, so its error may
// be passed over.
func (d *Database) Close() error { return d.Store.Close() }

// Accounts are the local accounts. No code is asked for on the command line, so
// the seeds of the second factors need not open.
func (d *Database) Accounts() *access.Accounts {
	return access.NewAccounts(d.Store, time.Now, access.DefaultHashCost,
		access.WithSecondFactor(access.NewSecondFactor(d.Store, nil, time.Now)))
}

// VerifierKey is the public half of the log's signing key, which is made when
// nothing was signed yet.
func (d *Database) VerifierKey(ctx context.Context) (string, error) {
	key, err := logKey(ctx, d.path, d.Store)
	if err != nil {
		return "", err
	}
	return key.VerifierKey(), nil
}

// Sign makes a checkpoint of what a command has recorded, as a console does.
func (d *Database) Sign(ctx context.Context) error {
	log, err := openLog(ctx, d.path, d.Store, time.Now)
	if err != nil {
		return err
	}
	_, err = log.Sign(ctx)
	return err
}

// LogKeyPath is where the log's signing key lies: beside its database.
func LogKeyPath(db string) string { return db + ".log-key" }
