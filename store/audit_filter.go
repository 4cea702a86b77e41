package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"cxseal/internal/audit"
)

// auditQuery is a filter as SQL. Whatever the filter, rows come in the order of
// seq from an index, so that a page costs the same at any depth.
type auditQuery struct {
	where
	from string // what to read from
	seq  string // the column that is the seq there

	// above and below bound the seq, both exclusive; 0 is open. Paging and periods
	// share one condition a side: with two bounds on one side SQLite seeks to the
	// first and walks past the rest row by row.
	above, below int64

	// fields each ask for one of several values of a column. The first one drives
	// the query: its index gives the rows in order, and the others are compared
	// row by row.
	fields []alternatives
	// few says that the first of fields leaves few records.
	few bool
	// routine says that the console asks by itself (audit.Filter.Routine).
	routine bool
}

// alternatives are the values of a column that are asked for. An index gives
// the rows of one value in order, but not those of several; so the field that
// drives a query is one SELECT a value, which the database merges.
type alternatives struct {
	column string
	values []any
}

// in is the condition. The unary plus keeps the column's own index out of it:
// another one is giving the order.
func (a alternatives) in() string {
	return `+` + a.column + ` IN (` + placeholders(len(a.values)) + `)`
}

// from reads the records by the column's index. It is named because the database
// would walk the whole log for a value that its statistics, if somebody made
// some, take for common.
func (a alternatives) from() string {
	return fromRecords + ` INDEXED BY audit_records_` + strings.TrimPrefix(a.column, `r.`)
}

// auditColumns are the columns that the search box's fields look at, those
// first that divide the log into smaller parts.
var auditColumns = []struct {
	field  audit.Field
	column string
}{
	{audit.FieldRun, `r.run_id`},
	{audit.FieldTable, `r.table_id`},
	{audit.FieldDatastore, `r.datastore_id`},
	{audit.FieldOperation, `r.operation`},
	{audit.FieldActor, `r.actor`},
	{audit.FieldConnection, `r.connection`},
	{audit.FieldRole, `r.actor_role`},
	{audit.FieldOutcome, `r.outcome`},
}

// fromRecords reads the log itself, rather than by an index of its words.
const fromRecords = ` FROM audit_records r`

func (s *Store) auditQuery(ctx context.Context, f audit.Filter) (auditQuery, error) {
	q := auditQuery{from: fromRecords, seq: `r.seq`, routine: f.Routine}
	wish, err := f.Resolve()
	if err != nil {
		return q, err
	}
	if wish.Nothing {
		q.and(`1 = 0`)
		return q, nil
	}
	for _, c := range auditColumns {
		in, notIn := wish.Values(c.field)
		if len(in) > 0 {
			a := alternatives{column: c.column}
			for _, value := range in {
				a.values = append(a.values, value)
			}
			q.fields = append(q.fields, a)
		}
		for _, value := range notIn {
			q.and(c.column+` IS DISTINCT FROM ?`, value)
		}
	}
	byColumn, _ := wish.Values(audit.FieldColumn)
	if len(q.fields) > 1 || len(wish.Words)+len(byColumn) > 0 {
		if err := s.rarestFirst(ctx, &q); err != nil {
			return q, err
		}
	}
	if err := s.engine.search(ctx, s, wish, &q); err != nil {
		return q, err
	}
	return q, s.period(ctx, wish, &q)
}

// rarestFirst lets the field drive that leaves the fewest records, as far as
// they are quickly counted. The database keeps no statistics, and walking a
// common value for want of a rare one can take the whole log.
func (s *Store) rarestFirst(ctx context.Context, q *auditQuery) error {
	rarest, fewest := 0, s.few+1
	for i, a := range q.fields {
		var n int64
		err := s.queryRow(ctx, `SELECT count(*) FROM (SELECT 1`+a.from()+` WHERE `+a.column+` IN (`+placeholders(len(a.values))+`) LIMIT ?) AS some`,
			append(slices.Clone(a.values), s.few+1)...).Scan(&n)
		if err != nil {
			return fmt.Errorf("estimate a search: %w", err)
		}
		if n < fewest {
			rarest, fewest = i, n
		}
		if n <= s.few/20 {
			break // it hardly matters which of so few
		}
	}
	if len(q.fields) > 0 {
		q.fields[0], q.fields[rarest] = q.fields[rarest], q.fields[0]
	}
	q.few = fewest <= s.few
	return nil
}

// everything reports a query without conditions.
func (q *auditQuery) everything() bool {
	return len(q.terms) == 0 && len(q.fields) == 0 && q.above == 0 && q.below == 0
}

// after narrows the query to records after a seq.
func (q *auditQuery) after(seq int64) { q.above = max(q.above, seq) }

// before narrows the query to records before a seq.
func (q *auditQuery) before(seq int64) {
	if q.below == 0 || seq < q.below {
		q.below = seq
	}
}

// rows is the SELECT of a list of columns, seq among them, with its arguments.
// order is ASC, DESC or empty for any.
func (q *auditQuery) rows(list, order string, limit int64) (string, []any) {
	all := where{terms: slices.Clone(q.terms), args: slices.Clone(q.args)}
	if q.above > 0 {
		all.and(q.seq+` > ?`, q.above)
	}
	if q.below > 0 {
		all.and(q.seq+` < ?`, q.below)
	}
	branches := []where{all}
	from := q.from
	for i, a := range q.fields {
		if i > 0 || q.seq != `r.seq` {
			for b := range branches {
				branches[b].and(a.in(), a.values...)
			}
			continue
		}
		branches, from = nil, a.from()
		for _, v := range a.values {
			w := where{terms: slices.Clone(all.terms), args: slices.Clone(all.args)}
			w.and(a.column+` = ?`, v)
			branches = append(branches, w)
		}
	}
	var text strings.Builder
	var args []any
	for i := range branches {
		if i > 0 {
			text.WriteString(` UNION ALL `)
		}
		text.WriteString(`SELECT ` + list + from + branches[i].sql())
		args = append(args, branches[i].args...)
	}
	if order != "" {
		by := q.seq
		if len(branches) > 1 {
			by = `seq` // of the merged rows
		}
		text.WriteString(` ORDER BY ` + by + ` ` + order)
	}
	text.WriteString(` LIMIT ?`)
	return text.String(), append(args, limit)
}

// hourLength is how much of a timestamp names its hour.
const hourLength = len("2006-01-02T15")

// period turns From and To into a range of seq, and keeps the exact bounds
// beside it. Timestamps all have the same form and zone, so they compare as
// text.
func (s *Store) period(ctx context.Context, wish audit.Query, q *auditQuery) error {
	if wish.From.IsZero() && wish.To.IsZero() {
		return nil
	}
	hours := where{}
	if !wish.From.IsZero() {
		from := audit.FormatTime(wish.From)
		hours.and(`hour >= ?`, from[:hourLength])
		q.and(`r.timestamp >= ?`, from)
	}
	if !wish.To.IsZero() {
		to := audit.FormatTime(wish.To)
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
	q.after(first.Int64 - 1)
	q.before(last.Int64 + 1)
	return nil
}
