package store

import (
	"context"
	"database/sql/driver"
	"fmt"
	"math/rand/v2"
	"time"

	"cxseal/internal/rotation"
)

// feedColumns are those that a calendar shows, the key first.
const feedColumns = `connection, datastore_id, table_id, column_name, strategy, interval_days, grace_days, due_at, updated_at,
	key_version, shown, timeliness, sequence`

// LedgerDates calls each with the columns after the key that are due from one
// time until before another, limit at most, with the fields that a calendar shows. Their order is the key's, which never changes: a
// column whose date moves between two calls is neither left out nor given
// twice. The column belongs to the call, and its texts with it: they may not be
// kept.
func (s *Store) LedgerDates(ctx context.Context, from, until time.Time, after *rotation.Key, limit int, each func(*rotation.Column)) (int, error) {
	w := feedFilter(from, until, *after)
	to := &feedSink{each: each}
	n, err := s.engine.emit(ctx, s.pages, to, feedColumns, feedText(w), append(w.args, pageSize(limit))...)
	if err != nil {
		return 0, fmt.Errorf("read rotation dates: %w", err)
	}
	if n > 0 {
		*after = to.last()
	}
	return int(n), nil
}

// feedFilter keeps the planner from an index on due_at (by the +): it would
// sort all that remains for each page.
func feedFilter(from, until time.Time, after rotation.Key) where {
	w := where{}
	w.and(`(connection, datastore_id, table_id, column_name) > (?, ?, ?, ?)`, after.Connection, after.DatastoreID, after.TableID, after.Column)
	w.and(`gone_at IS NULL AND +due_at >= ? AND +due_at < ?`, micros(from), micros(until))
	return w
}

func feedText(w where) string {
	return `SELECT ` + feedColumns + ` FROM rotation_dates` + w.sql() + ` ORDER BY connection, datastore_id, table_id, column_name LIMIT ?`
}

// feedSink reads rows of feedColumns.
type feedSink struct {
	each   func(*rotation.Column)
	column rotation.Column
	key    [4][]byte // of the row at hand; a copy, for the last one is kept
}

func (f *feedSink) row(args []driver.Value) {
	for i := range f.key {
		f.key[i] = bytesOf(f.key[i][:0], args[i])
	}
	c := &f.column
	c.Connection, c.DatastoreID, c.TableID, c.Column = textOf(args[0]), textOf(args[1]), textOf(args[2]), textOf(args[3])
	c.Strategy, c.IntervalDays, c.GraceDays = textOf(args[4]), int(numberOf(args[5])), int(numberOf(args[6]))
	c.DueAt, c.UpdatedAt = time.UnixMicro(numberOf(args[7])).UTC(), time.UnixMicro(numberOf(args[8])).UTC()
	c.KeyVersion, c.Shown = numberOf(args[9]), rotation.Visibility(numberOf(args[10]))
	c.Rotated.Timeliness, c.Sequence = rotation.Timeliness(textOf(args[11])), int(numberOf(args[12]))
	f.each(c)
}

func (f *feedSink) last() rotation.Key {
	return rotation.Key{Connection: string(f.key[0]), DatastoreID: string(f.key[1]), TableID: string(f.key[2]), Column: string(f.key[3])}
}

// textOf is a text; a row that someone else wrote may hold anything.
func textOf(v driver.Value) string {
	if text, ok := v.(string); ok {
		return text
	}
	return string(bytesOf(nil, v))
}

// numberOf is a whole number, 0 for what is none.
func numberOf(v driver.Value) int64 {
	n, _ := v.(int64)
	return n
}

// ledgerMark names the ledger as it is: it is another after every change of
// what people see of it.
const ledgerMark = "rotation_ledger"

// ledgerMoved notes a change of the ledger, if there was one. The mark is
// random, so that a database that was restored and went another way never
// comes by a mark that was seen before.
func (t *tx) ledgerMoved(moved bool) error {
	if !moved {
		return nil
	}
	return t.setMark(ledgerMark, rand.Int64()) //nolint:gosec // G404: it is compared, and keeps nobody out
}

// LedgerMark is another number after every change of the rotation ledger.
func (s *Store) LedgerMark(ctx context.Context) (int64, error) { return s.mark(ctx, ledgerMark) }
