package store

import (
	"database/sql"
	"errors"
	"fmt"
	"time"

	"cxseal/internal/audit"
	"cxseal/internal/encryption"
	"cxseal/internal/inventory"
	"cxseal/internal/protection"
	"cxseal/internal/sensitivity"
	"cxseal/internal/trend"
)

// tableKey names a table in the database.
type tableKey struct{ connection, datastore, table string }

func (k tableKey) args(more ...any) []any {
	return append([]any{k.connection, k.datastore, k.table}, more...)
}

const ofTable = `connection = ?1 AND datastore_id = ?2 AND table_id = ?3`

// countColumns are the counts as coverage_daily and coverage_totals have them.
const countColumns = `total, encrypted, sensitive, sensitive_verified, sensitive_unverified, sensitive_refused`

// setCountColumns replaces a row's counts by those that came in its way.
const setCountColumns = `total = excluded.total, encrypted = excluded.encrypted, sensitive = excluded.sensitive,
	sensitive_verified = excluded.sensitive_verified, sensitive_unverified = excluded.sensitive_unverified, sensitive_refused = excluded.sensitive_refused`

// countFields are where a row's counts are read to.
func countFields(c *trend.Counts) []any {
	return []any{&c.Total, &c.Encrypted, &c.Sensitive, &c.Protected.Verified, &c.Protected.Unverified, &c.Protected.Refused}
}

// countValues are the counts in the order of countColumns.
func countValues(c trend.Counts) []any {
	return []any{c.Total, c.Encrypted, c.Sensitive, c.Protected.Verified, c.Protected.Unverified, c.Protected.Refused}
}

// countsOf are the table's counts as the coverage has them now: zero for a
// table that is not known, was never read or is gone.
func (t *tx) countsOf(k tableKey) (trend.Counts, error) {
	var c trend.Counts
	err := t.queryRow(`SELECT total_columns, encrypted_columns, sensitive_columns, sensitive_verified, sensitive_unverified, sensitive_refused
		FROM inventory_tables WHERE gone_at IS NULL AND `+ofTable, k.args()...).
		Scan(countFields(&c)...)
	if errors.Is(err, sql.ErrNoRows) {
		return c, nil
	}
	if err != nil {
		return c, fmt.Errorf("read the coverage of %s: %w", k.table, err)
	}
	return c, nil
}

// countsOfColumn are one column's counts: the zero value when it is not there.
func countsOfColumn(state sensitivity.State, c protection.Column) trend.Counts {
	counts := trend.Counts{Total: 1}
	if c.Encrypted {
		counts.Encrypted = 1
	}
	if state != sensitivity.Sensitive {
		return counts
	}
	counts.Sensitive = 1
	switch c.State() {
	case protection.Verified:
		counts.Protected.Verified = 1
	case protection.Unverified:
		counts.Protected.Unverified = 1
	case protection.Refused:
		counts.Protected.Refused = 1
	case protection.Unprotected:
	}
	return counts
}

// isSensitive is the condition of a column that counts as sensitive.
var isSensitive = `state = ` + literals(sensitivity.Sensitive)

// recount counts the table's columns again and keeps the new coverage. A table
// that is gone has none.
func (t *tx) recount(k tableKey, at time.Time, before trend.Counts, why trend.Cause) error {
	now, err := t.countColumns(k)
	if err != nil {
		return err
	}
	return t.setCounts(k, at, before, now, why)
}

// recountMembers is recount for a change of what is counted, and of nothing else.
func (t *tx) recountMembers(k tableKey, at time.Time, before trend.Counts, why trend.Cause) error {
	now, err := t.countColumns(k)
	if err != nil {
		return err
	}
	why.Members = now.Sub(before)
	return t.setCounts(k, at, before, now, why)
}

// countColumns counts the columns of a table, and keeps how many of them are under
// a later key version; a table that is gone has none.
func (t *tx) countColumns(k tableKey) (now trend.Counts, err error) {
	var observed int
	err = t.queryRow(`SELECT count(*), count(*) FILTER (WHERE encrypted), count(*) FILTER (WHERE `+isSensitive+`),
			count(*) FILTER (WHERE `+isSensitive+` AND protection = `+literals(protection.Verified)+`),
			count(*) FILTER (WHERE `+isSensitive+` AND protection = `+literals(protection.Unverified)+`),
			count(*) FILTER (WHERE `+isSensitive+` AND protection = `+literals(protection.Refused)+`),
			count(*) FILTER (WHERE `+isSensitive+` AND observed = 1)
		FROM inventory_columns WHERE gone_at IS NULL AND `+ofTable+`
			AND NOT EXISTS (SELECT 1 FROM inventory_tables WHERE gone_at IS NOT NULL AND `+ofTable+`)`, k.args()...).
		Scan(append(countFields(&now), &observed)...)
	if err != nil {
		return now, fmt.Errorf("count the columns of %s: %w", k.table, err)
	}
	if _, err := t.exec(`UPDATE inventory_tables SET sensitive_observed = ?4 WHERE sensitive_observed <> ?4 AND `+ofTable, k.args(observed)...); err != nil {
		return now, fmt.Errorf("keep the coverage of %s: %w", k.table, err)
	}
	return now, nil
}

