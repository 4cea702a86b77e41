package store

import (
	"context"
	"fmt"
	"time"

	"cxseal/internal/audit"
	"cxseal/internal/trend"
)

// CoverageAtEnds lists every known table with the last counts before a period begins and before it ends. Counts are
// of the end of a UTC day, so those of the day in which an end lies are not before it. A zero from has none before
// it, and a zero to has all.
func (s *Store) CoverageAtEnds(ctx context.Context, from, to time.Time) ([]audit.TableCoverage, error) {
	list, err := collectFrom(reading{ctx, s.long}, func(row scanner) (t audit.TableCoverage, err error) {
		return t, row.Scan(&t.Connection, &t.DatastoreID, &t.TableID, &t.Name)
	}, `SELECT connection, datastore_id, table_id, name FROM inventory_tables
		UNION SELECT connection, datastore_id, table_id, '' FROM coverage_daily c WHERE NOT EXISTS (SELECT 1 FROM inventory_tables t
			WHERE t.connection = c.connection AND t.datastore_id = c.datastore_id AND t.table_id = c.table_id)`)
	if err != nil {
		return nil, fmt.Errorf("list the tables of the coverage: %w", err)
	}
	start, err := s.figuresBefore(ctx, from)
	if err != nil {
		return nil, err
	}
	if to.IsZero() {
		to = s.now().AddDate(0, 0, 1) // with today
	}
	end, err := s.figuresBefore(ctx, to)
	if err != nil {
		return nil, err
	}
	for i := range list {
		k := trend.Key{Connection: list[i].Connection, DatastoreID: list[i].DatastoreID, TableID: list[i].TableID}
		list[i].Start, list[i].End = start[k], end[k]
	}
	return list, nil
}

// figuresBefore returns the newest figures of each table from before the day of a time, none for the zero time.
func (s *Store) figuresBefore(ctx context.Context, at time.Time) (map[trend.Key]*audit.CoverageFigures, error) {
	if at.IsZero() {
		return nil, nil
	}
	changes, err := s.lastChanges(ctx, trend.Filter{}, trend.DayOf(at))
	if err != nil {
		return nil, err
	}
	figures := make(map[trend.Key]*audit.CoverageFigures, len(changes))
	for _, c := range changes {
		f := figuresOf(c.Counts)
		figures[c.Key] = &f
	}
	return figures, nil
}

// figuresOf returns counts as an evidence pack shows them.
func figuresOf(c trend.Counts) audit.CoverageFigures {
	return audit.CoverageFigures{Total: c.Total, Encrypted: c.Encrypted, Sensitive: c.Sensitive,
		Verified: c.Protected.Verified, Unverified: c.Protected.Unverified, Refused: c.Protected.Refused}
}
