package store

import (
	"fmt"
	"time"

	"cxseal/internal/encryption"
	"cxseal/internal/inventory"
	"cxseal/internal/protection"
	"cxseal/internal/sensitivity"
)

// knownColumn is what the inventory knows of a column apart from what the tenant
// shows of it.
type knownColumn struct {
	decided    sensitivity.State
	state      sensitivity.State
	gone       bool
	protection protection.Column
}

// protectionColumns are the columns of inventory_columns that protection.Column
// is made of.
const protectionColumns = `encrypted, key_version, key_id, open_at, verdict, verdict_version, verdict_key_id, verdict_run,
	verdict_at, verdict_changed_at`

// protectionFields are where a row's protectionColumns are read to.
func protectionFields(c *protection.Column) []any {
	return []any{&c.Encrypted, &c.KeyVersion, &c.KeyID, stamp{&c.OpenAt}, &c.Verdict.Answer, &c.Verdict.KeyVersion, &c.Verdict.KeyID,
		&c.Verdict.RunID, stamp{&c.Verdict.At}, stamp{&c.Verdict.ChangedAt}}
}

// protectionValues are what a row's protectionColumns and what follows from them,
// protection and observed, are set to.
func protectionValues(c protection.Column) []any {
	return []any{c.Encrypted, c.KeyVersion, c.KeyID, micros(c.OpenAt), string(c.Verdict.Answer), c.Verdict.KeyVersion, c.Verdict.KeyID,
		c.Verdict.RunID, micros(c.Verdict.At), micros(c.Verdict.ChangedAt), string(c.State()), c.Observed()}
}

// knownOf is what is known of a table's columns, by name, those that are gone too.
func (t *tx) knownOf(k tableKey) (map[string]knownColumn, error) {
	type named struct {
		name string
		knownColumn
	}
	list, err := collectFrom(t, func(row scanner) (c named, err error) {
		var goneAt time.Time
		err = row.Scan(append([]any{&c.name, &c.decided, &c.state, stamp{&goneAt}}, protectionFields(&c.protection)...)...)
		c.gone = !goneAt.IsZero()
		return c, err
	}, `SELECT name, decided, state, gone_at, `+protectionColumns+` FROM inventory_columns WHERE `+ofTable, k.args()...)
	if err != nil {
		return nil, fmt.Errorf("read what is known of the columns of %s: %w", k.table, err)
	}
	known := make(map[string]knownColumn, len(list))
	for _, c := range list {
		known[c.name] = c.knownColumn
	}
	return known, nil
}

// keepProtection keeps what is known of a column's protection, with the state
// that follows from it.
func (t *tx) keepProtection(k tableKey, name string, c protection.Column) error {
	_, err := t.exec(`UPDATE inventory_columns SET encrypted = ?5, key_version = ?6, key_id = ?7, open_at = ?8,
			verdict = ?9, verdict_version = ?10, verdict_key_id = ?11, verdict_run = ?12, verdict_at = ?13, verdict_changed_at = ?14,
			protection = ?15, observed = ?16
		WHERE name = ?4 AND `+ofTable,
		k.args(append([]any{name}, protectionValues(c)...)...)...)
	if err != nil {
		return fmt.Errorf("keep the protection of %q: %w", name, err)
	}
	return nil
}

// judgeColumns takes the KMS's verdict on a run into its columns. A column that
// was never read waits for its first reading as one that is gone.
func (t *tx) judgeColumns(r *encryption.Run) error {
	verdict, ok := inventory.VerdictOf(r)
	if !ok {
		return nil
	}
	k := tableKey{r.Connection, r.DatastoreID, r.TableID}
	known, err := t.knownOf(k)
	if err != nil {
		return err
	}
	for _, name := range r.Columns {
		c, ok := known[name]
		if !ok {
			if _, err := t.exec(`INSERT INTO inventory_columns (connection, datastore_id, table_id, position, name, type, encrypted, key_version,
					first_seen, last_seen, gone_at) VALUES (?1, ?2, ?3, 0, ?4, '', 0, 0, ?5, ?5, ?5)`, k.args(name, micros(r.FinishedAt))...); err != nil {
				return fmt.Errorf("keep the verdict on %q: %w", name, err)
			}
		}
		c.protection.Judge(verdict)
		if err := t.keepProtection(k, name, c.protection); err != nil {
			return err
		}
	}
	return nil
}
