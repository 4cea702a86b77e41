package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"cxseal/internal/audit"
	"cxseal/internal/fault"
)

// scanEntry reads a row for showing. Bytes that are no longer a record (someone
// edited the file) leave an empty Record beside them, so that the page can
// still be drawn; that they are wrong is for the verification to say.
func scanEntry(row scanner) (audit.Entry, error) {
	var (
		e    audit.Entry
		leaf []byte
	)
	if err := row.Scan(&e.Seq, &e.Raw, &leaf); err != nil {
		return audit.Entry{}, err
	}
	copy(e.LeafHash[:], leaf)
	if json.Unmarshal(e.Raw, &e.Record) != nil {
		e.Record = audit.Record{}
	}
	return e, nil
}

const entryColumns = `r.seq, r.record, r.leaf_hash`

// AuditPage is AuditLines with the records whole.
func (s *Store) AuditPage(ctx context.Context, f audit.Filter, before int64, limit int) ([]audit.Entry, error) {
	return auditBefore(ctx, s, f, before, entryColumns, scanEntry, limit)
}

// AuditPageAfter is AuditLinesAfter with the records whole.
func (s *Store) AuditPageAfter(ctx context.Context, f audit.Filter, after int64, limit int) ([]audit.Entry, error) {
	return auditAfter(ctx, s, f, after, entryColumns, scanEntry, limit)
}

// auditLine is the part of a record that a list shows. They are columns of
// their own, so that nothing has to be parsed.
const auditLine = `r.seq, ifnull(r.audit_id, ''), ifnull(r.timestamp, ''), ifnull(r.operation, ''), ifnull(r.outcome, ''),
	ifnull(r.actor, ''), ifnull(r.actor_role, ''), ifnull(r.actor_ip, ''), ifnull(r.connection, ''), ifnull(r.datastore_id, ''),
	ifnull(r.table_id, ''), r.columns, ifnull(r.run_id, ''), ifnull(r.detail, '')`

func scanLine(row scanner) (l audit.Line, err error) {
	var columns any
	err = row.Scan(&l.Seq, &l.AuditID, &l.Timestamp, &l.Operation, &l.Outcome, &l.Actor.Name, &l.Actor.Role, &l.Actor.IP,
		&l.Connection, &l.DatastoreID, &l.TableID, &columns, &l.RunID, &l.Detail)
	l.Columns = columnNames(columns)
	return l, err
}

// AuditLines lists the records that match as a list shows them, newest first:
// those before the given seq (0: from the newest), limit at most. A search that
// takes too long answers audit.ErrSearchStopped, with what it found until then.
func (s *Store) AuditLines(ctx context.Context, f audit.Filter, before int64, limit int) ([]audit.Line, error) {
	return auditBefore(ctx, s, f, before, auditLine, scanLine, limit)
}

// AuditLinesAfter is the page on the other side: the limit records that match
// and come right after the given seq, newest first too.
func (s *Store) AuditLinesAfter(ctx context.Context, f audit.Filter, after int64, limit int) ([]audit.Line, error) {
	return auditAfter(ctx, s, f, after, auditLine, scanLine, limit)
}

func auditBefore[T any](ctx context.Context, s *Store, f audit.Filter, before int64, columns string, scan func(scanner) (T, error), limit int) ([]T, error) {
	q, err := newAuditQuery(f)
	if err != nil {
		return nil, err
	}
	if before > 0 {
		q.before(before)
	}
	return auditRows(ctx, s, q, columns, scan, false, limit)
}

func auditAfter[T any](ctx context.Context, s *Store, f audit.Filter, after int64, columns string, scan func(scanner) (T, error), limit int) ([]T, error) {
	q, err := newAuditQuery(f)
	if err != nil {
		return nil, err
	}
	q.after(after)
	return auditRows(ctx, s, q, columns, scan, true, limit)
}

// auditRows reads a page of a query, newest first: its newest records or, with
// oldest, its oldest.
func auditRows[T any](ctx context.Context, s *Store, q auditQuery, columns string, scan func(scanner) (T, error), oldest bool, limit int) ([]T, error) {
	limit = pageSize(limit)
	if !q.filtered() {
		list, err := unfilteredRows(ctx, s, q, columns, scan, oldest, limit)
		if err != nil {
			return list, fmt.Errorf("list audit records: %w", err)
		}
		return list, nil
	}
	search, done := s.startSearch(ctx, &q)
	defer done()
	var seqs []int64
	walk, err := s.newWalk(search, &q)
	if err == nil {
		seqs, err = walk.list(oldest, limit)
	}
	err = searchError(ctx, search, err)
	if err != nil && !errors.Is(err, audit.ErrSearchStopped) {
		return nil, fmt.Errorf("list audit records: %w", err)
	}
	list, readErr := rowsOf(reading{ctx, s.pages}, columns, scan, seqs) // of a search that was stopped too
	if err := cmp.Or(readErr, err); err != nil {
		return list, fmt.Errorf("list audit records: %w", err)
	}
	return list, nil
}

// unfilteredRows is auditRows without a condition.
func unfilteredRows[T any](ctx context.Context, s *Store, q auditQuery, columns string, scan func(scanner) (T, error), oldest bool, limit int) ([]T, error) {
	var w where
	if q.above > 0 {
		w.and(`r.seq > ?`, q.above)
	}
	if q.below > 0 {
		w.and(`r.seq < ?`, q.below)
	}
	order := `DESC`
	if oldest {
		order = `ASC`
	}
	list, err := collect(ctx, s, scan, `SELECT `+columns+` FROM audit_records r`+w.sql()+` ORDER BY r.seq `+order+` LIMIT ?`, append(w.args, limit)...)
	if oldest {
		slices.Reverse(list)
	}
	return list, err
}

// rowsOf reads some records, newest first.
func rowsOf[T any](from querier, columns string, scan func(scanner) (T, error), seqs []int64) ([]T, error) {
	if len(seqs) == 0 {
		return nil, nil
	}
	text, args := bySeq(columns, seqs)
	list, err := collectFrom(from, scan, text, args...)
	slices.Reverse(list)
	return list, err
}

// AuditEntry returns the record with this id, or fault.NotFound.
func (s *Store) AuditEntry(ctx context.Context, auditID string) (audit.Entry, error) {
	e, err := scanEntry(s.queryRow(ctx, `SELECT `+entryColumns+` FROM audit_records r WHERE r.audit_id = ?`, auditID))
	if errors.Is(err, sql.ErrNoRows) {
		return audit.Entry{}, fault.New(fault.NotFound, "There is no such audit record.")
	}
	if err != nil {
		return audit.Entry{}, fmt.Errorf("read audit record: %w", err)
	}
	return e, nil
}

// AuditCount counts the records that match, up to most; exact is false when
// there are more, or when the search was stopped, which audit.ErrSearchStopped
// says beside what was counted until then.
func (s *Store) AuditCount(ctx context.Context, f audit.Filter, most int64) (n int64, exact bool, err error) {
	q, err := newAuditQuery(f)
	if err != nil {
		return 0, false, err
	}
	if q.everything() {
		n, err = s.TreeSize(ctx) // records are numbered without gaps
		return n, true, err
	}
	search, done := s.startSearch(ctx, &q)
	defer done()
	walk, err := s.newWalk(search, &q)
	if err == nil {
		err = walk.each(false, int(most)+1, func(_ int64, set *recordSet) (bool, error) {
			n += int64(set.count())
			return n <= most, nil
		})
	}
	if err != nil {
		return min(n, most), false, fmt.Errorf("count audit records: %w", searchError(ctx, search, err))
	}
	return min(n, most), n <= most, nil
}
