-- Rotation policies, and the choice of a run to ignore a low-traffic window.

-- +goose Up
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

ALTER TABLE runs ADD COLUMN ignore_window INTEGER NOT NULL DEFAULT 0;
