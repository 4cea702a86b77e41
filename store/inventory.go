package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"cxseal/internal/audit"
	"cxseal/internal/encryption"
	"cxseal/internal/fault"
	"cxseal/internal/inventory"
	"cxseal/internal/sensitivity"
	"cxseal/internal/trend"
)

var _ inventory.Store = (*Store)(nil)

// BeginSync notes that a synchronisation started.
func (s *Store) BeginSync(ctx context.Context, connection string, at time.Time) error {
	return s.write(ctx, func(t *tx) error {
		_, err := t.exec(`INSERT INTO inventory_syncs (connection, started_at, error) VALUES (?, ?, '')
			ON CONFLICT (connection) DO UPDATE SET started_at = excluded.started_at`, connection, micros(at))
		if err != nil {
			return fmt.Errorf("begin synchronisation: %w", err)
		}
		return nil
	})
}

// EndSync notes how it ended. When failure is empty, what was not seen since
// the start is marked as gone.
func (s *Store) EndSync(ctx context.Context, connection string, at time.Time, failure string) error {
	return s.write(ctx, func(t *tx) error {
		if failure != "" {
			if _, err := t.exec(`UPDATE inventory_syncs SET error = ? WHERE connection = ?`, failure, connection); err != nil {
				return fmt.Errorf("end synchronisation: %w", err)
			}
			return nil
		}
		if _, err := t.exec(`UPDATE datastores SET gone_at = ?2 WHERE connection = ?1 AND gone_at IS NULL
			AND last_seen < (SELECT started_at FROM inventory_syncs WHERE connection = ?1)`, connection, micros(at)); err != nil {
			return fmt.Errorf("end synchronisation: %w", err)
		}
		if err := t.tablesGone(connection, at); err != nil {
			return err
		}
		for _, step := range []string{
			`UPDATE inventory_syncs SET error = '', succeeded_at = ?2 WHERE connection = ?1`,
			`UPDATE inventory_tables SET gone_at = ?2, sensitive_observed = 0 WHERE connection = ?1 AND gone_at IS NULL
				AND last_seen < (SELECT started_at FROM inventory_syncs WHERE connection = ?1)` + notUnlisted,
		} {
			if _, err := t.exec(step, connection, micros(at)); err != nil {
				return fmt.Errorf("end synchronisation: %w", err)
			}
		}
		return nil
	})
}

// notUnlisted leaves out the tables of data stores that are there and could not
// be listed: that they were not seen says nothing.
const notUnlisted = ` AND datastore_id NOT IN (SELECT d.datastore_id FROM datastores d
	WHERE d.connection = ?1 AND d.gone_at IS NULL AND d.list_error <> '')`

// tablesGone takes the tables that the listing no longer named out of the
// coverage.
func (t *tx) tablesGone(connection string, at time.Time) error {
	gone, err := collectFrom(t, func(row scanner) (inventory.Table, error) {
		table := inventory.Table{Connection: connection}
		return table, row.Scan(&table.DatastoreID, &table.TableID, &table.Name)
	}, `SELECT datastore_id, table_id, name FROM inventory_tables WHERE connection = ?1 AND gone_at IS NULL
		AND total_columns > 0 AND last_seen < (SELECT started_at FROM inventory_syncs WHERE connection = ?1)`+notUnlisted, connection)
	if err != nil {
		return fmt.Errorf("list tables that are gone: %w", err)
	}
	for _, table := range gone {
		k := tableKey{connection, table.DatastoreID, table.TableID}
		before, err := t.countsOf(k)
		if err != nil {
			return err
		}
		if err := t.setCounts(k, at, before, trend.Counts{}, trend.Cause{Table: table.Name, Members: trend.Counts{}.Sub(before)}); err != nil {
			return err
		}
	}
	return nil
}

// Syncs lists the last synchronisation of each connection.
func (s *Store) Syncs(ctx context.Context) ([]inventory.Sync, error) {
	scan := func(row scanner) (v inventory.Sync, err error) {
		return v, row.Scan(&v.Connection, stamp{&v.StartedAt}, stamp{&v.SucceededAt}, &v.Error)
	}
	list, err := collect(ctx, s, scan, `SELECT connection, started_at, succeeded_at, error FROM inventory_syncs ORDER BY connection`)
	if err != nil {
		return nil, fmt.Errorf("list synchronisations: %w", err)
	}
	return list, nil
}

