-- How many of a table's verified sensitive columns are under a later key version
-- than the verified one, kept beside its other counts: the dashboard sums it, and
-- a tenant that rotates by itself has that of nearly every column.

-- +goose Up
ALTER TABLE inventory_tables ADD COLUMN sensitive_observed INTEGER NOT NULL DEFAULT 0;
UPDATE inventory_tables SET sensitive_observed = (SELECT count(*) FROM inventory_columns c
    WHERE c.observed = 1 AND c.gone_at IS NULL AND c.state = 'sensitive'
        AND c.connection = inventory_tables.connection AND c.datastore_id = inventory_tables.datastore_id AND c.table_id = inventory_tables.table_id)
    WHERE gone_at IS NULL;
DROP INDEX inventory_columns_observed;
DROP INDEX inventory_tables_totals;
CREATE INDEX inventory_tables_totals ON inventory_tables
    (total_columns, encrypted_columns, sensitive_columns, sensitive_verified, sensitive_unverified, sensitive_refused, sensitive_observed, read_at, gone_at)
    WHERE gone_at IS NULL;
