package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"cxseal/internal/trend"
)

// CoverageTotals is the coverage of everything (or of one connection), a
// snapshot a day from the first day there is one to the last day asked for
// (zero: today). A day without a change is as the one before.
func (s *Store) CoverageTotals(ctx context.Context, f trend.Filter) ([]trend.Snapshot, error) {
	w := where{}
	w.equals(`connection`, f.Connection)
	changes, err := collect(ctx, s, func(row scanner) (c trend.Change, err error) {
		return c, row.Scan(append(append([]any{&c.Day, &c.Connection}, countFields(&c.Counts)...), &c.Decided.Out, &c.Decided.In)...)
	}, `SELECT day, connection, `+countColumns+`, decided_out, decided_in FROM coverage_totals`+w.sql()+` ORDER BY day`, w.args...)
	if err != nil {
		return nil, fmt.Errorf("read the total coverage: %w", err)
	}
	return trend.Totals(changes, f, s.now()), nil
}

// CoverageEvents lists what the chart marks, oldest first, the newest limit of
// them.
func (s *Store) CoverageEvents(ctx context.Context, f trend.Filter, limit int) ([]trend.Event, error) {
	w := days(f)
	for i := range w.terms {
		w.terms[i] = "e." + w.terms[i]
	}
	w.equals(`e.connection`, f.Connection)
	w.equals(`e.datastore_id`, f.DatastoreID)
	w.equals(`e.table_id`, f.TableID)
	scan := func(row scanner) (e trend.Event, err error) {
		return e, row.Scan(&e.Seq, stamp{&e.At}, &e.Connection, &e.DatastoreID, &e.TableID, &e.TableName, &e.Kind, &e.Reason, &e.RunID)
	}
	list, err := collect(ctx, s, scan, `SELECT e.seq, e.at, e.connection, e.datastore_id, e.table_id, coalesce(t.name, e.table_id), e.kind, e.reason, e.run_id
		FROM coverage_events e LEFT JOIN inventory_tables t
			ON t.connection = e.connection AND t.datastore_id = e.datastore_id AND t.table_id = e.table_id`+w.sql()+
		` ORDER BY e.day DESC, e.seq DESC LIMIT ?`, append(w.args, limit)...)
	if err != nil {
		return nil, fmt.Errorf("list what changed the coverage: %w", err)
	}
	slices.Reverse(list)
	return list, nil
}

// CoverageDaily emits a snapshot a day: of each connection's total (unless the
// filter names a data store or a table), then of each table, by date,
// connection, data store and table. It reads a month at a time.
func (s *Store) CoverageDaily(ctx context.Context, f trend.Filter, emit func(trend.Snapshot) error) error {
	var tables trend.Tables
	from, ok, err := s.firstTableDay(ctx, f, &tables)
	if err != nil || !ok {
		return err
	}
	totals := f.DatastoreID == "" && f.TableID == ""
	for last := f.LastDay(s.now()); from <= last; from += month {
		until := min(from+month-1, last)
		changes, err := s.tableChanges(ctx, f, from, until)
		if err != nil {
			return err
		}
		if err := tables.Days(changes, from, until, totals, emit); err != nil {
			return err
		}
	}
	return nil
}

// month is how many days are read at a time.
const month = 31

func scanChange(row scanner) (c trend.Change, err error) {
	return c, row.Scan(append(append([]any{&c.Day, &c.Connection, &c.DatastoreID, &c.TableID}, countFields(&c.Counts)...), &c.Decided.Out, &c.Decided.In)...)
}

const changeColumns = `day, connection, datastore_id, table_id, ` + countColumns + `, decided_out, decided_in`

func tableFilter(f trend.Filter) where {
	w := where{}
	w.equals(`connection`, f.Connection)
	w.equals(`datastore_id`, f.DatastoreID)
	w.equals(`table_id`, f.TableID)
	return w
}

// firstTableDay returns the day on which the series begins: the filter's, or the first that has a figure if that is
// later. It puts the tables as they stood before that day. ok is false when no day has a figure.
func (s *Store) firstTableDay(ctx context.Context, f trend.Filter, tables *trend.Tables) (day int64, ok bool, err error) {
	w := tableFilter(f)
	var first sql.NullInt64
	if err := firstRow(s.coverageReader(ctx, f), `SELECT min(day) FROM coverage_daily`+w.sql(), w.args...).Scan(&first); err != nil || !first.Valid {
		return 0, false, err
	}
	if f.From.IsZero() || trend.DayOf(f.From) <= first.Int64 {
		return first.Int64, true, nil
	}
	from := trend.DayOf(f.From)
	before, err := s.lastChanges(ctx, f, from)
	if err != nil {
		return 0, false, err
	}
	for _, c := range before {
		tables.Put(c)
	}
	return from, true, nil
}

// lastChanges returns the newest counts before a day of each table that the filter names.
func (s *Store) lastChanges(ctx context.Context, f trend.Filter, day int64) ([]trend.Change, error) {
	w := tableFilter(f)
	w.and(`day = (SELECT max(b.day) FROM coverage_daily b WHERE b.connection = c.connection AND b.datastore_id = c.datastore_id
		AND b.table_id = c.table_id AND b.day < ?)`, day)
	list, err := collectFrom(s.coverageReader(ctx, f), scanChange, `SELECT `+changeColumns+` FROM coverage_daily c`+w.sql(), w.args...)
	if err != nil {
		return nil, fmt.Errorf("read the coverage before: %w", err)
	}
	return list, nil
}

func (s *Store) tableChanges(ctx context.Context, f trend.Filter, from, until int64) ([]trend.Change, error) {
	w := tableFilter(f)
	w.and(`day BETWEEN ? AND ?`, from, until)
	list, err := collectFrom(s.coverageReader(ctx, f), scanChange, `SELECT `+changeColumns+` FROM coverage_daily`+w.sql()+` ORDER BY day`, w.args...)
	if err != nil {
		return nil, fmt.Errorf("read the coverage: %w", err)
	}
	return list, nil
}

// coverageReader reads the history of one table for its page, and that of all
// tables, which takes long, for a download or an evidence pack.
func (s *Store) coverageReader(ctx context.Context, f trend.Filter) reading {
	if f.TableID != "" {
		return reading{ctx, s.pages}
	}
	return reading{ctx, s.long}
}
