-- The rotation ledger: beside the date that was asked for, what was seen of
-- the key, and how far the clock's own transitions have been announced.

-- +goose Up
ALTER TABLE rotation_dates ADD COLUMN origin TEXT NOT NULL DEFAULT 'run';
ALTER TABLE rotation_dates ADD COLUMN grace_days INTEGER NOT NULL DEFAULT 7;
ALTER TABLE rotation_dates ADD COLUMN first_seen INTEGER;
-- 0: never read, 1: the tenant shows key versions of it, 2: it shows none.
ALTER TABLE rotation_dates ADD COLUMN shown INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rotation_dates ADD COLUMN seen_at INTEGER;
ALTER TABLE rotation_dates ADD COLUMN rotated_at INTEGER;
ALTER TABLE rotation_dates ADD COLUMN rotated_how TEXT NOT NULL DEFAULT '';
ALTER TABLE rotation_dates ADD COLUMN rotated_due INTEGER;
ALTER TABLE rotation_dates ADD COLUMN old_seen_at INTEGER;
ALTER TABLE rotation_dates ADD COLUMN timeliness TEXT NOT NULL DEFAULT '';
ALTER TABLE rotation_dates ADD COLUMN back_at INTEGER;
ALTER TABLE rotation_dates ADD COLUMN back_to INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rotation_dates ADD COLUMN phase INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rotation_dates ADD COLUMN next_at INTEGER;
ALTER TABLE rotation_dates ADD COLUMN sequence INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rotation_dates ADD COLUMN wants_run TEXT NOT NULL DEFAULT '';
ALTER TABLE rotation_dates ADD COLUMN gone_at INTEGER;

UPDATE rotation_dates SET next_at = 0;

-- The scan for what the clock has made due reads this and nothing else.
CREATE INDEX rotation_dates_next ON rotation_dates (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX rotation_dates_wants_run ON rotation_dates (wants_run) WHERE wants_run <> '';

-- What is rare and asked for by name; their conditions stand in the queries
-- word for word (store/rotation_columns.go).
CREATE INDEX rotation_dates_unknown ON rotation_dates (due_at, connection, datastore_id, table_id, column_name)
    WHERE NOT (key_version > 0 AND (shown <> 2 OR strategy = 'MANUAL'));
CREATE INDEX rotation_dates_late ON rotation_dates (due_at, connection, datastore_id, table_id, column_name)
    WHERE timeliness = 'late';

-- Counting what is due by day reads this alone.
CREATE INDEX rotation_dates_live ON rotation_dates (due_at) WHERE gone_at IS NULL;