// SaveDatastores saves listed data stores; one that was gone is back.
func (s *Store) SaveDatastores(ctx context.Context, at time.Time, stores []inventory.Datastore) error {
	if len(stores) == 0 {
		return nil
	}
	return s.write(ctx, func(t *tx) error {
		for _, d := range stores {
			_, err := t.exec(`INSERT INTO datastores (connection, datastore_id, name, first_seen, last_seen) VALUES (?1, ?2, ?3, ?4, ?4)
				ON CONFLICT (connection, datastore_id) DO UPDATE SET name = excluded.name, last_seen = excluded.last_seen, gone_at = NULL`,
				d.Connection, d.ID, d.Name, micros(at))
			if err != nil {
				return fmt.Errorf("save data store %s: %w", d.ID, err)
			}
		}
		return nil
	})
}

// SaveListing notes how the listing of a data store's tables went: whole when
// failure is empty.
func (s *Store) SaveListing(ctx context.Context, connection, datastoreID string, at time.Time, failure string, code fault.Code) error {
	return s.write(ctx, func(t *tx) error {
		_, err := t.exec(`UPDATE datastores SET listed_at = CASE WHEN ?4 = '' THEN ?3 ELSE listed_at END, list_error = ?4, list_code = ?5
			WHERE connection = ?1 AND datastore_id = ?2`, connection, datastoreID, micros(at), failure, string(code))
		if err != nil {
			return fmt.Errorf("note the listing of %s: %w", datastoreID, err)
		}
		return nil
	})
}

// SaveTables saves listed tables; one that was gone is back.
func (s *Store) SaveTables(ctx context.Context, at time.Time, tables []inventory.Table) error {
	if len(tables) == 0 {
		return nil
	}
	return s.write(ctx, func(t *tx) error {
		for _, table := range tables {
			_, err := t.exec(`INSERT INTO inventory_tables (connection, datastore_id, table_id, name, max_encrypted_fields,
					total_columns, encrypted_columns, first_seen, last_seen, sync_error)
				VALUES (?1, ?2, ?3, ?4, 0, 0, 0, ?5, ?5, '')
				ON CONFLICT (connection, datastore_id, table_id) DO UPDATE SET
					name = excluded.name, last_seen = excluded.last_seen, gone_at = NULL`,
				table.Connection, table.DatastoreID, table.TableID, table.Name, micros(at))
			if err != nil {
				return fmt.Errorf("save table %s: %w", table.TableID, err)
			}
		}
		return nil
	})
}

// SaveTable saves a table that was read, with its columns, and appends the
// records about what changed.
func (s *Store) SaveTable(ctx context.Context, at time.Time, table inventory.Table, columns []inventory.Column, records ...audit.Record) error {
	raw, err := canonical(records)
	if err != nil {
		return err
	}
	return s.write(ctx, func(t *tx) error {
		if err := t.saveTable(at, table, columns, s.rules, trend.Cause{Table: table.Name, Reasons: trend.ReasonsOf(records)}); err != nil {
			return err
		}
		if err := t.observeTable(at, table, columns); err != nil {
			return err
		}
		return t.append(raw)
	})
}

// saveTable keeps a table as it was read, with its coverage of the day.
func (t *tx) saveTable(at time.Time, table inventory.Table, columns []inventory.Column, rules *sensitivity.Rules, why trend.Cause) error {
	k := tableKey{table.Connection, table.DatastoreID, table.TableID}
	before, err := t.countsOf(k)
	if err != nil {
		return err
	}
	if why.Members, err = t.keepTable(at, table, columns, rules); err != nil {
		return err
	}
	return t.recount(k, at, before, why)
}

