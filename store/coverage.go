package store

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"cxseal/internal/audit"
	"cxseal/internal/encryption"
	"cxseal/internal/inventory"
	"cxseal/internal/trend"
)

// tableKey names a table in the database.
type tableKey struct{ connection, datastore, table string }

func (k tableKey) args(more ...any) []any {
	return append([]any{k.connection, k.datastore, k.table}, more...)
}

const ofTable = `connection = ?1 AND datastore_id = ?2 AND table_id = ?3`

// cause is why a table's counts are about to change: the words for a fall.
type cause struct {
	reasons []string // what the inventory found out, one sentence each
	name    string   // the table's
	runID   string
}

// countsOf are the table's counts as the coverage has them now: zero for a
// table that is not known, was never read or is gone.
func (t *tx) countsOf(k tableKey) (trend.Counts, error) {
	var c trend.Counts
	err := t.queryRow(`SELECT total_columns, encrypted_columns, sensitive_columns, sensitive_encrypted
		FROM inventory_tables WHERE gone_at IS NULL AND `+ofTable, k.args()...).
		Scan(&c.Total, &c.Encrypted, &c.Sensitive, &c.SensitiveEncrypted)
	if errors.Is(err, sql.ErrNoRows) {
		return c, nil
	}
	if err != nil {
		return c, fmt.Errorf("read the coverage of %s: %w", k.table, err)
	}
	return c, nil
}

// recount counts the table's columns again and keeps the difference in the
// day's snapshots. A coverage that falls is marked with its reason.
func (t *tx) recount(k tableKey, at time.Time, before trend.Counts, why cause) error {
	var now trend.Counts
	err := t.queryRow(`SELECT count(*), coalesce(sum(encrypted), 0), coalesce(sum(state = 'sensitive'), 0),
			coalesce(sum(state = 'sensitive' AND encrypted), 0)
		FROM inventory_columns WHERE gone_at IS NULL AND `+ofTable, k.args()...).
		Scan(&now.Total, &now.Encrypted, &now.Sensitive, &now.SensitiveEncrypted)
	if err != nil {
		return fmt.Errorf("count the columns of %s: %w", k.table, err)
	}
	return t.setCounts(k, at, before, now, why)
}

func (t *tx) setCounts(k tableKey, at time.Time, before, now trend.Counts, why cause) error {
	if now == before {
		return nil
	}
	if _, err := t.exec(`UPDATE inventory_tables SET total_columns = ?4, encrypted_columns = ?5, sensitive_columns = ?6, sensitive_encrypted = ?7
		WHERE `+ofTable, k.args(now.Total, now.Encrypted, now.Sensitive, now.SensitiveEncrypted)...); err != nil {
		return fmt.Errorf("keep the coverage of %s: %w", k.table, err)
	}
	day := trend.DayOf(at)
	if _, err := t.exec(`INSERT INTO coverage_daily (connection, datastore_id, table_id, day, total, encrypted, sensitive, sensitive_encrypted)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
		ON CONFLICT (connection, datastore_id, table_id, day) DO UPDATE SET total = excluded.total, encrypted = excluded.encrypted,
			sensitive = excluded.sensitive, sensitive_encrypted = excluded.sensitive_encrypted`,
		k.args(day, now.Total, now.Encrypted, now.Sensitive, now.SensitiveEncrypted)...); err != nil {
		return fmt.Errorf("keep the day's coverage of %s: %w", k.table, err)
	}
	was, first, err := t.addToTotal(k.connection, day, now.Sub(before))
	if err != nil {
		return err
	}
	// On its first day a connection is only being read: its total settles.
	if now.FellFrom(before) || !first && was.Add(now.Sub(before)).FellFrom(was) {
		return t.addEvent(k, at, trend.Drop, why.drop(before, now), why.runID)
	}
	return nil
}

// addToTotal changes the connection's total of the day and answers what it was
// before, and whether this is the first day it has. A clock that went back
// changes the newest day there is.
func (t *tx) addToTotal(connection string, day int64, d trend.Counts) (was trend.Counts, first bool, err error) {
	last, begin := day, day
	err = t.queryRow(`SELECT day, (SELECT min(day) FROM coverage_totals WHERE connection = ?1), total, encrypted, sensitive, sensitive_encrypted
		FROM coverage_totals WHERE connection = ?1 ORDER BY day DESC LIMIT 1`, connection).
		Scan(&last, &begin, &was.Total, &was.Encrypted, &was.Sensitive, &was.SensitiveEncrypted)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return was, false, fmt.Errorf("read the total coverage: %w", err)
	}
	now := was.Add(d)
	_, err = t.exec(`INSERT INTO coverage_totals (connection, day, total, encrypted, sensitive, sensitive_encrypted) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (connection, day) DO UPDATE SET total = excluded.total, encrypted = excluded.encrypted,
			sensitive = excluded.sensitive, sensitive_encrypted = excluded.sensitive_encrypted`,
		connection, max(day, last), now.Total, now.Encrypted, now.Sensitive, now.SensitiveEncrypted)
	if err != nil {
		return was, false, fmt.Errorf("keep the total coverage: %w", err)
	}
	return was, begin >= day, nil
}

