-- What pages sum up and count of every table and column is in an index, whole:
-- gone_at too, without which the database reads each row after all.

-- +goose Up
CREATE INDEX inventory_tables_totals ON inventory_tables
    (total_columns, encrypted_columns, sensitive_columns, sensitive_encrypted, synced_at, gone_at) WHERE gone_at IS NULL;
CREATE INDEX inventory_tables_gone ON inventory_tables
    (connection, datastore_id, table_id, gone_at) WHERE gone_at IS NOT NULL;
DROP INDEX inventory_columns_state;
CREATE INDEX inventory_columns_state ON inventory_columns
    (state, encrypted, connection, datastore_id, table_id, name, gone_at) WHERE gone_at IS NULL;