// setCounts keeps the table's new counts, the snapshots of the day and the
// event that trend.Recount makes of them.
func (t *tx) setCounts(k tableKey, at time.Time, before, now trend.Counts, why trend.Cause) error {
	if now == before && why.Decided == (trend.Moves{}) {
		return nil
	}
	total, err := t.totalOf(k.connection)
	if err != nil {
		return err
	}
	r := trend.Recount(at, before, now, total, why)
	if _, err := t.exec(`UPDATE inventory_tables SET total_columns = ?4, encrypted_columns = ?5, sensitive_columns = ?6,
			sensitive_verified = ?7, sensitive_unverified = ?8, sensitive_refused = ?9
		WHERE `+ofTable, k.args(countValues(now)...)...); err != nil {
		return fmt.Errorf("keep the coverage of %s: %w", k.table, err)
	}
	if _, err := t.exec(`INSERT INTO coverage_daily (connection, datastore_id, table_id, day, `+countColumns+`, decided_out, decided_in)
		VALUES (`+placeholders(12)+`)
		ON CONFLICT (connection, datastore_id, table_id, day) DO UPDATE SET `+setCountColumns+`,
			decided_out = coverage_daily.decided_out + excluded.decided_out, decided_in = coverage_daily.decided_in + excluded.decided_in`,
		k.args(append(append([]any{r.Day}, countValues(now)...), why.Decided.Out, why.Decided.In)...)...); err != nil {
		return fmt.Errorf("keep the day's coverage of %s: %w", k.table, err)
	}
	if _, err = t.exec(`INSERT INTO coverage_totals (connection, day, `+countColumns+`, decided_out, decided_in) VALUES (`+placeholders(10)+`)
		ON CONFLICT (connection, day) DO UPDATE SET `+setCountColumns+`,
			decided_out = coverage_totals.decided_out + excluded.decided_out, decided_in = coverage_totals.decided_in + excluded.decided_in`,
		append(append([]any{k.connection, r.TotalDay}, countValues(r.Total)...), why.Decided.Out, why.Decided.In)...); err != nil {
		return fmt.Errorf("keep the total coverage: %w", err)
	}
	return t.addEvent(k, r.Event)
}

// totalOf is the connection's total coverage, nil when it has none yet.
func (t *tx) totalOf(connection string) (*trend.Total, error) {
	var total trend.Total
	err := t.queryRow(`SELECT day, (SELECT min(day) FROM coverage_totals WHERE connection = ?1), `+countColumns+`
		FROM coverage_totals WHERE connection = ?1 ORDER BY day DESC LIMIT 1`, connection).
		Scan(append([]any{&total.Newest, &total.First}, countFields(&total.Counts)...)...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the total coverage: %w", err)
	}
	return &total, nil
}

// addEvent marks an event of the table, if there is one.
func (t *tx) addEvent(k tableKey, e *trend.Event) error {
	if e == nil {
		return nil
	}
	_, err := t.exec(`INSERT INTO coverage_events (connection, datastore_id, table_id, day, at, kind, reason, run_id)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)`, k.args(trend.DayOf(e.At), micros(e.At), string(e.Kind), e.Reason, e.RunID)...)
	if err != nil {
		return fmt.Errorf("mark the coverage of %s: %w", k.table, err)
	}
	return nil
}

// coverageOfRun keeps the table as a run that ended left it, what the KMS said
// of its columns, and the run's event. It returns the records of what the run was
// shown of the table that no run explains.
func (t *tx) coverageOfRun(r *encryption.Run, rules *sensitivity.Rules) (drift []audit.Record, err error) {
	if !r.State.Ended() {
		return nil, nil
	}
	k := tableKey{r.Connection, r.DatastoreID, r.TableID}
	before, err := t.countsOf(k)
	if err != nil {
		return nil, err
	}
	why := trend.Cause{Table: r.NameOfTable(), RunID: r.ID}
	if table, columns, ok := inventory.AfterRun(r); ok {
		if why.Members, drift, err = t.keepAfterRun(r, table, columns, rules); err != nil {
			return nil, err
		}
		if len(drift) > 0 { // the run is not why
			why.RunID, why.Reasons = "", trend.ReasonsOf(drift)
		}
	}
	if err := t.judgeColumns(r); err != nil {
		return nil, err
	}
	if err := t.recount(k, r.FinishedAt, before, why); err != nil {
		return nil, err
	}
	return drift, t.addEvent(k, trend.AfterRun(r))
}

// keepAfterRun keeps the table as it was shown to a run that ended, unless it was
// read since.
func (t *tx) keepAfterRun(r *encryption.Run, table inventory.Table, columns []inventory.Column, rules *sensitivity.Rules) (trend.Counts, []audit.Record, error) {
	k := tableKey{r.Connection, r.DatastoreID, r.TableID}
	var readAt time.Time
	var readError string
	err := t.queryRow(`SELECT synced_at, sync_error FROM inventory_tables WHERE `+ofTable, k.args()...).Scan(stamp{&readAt}, &readError)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return trend.Counts{}, nil, fmt.Errorf("read when %s was read: %w", r.TableID, err)
	}
	if !table.Replaces(readAt) {
		return trend.Counts{}, nil, nil
	}
	known, err := readColumns(t, k)
	if err != nil {
		return trend.Counts{}, nil, err
	}
	ours, err := sentFor(t, k)
	if err != nil {
		return trend.Counts{}, nil, err
	}
	columns, drift := inventory.DriftAfterRun(r, table, readError, known, columns, ours)
	members, err := t.keepTable(r.FinishedAt, table, columns, rules)
	return members, drift, err
}
