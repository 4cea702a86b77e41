package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"cxseal/internal/attention"
	"cxseal/internal/audit"
	"cxseal/internal/fault"
)

var _ attention.Store = (*Store)(nil)

const attentionColumns = `seq, id, kind, connection, datastore_id, table_id, columns, left_columns, run_id, detail,
	opened_at, opened_seq, opened_by, resolution, resolved_at, resolved_by, resolved_run,
	owner, note, taken_by, taken_role, taken_at, taken_record`

func attentionFields(i *attention.Item) []any {
	return []any{&i.Seq, &i.ID, &i.Kind, &i.Connection, &i.DatastoreID, &i.TableID, jsonText{&i.Columns}, jsonText{&i.Left}, &i.RunID, &i.Detail,
		stamp{&i.OpenedAt}, &i.OpenedSeq, &i.OpenedBy, &i.Resolution, stamp{&i.ResolvedAt}, &i.ResolvedBy, &i.ResolvedRun,
		&i.Taken.Owner, &i.Taken.Note, &i.Taken.By.Name, &i.Taken.By.Role, stamp{&i.Taken.At}, &i.Taken.AuditID}
}

func scanAttention(row scanner) (i attention.Item, err error) {
	return i, row.Scan(attentionFields(&i)...)
}

func scanAttentionLine(row scanner) (i attention.Item, err error) {
	return i, row.Scan(append(attentionFields(&i), &i.TableName)...)
}

var attentionLines = numbered[attention.Item]{"what needs attention", `SELECT ` + attentionColumns + `,
	coalesce((SELECT nullif(t.name, '') FROM inventory_tables t WHERE t.connection = attention_items.connection
		AND t.datastore_id = attention_items.datastore_id AND t.table_id = attention_items.table_id), table_id) FROM attention_items`, `seq`, scanAttentionLine}

// Attention lists findings that match, newest first: those before the given Seq (0: from the newest), limit at most.
func (s *Store) Attention(ctx context.Context, f attention.Filter, before int64, limit int) ([]attention.Item, error) {
	if err := s.attended(ctx); err != nil {
		return nil, err
	}
	return attentionLines.before(ctx, s, attentionFilter(f), before, limit)
}

// AttentionAfter is the page on the other side of Attention: the limit findings that match and come right after the
// given Seq, newest first too.
func (s *Store) AttentionAfter(ctx context.Context, f attention.Filter, after int64, limit int) ([]attention.Item, error) {
	if err := s.attended(ctx); err != nil {
		return nil, err
	}
	return attentionLines.after(ctx, s, attentionFilter(f), after, limit)
}

func attentionFilter(f attention.Filter) where {
	w := where{}
	w.equals(`state`, string(f.State))
	w.equals(`kind`, string(f.Kind))
	w.equals(`connection`, f.Connection)
	w.equals(`table_id`, f.TableID)
	if f.Owner != "" {
		w.and(`owner = ? AND owner <> ''`, f.Owner)
	}
	if !f.From.IsZero() {
		w.and(`opened_at >= ?`, micros(f.From))
	}
	if !f.To.IsZero() {
		w.and(`opened_at < ?`, micros(f.To))
	}
	return w
}

// AttentionItem returns a finding as the ledger has it now, or fault.NotFound.
func (s *Store) AttentionItem(ctx context.Context, id string) (attention.Item, error) {
	if err := s.attended(ctx); err != nil {
		return attention.Item{}, err
	}
	i, err := scanAttention(s.queryRow(ctx, `SELECT `+attentionColumns+` FROM attention_items WHERE id = ?`, id))
	if errors.Is(err, sql.ErrNoRows) {
		return i, fault.New(fault.NotFound, "There is no such item of attention.")
	}
	if err != nil {
		return i, fmt.Errorf("read what needs attention: %w", err)
	}
	return i, nil
}

// AttentionCounts counts the findings of each kind in each state, as the database's triggers have counted them.
func (s *Store) AttentionCounts(ctx context.Context) (attention.Counts, error) {
	if err := s.attended(ctx); err != nil {
		return nil, err
	}
	type count struct {
		kind  attention.Kind
		state attention.State
		n     int
	}
	list, err := collect(ctx, s, func(row scanner) (c count, err error) { return c, row.Scan(&c.kind, &c.state, &c.n) },
		`SELECT kind, state, items FROM attention_counts WHERE items > 0`)
	if err != nil {
		return nil, fmt.Errorf("count what needs attention: %w", err)
	}
	counts := attention.Counts{}
	for _, c := range list {
		if counts[c.kind] == nil {
			counts[c.kind] = map[attention.State]int{}
		}
		counts[c.kind][c.state] = c.n
	}
	return counts, nil
}

