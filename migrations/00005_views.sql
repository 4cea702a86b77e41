-- Searches of the audit log that a person gave a name. They are no evidence,
-- so they may be changed and deleted.

-- +goose Up
CREATE TABLE views (
    id      INTEGER PRIMARY KEY,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name    TEXT NOT NULL,
    query   TEXT NOT NULL,
    UNIQUE (user_id, name)
);
