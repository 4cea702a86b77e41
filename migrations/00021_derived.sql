-- How far the words of the audit log are indexed and its values counted: since
-- this release that follows the records, and no longer stands in their
-- transaction.

-- +goose Up
INSERT INTO marks (name, value) SELECT 'derived', coalesce(max(seq), 0) FROM audit_records;
