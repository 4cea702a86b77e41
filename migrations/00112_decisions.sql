-- Decisions about what is sensitive: their reasons, those that wait for a second
-- person, and what they change of the coverage.

-- +goose Up
ALTER TABLE inventory_columns ADD COLUMN decided_reason TEXT NOT NULL DEFAULT '';
ALTER TABLE inventory_columns ADD COLUMN approved_by TEXT NOT NULL DEFAULT '';

-- Every decision about a column, as its audit record has it: seq is the record's.
CREATE TABLE sensitivity_decisions (
    seq          INTEGER PRIMARY KEY,
    at           INTEGER NOT NULL,
    connection   TEXT NOT NULL,
    datastore_id TEXT NOT NULL,
    table_id     TEXT NOT NULL,
    column_name  TEXT NOT NULL,
    decided      TEXT NOT NULL,
    was          TEXT NOT NULL,
    state        TEXT NOT NULL,
    proposed     TEXT NOT NULL,
    reason       TEXT NOT NULL,
    decided_by   TEXT NOT NULL,
    approved_by  TEXT NOT NULL
);
CREATE INDEX sensitivity_decisions_at ON sensitivity_decisions (at);
CREATE INDEX sensitivity_decisions_column ON sensitivity_decisions (connection, datastore_id, table_id, column_name, seq);
-- Those that took a column out of what counts: the dashboard counts them.
CREATE INDEX sensitivity_decisions_out ON sensitivity_decisions (at)
    WHERE decided = 'not_sensitive' AND was = 'sensitive';

-- Decisions that wait for a second person. approval is JSON, as on a run's row,
-- and state is the approval's.
CREATE TABLE sensitivity_requests (
    seq          INTEGER PRIMARY KEY,
    id           TEXT NOT NULL UNIQUE,
    connection   TEXT NOT NULL,
    state        TEXT NOT NULL,
    decision     TEXT NOT NULL,
    reason       TEXT NOT NULL,
    columns      INTEGER NOT NULL,
    effect       TEXT NOT NULL,
    asked_by     TEXT NOT NULL,
    asked_role   TEXT NOT NULL,
    asked_ip     TEXT NOT NULL,
    approval     TEXT NOT NULL
);
CREATE INDEX sensitivity_requests_open ON sensitivity_requests (seq) WHERE state = 'requested';

-- The columns of a request, as they were when it was made.
CREATE TABLE sensitivity_request_columns (
    request_id   TEXT NOT NULL,
    position     INTEGER NOT NULL,
    datastore_id TEXT NOT NULL,
    table_id     TEXT NOT NULL,
    column_name  TEXT NOT NULL,
    was          TEXT NOT NULL,
    proposed     TEXT NOT NULL,
    PRIMARY KEY (request_id, position)
) WITHOUT ROWID;

-- How many columns decisions took out of what counts as sensitive on the day, and
-- brought into it.
ALTER TABLE coverage_daily ADD COLUMN decided_out INTEGER NOT NULL DEFAULT 0;
ALTER TABLE coverage_daily ADD COLUMN decided_in INTEGER NOT NULL DEFAULT 0;
ALTER TABLE coverage_totals ADD COLUMN decided_out INTEGER NOT NULL DEFAULT 0;
ALTER TABLE coverage_totals ADD COLUMN decided_in INTEGER NOT NULL DEFAULT 0;

-- A fall of a coverage is a loss of protection ('drop') or comes of what is
-- counted alone ('counted').
CREATE TABLE coverage_events_new (
    seq          INTEGER PRIMARY KEY,
    day          INTEGER NOT NULL,
    at           INTEGER NOT NULL,
    connection   TEXT NOT NULL,
    datastore_id TEXT NOT NULL,
    table_id     TEXT NOT NULL,
    kind         TEXT NOT NULL CHECK (kind IN ('run', 'drop', 'counted')),
    reason       TEXT NOT NULL CHECK (reason <> ''),
    run_id       TEXT NOT NULL
);
INSERT INTO coverage_events_new SELECT seq, day, at, connection, datastore_id, table_id, kind, reason, run_id FROM coverage_events;
DROP TABLE coverage_events;
ALTER TABLE coverage_events_new RENAME TO coverage_events;
CREATE INDEX coverage_events_day ON coverage_events (day, seq);
CREATE INDEX coverage_events_connection ON coverage_events (connection, day, seq);
CREATE INDEX coverage_events_table_id ON coverage_events (table_id, day, seq);
CREATE INDEX coverage_events_table ON coverage_events (connection, datastore_id, table_id, day);
