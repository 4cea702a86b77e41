-- What needs a person: the findings that records of the ledger open and settle
-- (internal/attention). The rows follow from the records and from nothing else: an
-- acknowledgement is a record too. left_columns are those that nothing has settled
-- yet. opened_by, resolved_by and taken_record are audit ids.

-- +goose Up
CREATE TABLE attention_items (
    seq          INTEGER PRIMARY KEY,
    id           TEXT NOT NULL UNIQUE,
    kind         TEXT NOT NULL,
    state        TEXT NOT NULL,
    connection   TEXT NOT NULL,
    datastore_id TEXT NOT NULL,
    table_id     TEXT NOT NULL,
    columns      TEXT NOT NULL,
    left_columns TEXT NOT NULL,
    run_id       TEXT NOT NULL,
    detail       TEXT NOT NULL,
    opened_at    INTEGER NOT NULL,
    opened_seq   INTEGER NOT NULL,
    opened_by    TEXT NOT NULL,
    resolution   TEXT NOT NULL,
    resolved_at  INTEGER,
    resolved_by  TEXT NOT NULL,
    resolved_run TEXT NOT NULL,
    owner        TEXT NOT NULL,
    note         TEXT NOT NULL,
    taken_by     TEXT NOT NULL,
    taken_role   TEXT NOT NULL,
    taken_at     INTEGER,
    taken_record TEXT NOT NULL
);
CREATE INDEX attention_items_state ON attention_items (state);
CREATE INDEX attention_items_kind ON attention_items (kind, state);
CREATE INDEX attention_items_connection ON attention_items (connection);
CREATE INDEX attention_items_table_id ON attention_items (table_id);
CREATE INDEX attention_items_owner ON attention_items (owner) WHERE owner <> '';
CREATE INDEX attention_items_run ON attention_items (run_id) WHERE run_id <> '';

-- What a record of a table may settle.
CREATE INDEX attention_items_unresolved ON attention_items (connection, datastore_id, table_id)
    WHERE state <> 'resolved';

-- How many there are of each kind in each state: counting them takes longer with
-- each that was resolved.
CREATE TABLE attention_counts (
    kind  TEXT NOT NULL,
    state TEXT NOT NULL,
    items INTEGER NOT NULL,
    PRIMARY KEY (kind, state)
) WITHOUT ROWID;

-- +goose StatementBegin
CREATE TRIGGER attention_counted AFTER INSERT ON attention_items BEGIN
    INSERT INTO attention_counts (kind, state, items) VALUES (new.kind, new.state, 1)
    ON CONFLICT (kind, state) DO UPDATE SET items = items + 1;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER attention_recounted AFTER UPDATE OF state ON attention_items WHEN old.state <> new.state BEGIN
    UPDATE attention_counts SET items = items - 1 WHERE kind = old.kind AND state = old.state;
    INSERT INTO attention_counts (kind, state, items) VALUES (new.kind, new.state, 1)
    ON CONFLICT (kind, state) DO UPDATE SET items = items + 1;
END;
-- +goose StatementEnd

-- The records that the findings cover, and the newest month that was looked at (in
-- seconds since 1970).
INSERT INTO marks (name, value) VALUES ('attention', 0), ('attention_months', 0);
