-- Connections (what is not secret of them) and what the tenants were last seen
-- to hold. gone_at is when a listing no longer named the thing; null: it is
-- there.

-- +goose Up
CREATE TABLE connections (
    name              TEXT PRIMARY KEY,
    source            TEXT NOT NULL CHECK (source IN ('environment', 'console')),
    base_url          TEXT NOT NULL,
    token_mode        TEXT NOT NULL CHECK (token_mode IN ('client-credentials', 'access-key')),
    token_url         TEXT NOT NULL,
    issuer            TEXT NOT NULL,
    realm             TEXT NOT NULL,
    client_id         TEXT NOT NULL,
    path_prefix       TEXT NOT NULL,
    callback_url      TEXT NOT NULL,
    callback_signed   INTEGER NOT NULL,
    rate              REAL NOT NULL,
    concurrency       INTEGER NOT NULL,
    default_datastore TEXT NOT NULL,
    default_table     TEXT NOT NULL,
    created_at        INTEGER NOT NULL,
    updated_at        INTEGER NOT NULL
);

CREATE TABLE inventory_syncs (
    connection   TEXT PRIMARY KEY,
    started_at   INTEGER NOT NULL,
    succeeded_at INTEGER,
    error        TEXT NOT NULL
);

CREATE TABLE datastores (
    connection   TEXT NOT NULL,
    datastore_id TEXT NOT NULL,
    name         TEXT NOT NULL,
    first_seen   INTEGER NOT NULL,
    last_seen    INTEGER NOT NULL,
    gone_at      INTEGER,
    PRIMARY KEY (connection, datastore_id)
);

-- The counts of columns are kept beside the table so that a list of 10,000
-- tables pages without touching their columns.
CREATE TABLE inventory_tables (
    connection           TEXT NOT NULL,
    datastore_id         TEXT NOT NULL,
    table_id             TEXT NOT NULL,
    name                 TEXT NOT NULL,
    max_encrypted_fields INTEGER NOT NULL,
    total_columns        INTEGER NOT NULL,
    encrypted_columns    INTEGER NOT NULL,
    first_seen           INTEGER NOT NULL,
    last_seen            INTEGER NOT NULL,
    gone_at              INTEGER,
    synced_at            INTEGER,
    sync_error           TEXT NOT NULL,
    PRIMARY KEY (connection, datastore_id, table_id)
);
CREATE UNIQUE INDEX inventory_tables_name
    ON inventory_tables (connection, datastore_id, name, table_id);

CREATE TABLE inventory_columns (
    connection   TEXT NOT NULL,
    datastore_id TEXT NOT NULL,
    table_id     TEXT NOT NULL,
    position     INTEGER NOT NULL,
    name         TEXT NOT NULL,
    type         TEXT NOT NULL,
    encrypted    INTEGER NOT NULL,
    key_version  INTEGER NOT NULL,
    first_seen   INTEGER NOT NULL,
    last_seen    INTEGER NOT NULL,
    gone_at      INTEGER,
    PRIMARY KEY (connection, datastore_id, table_id, name)
);
