-- Connections to tenants that are managed in the console. The one from the
-- environment is not here. settings is JSON without a secret; the secrets are
-- sealed, each for its own column and row.

-- +goose Up
DROP TABLE connections; -- of 00003; nothing ever wrote to it
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