func (t *tx) addEvent(k tableKey, at time.Time, kind trend.Kind, reason, runID string) error {
	_, err := t.exec(`INSERT INTO coverage_events (connection, datastore_id, table_id, day, at, kind, reason, run_id)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)`, k.args(trend.DayOf(at), micros(at), string(kind), reason, runID)...)
	if err != nil {
		return fmt.Errorf("mark the coverage of %s: %w", k.table, err)
	}
	return nil
}

// drop says why a coverage fell: what the inventory found out, else what the
// counts themselves tell. It is never empty.
func (w cause) drop(before, now trend.Counts) string {
	reasons := w.reasons
	if len(reasons) > 3 {
		reasons = append(reasons[:3:3], fmt.Sprintf("And %d more.", len(w.reasons)-3))
	}
	if len(reasons) > 0 {
		return strings.Join(reasons, " ")
	}
	say := func(n int, what string) {
		if n > 0 {
			reasons = append(reasons, fmt.Sprintf("%d %s of %s %s.", n, pluralColumn(n), w.name, what))
		}
	}
	switch {
	case before.Total == 0:
		return fmt.Sprintf("%s was read for the first time: %d of %d columns are encrypted.", w.name, now.Encrypted, now.Total)
	case now.Total == 0:
		return fmt.Sprintf("%s is gone from the tenant, with %d encrypted columns.", w.name, before.Encrypted)
	}
	say(before.Encrypted-now.Encrypted, "no longer encrypted")
	say(now.Total-before.Total, "new")
	say(now.Sensitive-before.Sensitive, "more counted as sensitive")
	if len(reasons) == 0 {
		return fmt.Sprintf("Columns of %s were replaced.", w.name)
	}
	return strings.Join(reasons, " ")
}

func pluralColumn(n int) string {
	if n == 1 {
		return "column"
	}
	return "columns"
}

// reasonsOf are the sentences of records about columns, each once with the
// columns that it is about.
func reasonsOf(records []audit.Record) []string {
	var sentences []string
	columns := map[string][]string{}
	for _, r := range records {
		if columns[r.Detail] == nil {
			sentences = append(sentences, r.Detail)
		}
		columns[r.Detail] = append(columns[r.Detail], r.Columns...)
	}
	for i, sentence := range sentences {
		about := columns[sentence]
		if n := len(about); n > maxReasonColumns {
			about = append(about[:maxReasonColumns:maxReasonColumns], fmt.Sprintf("and %d more", n-maxReasonColumns))
		}
		sentences[i] = strings.Join(about, ", ") + ": " + sentence
	}
	return sentences
}

// maxReasonColumns is how many columns a reason names.
const maxReasonColumns = 6

// coverageOfRun keeps what a run that ended left behind: the columns as the
// tenant told them, and a mark for a verified one. A table that was read since
// the change is better known by that reading.
func (t *tx) coverageOfRun(r *encryption.Run) error {
	if !r.State.Ended() || r.After == nil {
		return nil
	}
	k := tableKey{r.Connection, r.DatastoreID, r.TableID}
	name, limit := r.TableID, 0
	if r.Plan != nil {
		limit = r.Plan.MaxFields
		if r.Plan.TableName != "" {
			name = r.Plan.TableName
		}
	}
	var readAt time.Time
	err := t.queryRow(`SELECT synced_at FROM inventory_tables WHERE `+ofTable, k.args()...).Scan(stamp{&readAt})
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("read when %s was read: %w", r.TableID, err)
	}
	if readAt.IsZero() || !readAt.After(r.PatchedAt) {
		columns := make([]inventory.Column, len(r.After))
		for i, c := range r.After {
			columns[i] = inventory.Column{Name: c.Name, Type: c.Type, Encrypted: c.Encrypted, KeyVersion: c.KeyVersion}
		}
		table := inventory.Table{Connection: r.Connection, DatastoreID: r.DatastoreID, TableID: r.TableID, Name: name, MaxFields: limit}
		if err := t.saveTable(r.FinishedAt, table, columns, cause{name: name, runID: r.ID}); err != nil {
			return err
		}
	}
	if r.State != encryption.Verified {
		return nil
	}
	what := "Encryption"
	if r.Operation == audit.KeyRotation {
		what = "Key rotation"
	}
	return t.addEvent(k, r.FinishedAt, trend.Run, fmt.Sprintf("%s of %d %s of %s was verified.", what, len(r.Columns), pluralColumn(len(r.Columns)), name), r.ID)
}
