-- The history of the two coverages. A row holds a table's counts at the end of
-- a UTC day (days since 1970) on which they changed; between two rows they
-- stayed as they were. coverage_totals sums every table of a connection the
-- same way. Both are written in the transaction of the fact.

-- +goose Up
CREATE TABLE coverage_daily (
    connection          TEXT NOT NULL,
    datastore_id        TEXT NOT NULL,
    table_id            TEXT NOT NULL,
    day                 INTEGER NOT NULL,
    total               INTEGER NOT NULL,
    encrypted           INTEGER NOT NULL,
    sensitive           INTEGER NOT NULL,
    sensitive_encrypted INTEGER NOT NULL,
    PRIMARY KEY (connection, datastore_id, table_id, day)
);
CREATE INDEX coverage_daily_day ON coverage_daily (day);

CREATE TABLE coverage_totals (
    connection          TEXT NOT NULL,
    day                 INTEGER NOT NULL,
    total               INTEGER NOT NULL,
    encrypted           INTEGER NOT NULL,
    sensitive           INTEGER NOT NULL,
    sensitive_encrypted INTEGER NOT NULL,
    PRIMARY KEY (connection, day)
);

-- What the chart marks: runs that changed a coverage, and every fall of a
-- table's or the connection's coverage with why it fell.
CREATE TABLE coverage_events (
    seq          INTEGER PRIMARY KEY,
    day          INTEGER NOT NULL,
    at           INTEGER NOT NULL,
    connection   TEXT NOT NULL,
    datastore_id TEXT NOT NULL,
    table_id     TEXT NOT NULL,
    kind         TEXT NOT NULL CHECK (kind IN ('run', 'drop')),
    reason       TEXT NOT NULL CHECK (reason <> ''),
    run_id       TEXT NOT NULL
);
CREATE INDEX coverage_events_day ON coverage_events (day, seq);
CREATE INDEX coverage_events_table ON coverage_events (connection, datastore_id, table_id, day);
