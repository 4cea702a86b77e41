-- Connections to tenants, and what the tenants were last seen to hold. gone_at is
-- when a listing no longer named the thing; null: it is there.

-- +goose Up

-- The connections that are managed in the console; the one from the environment
-- is not here. settings is JSON without a secret; the secrets are sealed, each
-- for its own column and row.
CREATE TABLE connections (
    name              TEXT PRIMARY KEY,
    settings          TEXT NOT NULL,
    disabled          INTEGER NOT NULL,
    version           INTEGER NOT NULL,
    created_at        INTEGER NOT NULL,
    updated_at        INTEGER NOT NULL,
    client_secret     BLOB,
    access_key_secret BLOB,
    kms_secrets       BLOB
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
    -- When its tables were last listed whole, why the last try was not (empty:
    -- it was) and the code of that, which the advice goes by.
    listed_at    INTEGER,
    list_error   TEXT NOT NULL DEFAULT '',
    list_code    TEXT NOT NULL DEFAULT '',
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
    read_at              INTEGER, -- columns last read
    synced_at            INTEGER, -- that, or when they could not be
    sync_error           TEXT NOT NULL,
    sensitive_columns    INTEGER NOT NULL DEFAULT 0,
    -- Of the sensitive ones that are encrypted, by what the KMS said.
    sensitive_verified   INTEGER NOT NULL DEFAULT 0,
    sensitive_unverified INTEGER NOT NULL DEFAULT 0,
    sensitive_refused    INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (connection, datastore_id, table_id)
);
CREATE UNIQUE INDEX inventory_tables_name
    ON inventory_tables (connection, datastore_id, name, table_id);

-- What pages sum up and count of every table and column is in an index, whole:
-- gone_at too, without which the database reads each row after all.
CREATE INDEX inventory_tables_totals ON inventory_tables
    (total_columns, encrypted_columns, sensitive_columns, sensitive_verified, sensitive_unverified, sensitive_refused, read_at, gone_at) WHERE gone_at IS NULL;
CREATE INDEX inventory_tables_gone ON inventory_tables
    (connection, datastore_id, table_id, gone_at) WHERE gone_at IS NOT NULL;

-- proposed is what the rules say of a column, decided what a person said. state
-- is what counts: the decision where there is one, else the proposal.
--
-- protection is how far the column is protected, observed whether its key version
-- is later than the one that the KMS confirmed: both follow from encrypted,
-- key_version, open_at and the verdict (internal/protection). open_at is when the
-- column was last seen not encrypted. The verdict is the KMS's newest on the
-- column; verdict_changed_at is when the change that it is about was seen. A row
-- that is gone from the start holds the verdict on a column that was never read.
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
    state        TEXT NOT NULL DEFAULT '',
    proposed     TEXT NOT NULL DEFAULT '',
    category     TEXT NOT NULL DEFAULT '',
    confidence   INTEGER NOT NULL DEFAULT 0,
    reason       TEXT NOT NULL DEFAULT '',
    decided      TEXT NOT NULL DEFAULT '',
    decided_by   TEXT NOT NULL DEFAULT '',
    decided_at   INTEGER,
    protection   TEXT NOT NULL DEFAULT 'unprotected',
    observed     INTEGER NOT NULL DEFAULT 0,
    open_at      INTEGER,
    verdict            TEXT NOT NULL DEFAULT '',
    verdict_version    INTEGER NOT NULL DEFAULT 0,
    verdict_key_id     TEXT NOT NULL DEFAULT '',
    verdict_run        TEXT NOT NULL DEFAULT '',
    verdict_at         INTEGER,
    verdict_changed_at INTEGER,
    PRIMARY KEY (connection, datastore_id, table_id, name)
);
CREATE INDEX inventory_columns_name ON inventory_columns (name, type);
CREATE INDEX inventory_columns_state ON inventory_columns
    (state, encrypted, connection, datastore_id, table_id, name, gone_at) WHERE gone_at IS NULL;
CREATE INDEX inventory_columns_protection ON inventory_columns
    (state, protection, connection, datastore_id, table_id, name, gone_at) WHERE gone_at IS NULL;
CREATE INDEX inventory_columns_observed ON inventory_columns (state, connection, datastore_id, table_id)
    WHERE observed = 1 AND gone_at IS NULL;

-- The rules that the proposals were made with: one row.
CREATE TABLE sensitivity_rules (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    version TEXT NOT NULL
);
