-- How long runs took, by the UTC day they ended (days since 1970) and stage.
-- latency_values counts every duration that occurred; latency_daily holds the
-- percentiles over them with how many values lie below each, so that one more
-- value moves them by a step or two; n is how many values there are (a stage that
-- was reached and not ended has none). connection '' is all of them together.
-- Both are written in the transaction that ends a run.

-- +goose Up
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
