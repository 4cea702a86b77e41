-- Runs, their dossiers and the KMS callbacks. Times are UTC microseconds; null is
-- "not yet" or "not given". Lists are JSON arrays.

-- +goose Up
CREATE TABLE runs (
    seq                  INTEGER PRIMARY KEY,
    id                   TEXT NOT NULL UNIQUE,
    operation            TEXT NOT NULL,
    connection           TEXT NOT NULL,
    datastore_id         TEXT NOT NULL,
    table_id             TEXT NOT NULL,
    state                TEXT NOT NULL,
    start_at             INTEGER,
    requested_by         TEXT NOT NULL,
    requested_role       TEXT NOT NULL,
    requested_ip         TEXT NOT NULL,
    requested_at         INTEGER NOT NULL,
    lease_owner          TEXT NOT NULL,
    lease_until          INTEGER,
    strategy             TEXT NOT NULL,
    interval_days        INTEGER NOT NULL,
    mask_indexes         INTEGER NOT NULL,
    approved_fingerprint TEXT NOT NULL,
    idempotency_key      TEXT NOT NULL,
    callback_token       TEXT NOT NULL,
    next_rotation        INTEGER,
    attempts             INTEGER NOT NULL,
    shown_at             INTEGER, -- when the tenant told after_columns
    patched_at           INTEGER,
    callback_deadline    INTEGER,
    finished_at          INTEGER,
    token_ms             INTEGER NOT NULL,
    checks_ms            INTEGER NOT NULL,
    patch_ms             INTEGER NOT NULL,
    kms_ms               INTEGER NOT NULL,
    key_version          INTEGER NOT NULL,
    permission_hash      TEXT NOT NULL,
    error_code           TEXT NOT NULL,
    error_message        TEXT NOT NULL,
    -- The bulky ones last, so that a list that skips rows does not read them.
    columns              TEXT NOT NULL,
    after_columns        TEXT,
    plan                 TEXT,
    payload              BLOB,
    answer               TEXT,
    -- What a second person decided, as JSON on the run's own row, so that the
    -- run's state and its approval cannot disagree.
    approval             TEXT,
    ignore_window        INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX runs_state ON runs (state);
CREATE INDEX runs_operation ON runs (operation);
CREATE INDEX runs_connection ON runs (connection);
CREATE INDEX runs_datastore_id ON runs (datastore_id);
CREATE INDEX runs_table_id ON runs (table_id);
CREATE INDEX runs_requested_by ON runs (requested_by);
CREATE UNIQUE INDEX runs_callback_token ON runs (callback_token) WHERE callback_token <> '';

-- The queue: only what may still be worked on. A worker looks for the oldest of
-- its connection many times a second, so it names the index that it reads
-- (store/runs.go): by runs_connection, which the database prefers for want of
-- statistics, each look would pass by every run ever made.
CREATE INDEX runs_open ON runs (seq)
    WHERE state IN ('queued', 'checking', 'patching', 'verifying');
CREATE INDEX runs_open_connection ON runs (connection, seq)
    WHERE state IN ('queued', 'checking', 'patching', 'verifying');
CREATE INDEX runs_busy ON runs (connection, datastore_id, table_id)
    WHERE state IN ('queued', 'checking', 'patching', 'verifying');
CREATE INDEX runs_leased ON runs (lease_owner) WHERE lease_owner <> '';
CREATE INDEX runs_awaiting ON runs (seq) WHERE state = 'awaiting';

-- What happened lately or to one table is asked by pages and by each reading of
-- a table, and must not pass by all of a state's or a connection's runs.
CREATE INDEX runs_state_requested ON runs (state, requested_at);
CREATE INDEX runs_of_table ON runs (connection, datastore_id, table_id);

-- How many runs are in each state: counting them takes longer with each run.
CREATE TABLE run_counts (
    state TEXT PRIMARY KEY,
    runs  INTEGER NOT NULL
) WITHOUT ROWID;

-- +goose StatementBegin
CREATE TRIGGER runs_counted AFTER INSERT ON runs BEGIN
    INSERT INTO run_counts (state, runs) VALUES (new.state, 1)
    ON CONFLICT (state) DO UPDATE SET runs = runs + 1;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER runs_recounted AFTER UPDATE OF state ON runs WHEN old.state <> new.state BEGIN
    UPDATE run_counts SET runs = runs - 1 WHERE state = old.state;
    INSERT INTO run_counts (state, runs) VALUES (new.state, 1)
    ON CONFLICT (state) DO UPDATE SET runs = runs + 1;
END;
-- +goose StatementEnd

CREATE TABLE run_events (
    seq     INTEGER PRIMARY KEY,
    run_id  TEXT NOT NULL REFERENCES runs (id),
    at      INTEGER NOT NULL,
    state   TEXT NOT NULL,
    kind    TEXT NOT NULL,
    message TEXT NOT NULL
);
CREATE INDEX run_events_run_id ON run_events (run_id);

-- Every KMS callback, accepted or refused; run_id is empty when the URL's token
-- belongs to no run.
CREATE TABLE verifications (
    seq         INTEGER PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,
    run_id      TEXT NOT NULL,
    connection  TEXT NOT NULL,
    table_id    TEXT NOT NULL,
    accepted    INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    remote_ip   TEXT NOT NULL,
    inline      INTEGER NOT NULL,
    signed      INTEGER NOT NULL,
    webhook_id  TEXT NOT NULL,
    body_hash   TEXT NOT NULL,
    code        TEXT NOT NULL,
    reason      TEXT NOT NULL,
    columns     TEXT NOT NULL,
    key_version INTEGER NOT NULL,
    algorithm   TEXT NOT NULL,
    status      INTEGER NOT NULL,
    answer      TEXT NOT NULL,
    checks      TEXT NOT NULL,
    body        TEXT NOT NULL
);
CREATE INDEX verifications_run_id ON verifications (run_id);
CREATE INDEX verifications_connection ON verifications (connection);
CREATE INDEX verifications_table_id ON verifications (table_id);
CREATE INDEX verifications_accepted ON verifications (accepted);
