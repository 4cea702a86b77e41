package store

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
)

// history are the statements that fill a database with what years of work leave:
// n(i) are the numbers from 0 to historyRows-1. Everything has ended, but for a
// few things at the end.
const historyRows = 20_000

var history = []string{
	`INSERT INTO runs (seq, id, operation, connection, datastore_id, table_id, state, requested_by, requested_role, requested_ip, requested_at,
			finished_at, lease_owner, strategy, interval_days, mask_indexes, approved_fingerprint, idempotency_key, callback_token, attempts, token_ms,
			checks_ms, patch_ms, kms_ms, key_version, permission_hash, error_code, error_message, columns)
		SELECT i + 1, 'run' || i, iif(i % 3, 'COLUMN_ENCRYPTION', 'KEY_ROTATION'), 'default', 'ds' || (i % 4), 't' || (i % 500),
			CASE WHEN i >= 19990 THEN 'queued' WHEN i >= 19985 THEN 'awaiting' WHEN i % 9 THEN 'verified' ELSE 'failed' END,
			'user' || (i % 5), 'officer', '', i, iif(i < 19985, i, NULL), '', 'AUTOMATIC', 90, 0, '', '', 'token' || i, 1, 1, 1, 1, 1, 1, '', '', '', '["a"]' FROM n`,
	`INSERT INTO run_events (run_id, at, state, kind, message) SELECT 'run' || i, i, 'verified', 'state', '' FROM n`,
	`INSERT INTO verifications (id, run_id, connection, table_id, accepted, received_at, remote_ip, inline, signed, webhook_id, body_hash, code,
			reason, columns, key_version, algorithm, status, answer, checks, body)
		SELECT 'v' || i, 'run' || i, 'default', 't' || (i % 500), i % 7 > 0, i, '', 0, 1, '', '', '', '', '[]', 1, '', 200, '', '[]', '' FROM n`,
	`INSERT INTO datastores (connection, datastore_id, name, first_seen, last_seen) SELECT 'default', 'ds' || i, 'ds' || i, 0, 0 FROM n WHERE i < 4`,
	`INSERT INTO inventory_tables (connection, datastore_id, table_id, name, max_encrypted_fields, total_columns, encrypted_columns, first_seen, last_seen, read_at, synced_at, sync_error)
		SELECT 'default', 'ds' || (i % 4), 't' || i, 'table' || i, 10, 2, 1, 0, 0, 0, 0, '' FROM n WHERE i < 10000`,
	`INSERT INTO inventory_columns (connection, datastore_id, table_id, position, name, type, encrypted, key_version, first_seen, last_seen)
		SELECT 'default', 'ds' || (i % 4), 't' || (i % 10000), i / 10000, 'c' || (i / 10000), 'STRING', i % 2, 1, 0, 0 FROM n`,
	`INSERT INTO rotation_dates (connection, datastore_id, table_id, column_name, strategy, interval_days, due_at, key_version, run_id, updated_at)
		SELECT 'default', 'ds' || (i % 4), 't' || (i % 10000), 'c' || (i / 10000), 'AUTOMATIC', 90, i, 1, 'run' || i, i FROM n`,
	`INSERT INTO key_versions (connection, datastore_id, table_id, column_name, key_version, run_id)
		SELECT 'default', 'ds' || (i % 4), 't' || (i % 10000), 'c' || (i / 10000), 1, 'run' || i FROM n`,
	`INSERT INTO coverage_daily (connection, datastore_id, table_id, day, total, encrypted, sensitive,
			sensitive_verified, sensitive_unverified, sensitive_refused)
		SELECT 'default', 'ds' || (i % 4), 't' || (i % 500), i / 500, 2, 1, 0, 0, 0, 0 FROM n`,
	`INSERT INTO coverage_totals (connection, day, total, encrypted, sensitive,
			sensitive_verified, sensitive_unverified, sensitive_refused)
		SELECT 'default', i, 2, 1, 0, 0, 0, 0 FROM n WHERE i < 2000`,
	`INSERT INTO coverage_events (day, at, connection, datastore_id, table_id, kind, reason, run_id)
		SELECT i / 10, i, 'default', 'ds' || (i % 4), 't' || (i % 500), 'run', 'x', 'run' || i FROM n`,
	`INSERT INTO sensitivity_decisions (seq, at, connection, datastore_id, table_id, column_name, decided, was, state, proposed, reason, decided_by, approved_by)
		SELECT i + 1, i, 'default', 'ds' || (i % 4), 't' || (i % 500), 'c', iif(i % 3, 'sensitive', 'not_sensitive'), iif(i % 3, 'not_sensitive', 'sensitive'),
			iif(i % 3, 'sensitive', 'not_sensitive'), 'sensitive', '', 'olga', '' FROM n`,
	`INSERT INTO sensitivity_requests (id, connection, state, decision, reason, columns, effect, asked_by, asked_role, asked_ip, approval)
		SELECT 'request' || i, 'default', iif(i < 1998, 'used', 'requested'), 'not_sensitive', 'x', 10, '', 'olga', 'officer', '', '{}' FROM n WHERE i < 2000`,
	`INSERT INTO sensitivity_request_columns SELECT 'request' || (i / 10), i % 10, 'ds', 't', 'c', 'sensitive', 'sensitive' FROM n`,
	`INSERT INTO latency_values SELECT 'default', i / 10, 'token', i % 10, 1 FROM n`,
	`INSERT INTO latency_daily SELECT 'default', i / 4, 'stage' || (i % 4), 1, 0, 1, 1, 0, 1, 0, 1 FROM n`,
	`INSERT INTO campaigns (id, connection, datastore_id, target, interval_days, mask_indexes, state, reason, requested_by, requested_role, requested_ip, requested_id, requested_at)
		SELECT 'campaign' || i, 'default', 'ds', 'tables', 90, 0, 'done', '', 'admin', 'admin', '', 1, i FROM n WHERE i < 2000`,
	`INSERT INTO campaign_items (campaign_id, position, datastore_id, table_id, table_name, columns, left_out, run_id, refused)
		SELECT 'campaign' || (i / 10), i % 10, 'ds', 't', 't', '[]', '[]', 'run' || i, '' FROM n`,
	`INSERT INTO alarms (dedupe, kind, severity, title, detail, connection, datastore_id, table_id, columns, run_id, raised_at)
		SELECT 'd' || i, 'kind' || (i % 8), 'warning', '', '', 'default', '', '', '[]', '', i FROM n`,
	`INSERT INTO alarm_routes (name, sealed, hint, kinds, digest, created_at, created_by) SELECT 'route' || i, x'', '', '[]', 0, 0, '' FROM n WHERE i < 2`,
	`INSERT INTO alarm_deliveries (message_id, alarm_id, route_id, state, attempts, next_at, error)
		SELECT 'm' || i, iif(i % 4, i + 1, NULL), 1 + i % 2, 'sent', 1, i, '' FROM n`,
	`INSERT INTO users (name, name_key, role, password_hash, disabled, created_at, updated_at, password_changed_at)
		SELECT 'user' || i, 'user' || i, 'officer', '', 0, 0, 0, 0 FROM n WHERE i < 100`,
	`INSERT INTO account_touches (user_id, kind, by_id, by_name, at) SELECT 1 + i % 100, 'password', 1, 'user1', i FROM n`,
	`INSERT INTO sessions (token, data, expiry, user_id, created_at, last_seen) SELECT 's' || i, x'', i, 1 + i % 100, 0, 0 FROM n`,
	`INSERT INTO checkpoints (size, root, note, created_at) SELECT i + 1, x'', '', i FROM n`,
	`INSERT INTO audit_hashes (idx, hash) SELECT i, x'' FROM n`,
	`INSERT INTO audit_records (seq, record, leaf_hash) SELECT i + 1, json_object('auditId', 'a' || i, 'timestamp', '20' || (10 + i / 2000) || '-01-01T00:00:00Z',
			'operation', iif(i % 3, 'COLUMN_ENCRYPTION', 'LOGIN'), 'outcome', iif(i % 9, 'SUCCESS', 'FAILURE'),
			'actor', json_object('name', 'user' || (i % 5), 'role', 'officer'), 'connection', 'default', 'datastoreId', 'ds' || (i % 4),
			'tableId', 't' || (i % 500), 'columns', json_array('c'), 'runId', 'run' || i, 'detail', 'words'), x'' FROM n`,
	`INSERT INTO audit_terms (block, term, seqs) SELECT i / 4096, 'w' || i, x'01' FROM n`,
	`INSERT INTO attention_items (id, kind, state, connection, datastore_id, table_id, columns, left_columns, run_id, detail, opened_at, opened_seq,
			opened_by, resolution, resolved_at, resolved_by, resolved_run, owner, note, taken_by, taken_role, taken_record)
		SELECT 'a' || i, iif(i % 3, 'run_failed', 'column_lost'), iif(i < 19900, 'resolved', 'open'), 'default', 'ds' || (i % 4), 't' || (i % 500), '["c"]', '[]',
			'run' || i, '', i, i, '', 'verified', i, '', '', iif(i % 2, '', 'olga'), '', '', '', '' FROM n`,
	`UPDATE marks SET value = 20000 WHERE name IN ('derived', 'attention')`,
}

