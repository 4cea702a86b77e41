-- The key version as a KMS names it where that is no number, '' where it is one
-- or none was told (docs/adr/0007). key_version is 0 then.

-- +goose Up
ALTER TABLE runs ADD COLUMN key_id TEXT NOT NULL DEFAULT '';
ALTER TABLE inventory_columns ADD COLUMN key_id TEXT NOT NULL DEFAULT '';
ALTER TABLE verifications ADD COLUMN key_id TEXT NOT NULL DEFAULT '';
