-- The log's search by sets of records. For each block of 4,096 records and each
-- term (a field's value, a word, two words side by side, the beginning of a word)
-- it holds which of the block's records have it: store/audit_terms.go. The index
-- of words that it replaces was in the engine's own full-text tables, knew no
-- fields and no order of words, and gave what two common conditions share only by
-- walking one of them.
--
-- It is derived. What a record has is written block by block, so that a batch of
-- records touches the end of the table and not all of it.

-- +goose Up
DROP TABLE audit_vocabulary;
DROP TABLE audit_words;
CREATE TABLE audit_terms (
    block INTEGER NOT NULL,
    term  TEXT NOT NULL,
    seqs  BLOB NOT NULL,
    PRIMARY KEY (block, term)
) WITHOUT ROWID;

-- The index of terms does what these were for.
DROP INDEX audit_records_operation;
DROP INDEX audit_records_outcome;
DROP INDEX audit_records_actor;
DROP INDEX audit_records_actor_role;
DROP INDEX audit_records_connection;
DROP INDEX audit_records_datastore_id;
DROP INDEX audit_records_table_id;
DROP TRIGGER audit_records_hour;
DROP TABLE audit_hours;

-- Both are counted anew, by the mark.
DELETE FROM audit_values;
DELETE FROM marks WHERE name = 'words_tidied';
UPDATE marks SET value = 0 WHERE name = 'derived';
