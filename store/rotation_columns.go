package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"cxseal/internal/audit"
	"cxseal/internal/encryption"
	"cxseal/internal/inventory"
	"cxseal/internal/rotation"
)

const ledgerColumns = `connection, datastore_id, table_id, column_name, strategy, interval_days, grace_days, due_at, origin, run_id,
	first_seen, updated_at, key_version, shown, seen_at, rotated_at, rotated_how, rotated_due, old_seen_at, timeliness,
	back_at, back_to, phase, next_at, sequence, wants_run, gone_at`

func ledgerFields(c *rotation.Column) []any {
	return []any{&c.Connection, &c.DatastoreID, &c.TableID, &c.Column, &c.Strategy, &c.IntervalDays, &c.GraceDays, stamp{&c.DueAt}, &c.Origin, &c.RunID,
		stamp{&c.FirstSeen}, stamp{&c.UpdatedAt}, &c.KeyVersion, &c.Shown, stamp{&c.SeenAt},
		stamp{&c.Rotated.At}, &c.Rotated.How, stamp{&c.Rotated.Due}, stamp{&c.Rotated.OldSeenAt}, &c.Rotated.Timeliness,
		stamp{&c.BackAt}, &c.BackTo, &c.Phase, stamp{&c.NextAt}, &c.Sequence, &c.WantsRun, stamp{&c.GoneAt}}
}

func scanLedger(row scanner) (c rotation.Column, err error) {
	return c, row.Scan(ledgerFields(&c)...)
}

// scanLedgerLine reads a column with the name of its table.
func scanLedgerLine(row scanner) (c rotation.Column, err error) {
	return c, row.Scan(append(ledgerFields(&c), &c.TableName)...)
}

// saveLedgerText replaces every column but those of the key.
var saveLedgerText = func() string {
	var set []string
	for name := range strings.SplitSeq(ledgerColumns, ",") {
		switch name = strings.TrimSpace(name); name {
		case "connection", "datastore_id", "table_id", "column_name":
		default:
			set = append(set, name+" = excluded."+name)
		}
	}
	return `INSERT INTO rotation_dates (` + ledgerColumns + `) VALUES (` + placeholders(27) + `)
		ON CONFLICT (connection, datastore_id, table_id, column_name) DO UPDATE SET ` + strings.Join(set, ", ")
}()

// saveLedger inserts or replaces a column's row.
func (t *tx) saveLedger(c rotation.Column) error {
	_, err := t.exec(saveLedgerText,
		c.Connection, c.DatastoreID, c.TableID, c.Column, c.Strategy, c.IntervalDays, c.GraceDays, micros(c.DueAt), string(c.Origin), c.RunID,
		micros(c.FirstSeen), micros(c.UpdatedAt), c.KeyVersion, int(c.Shown), micros(c.SeenAt),
		micros(c.Rotated.At), string(c.Rotated.How), micros(c.Rotated.Due), micros(c.Rotated.OldSeenAt), string(c.Rotated.Timeliness),
		micros(c.BackAt), c.BackTo, int(c.Phase), micros(c.NextAt), c.Sequence, c.WantsRun, micros(c.GoneAt))
	if err != nil {
		return fmt.Errorf("save the rotation of %s: %w", c.Column, err)
	}
	return nil
}

// ledgerOf reads what the ledger knows of a table's columns, by name.
func (t *tx) ledgerOf(connection, datastoreID, tableID string) (map[string]rotation.Column, error) {
	list, err := collectFrom(t, scanLedger, `SELECT `+ledgerColumns+` FROM rotation_dates WHERE connection = ? AND datastore_id = ? AND table_id = ?`,
		connection, datastoreID, tableID)
	if err != nil {
		return nil, fmt.Errorf("read rotations: %w", err)
	}
	known := make(map[string]rotation.Column, len(list))
	for _, c := range list {
		known[c.Column] = c
	}
	return known, nil
}

