-- What the rules propose for a column and what a person decided. state is what
-- counts: the decision where there is one, else the proposal. The counts of
-- sensitive columns stand beside the table, as the others do.

-- +goose Up
ALTER TABLE inventory_columns ADD COLUMN state TEXT NOT NULL DEFAULT '';
ALTER TABLE inventory_columns ADD COLUMN proposed TEXT NOT NULL DEFAULT '';
ALTER TABLE inventory_columns ADD COLUMN category TEXT NOT NULL DEFAULT '';
ALTER TABLE inventory_columns ADD COLUMN confidence INTEGER NOT NULL DEFAULT 0;
ALTER TABLE inventory_columns ADD COLUMN reason TEXT NOT NULL DEFAULT '';
ALTER TABLE inventory_columns ADD COLUMN decided TEXT NOT NULL DEFAULT '';
ALTER TABLE inventory_columns ADD COLUMN decided_by TEXT NOT NULL DEFAULT '';
ALTER TABLE inventory_columns ADD COLUMN decided_at INTEGER;
CREATE INDEX inventory_columns_state
    ON inventory_columns (state, encrypted, connection, datastore_id, table_id, name) WHERE gone_at IS NULL;
CREATE INDEX inventory_columns_name ON inventory_columns (name, type);

ALTER TABLE inventory_tables ADD COLUMN sensitive_columns INTEGER NOT NULL DEFAULT 0;
ALTER TABLE inventory_tables ADD COLUMN sensitive_encrypted INTEGER NOT NULL DEFAULT 0;

-- The rules that the proposals were made with: one row.
CREATE TABLE sensitivity_rules (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    version TEXT NOT NULL
);
