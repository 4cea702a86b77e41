-- The audit ledger. A record is kept as the exact bytes that were hashed, and
-- every column to search by is generated from them, so that no column can
-- disagree with the evidence.

-- +goose Up
CREATE TABLE audit_records (
    seq                    INTEGER PRIMARY KEY,
    record                 TEXT NOT NULL,
    leaf_hash              BLOB NOT NULL,
    audit_id               TEXT    GENERATED ALWAYS AS (json_extract(record, '$.auditId')) STORED,
    timestamp              TEXT    GENERATED ALWAYS AS (json_extract(record, '$.timestamp')) STORED,
    operation              TEXT    GENERATED ALWAYS AS (json_extract(record, '$.operation')) STORED,
    outcome                TEXT    GENERATED ALWAYS AS (json_extract(record, '$.outcome')) STORED,
    actor                  TEXT    GENERATED ALWAYS AS (json_extract(record, '$.actor.name')) STORED,
    actor_role             TEXT    GENERATED ALWAYS AS (json_extract(record, '$.actor.role')) STORED,
    actor_ip               TEXT    GENERATED ALWAYS AS (json_extract(record, '$.actor.ip')) STORED,
    connection             TEXT    GENERATED ALWAYS AS (json_extract(record, '$.connection')) STORED,
    datastore_id           TEXT    GENERATED ALWAYS AS (json_extract(record, '$.datastoreId')) STORED,
    table_id               TEXT    GENERATED ALWAYS AS (json_extract(record, '$.tableId')) STORED,
    columns                TEXT    GENERATED ALWAYS AS (json_extract(record, '$.columns')) STORED,
    run_id                 TEXT    GENERATED ALWAYS AS (json_extract(record, '$.runId')) STORED,
    latency_ms             INTEGER GENERATED ALWAYS AS (json_extract(record, '$.metrics.latencyMs')) STORED,
    coverage_rate          REAL    GENERATED ALWAYS AS (json_extract(record, '$.metrics.coverageRate')) STORED,
    fields_encrypted       INTEGER GENERATED ALWAYS AS (json_extract(record, '$.metrics.fieldsEncrypted')) STORED,
    total_fields           INTEGER GENERATED ALWAYS AS (json_extract(record, '$.metrics.totalFields')) STORED,
    query_degradation_risk TEXT    GENERATED ALWAYS AS (json_extract(record, '$.metrics.queryDegradationRisk')) STORED,
    gdpr_aligned           INTEGER GENERATED ALWAYS AS (json_extract(record, '$.compliance.gdprAligned')) STORED,
    algorithm              TEXT    GENERATED ALWAYS AS (json_extract(record, '$.compliance.algorithm')) STORED,
    key_rotation_enabled   INTEGER GENERATED ALWAYS AS (json_extract(record, '$.compliance.keyRotationEnabled')) STORED,
    key_version            INTEGER GENERATED ALWAYS AS (json_extract(record, '$.kms.keyVersion')) STORED,
    permission_hash        TEXT    GENERATED ALWAYS AS (json_extract(record, '$.kms.permissionHash')) STORED,
    kms_status             TEXT    GENERATED ALWAYS AS (json_extract(record, '$.kms.status')) STORED,
    detail                 TEXT    GENERATED ALWAYS AS (json_extract(record, '$.detail')) STORED
);

-- The row number rides along in each index, so "the newest 50 with this value,
-- before that seq" is one descent at any depth.
CREATE UNIQUE INDEX audit_records_audit_id ON audit_records (audit_id);
CREATE INDEX audit_records_operation ON audit_records (operation);
CREATE INDEX audit_records_outcome ON audit_records (outcome);
CREATE INDEX audit_records_actor ON audit_records (actor);
CREATE INDEX audit_records_actor_role ON audit_records (actor_role);
CREATE INDEX audit_records_connection ON audit_records (connection) WHERE connection IS NOT NULL;
CREATE INDEX audit_records_datastore_id ON audit_records (datastore_id) WHERE datastore_id IS NOT NULL;
CREATE INDEX audit_records_table_id ON audit_records (table_id) WHERE table_id IS NOT NULL;
CREATE INDEX audit_records_run_id ON audit_records (run_id) WHERE run_id IS NOT NULL;