// observeRun updates the ledger by what a run's step shows.
func (t *tx) observeRun(tr *encryption.Transition) error {
	if len(tr.Rotations) == 0 {
		return nil
	}
	known, err := t.ledgerOf(tr.Run.Connection, tr.Run.DatastoreID, tr.Run.TableID)
	if err != nil {
		return err
	}
	policies, err := t.policies()
	if err != nil {
		return err
	}
	return t.changeLedger(rotation.AfterRun(tr, known, policies))
}

// observeTable updates the ledger by a table that was read.
func (t *tx) observeTable(at time.Time, table inventory.Table, columns []inventory.Column) error {
	known, err := t.ledgerOf(table.Connection, table.DatastoreID, table.TableID)
	if err != nil {
		return err
	}
	read := make([]rotation.Reading, len(columns))
	for i, c := range columns {
		read[i] = rotation.Reading{Column: c.Name, Encrypted: c.Encrypted, KeyVersion: c.KeyVersion,
			Strategy: c.Strategy, IntervalDays: c.IntervalDays, Next: c.NextRotation}
	}
	var policies rotation.Policies
	if rotation.AnyNew(read, known) {
		if policies, err = t.policies(); err != nil {
			return err
		}
	}
	key := rotation.Key{Connection: table.Connection, DatastoreID: table.DatastoreID, TableID: table.TableID}
	return t.changeLedger(rotation.AfterReading(key, at, read, known, policies))
}

// changeLedger keeps the change that a fact makes to the ledger, with its records.
func (t *tx) changeLedger(changes rotation.Changes) error {
	for _, c := range changes.Moved {
		if err := t.saveLedger(c); err != nil {
			return err
		}
	}
	for _, c := range changes.Seen {
		if err := t.touchLedger(c); err != nil {
			return err
		}
	}
	if err := t.ledgerMoved(len(changes.Moved) > 0); err != nil {
		return err
	}
	return t.appendRecords(changes.Records)
}

// appendRecords appends records that only the transaction could make.
func (t *tx) appendRecords(records []audit.Record) error {
	raw, err := canonical(records)
	if err != nil {
		return err
	}
	return t.append(raw)
}

// touchLedger notes a sighting without touching an index.
func (t *tx) touchLedger(c rotation.Column) error {
	_, err := t.exec(`UPDATE rotation_dates SET seen_at = ? WHERE connection = ? AND datastore_id = ? AND table_id = ? AND column_name = ?`,
		micros(c.SeenAt), c.Connection, c.DatastoreID, c.TableID, c.Column)
	if err != nil {
		return fmt.Errorf("note a sighting of %s: %w", c.Column, err)
	}
	return nil
}

// knowable is rotation.Column.Knowable in SQL.
var knowable = fmt.Sprintf(`(key_version > 0 AND (shown <> %d OR strategy = %s))`,
	rotation.VersionHidden, literals(encryption.Manual))

// grace is a column's in microseconds.
const grace = `grace_days * 86400000000`

func ledgerFilter(f rotation.Filter) where {
	w := where{}
	w.and(`gone_at IS NULL`)
	w.equals(`connection`, f.Connection)
	w.equals(`datastore_id`, f.DatastoreID)
	w.equals(`table_id`, f.TableID)
	if !f.From.IsZero() {
		w.and(`due_at >= ?`, micros(f.From))
	}
	if !f.Until.IsZero() {
		w.and(`due_at < ?`, micros(f.Until))
	}
	now := f.Now.UnixMicro()
	// The longest lead is shorter for short intervals; rotation.Leads has why.
	soon := `due_at <= ? + max(CASE WHEN interval_days * 43200000000 >= ? THEN ? ELSE 0 END, CASE WHEN interval_days * 43200000000 >= ? THEN ? ELSE 0 END)`
	first, second := f.Leads.First.Microseconds(), f.Leads.Second.Microseconds()
	leads := []any{now, first, first, second, second}
	switch f.Status {
	case rotation.StatusUnknown:
		w.and(`NOT ` + knowable)
	case rotation.StatusOverdue:
		w.and(knowable+` AND due_at <= ? AND due_at + `+grace+` <= ?`, now, now)
	case rotation.StatusDue:
		w.and(knowable+` AND due_at <= ? AND due_at + `+grace+` > ?`, now, now)
	case rotation.StatusSoon:
		w.and(knowable+` AND due_at > ?`, now)
		w.and(soon, leads...)
	case rotation.StatusLate, rotation.StatusOnTime:
		equals := `<>`
		if f.Status == rotation.StatusLate {
			equals = `=`
		}
		w.and(knowable + ` AND timeliness ` + equals + ` ` + literals(rotation.Late))
		w.and(`due_at > ? AND NOT `+soon, append([]any{now}, leads...)...)
	}
	return w
}

