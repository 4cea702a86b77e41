-- Who could have acted as whom: changes of somebody else's account that count
-- against the four-eyes rule for a day. by_id 0 is the operator of the machine.
-- The facts are on record (USER_CHANGED); this is what the rule reads.

-- +goose Up
CREATE TABLE account_touches (
    id        INTEGER PRIMARY KEY,
    user_id   INTEGER NOT NULL REFERENCES users (id),
    kind      TEXT NOT NULL,
    by_id     INTEGER NOT NULL,
    by_name   TEXT NOT NULL,
    at        INTEGER NOT NULL,
    lifted_at INTEGER,
    lifted_by TEXT NOT NULL DEFAULT ''
);
CREATE INDEX account_touches_at ON account_touches (at) WHERE lifted_at IS NULL;

-- Settings that a process keeps for the others on this database.
CREATE TABLE settings (
    name       TEXT PRIMARY KEY,
    value      TEXT NOT NULL,
    updated_at INTEGER NOT NULL
);
