// Package store keeps everything the console must not lose, and is the only
// place with SQL: one file per aggregate. It holds no rules of the domain
// beyond what must be true of the rows: a compare-and-swap that finds no row
// fails, a fact and its audit records are committed together or not at all,
// and audit records are only ever appended.
//
// The texts are written in the subset that SQLite and PostgreSQL share. What
// only SQLite has (pragmas, files, full text, functions in Go) stands in files
// named sqlite_*.go and in migrations.
package store

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"cxseal/internal/fault"
	"cxseal/internal/sensitivity"
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
	path   string
	now    func() time.Time
	log    *slog.Logger
	rules  *sensitivity.Rules
	reader *sql.DB
	writer *writer
	stmts  stmtCache
	few    int64 // fewRecords, less in tests
}

// Open opens the database at path, makes it when it is absent (mode 0600), and
// brings its schema up to date. A file that is not ours, cannot be written, or
// was written by a newer release is refused with a sentence that says so:
// fault.Conflict for the newer release, fault.Invalid for the rest.
func Open(ctx context.Context, path string, o Options) (*Store, error) {
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
	if err := prepareFile(abs); err != nil {
		return nil, err
	}
	db, err := openWriter(ctx, abs)
	if err != nil {
		return nil, explain(err, abs)
	}
	if err := migrate(ctx, db, abs, o.Logger); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	w, err := newWriter(ctx, db, abs, o.Logger)
	if err != nil {
		return nil, errors.Join(explain(err, abs), db.Close())
	}
	reader, err := openReaders(abs)
	if err != nil {
		return nil, errors.Join(explain(err, abs), w.close())
	}
	s := &Store{path: abs, now: o.Now, log: o.Logger, rules: o.Rules, reader: reader, writer: w, few: fewRecords}
	if err := reader.PingContext(ctx); err != nil {
		return nil, errors.Join(explain(err, abs), s.Close())
	}
	return s, nil
}

// Path is the database file's absolute path.
func (s *Store) Path() string { return s.path }

// Ping reports whether the database answers and could keep what was written
// last, for /readyz.
func (s *Store) Ping(ctx context.Context) error {
	var one int
	if err := s.queryRow(ctx, `SELECT 1`).Scan(&one); err != nil {
		return err
	}
	if broken := s.writer.broken.Load(); broken != nil {
		return *broken
	}
	return nil
}

// Close finishes what is queued and closes the database.
func (s *Store) Close() error {
	err := s.writer.drain()
	s.stmts.close()
	return errors.Join(err, s.reader.Close(), s.writer.close())
}

// prepareFile makes an absent database file and refuses one that is not a
// SQLite database before SQLite itself touches it.
func prepareFile(path string) error {
	if fi, err := os.Stat(filepath.Dir(path)); err != nil || !fi.IsDir() {
		return fault.New(fault.Invalid, "The folder %s for the database does not exist: make it, or name another file with --db.", filepath.Dir(path))
	}
	// The path is the operator's own setting.
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // G304: see above
	if err != nil {
		return fault.Wrap(err, fault.Invalid, "The database %s cannot be opened for writing: check the permissions of the file and its folder.", path)
	}
	head := make([]byte, len(sqliteMagic))
	n, _ := f.Read(head)
	if err := f.Close(); err != nil {
		return fault.Wrap(err, fault.Invalid, "The database %s cannot be read.", path)
	}
	if n > 0 && string(head[:n]) != sqliteMagic {
		return notOurs(path)
	}
	return nil
}

func notOurs(path string) error {
	return fault.New(fault.Invalid, "The file %s is not a cxseal database: name another file with --db.", path)
}

// stmtCache keeps the statements of recurring reads prepared. Filters make
// more texts than that; those beyond the bound are prepared each time.
type stmtCache struct {
	mu    sync.Mutex
	stmts map[string]*sql.Stmt
}

const maxCachedStmts = 96

func (c *stmtCache) get(ctx context.Context, db *sql.DB, text string) (*sql.Stmt, error) {
	c.mu.Lock()
	st, full := c.stmts[text], len(c.stmts) >= maxCachedStmts
	c.mu.Unlock()
	if st != nil || full {
		return st, nil
	}
	st, err := db.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if other := c.stmts[text]; other != nil {
		return other, st.Close() //nolint:sqlclosecheck // it is kept in the cache
	}
	if c.stmts == nil {
		c.stmts = make(map[string]*sql.Stmt)
	}
	c.stmts[text] = st
	return st, nil
}

func (c *stmtCache) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, st := range c.stmts {
		_ = st.Close() // a read-only statement has nothing to lose
	}
	c.stmts = nil
}

func (s *Store) query(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	if watch != nil {
		watch(text, args)
	}
	st, err := s.stmts.get(ctx, s.reader, text) //nolint:sqlclosecheck // the cache keeps it
	if err != nil {
		return nil, err
	}
	if st != nil {
		return st.QueryContext(ctx, args...)
	}
	return s.reader.QueryContext(ctx, text, args...)
}

func (s *Store) queryRow(ctx context.Context, text string, args ...any) row {
	rows, err := s.query(ctx, text, args...)
	return row{rows, err}
}

// row is the first row of a query, like sql.Row.
type row struct {
	rows *sql.Rows
	err  error
}

// Scan reads the row, or answers sql.ErrNoRows.
func (r row) Scan(dst ...any) error {
	if r.err != nil {
		return r.err
	}
	defer func() { _ = r.rows.Close() }()
	if !r.rows.Next() {
		if err := r.rows.Err(); err != nil {
			return err
		}
		return sql.ErrNoRows
	}
	if err := r.rows.Scan(dst...); err != nil {
		return err
	}
	return r.rows.Close()
}

// collect runs a query and scans each row with scan.
func collect[T any](ctx context.Context, s *Store, scan func(scanner) (T, error), text string, args ...any) ([]T, error) {
	rows, err := s.query(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var all []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, rows.Err()
}
