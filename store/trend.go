package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"cxseal/internal/trend"
)

// CoverageTotals is the coverage of everything (or of one connection), a
// snapshot a day from the first day there is one to the last day asked for
// (zero: today). A day without a change is as the one before.
func (s *Store) CoverageTotals(ctx context.Context, f trend.Filter) ([]trend.Snapshot, error) {
	var list []trend.Snapshot
	f.DatastoreID, f.TableID = "", ""
	err := s.eachTotal(ctx, f, func(day time.Time, of map[string]trend.Counts) error {
		sum := trend.Snapshot{Day: day, Connection: f.Connection}
		for _, c := range of {
			sum.Counts = sum.Add(c)
		}
		list = append(list, sum)
		return nil
	})
	return list, err
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
	tables := newCarried()
	from, err := s.firstTableDay(ctx, f, tables)
	if err != nil || from < 0 {
		return err
	}
	last := s.lastDay(f)
	for ; from <= last; from += month {
		until := min(from+month-1, last)
		changes, err := s.tableChanges(ctx, f, from, until)
		if err != nil {
			return err
		}
		for day := from; day <= until; day++ {
			changes = tables.take(changes, day)
			if err := tables.emit(day, f.DatastoreID == "" && f.TableID == "", emit); err != nil {
				return err
			}
		}
	}
	return nil
}

// month is how many days are read at a time.
const month = 31

type change struct {
	day int64
	key tableKey
	trend.Counts
}

func scanChange(row scanner) (c change, err error) {
	return c, row.Scan(&c.day, &c.key.connection, &c.key.datastore, &c.key.table, &c.Total, &c.Encrypted, &c.Sensitive, &c.SensitiveEncrypted)
}

const changeColumns = `day, connection, datastore_id, table_id, total, encrypted, sensitive, sensitive_encrypted`

func tableFilter(f trend.Filter) where {
	w := where{}
	w.equals(`connection`, f.Connection)
	w.equals(`datastore_id`, f.DatastoreID)
	w.equals(`table_id`, f.TableID)
	return w
}

// firstTableDay is the day the series begins: the filter's, with the tables as
// they stood before it, or the first there is. It is -1 when there is none.
func (s *Store) firstTableDay(ctx context.Context, f trend.Filter, tables *carried) (int64, error) {
	w := tableFilter(f)
	if f.From.IsZero() {
		var first int64
		err := s.queryRow(ctx, `SELECT coalesce(min(day), -1) FROM coverage_daily`+w.sql(), w.args...).Scan(&first)
		return first, err
	}
	from := trend.DayOf(f.From)
	w.and(`day = (SELECT max(b.day) FROM coverage_daily b WHERE b.connection = c.connection AND b.datastore_id = c.datastore_id
		AND b.table_id = c.table_id AND b.day < ?)`, from)
	before, err := collect(ctx, s, scanChange, `SELECT `+changeColumns+` FROM coverage_daily c`+w.sql(), w.args...)
	if err != nil {
		return -1, fmt.Errorf("read the coverage before: %w", err)
	}
	for _, c := range before {
		tables.put(c)
	}
	return from, nil
}

func (s *Store) tableChanges(ctx context.Context, f trend.Filter, from, until int64) ([]change, error) {
	w := tableFilter(f)
	w.and(`day BETWEEN ? AND ?`, from, until)
	list, err := collect(ctx, s, scanChange, `SELECT `+changeColumns+` FROM coverage_daily`+w.sql()+` ORDER BY day`, w.args...)
	if err != nil {
		return nil, fmt.Errorf("read the coverage: %w", err)
	}
	return list, nil
}

func (s *Store) lastDay(f trend.Filter) int64 {
	today := trend.DayOf(s.now())
	if f.To.IsZero() {
		return today
	}
	return min(today, trend.DayOf(f.To))
}

// carried are tables as they stood when they last changed, in the order of the
// export.
type carried struct {
	order  []tableKey
	counts map[tableKey]trend.Counts
}

func newCarried() *carried { return &carried{counts: map[tableKey]trend.Counts{}} }

func (c *carried) put(ch change) {
	if _, known := c.counts[ch.key]; !known {
		at, _ := slices.BinarySearchFunc(c.order, ch.key, compareKeys)
		c.order = slices.Insert(c.order, at, ch.key)
	}
	c.counts[ch.key] = ch.Counts
}

func compareKeys(a, b tableKey) int {
	return cmp.Or(cmp.Compare(a.connection, b.connection), cmp.Compare(a.datastore, b.datastore), cmp.Compare(a.table, b.table))
}

// take applies the changes of a day and answers those after it.
func (c *carried) take(changes []change, day int64) []change {
	for len(changes) > 0 && changes[0].day == day {
		c.put(changes[0])
		changes = changes[1:]
	}
	return changes
}

// emit writes the day: for each connection its total first, then its tables.
func (c *carried) emit(day int64, totals bool, emit func(trend.Snapshot) error) error {
	at := trend.DayTime(day)
	for i := 0; i < len(c.order); {
		connection, sum, end := c.order[i].connection, trend.Counts{}, i
		for ; end < len(c.order) && c.order[end].connection == connection; end++ {
			sum = sum.Add(c.counts[c.order[end]])
		}
		if totals {
			if err := emit(trend.Snapshot{Day: at, Connection: connection, Counts: sum}); err != nil {
				return err
			}
		}
		for ; i < end; i++ {
			k := c.order[i]
			if err := emit(trend.Snapshot{Day: at, Connection: connection, DatastoreID: k.datastore, TableID: k.table, Counts: c.counts[k]}); err != nil {
				return err
			}
		}
	}
	return nil
}

// eachTotal walks the days of the totals; of holds each connection's.
func (s *Store) eachTotal(ctx context.Context, f trend.Filter, each func(day time.Time, of map[string]trend.Counts) error) error {
	w := where{}
	w.equals(`connection`, f.Connection)
	changes, err := collect(ctx, s, func(row scanner) (c change, err error) {
		return c, row.Scan(&c.day, &c.key.connection, &c.Total, &c.Encrypted, &c.Sensitive, &c.SensitiveEncrypted)
	}, `SELECT day, connection, total, encrypted, sensitive, sensitive_encrypted FROM coverage_totals`+w.sql()+` ORDER BY day`, w.args...)
	if err != nil {
		return fmt.Errorf("read the total coverage: %w", err)
	}
	if len(changes) == 0 {
		return nil
	}
	from := changes[0].day
	if !f.From.IsZero() {
		from = max(from, trend.DayOf(f.From))
	}
	now := map[string]trend.Counts{}
	for day, last := changes[0].day, s.lastDay(f); day <= last; day++ {
		for len(changes) > 0 && changes[0].day <= day {
			now[changes[0].key.connection] = changes[0].Counts
			changes = changes[1:]
		}
		if day >= from {
			if err := each(trend.DayTime(day), now); err != nil {
				return err
			}
		}
	}
	return nil
}
