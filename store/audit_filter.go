package store

import (
	"context"
	"database/sql"
	"fmt"

	"cxseal/internal/audit"
)

// auditQuery is a filter as SQL: what to read from, which column is the seq,
// and the conditions. Whatever the filter, rows come in the order of seq from
// one index, so that a page costs the same at any depth.
type auditQuery struct {
	where
	from string
	seq  string
}

func (s *Store) auditQuery(ctx context.Context, f audit.Filter) (auditQuery, error) {
	q := auditQuery{from: ` FROM audit_records r`, seq: `r.seq`}
	q.equals(`r.operation`, f.Operation)
	q.equals(`r.outcome`, f.Outcome)
	q.equals(`r.actor`, f.Actor)
	q.equals(`r.connection`, f.Connection)
	q.equals(`r.datastore_id`, f.DatastoreID)
	q.equals(`r.table_id`, f.TableID)
	q.equals(`r.run_id`, f.RunID)
	if f.Query != "" {
		q.words(f.Query)
	}
	return q, s.period(ctx, f, &q)
}

// period turns From and To into a range of seq, and keeps the exact bounds
// beside it. Timestamps all have the same form and zone, so they compare as
// text.
func (s *Store) period(ctx context.Context, f audit.Filter, q *auditQuery) error {
	if f.From.IsZero() && f.To.IsZero() {
		return nil
	}
	const hourLength = len("2006-01-02T15")
	hours := where{}
	if !f.From.IsZero() {
		from := audit.FormatTime(f.From)
		hours.and(`hour >= ?`, from[:hourLength])
		q.and(`r.timestamp >= ?`, from)
	}
	if !f.To.IsZero() {
		to := audit.FormatTime(f.To)
		hours.and(`hour <= ?`, to[:hourLength])
		q.and(`r.timestamp < ?`, to)
	}
	var first, last sql.NullInt64
	err := s.queryRow(ctx, `SELECT min(first_seq), max(last_seq) FROM audit_hours`+hours.sql(), hours.args...).Scan(&first, &last)
	if err != nil {
		return fmt.Errorf("find the period's records: %w", err)
	}
	if !first.Valid {
		q.and(`1 = 0`)
		return nil
	}
	q.and(q.seq+` >= ? AND `+q.seq+` <= ?`, first.Int64, last.Int64)
	return nil
}
