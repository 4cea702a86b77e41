// Package store keeps everything the console must not lose, and is the only
// place with SQL: one file per aggregate. It holds no rules of the domain
// beyond what must be true of the rows: a compare-and-swap that finds no row
// fails, a fact and its audit records are committed together or not at all,
// and audit records are only ever appended.
//
// Reads go through a pool (pool.go). Writes are functions that one writer runs
// in transactions, many to a COMMIT (tx.go, store/groupcommit); hooks of the
// writer keep the ledger's tree and what is derived from the ledger in step
// (audit_append.go, derived.go).
//
// There is one copy of every statement. What differs from one database to
// another (opening, beginning a transaction, errors, long reads, full text,
// backup) is behind the interface engine, whose implementation stands in files
// named sqlite_*.go, and in migrations.
package store

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"cxseal/internal/fault"
	"cxseal/internal/sensitivity"
	"cxseal/store/groupcommit"
)

// Options are what Open needs beside the path.
type Options struct {
	Now    func() time.Time   // the clock for what the store itself dates; time.Now when nil
	Logger *slog.Logger       // discarded when nil
	Rules  *sensitivity.Rules // propose which columns are sensitive; the built-in ones when nil
}

// Store is an open database: one connection that writes and a few that read.
// Its methods are safe for concurrent use.
type Store struct {
	path       string
	now        func() time.Time
	log        *slog.Logger
	rules      *sensitivity.Rules
	engine     engine
	db         *sql.DB // the writer's; nil in a store that only reads, as writer is
	pages      *pool
	long       *pool
	searches   *pool
	writer     *groupcommit.Writer
	opened     fs.FileInfo   // the file when OpenReadOnly opened it
	edge       treeEdge      // of the writer
	behind     derivation    // of the writer
	searchTime time.Duration // mostSearchTime, less in tests

	tailMu sync.Mutex
	tail   *tailTerms
	totals totalsCache
	spans  hourSpans
}

// Open opens the database at path, makes it when it is absent (mode 0600), and
// brings its schema up to date. A file that is not ours, cannot be written, or
// was written by a newer release is refused with a sentence that says so:
// fault.Conflict for the newer release, fault.Invalid for the rest.
func Open(ctx context.Context, path string, o Options) (*Store, error) {
	s, err := newStore(path, o)
	if err != nil {
		return nil, err
	}
	c, err := s.engine.open(ctx)
	if err != nil {
		return nil, err
	}
	s.db, s.pages, s.long, s.searches = c.writer, c.pages, c.long, c.searches
	if s.writer, err = s.newWriter(ctx, s.db); err != nil {
		return nil, errors.Join(err, s.pages.close(), s.long.close(), s.searches.close(), s.db.Close())
	}
	return s, nil
}

// newStore is the store of the real file at path, not yet opened.
func newStore(path string, o Options) (*Store, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Rules == nil {
		rules, err := sensitivity.Load(nil)
		if err != nil {
			return nil, err
		}
		o.Rules = rules
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "The database path %q cannot be used.", path)
	}
	if abs, err = RealFile(abs); err != nil {
		return nil, err
	}
	s := &Store{path: abs, now: o.Now, log: o.Logger, rules: o.Rules, engine: newSQLite(abs, o.Logger), searchTime: mostSearchTime}
	s.behind = derivation{s: s, lag: deriveAtRest} // a crash may have left some behind
	return s, nil
}

// Path is the database file's absolute path, with symbolic links followed.
func (s *Store) Path() string { return s.path }

// Ping reports whether the database answers and could keep what was written
// last, for /readyz.
func (s *Store) Ping(ctx context.Context) error {
	var one int
	if err := s.queryRow(ctx, `SELECT 1`).Scan(&one); err != nil {
		return err
	}
	if s.writer == nil {
		return nil
	}
	return s.writer.Broken()
}

// Close finishes what is queued and closes the database.
func (s *Store) Close() error {
	if s.writer == nil {
		return errors.Join(s.pages.close(), s.long.close(), s.searches.close())
	}
	s.writer.Drain()
	return errors.Join(s.pages.close(), s.long.close(), s.searches.close(), s.writer.Close(), s.db.Close())
}
