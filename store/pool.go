package store

import (
	"context"
	"database/sql"
	"sync"
)

// pool is a number of connections that read, with the statements of recurring
// reads kept prepared. Filters make more texts than maxCachedStmts; those beyond
// it are prepared each time.
type pool struct {
	name    string
	db      *sql.DB
	rewrite func(string) string

	mu    sync.Mutex
	stmts map[string]*sql.Stmt // by the text before it was rewritten
}

const maxCachedStmts = 96

func newPool(name string, db *sql.DB, rewrite func(string) string) *pool {
	return &pool{name: name, db: db, rewrite: rewrite, stmts: make(map[string]*sql.Stmt)}
}

func (p *pool) query(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	watch(p.name, text, args)
	st, err := p.stmt(ctx, text) //nolint:sqlclosecheck // the cache keeps it
	if err != nil {
		return nil, err
	}
	if st != nil {
		rows, err := st.QueryContext(ctx, args...) //nolint:rowserrcheck,sqlclosecheck // the caller does
		return rows, explainDamage(err)
	}
	rows, err := p.db.QueryContext(ctx, p.rewrite(text), args...) //nolint:rowserrcheck,sqlclosecheck // the caller does
	return rows, explainDamage(err)
}

// stmt is the prepared statement, nil when there is no more room for one.
func (p *pool) stmt(ctx context.Context, text string) (*sql.Stmt, error) {
	p.mu.Lock()
	st, full := p.stmts[text], len(p.stmts) >= maxCachedStmts
	p.mu.Unlock()
	if st != nil || full {
		return st, nil
	}
	st, err := p.db.PrepareContext(ctx, p.rewrite(text))
	if err != nil {
		return nil, explainDamage(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if other := p.stmts[text]; other != nil {
		return other, st.Close() //nolint:sqlclosecheck // it is kept in the cache
	}
	p.stmts[text] = st
	return st, nil
}

func (p *pool) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, st := range p.stmts {
		_ = st.Close() // a read-only statement has nothing to lose
	}
	clear(p.stmts)
	return p.db.Close()
}

// querier runs statements that answer rows: a transaction of the writer, or a
// pool on behalf of a context.
type querier interface {
	Query(text string, args ...any) (*sql.Rows, error)
}

// reading is a pool on behalf of a context.
type reading struct {
	ctx  context.Context //nolint:containedctx // it lives as long as one statement
	pool *pool
}

func (r reading) Query(text string, args ...any) (*sql.Rows, error) {
	return r.pool.query(r.ctx, text, args...)
}

func (s *Store) queryRow(ctx context.Context, text string, args ...any) row {
	return firstRow(reading{ctx, s.pages}, text, args...)
}

// row is the first row of a query, like sql.Row.
type row struct {
	rows *sql.Rows
	err  error
}

func firstRow(q querier, text string, args ...any) row {
	rows, err := q.Query(text, args...) //nolint:rowserrcheck // Scan does
	return row{rows, err}
}

// Scan reads the row, or answers sql.ErrNoRows.
func (r row) Scan(dst ...any) error {
	if r.err != nil {
		return r.err
	}
	defer func() { _ = r.rows.Close() }()
	if !r.rows.Next() {
		if err := r.rows.Err(); err != nil {
			return explainDamage(err)
		}
		return sql.ErrNoRows
	}
	if err := r.rows.Scan(dst...); err != nil {
		return err
	}
	return r.rows.Close()
}

// collect runs a query of the store and scans each row with scan.
func collect[T any](ctx context.Context, s *Store, scan func(scanner) (T, error), text string, args ...any) ([]T, error) {
	return collectFrom(reading{ctx, s.pages}, scan, text, args...)
}

// collectFrom runs a query, of a transaction say, and scans each row with scan.
func collectFrom[T any](q querier, scan func(scanner) (T, error), text string, args ...any) ([]T, error) {
	rows, err := q.Query(text, args...)
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
	return all, explainDamage(rows.Err())
}
