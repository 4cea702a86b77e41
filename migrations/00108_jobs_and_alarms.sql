-- What the background scheduler did last, who may do it, and the alarms with
-- their way to people. Times are UTC microseconds.

-- +goose Up
CREATE TABLE leases (
    name  TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    until INTEGER NOT NULL
);

CREATE TABLE jobs (
    name        TEXT PRIMARY KEY,
    started_at  INTEGER,
    finished_at INTEGER,
    duration_ms INTEGER NOT NULL DEFAULT 0,
    error       TEXT NOT NULL DEFAULT '',
    failures    INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE alarms (
    id           INTEGER PRIMARY KEY,
    dedupe       TEXT NOT NULL UNIQUE,
    kind         TEXT NOT NULL,
    severity     TEXT NOT NULL,
    title        TEXT NOT NULL,
    detail       TEXT NOT NULL,
    connection   TEXT NOT NULL,
    datastore_id TEXT NOT NULL,
    table_id     TEXT NOT NULL,
    columns      TEXT NOT NULL,
    run_id       TEXT NOT NULL,
    raised_at    INTEGER NOT NULL
);
CREATE INDEX alarms_kind ON alarms (kind);

-- A service URL is a secret: sealed, with a hint to tell it from others.
CREATE TABLE alarm_routes (
    id         INTEGER PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE,
    sealed     BLOB NOT NULL,
    hint       TEXT NOT NULL,
    kinds      TEXT NOT NULL,
    digest     INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL
);

-- alarm_id is null for a test. A route that is deleted takes its deliveries
-- along.
--
-- A message is noted as under way before it leaves, with the id and the date it
-- goes out under: after a crash the console knows which ones are in doubt, and
-- repeats them as they were. message is shared by the deliveries of a digest.
-- doubts counts attempts whose outcome is not known.
CREATE TABLE alarm_deliveries (
    id            INTEGER PRIMARY KEY,
    message_id    TEXT NOT NULL UNIQUE,
    alarm_id      INTEGER REFERENCES alarms (id),
    route_id      INTEGER NOT NULL REFERENCES alarm_routes (id) ON DELETE CASCADE,
    state         TEXT NOT NULL CHECK (state IN ('waiting', 'sent', 'failed')),
    attempts      INTEGER NOT NULL,
    next_at       INTEGER NOT NULL,
    sent_at       INTEGER,
    error         TEXT NOT NULL,
    message       TEXT NOT NULL DEFAULT '',
    message_at    INTEGER,
    sending_since INTEGER,
    doubts        INTEGER NOT NULL DEFAULT 0,
    UNIQUE (alarm_id, route_id)
);
CREATE INDEX alarm_deliveries_waiting ON alarm_deliveries (next_at) WHERE state = 'waiting';
CREATE INDEX alarm_deliveries_route ON alarm_deliveries (route_id);
