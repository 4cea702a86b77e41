package console

import (
	"context"
	"log/slog"
	"time"

	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/fault"
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

// ReadDatabase opens a database that is there for reading only: nothing is
// written to it or beside it, and an older schema is refused (store.OpenReadOnly).
func ReadDatabase(ctx context.Context, cfg DatabaseConfig) (*Database, error) {
	s, err := store.OpenReadOnly(ctx, cfg.Path, store.Options{Logger: cfg.Logger, Rules: cfg.Rules})
	if err != nil {
		return nil, err
	}
	return &Database{Store: s, path: cfg.Path}, nil
}

// Writable reports whether a command could write to the database.
func Writable(path string) bool { return store.Writable(path) }

// Close closes the database. Every step was committed before, so its error may
// be passed over.
func (d *Database) Close() error { return d.Store.Close() }

// Accounts are the local accounts. No code is asked for on the command line, so
// the seeds of the second factors need not open.
func (d *Database) Accounts() *access.Accounts {
	return access.NewAccounts(d.Store, time.Now, access.DefaultHashCost,
		access.WithSecondFactor(access.NewSecondFactor(d.Store, nil, time.Now)))
}

// VerifierKey is the public half of the log's signing key. None is made:
// fault.NotFound says whether it is gone or was never there.
func (d *Database) VerifierKey(ctx context.Context) (string, error) {
	signed, err := d.Store.LatestCheckpoint(ctx)
	if err != nil {
		return "", err
	}
	key, err := audit.LoadKey(LogKeyPath(d.path))
	if fault.CodeOf(err) == fault.NotFound && signed == nil {
		return "", fault.Wrap(err, fault.NotFound,
			"There is no signing key at %s: `cxseal serve` makes it when it first starts.", LogKeyPath(d.path))
	}
	if fault.CodeOf(err) == fault.NotFound {
		return "", fault.Wrap(err, fault.NotFound,
			"The log's signing key %s is gone, but checkpoints were signed with it. Put the key back from your backup.", LogKeyPath(d.path))
	}
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
func LogKeyPath(db string) string { return realFile(db) + ".log-key" }

// SealKeyPath is where the sealing key lies unless a setting names another place:
// beside the database.
func SealKeyPath(db string) string { return realFile(db) + ".seal-key" }

// realFile is store.RealFile for what lies beside a database. Its errors are
// those of opening the database, which says them.
func realFile(db string) string {
	real, err := store.RealFile(db)
	if err != nil {
		return db
	}
	return real
}