// keepTable keeps a table as it was read at its ReadAt. Its counts are still to
// be made; the answer is how much of their change comes of columns that are counted
// now and were not, or no longer are.
func (t *tx) keepTable(at time.Time, table inventory.Table, columns []inventory.Column, rules *sensitivity.Rules) (members trend.Counts, err error) {
	k := tableKey{table.Connection, table.DatastoreID, table.TableID}
	counted, err := t.countsOf(k) // none of a table that was gone
	if err != nil {
		return members, err
	}
	_, err = t.exec(`INSERT INTO inventory_tables (connection, datastore_id, table_id, first_seen, last_seen, read_at, synced_at, sync_error,
			name, max_encrypted_fields, total_columns, encrypted_columns)
		VALUES (?1, ?2, ?3, ?4, ?4, ?4, ?4, '', ?5, ?6, 0, 0)
		ON CONFLICT (connection, datastore_id, table_id) DO UPDATE SET
			last_seen = excluded.last_seen, read_at = excluded.read_at, synced_at = excluded.synced_at, sync_error = '', gone_at = NULL, name = excluded.name,
			max_encrypted_fields = excluded.max_encrypted_fields`,
		k.args(micros(at), table.Name, table.MaxFields)...)
	if err != nil {
		return members, fmt.Errorf("save table %s: %w", table.TableID, err)
	}
	known, err := t.knownOf(k)
	if err != nil {
		return members, err
	}
	was := func(c knownColumn, seen bool) trend.Counts {
		if !seen || c.gone || counted == (trend.Counts{}) {
			return trend.Counts{}
		}
		return countsOfColumn(c.state, c.protection)
	}
	taken := make([]sensitivity.Column, len(columns))
	for i, c := range columns {
		taken[i] = sensitivity.Column{Key: sensitivity.Key{Column: c.Name}, Type: c.Type, Decided: known[c.Name].decided}
	}
	rules.Apply(table.Name, taken)
	for i, c := range columns {
		before, there := known[c.Name]
		p, seen := taken[i].Proposal, before.protection
		seen.See(table.ReadAt, c.Encrypted, c.KeyVersion, c.KeyID)
		_, err := t.exec(`INSERT INTO inventory_columns (connection, datastore_id, table_id, first_seen, last_seen,
				position, name, type, state, proposed, category, confidence, reason, `+protectionColumns+`, protection, observed)
			VALUES (?1, ?2, ?3, ?4, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24)
			ON CONFLICT (connection, datastore_id, table_id, name) DO UPDATE SET
				position = excluded.position, type = excluded.type, last_seen = excluded.last_seen, gone_at = NULL, state = excluded.state,
				proposed = excluded.proposed, category = excluded.category, confidence = excluded.confidence, reason = excluded.reason,
				encrypted = excluded.encrypted, key_version = excluded.key_version, key_id = excluded.key_id, open_at = excluded.open_at,
				verdict = excluded.verdict, verdict_version = excluded.verdict_version, verdict_key_id = excluded.verdict_key_id, verdict_run = excluded.verdict_run,
				verdict_at = excluded.verdict_at, verdict_changed_at = excluded.verdict_changed_at,
				protection = excluded.protection, observed = excluded.observed`,
			k.args(append([]any{micros(at), i, c.Name, c.Type, string(taken[i].State), string(p.State), string(p.Category), p.Confidence, p.Reason},
				protectionValues(seen)...)...)...)
		if err != nil {
			return members, fmt.Errorf("save column %q: %w", c.Name, err)
		}
		members = members.Add(trend.Membership(was(before, there), countsOfColumn(taken[i].State, seen)))
		delete(known, c.Name)
	}
	for name, c := range known {
		if c.gone {
			continue
		}
		members = members.Add(trend.Membership(was(c, true), trend.Counts{}))
		c.protection.Gone(table.ReadAt)
		if err := t.keepProtection(k, name, c.protection); err != nil {
			return members, err
		}
		if _, err := t.exec(`UPDATE inventory_columns SET gone_at = ?4 WHERE name = ?5 AND `+ofTable, k.args(micros(at), name)...); err != nil {
			return members, fmt.Errorf("mark %q gone: %w", name, err)
		}
	}
	return members, nil
}

// SaveReadError notes why a known table could not be read.
func (s *Store) SaveReadError(ctx context.Context, connection, datastoreID, tableID, failure string, at time.Time) error {
	return s.write(ctx, func(t *tx) error {
		n, err := t.exec(`UPDATE inventory_tables SET sync_error = ?, synced_at = ?
			WHERE connection = ? AND datastore_id = ? AND table_id = ?`, failure, micros(at), connection, datastoreID, tableID)
		if err != nil {
			return fmt.Errorf("note read error: %w", err)
		}
		if n == 0 {
			return noTable()
		}
		return nil
	})
}

func noTable() error { return fault.New(fault.NotFound, "This table has not been seen yet.") }

const tableColumns = `t.connection, t.datastore_id, coalesce(d.name, ''), t.table_id, t.name, t.max_encrypted_fields,
	t.total_columns, t.encrypted_columns, t.first_seen, t.last_seen, t.read_at, t.sync_error`

const tableSource = ` FROM inventory_tables t ` + tableStore

