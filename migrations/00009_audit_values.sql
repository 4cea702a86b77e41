-- How many records have each value of a few columns, so that the log's first
-- page can say so however long it is. Kept by the writer once a transaction;
-- derived, so it is no evidence.

-- +goose Up
CREATE TABLE audit_values (
    field   TEXT NOT NULL,
    value   TEXT NOT NULL,
    records INTEGER NOT NULL,
    PRIMARY KEY (field, value)
) WITHOUT ROWID;
CREATE INDEX audit_values_frequent ON audit_values (field, records);

INSERT INTO audit_values (field, value, records)
    SELECT 'operation', operation, count(*) FROM audit_records WHERE operation <> '' GROUP BY operation
    UNION ALL SELECT 'outcome', outcome, count(*) FROM audit_records WHERE outcome <> '' GROUP BY outcome
    UNION ALL SELECT 'actor', actor, count(*) FROM audit_records WHERE actor <> '' GROUP BY actor
    UNION ALL SELECT 'connection', connection, count(*) FROM audit_records WHERE connection <> '' GROUP BY connection;
