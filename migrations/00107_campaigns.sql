-- Campaigns: many tables at once, as ordinary runs. An item without a run and
-- without a refusal is still to be launched; its run's id is written before the
-- run is, so that a crash between the two launches it once.

-- +goose Up
CREATE TABLE campaigns (
    seq            INTEGER PRIMARY KEY,
    id             TEXT NOT NULL UNIQUE,
    connection     TEXT NOT NULL,
    datastore_id   TEXT NOT NULL,
    target         TEXT NOT NULL CHECK (target IN ('tables', 'sensitive')),
    interval_days  INTEGER NOT NULL,
    mask_indexes   INTEGER NOT NULL,
    state          TEXT NOT NULL CHECK (state IN ('running', 'paused', 'done', 'cancelled')),
    reason         TEXT NOT NULL,
    requested_by   TEXT NOT NULL,
    requested_role TEXT NOT NULL,
    requested_ip   TEXT NOT NULL,
    requested_id   INTEGER NOT NULL,
    requested_at   INTEGER NOT NULL,
    finished_at    INTEGER
);
CREATE INDEX campaigns_running ON campaigns (seq) WHERE state = 'running';

CREATE TABLE campaign_items (
    campaign_id  TEXT NOT NULL REFERENCES campaigns (id),
    position     INTEGER NOT NULL,
    datastore_id TEXT NOT NULL,
    table_id     TEXT NOT NULL,
    table_name   TEXT NOT NULL,
    columns      TEXT NOT NULL,
    left_out     TEXT NOT NULL,
    run_id       TEXT NOT NULL,
    refused      TEXT NOT NULL,
    PRIMARY KEY (campaign_id, position)
);
CREATE INDEX campaign_items_run ON campaign_items (run_id) WHERE run_id <> '';