const tableStore = `LEFT JOIN datastores d ON d.connection = t.connection AND d.datastore_id = t.datastore_id`

func scanTable(row scanner) (t inventory.Table, err error) {
	return t, row.Scan(&t.Connection, &t.DatastoreID, &t.DatastoreName, &t.TableID, &t.Name, &t.MaxFields,
		&t.Total, &t.Encrypted, stamp{&t.FirstSeen}, stamp{&t.LastSeen}, stamp{&t.ReadAt}, &t.ReadError)
}

// Table returns one known table, or fault.NotFound.
func (s *Store) Table(ctx context.Context, connection, datastoreID, tableID string) (inventory.Table, error) {
	t, err := scanTable(s.queryRow(ctx, `SELECT `+tableColumns+tableSource+`
		WHERE t.connection = ? AND t.datastore_id = ? AND t.table_id = ?`, connection, datastoreID, tableID))
	if errors.Is(err, sql.ErrNoRows) {
		return t, noTable()
	}
	if err != nil {
		return t, fmt.Errorf("read table: %w", err)
	}
	return t, nil
}

// Columns returns a table's columns that are not gone, in the tenant's order.
func (s *Store) Columns(ctx context.Context, connection, datastoreID, tableID string) ([]inventory.Column, error) {
	return readColumns(reading{ctx, s.pages}, tableKey{connection, datastoreID, tableID})
}

func readColumns(q querier, k tableKey) ([]inventory.Column, error) {
	scan := func(row scanner) (c inventory.Column, err error) {
		err = row.Scan(append([]any{&c.Name, &c.Type}, protectionFields(&c.Protection)...)...)
		c.Encrypted, c.KeyVersion, c.KeyID = c.Protection.Encrypted, c.Protection.KeyVersion, c.Protection.KeyID
		return c, err
	}
	list, err := collectFrom(q, scan, `SELECT name, type, `+protectionColumns+` FROM inventory_columns
		WHERE connection = ? AND datastore_id = ? AND table_id = ? AND gone_at IS NULL ORDER BY position`, k.args()...)
	if err != nil {
		return nil, fmt.Errorf("list columns: %w", err)
	}
	return list, nil
}

// StaleTables returns tables that were neither read nor failed to be since
// before, those never read first.
func (s *Store) StaleTables(ctx context.Context, connection string, before time.Time, limit int) ([]inventory.Table, error) {
	list, err := collect(ctx, s, scanTable, `SELECT `+tableColumns+tableSource+`
		WHERE t.connection = ? AND t.gone_at IS NULL AND (t.synced_at IS NULL OR t.synced_at < ?)
		ORDER BY t.synced_at, t.datastore_id, t.table_id LIMIT ?`, connection, micros(before), limit)
	if err != nil {
		return nil, fmt.Errorf("list stale tables: %w", err)
	}
	return list, nil
}

// Datastores lists the data stores that are not gone, by name; an empty
// connection asks for all.
func (s *Store) Datastores(ctx context.Context, connection string) ([]inventory.Datastore, error) {
	w := where{}
	w.and(`d.gone_at IS NULL`)
	w.equals(`d.connection`, connection)
	scan := func(row scanner) (d inventory.Datastore, err error) {
		return d, row.Scan(&d.Connection, &d.ID, &d.Name, stamp{&d.LastSeen}, stamp{&d.ListedAt}, &d.ListError, &d.ListCode,
			&d.Tables, &d.Unread, stamp{&d.OldestRead})
	}
	list, err := collect(ctx, s, scan, `SELECT d.connection, d.datastore_id, d.name, d.last_seen, d.listed_at, d.list_error, d.list_code,
			count(t.table_id), coalesce(sum(CASE WHEN t.read_at IS NULL OR t.sync_error <> '' THEN 1 ELSE 0 END), 0)
				- CASE WHEN count(t.table_id) = 0 THEN 1 ELSE 0 END, min(t.read_at)
		FROM datastores d LEFT JOIN inventory_tables t
			ON t.connection = d.connection AND t.datastore_id = d.datastore_id AND t.gone_at IS NULL`+w.sql()+`
		GROUP BY d.connection, d.datastore_id, d.name, d.last_seen, d.listed_at, d.list_error, d.list_code
		ORDER BY d.connection, d.name, d.datastore_id`, w.args...)
	if err != nil {
		return nil, fmt.Errorf("list data stores: %w", err)
	}
	return list, nil
}