-- The Merkle tree's nodes, at tlog's stored hash indexes.
CREATE TABLE audit_hashes (
    idx  INTEGER PRIMARY KEY,
    hash BLOB NOT NULL
);

-- Which rows hold an hour's records. The clock may step back and appends from
-- two processes may interleave, so timestamps rise with seq only nearly; this
-- turns a period into a range of seq, which every other index can serve.
CREATE TABLE audit_hours (
    hour      TEXT PRIMARY KEY,
    first_seq INTEGER NOT NULL,
    last_seq  INTEGER NOT NULL,
    records   INTEGER NOT NULL
) WITHOUT ROWID;

-- How many records have each value of a few columns, so that the log's first
-- page can say so however long the log is. Derived, so it is no evidence.
CREATE TABLE audit_values (
    field   TEXT NOT NULL,
    value   TEXT NOT NULL,
    records INTEGER NOT NULL,
    PRIMARY KEY (field, value)
) WITHOUT ROWID;
CREATE INDEX audit_values_frequent ON audit_values (field, records);

-- The words of columns and detail. The writer adds them once for many records:
-- FTS5 writes out what it holds at every savepoint, and each job has one.
-- detail=none keeps only which rows hold a word, which is enough for AND and for
-- prefixes, at a fraction of the size.
--
-- A search for newest first passes by all newer records of a word: by page where
-- the word fills four pages of a segment, record by record where it does not. So
-- segments are to be few. A background job merges all of them from time to time
-- (Store.TidyWords); nothing else may begin a merge, hence usermerge at its
-- highest value. Pages keep FTS5's own size: smaller ones fill sooner, but a
-- common word then has so many that finding the right one takes longer.
CREATE VIRTUAL TABLE audit_words USING fts5 (
    words, content = '', columnsize = 0, detail = none, tokenize = 'unicode61'
);
INSERT INTO audit_words (audit_words, rank) VALUES ('usermerge', 16);

-- The words that occur, straight from the index: it takes no room. One row a
-- word and record; read one word at a time with LIMIT 1.
CREATE VIRTUAL TABLE audit_vocabulary USING fts5vocab (audit_words, instance);

-- +goose StatementBegin
CREATE TRIGGER audit_records_hour AFTER INSERT ON audit_records BEGIN
    INSERT INTO audit_hours (hour, first_seq, last_seq, records)
    VALUES (substr(new.timestamp, 1, 13), new.seq, new.seq, 1)
    ON CONFLICT (hour) DO UPDATE SET last_seq = max(last_seq, new.seq), records = records + 1;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER audit_records_no_update BEFORE UPDATE ON audit_records BEGIN
    SELECT RAISE(ABORT, 'audit records are never updated');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER audit_records_no_delete BEFORE DELETE ON audit_records BEGIN
    SELECT RAISE(ABORT, 'audit records are never deleted');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER audit_hashes_no_update BEFORE UPDATE ON audit_hashes BEGIN
    SELECT RAISE(ABORT, 'tree hashes are never updated');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER audit_hashes_no_delete BEFORE DELETE ON audit_hashes BEGIN
    SELECT RAISE(ABORT, 'tree hashes are never deleted');
END;
-- +goose StatementEnd

-- Signed checkpoints of the tree. anchored_at stays null until a copy has left
-- the machine.
CREATE TABLE checkpoints (
    size        INTEGER PRIMARY KEY,
    root        BLOB NOT NULL,
    note        TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    anchored_at INTEGER,
    anchor      TEXT NOT NULL DEFAULT ''
);
CREATE INDEX checkpoints_anchored ON checkpoints (size) WHERE anchored_at IS NOT NULL;

-- Numbers that say how far something has come: the records whose words and
-- values are indexed (derived), the records that the alarms have read
-- (alarms_read), the highest time that the scheduler has seen (clock).
CREATE TABLE marks (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
);
INSERT INTO marks (name, value) VALUES ('derived', 0), ('alarms_read', 0);
