package store

import (
	"context"
	"database/sql"
	"errors"

	"cxseal/internal/fault"
	"cxseal/store/groupcommit"
)

// errClosed answers a write after Close.
var errClosed = fault.New(fault.Conflict, "The database is closed: the console is stopping.")

// newWriter starts the one writer of the database (docs/adr/0002).
func (s *Store) newWriter(ctx context.Context, db *sql.DB) (*groupcommit.Writer, error) {
	return groupcommit.New(ctx, groupcommit.Options{
		DB:        db,
		Log:       s.log,
		Hooks:     []groupcommit.Hook{&s.edge, &s.behind},
		Begin:     s.engine.begin,
		Rewrite:   s.engine.rewrite,
		Explain:   s.engine.notCommitted,
		Between:   s.engine.between,
		IdleAfter: deriveAfter,
	})
}

// write runs fn in a transaction and answers after COMMIT. If ctx ends while
// the job waits in the queue, it is not run and ctx's error is returned; once
// it has begun, the answer is what became of it, whatever ctx does.
func (s *Store) write(ctx context.Context, fn func(*tx) error) error {
	if s.writer == nil {
		return errReadOnly
	}
	err := s.writer.Do(ctx, func(t *groupcommit.Tx) error { return fn(&tx{t, s}) })
	if errors.Is(err, groupcommit.ErrClosed) {
		return errClosed
	}
	return err
}

// tx is a transaction of the writer. Only its job may use it, and only until it
// returns.
type tx struct {
	*groupcommit.Tx
	s *Store
}

// exec answers how many rows were changed.
func (t *tx) exec(text string, args ...any) (int64, error) {
	watch(byWriter, text, args)
	return t.Exec(text, args...)
}

// Query runs a statement that answers rows.
func (t *tx) Query(text string, args ...any) (*sql.Rows, error) {
	watch(byWriter, text, args)
	return t.Tx.Query(text, args...)
}

func (t *tx) queryRow(text string, args ...any) row { return firstRow(t, text, args...) }

// isDuplicate reports a violated UNIQUE or PRIMARY KEY.
func (t *tx) isDuplicate(err error) bool { return t.s.engine.isDuplicate(err) }
