-- The rotation ledger (the date that was asked for, beside it what was seen of
-- the key, and how far the passing of time has been announced), the policies that
-- dates come from, and the calendar's feeds. Times are UTC microseconds.

-- +goose Up
CREATE TABLE rotation_dates (
    connection    TEXT NOT NULL,
    datastore_id  TEXT NOT NULL,
    table_id      TEXT NOT NULL,
    column_name   TEXT NOT NULL,
    strategy      TEXT NOT NULL,
    interval_days INTEGER NOT NULL,
    due_at        INTEGER NOT NULL,
    key_version   INTEGER NOT NULL,
    run_id        TEXT NOT NULL,
    updated_at    INTEGER NOT NULL,
    origin        TEXT NOT NULL DEFAULT 'run',
    grace_days    INTEGER NOT NULL DEFAULT 7,
    first_seen    INTEGER,
    -- 0: never read, 1: the tenant shows key versions of it, 2: it shows none.
    shown         INTEGER NOT NULL DEFAULT 0,
    seen_at       INTEGER,
    rotated_at    INTEGER,
    rotated_how   TEXT NOT NULL DEFAULT '',
    rotated_due   INTEGER,
    old_seen_at   INTEGER,
    timeliness    TEXT NOT NULL DEFAULT '',
    back_at       INTEGER,
    back_to       INTEGER NOT NULL DEFAULT 0,
    phase         INTEGER NOT NULL DEFAULT 0,
    next_at       INTEGER,
    sequence      INTEGER NOT NULL DEFAULT 0,
    wants_run     TEXT NOT NULL DEFAULT '',
    gone_at       INTEGER,
    PRIMARY KEY (connection, datastore_id, table_id, column_name)
);
-- The list is read soonest first; the rest of the key breaks ties.
CREATE UNIQUE INDEX rotation_dates_due
    ON rotation_dates (due_at, connection, datastore_id, table_id, column_name);
CREATE INDEX rotation_dates_connection_due
    ON rotation_dates (connection, due_at, datastore_id, table_id, column_name);

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

-- The highest key version that a verified run brought for a column.
CREATE TABLE key_versions (
    connection   TEXT NOT NULL,
    datastore_id TEXT NOT NULL,
    table_id     TEXT NOT NULL,
    column_name  TEXT NOT NULL,
    key_version  INTEGER NOT NULL,
    run_id       TEXT NOT NULL,
    PRIMARY KEY (connection, datastore_id, table_id, column_name)
);

CREATE TABLE rotation_policies (
    id             INTEGER PRIMARY KEY,
    connection     TEXT NOT NULL,
    datastore_id   TEXT NOT NULL,
    category       TEXT NOT NULL,
    strategy       TEXT NOT NULL,
    interval_days  INTEGER NOT NULL,
    grace_days     INTEGER NOT NULL,
    auto_rotate    INTEGER NOT NULL,
    window_cron    TEXT NOT NULL,
    window_zone    TEXT NOT NULL,
    window_minutes INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL,
    updated_by     TEXT NOT NULL,
    UNIQUE (connection, datastore_id, category)
);

-- One calendar feed a person; the token in its address is stored hashed.
CREATE TABLE calendar_feeds (
    user_id    INTEGER PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    hash       BLOB NOT NULL UNIQUE,
    created_at INTEGER NOT NULL
);