// Tables pages through the list of tables, which is ordered by connection,
// data store, name and id. It names the index that has this order: the database
// prefers a smaller one, and would sort every table for each page.
func (s *Store) Tables(ctx context.Context, f inventory.Filter, after *inventory.Cursor, backwards bool, limit int) ([]inventory.Table, error) {
	w := where{}
	w.and(`t.gone_at IS NULL`)
	w.equals(`t.connection`, f.Connection)
	w.equals(`t.datastore_id`, f.DatastoreID)
	if f.Query != "" {
		w.and(`(instr(lower(t.name), lower(?)) > 0 OR instr(lower(t.table_id), lower(?)) > 0)`, f.Query, f.Query)
	}
	if f.Untouched {
		w.and(`t.total_columns > 0 AND t.encrypted_columns = 0`)
	}
	comparison, direction := `>`, ``
	if backwards {
		comparison, direction = `<`, ` DESC`
	}
	if after != nil {
		w.and(`(t.connection, t.datastore_id, t.name, t.table_id) `+comparison+` (?, ?, ?, ?)`,
			after.Connection, after.DatastoreID, after.Name, after.TableID)
	}
	order := ` ORDER BY t.connection` + direction + `, t.datastore_id` + direction + `, t.name` + direction + `, t.table_id` + direction
	list, err := collect(ctx, s, scanTable, `SELECT `+tableColumns+` FROM inventory_tables t INDEXED BY inventory_tables_name `+tableStore+w.sql()+order+` LIMIT ?`, append(w.args, pageSize(limit))...)
	if err != nil {
		return nil, fmt.Errorf("list tables: %w", err)
	}
	if backwards {
		slices.Reverse(list)
	}
	return list, nil
}

// Totals sums the coverage of every table that was read and is still there.
func (s *Store) Totals(ctx context.Context) (inventory.Totals, error) {
	var t inventory.Totals
	err := s.queryRow(ctx, `SELECT count(*), count(*) FILTER (WHERE total_columns > 0), count(*) FILTER (WHERE total_columns > 0 AND encrypted_columns = 0),
			coalesce(sum(total_columns), 0), coalesce(sum(encrypted_columns), 0),
			coalesce(sum(sensitive_columns), 0), coalesce(sum(sensitive_verified), 0), coalesce(sum(sensitive_unverified), 0),
			coalesce(sum(sensitive_refused), 0), min(CASE WHEN total_columns > 0 THEN read_at END),
			(SELECT count(*) FROM datastores WHERE gone_at IS NULL), (SELECT count(*) FROM datastores WHERE gone_at IS NULL AND list_error <> ''),
			coalesce(sum(sensitive_observed), 0)
		FROM inventory_tables WHERE gone_at IS NULL`).
		Scan(&t.Tables, &t.Read, &t.Untouched, &t.Columns, &t.Encrypted, &t.Sensitive, &t.Verified, &t.Unverified, &t.Refused, stamp{&t.OldestRead}, &t.Datastores, &t.Unlisted, &t.Observed)
	if err != nil {
		return t, fmt.Errorf("sum the coverage: %w", err)
	}
	return t, nil
}

// SentFor tells of each column that a run of this console was sent for, however
// that run ended, which was the newest.
func (s *Store) SentFor(ctx context.Context, connection, datastoreID, tableID string) (map[string]encryption.Sent, error) {
	return sentFor(reading{ctx, s.pages}, tableKey{connection, datastoreID, tableID})
}

func sentFor(q querier, k tableKey) (map[string]encryption.Sent, error) {
	type row struct {
		columns []string
		sent    encryption.Sent
	}
	scan := func(sc scanner) (r row, err error) {
		return r, sc.Scan(&r.sent.RunID, &r.sent.State, jsonText{&r.columns}, stamp{&r.sent.RequestedAt}, stamp{&r.sent.EndedAt})
	}
	list, err := collectFrom(q, scan, `SELECT id, state, columns, requested_at, finished_at FROM runs
		WHERE connection = ? AND datastore_id = ? AND table_id = ? AND attempts > 0 ORDER BY seq`, k.args()...)
	if err != nil {
		return nil, fmt.Errorf("list columns that runs were sent for: %w", err)
	}
	sent := map[string]encryption.Sent{}
	for _, r := range list {
		for _, name := range r.columns {
			sent[name] = r.sent
		}
	}
	return sent, nil
}
