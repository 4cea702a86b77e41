-- What changes over time and is drawn as a chart: the two coverages, and how long
-- runs took.

-- +goose Up

-- The history of the two coverages. A row holds a table's counts at the end of
-- a UTC day (days since 1970) on which they changed; between two rows they
-- stayed as they were. coverage_totals sums every table of a connection the
-- same way. Both are written in the transaction of the fact. The sensitive columns
-- that are encrypted are verified, unverified or refused.
CREATE TABLE coverage_daily (
    connection           TEXT NOT NULL,
    datastore_id         TEXT NOT NULL,
    table_id             TEXT NOT NULL,
    day                  INTEGER NOT NULL,
    total                INTEGER NOT NULL,
    encrypted            INTEGER NOT NULL,
    sensitive            INTEGER NOT NULL,
    sensitive_verified   INTEGER NOT NULL,
    sensitive_unverified INTEGER NOT NULL,
    sensitive_refused    INTEGER NOT NULL,
    PRIMARY KEY (connection, datastore_id, table_id, day)
);
CREATE INDEX coverage_daily_day ON coverage_daily (day);

CREATE TABLE coverage_totals (
    connection           TEXT NOT NULL,
    day                  INTEGER NOT NULL,
    total                INTEGER NOT NULL,
    encrypted            INTEGER NOT NULL,
    sensitive            INTEGER NOT NULL,
    sensitive_verified   INTEGER NOT NULL,
    sensitive_unverified INTEGER NOT NULL,
    sensitive_refused    INTEGER NOT NULL,
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
CREATE INDEX coverage_events_connection ON coverage_events (connection, day, seq);
CREATE INDEX coverage_events_table_id ON coverage_events (table_id, day, seq);
CREATE INDEX coverage_events_table ON coverage_events (connection, datastore_id, table_id, day);

-- How long runs took, by the UTC day they ended (days since 1970) and stage.
-- latency_values counts every duration that occurred; latency_daily holds the
-- percentiles over them with how many values lie below each, so that one more
-- value moves them by a step or two; n is how many values there are (a stage that
-- was reached and not ended has none). connection '' is all of them together.
-- Both are written in the transaction that ends a run.
CREATE TABLE latency_values (
    connection TEXT NOT NULL,
    day        INTEGER NOT NULL,
    stage      TEXT NOT NULL,
    ms         INTEGER NOT NULL,
    n          INTEGER NOT NULL,
    PRIMARY KEY (connection, day, stage, ms)
) WITHOUT ROWID;

CREATE TABLE latency_daily (
    connection TEXT NOT NULL,
    day        INTEGER NOT NULL,
    stage      TEXT NOT NULL,
    runs       INTEGER NOT NULL,
    failed     INTEGER NOT NULL,
    n          INTEGER NOT NULL,
    p50        INTEGER NOT NULL,
    p50_below  INTEGER NOT NULL,
    p95        INTEGER NOT NULL,
    p95_below  INTEGER NOT NULL,
    longest    INTEGER NOT NULL,
    PRIMARY KEY (connection, day, stage)
);