// tenantTables hold what the tenants hold now, a row for each of their tables or columns. They do not grow with the
// work that is done, and are as large as the tenants are: a statement may read a page of them, and only those of
// mayLook may read more.
var tenantTables = strings.Fields(`inventory_tables inventory_columns rotation_dates key_versions`)

// rareIndexes hold what is rare by their condition: the rows of them that there are have to be looked at, so the
// history holds none or few. An index that is not named here holds rows in it, or what a statement reads by it would
// count for nothing.
var rareIndexes = strings.Fields(`rotation_dates_wants_run rotation_dates_unknown rotation_dates_next rotation_dates_late
	alarm_deliveries_waiting runs_leased campaigns_running inventory_tables_gone checkpoints_anchored`)

// mayLook are statements that may look at more rows, by a text that stands in them, and why they may.
var mayLook = map[string]string{
	`r.operation = 'AUDIT_REVIEW' AND r.seq <`:         "a person makes a review, and a month is looked at once",
	`sum(sensitive_observed)`:                          "the dashboard sums up a row of counts for each table, in one covering index",
	`sum(sensitive_refused), 0) FROM inventory_tables`: "a decision says by how much it moves the coverage of what it concerns, before it is made",
	`DELETE FROM alarm_deliveries WHERE route_id`:      "a person deletes a route with what was sent over it",
	`SELECT count(*) FROM runs`:                        "no page counts runs without a state and a first day",
	`total_columns > 0 AND last_seen <`:                "the end of a listing compares all of a tenant's tables with it",
	`UPDATE inventory_tables SET gone_at`:              "the same",
	`name FROM inventory_tables WHERE gone_at IS NULL`: "new rules propose for every column, once",
	`ORDER BY t.synced_at`:                             "a reading of the tenant begins with the tables that were read longest ago",
	`count(t.table_id)`:                                "the page of data stores counts the tables of each",
	`c.approved_by FROM inventory_columns c`:           "the page of columns sorts those of a state; it is to read a page in the order of an index",
	`SELECT due_at / 86400000000`:                      "a calendar asks for a stretch of days",
}

// presentTables hold what there is now and is little: settings, people, one row a
// name. They do not grow with the work that is done, or by a few rows a day, of
// which a chart reads those that it draws.
var presentTables = strings.Fields(`connections settings inventory_syncs datastores sensitivity_rules users second_factors recovery_codes api_tokens identities link_permits views
	rotation_policies calendar_feeds leases jobs alarm_routes marks run_counts attention_counts goose_db_version
	coverage_totals latency_daily audit_values`)

// withHistory makes a database with a history in a folder.
func withHistory(ctx context.Context, folder string) (*sql.DB, error) {
	s, err := Open(ctx, filepath.Join(folder, "history.db"), Options{})
	if err != nil {
		return nil, err
	}
	if err := s.Close(); err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", s.Path()+"?_pragma=synchronous(OFF)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback() }()
	for _, text := range history {
		if into, rest, found := strings.Cut(text, "SELECT"); found && strings.HasPrefix(text, "INSERT") {
			text = into + fmt.Sprintf(`WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %d) SELECT`, historyRows-1) + rest
		}
		if _, err := tx.ExecContext(ctx, text); err != nil {
			return nil, fmt.Errorf("%s: %w", text, err)
		}
	}
	return db, tx.Commit()
}