// Ledger lists columns of the rotation ledger, soonest due first: those after
// the given one (nil: from the soonest), limit at most.
func (s *Store) Ledger(ctx context.Context, f rotation.Filter, after *rotation.Column, limit int) ([]rotation.Column, error) {
	w := ledgerFilter(f)
	if after != nil {
		w.and(`(due_at, connection, datastore_id, table_id, column_name) > (?, ?, ?, ?, ?)`,
			micros(after.DueAt), after.Connection, after.DatastoreID, after.TableID, after.Column)
	}
	list, err := collect(ctx, s, scanLedgerLine, ledgerText(w), append(w.args, pageSize(limit))...)
	if err != nil {
		return nil, fmt.Errorf("list rotations: %w", err)
	}
	return list, nil
}

// ledgerTableName is what people call a column's table; its id where the
// inventory has not met it.
const ledgerTableName = `coalesce((SELECT nullif(t.name, '') FROM inventory_tables t WHERE t.connection = rotation_dates.connection
	AND t.datastore_id = rotation_dates.datastore_id AND t.table_id = rotation_dates.table_id), table_id)`

func ledgerText(w where) string {
	return `SELECT ` + ledgerColumns + `, ` + ledgerTableName + ` FROM rotation_dates` + w.sql() + ` ORDER BY due_at, connection, datastore_id, table_id, column_name LIMIT ?`
}

// LedgerCounts counts columns that are overdue, due and due soon.
func (s *Store) LedgerCounts(ctx context.Context, now time.Time, leads rotation.Leads) (map[rotation.Status]int, error) {
	counts := map[rotation.Status]int{}
	for _, status := range []rotation.Status{rotation.StatusOverdue, rotation.StatusDue, rotation.StatusSoon} {
		w := ledgerFilter(rotation.Filter{Status: status, Now: now, Leads: leads})
		var n int
		if err := s.queryRow(ctx, `SELECT count(*) FROM rotation_dates INDEXED BY rotation_dates_live`+w.sql(), w.args...).Scan(&n); err != nil {
			return nil, fmt.Errorf("count rotations: %w", err)
		}
		counts[status] = n
	}
	return counts, nil
}

// LedgerDays counts the columns that are due on each UTC day.
func (s *Store) LedgerDays(ctx context.Context, f rotation.Filter) (map[string]int, error) {
	w := ledgerFilter(f)
	type dayCount struct{ day, n int }
	list, err := collect(ctx, s, func(row scanner) (d dayCount, err error) { return d, row.Scan(&d.day, &d.n) },
		`SELECT due_at / 86400000000, count(*) FROM rotation_dates`+w.sql()+` GROUP BY 1`, w.args...)
	if err != nil {
		return nil, fmt.Errorf("count rotations by day: %w", err)
	}
	days := make(map[string]int, len(list))
	for _, d := range list {
		days[time.Unix(int64(d.day)*86400, 0).UTC().Format(time.DateOnly)] = d.n
	}
	return days, nil
}

// ColumnCategory is a column's sensitivity category, empty for none.
func (s *Store) ColumnCategory(ctx context.Context, key rotation.Key) (category string, err error) {
	err = s.queryRow(ctx, categoryText, key.Connection, key.DatastoreID, key.TableID, key.Column).Scan(&category)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("read a column's category: %w", err)
	}
	return category, nil
}

const categoryText = `SELECT category FROM inventory_columns WHERE connection = ? AND datastore_id = ? AND table_id = ? AND name = ?`
