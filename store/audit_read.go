package store

import (
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

// AuditPage lists the records that match, newest first: those before the given
// seq (0: from the newest), limit at most.
func (s *Store) AuditPage(ctx context.Context, f audit.Filter, before int64, limit int) ([]audit.Entry, error) {
	q, err := s.auditQuery(ctx, f)
	if err != nil {
		return nil, err
	}
	if before > 0 {
		q.before(before)
	}
	return s.auditEntries(ctx, q, `DESC`, limit)
}

// AuditPageAfter is the page on the other side: the limit records that match
// and come right after the given seq, newest first too.
func (s *Store) AuditPageAfter(ctx context.Context, f audit.Filter, after int64, limit int) ([]audit.Entry, error) {
	q, err := s.auditQuery(ctx, f)
	if err != nil {
		return nil, err
	}
	q.after(after)
	list, err := s.auditEntries(ctx, q, `ASC`, limit)
	slices.Reverse(list)
	return list, err
}

func (s *Store) auditEntries(ctx context.Context, q auditQuery, direction string, limit int) ([]audit.Entry, error) {
	text, args := q.rows(entryColumns, direction, int64(pageSize(limit)))
	list, err := collect(ctx, s, scanEntry, text, args...)
	if err != nil {
		return nil, fmt.Errorf("list audit records: %w", err)
	}
	return list, nil
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
// there are more.
func (s *Store) AuditCount(ctx context.Context, f audit.Filter, most int64) (n int64, exact bool, err error) {
	q, err := s.auditQuery(ctx, f)
	if err != nil {
		return 0, false, err
	}
	if q.everything() {
		n, err = s.TreeSize(ctx) // records are numbered without gaps
		return n, true, err
	}
	text, args := q.rows(`r.seq`, ``, most+1)
	err = s.queryRow(ctx, `SELECT count(*) FROM (`+text+`) AS some`, args...).Scan(&n)
	if err != nil {
		return 0, false, fmt.Errorf("count audit records: %w", err)
	}
	return min(n, most), n <= most, nil
}