// The marks of the findings: the records that they cover, and the newest month that was looked at.
const (
	attentionMark       = "attention"
	attentionMonthsMark = "attention_months"
)

// attendAtOnce bounds how many records one transaction takes into the findings.
const attendAtOnce = 2000

// attended takes every record that there is into the findings. The writer does so soon after each append (derive), so
// there is rarely anything left. While nothing can be written (a full disk) a page goes on with what there is.
func (s *Store) attended(ctx context.Context) error {
	for {
		var behind, news, month int64
		err := s.queryRow(ctx, `WITH done (seq) AS (SELECT value FROM marks WHERE name = ?)
			SELECT (SELECT coalesce(max(seq), 0) FROM audit_records) - (SELECT seq FROM done), (SELECT value FROM marks WHERE name = ?),
				(SELECT count(*) FROM (SELECT 1 FROM audit_records r WHERE r.seq > (SELECT seq FROM done) AND `+foldedOperations+` LIMIT 1))`,
			attentionMark, attentionMonthsMark).Scan(&behind, &month, &news)
		if err != nil {
			return fmt.Errorf("see how far the findings go: %w", err)
		}
		// Reading writes only where there is something to be found in the newest records.
		if behind <= 0 || news == 0 && !attention.NewMonth(s.now(), monthOf(month)) || !s.writes() {
			return nil
		}
		err = s.write(ctx, (*tx).attend)
		if err != nil && s.writes() {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// writes reports whether anything can be written: the store is open for writing, and its disk is not full.
func (s *Store) writes() bool { return s.writer != nil && s.writer.Broken() == nil }

// foldedOperations are the operations whose records open or settle findings. The plus sign keeps the database from
// reading all records of an operation instead of a few new ones.
var foldedOperations = `+r.operation IN (` + literals(attention.Operations()...) + `)`

// attend takes the next records into the findings.
func (t *tx) attend() error {
	var last, size, month int64
	err := t.queryRow(`SELECT (SELECT value FROM marks WHERE name = ?), (SELECT coalesce(max(seq), 0) FROM audit_records), (SELECT value FROM marks WHERE name = ?)`,
		attentionMark, attentionMonthsMark).Scan(&last, &size, &month)
	if err != nil {
		return fmt.Errorf("see how far the findings go: %w", err)
	}
	size = min(size, last+attendAtOnce)
	if size <= last {
		return nil
	}
	entries, err := collectFrom(t, scanEntry, `SELECT `+entryColumns+` FROM audit_records r WHERE r.seq > ? AND r.seq <= ? AND `+foldedOperations+` ORDER BY r.seq`, last, size)
	if err != nil {
		return fmt.Errorf("read records for the findings: %w", err)
	}
	looked := monthOf(month)
	for _, e := range entries {
		if looked, err = t.attendRecord(e, looked); err != nil {
			return fmt.Errorf("take record %d into the findings: %w", e.Seq, err)
		}
	}
	newest, err := scanLine(t.queryRow(`SELECT `+auditLine+` FROM audit_records r WHERE r.seq = ?`, size))
	if err != nil {
		return fmt.Errorf("read the newest record: %w", err)
	}
	if looked, err = t.attendMonths(newest.Time(), size+1, looked, audit.Record{}); err != nil {
		return err
	}
	if !looked.IsZero() {
		if err := t.setMark(attentionMonthsMark, looked.Unix()); err != nil {
			return err
		}
	}
	return t.setMark(attentionMark, size)
}

func monthOf(mark int64) time.Time {
	if mark == 0 {
		return time.Time{}
	}
	return time.Unix(mark, 0).UTC()
}

// attendRecord takes one record into the findings, and the months that are over by then.
func (t *tx) attendRecord(e audit.Entry, looked time.Time) (time.Time, error) {
	r := e.Record
	looked, err := t.attendMonths(r.Time(), e.Seq, looked, audit.Record{})
	if err != nil {
		return looked, err
	}
	if r.Operation == audit.AuditReview {
		return t.attendMonths(r.Time(), e.Seq+1, looked, r)
	}
	known, err := t.unresolved(r.Connection, r.DatastoreID, r.TableID)
	if err != nil {
		return looked, err
	}
	more := func(condition, value string) error {
		list, err := collectFrom(t, scanAttention, `SELECT `+attentionColumns+` FROM attention_items WHERE `+condition, value)
		for _, i := range list {
			if !holds(known, i.ID) {
				known = append(known, i)
			}
		}
		return err
	}
	if r.RunID != "" {
		if err := more(`run_id = ? AND run_id <> ''`, r.RunID); err != nil {
			return looked, err
		}
	}
	if a, ok := audit.AcknowledgementOf(r); ok {
		if err := more(`id = ?`, a.Item); err != nil {
			return looked, err
		}
	}
	return looked, t.saveAttention(attention.Apply(e, known))
}

func holds(list []attention.Item, id string) bool {
	for i := range list {
		if list[i].ID == id {
			return true
		}
	}
	return false
}

// unresolved are the findings of a table that are not resolved; without a table those about months.
func (t *tx) unresolved(connection, datastoreID, tableID string) ([]attention.Item, error) {
	return collectFrom(t, scanAttention, `SELECT `+attentionColumns+` FROM attention_items
		WHERE connection = ? AND datastore_id = ? AND table_id = ? AND state <> `+literals(attention.Resolved)+` ORDER BY seq`, connection, datastoreID, tableID)
}

// attendMonths opens the findings of months that are over at that time, and resolves those that by, a review, closes.
// before is the seq before which reviews count.
func (t *tx) attendMonths(at time.Time, before int64, looked time.Time, by audit.Record) (time.Time, error) {
	if at.IsZero() || by.AuditID == "" && !attention.NewMonth(at, looked) {
		return looked, nil
	}
	reviews, err := collectFrom(t, scanLine, `SELECT `+auditLine+` FROM audit_records r
		WHERE r.operation = `+literals(audit.AuditReview)+` AND r.seq < ? ORDER BY r.seq`, before)
	if err != nil {
		return looked, fmt.Errorf("read the reviews: %w", err)
	}
	first, err := scanLine(t.queryRow(`SELECT ` + auditLine + ` FROM audit_records r ORDER BY r.seq LIMIT 1`))
	if err != nil {
		return looked, fmt.Errorf("read the first record: %w", err)
	}
	known, err := t.unresolved("", "", "")
	if err != nil {
		return looked, err
	}
	changed, looked := attention.Months(first.Time(), at, reviews, looked, known, by)
	return looked, t.saveAttention(changed)
}

// saveAttention keeps findings that were opened or changed.
func (t *tx) saveAttention(items []attention.Item) error {
	for _, i := range items {
		values := []any{string(i.Kind), string(i.State()), i.Connection, i.DatastoreID, i.TableID, names(i.Columns), names(i.Left), i.RunID, i.Detail,
			micros(i.OpenedAt), i.OpenedSeq, i.OpenedBy, string(i.Resolution), micros(i.ResolvedAt), i.ResolvedBy, i.ResolvedRun,
			i.Taken.Owner, i.Taken.Note, i.Taken.By.Name, i.Taken.By.Role, micros(i.Taken.At), i.Taken.AuditID, i.ID}
		text := `UPDATE attention_items SET kind = ?, state = ?, connection = ?, datastore_id = ?, table_id = ?, columns = ?, left_columns = ?, run_id = ?, detail = ?,
			opened_at = ?, opened_seq = ?, opened_by = ?, resolution = ?, resolved_at = ?, resolved_by = ?, resolved_run = ?,
			owner = ?, note = ?, taken_by = ?, taken_role = ?, taken_at = ?, taken_record = ? WHERE id = ?`
		if i.Seq == 0 {
			text = `INSERT INTO attention_items (kind, state, connection, datastore_id, table_id, columns, left_columns, run_id, detail,
				opened_at, opened_seq, opened_by, resolution, resolved_at, resolved_by, resolved_run,
				owner, note, taken_by, taken_role, taken_at, taken_record, id) VALUES (` + placeholders(23) + `)`
		}
		if _, err := t.exec(text, values...); err != nil {
			return fmt.Errorf("keep a finding: %w", err)
		}
	}
	return nil
}
