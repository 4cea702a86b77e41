-- Runs and campaigns whose people may no longer ask for them: why they stopped, and
-- who took them over.

-- +goose Up
ALTER TABLE runs ADD COLUMN held_why TEXT NOT NULL DEFAULT '';
ALTER TABLE runs ADD COLUMN taken_by TEXT NOT NULL DEFAULT '';
ALTER TABLE campaigns ADD COLUMN taken_by TEXT NOT NULL DEFAULT '';
CREATE INDEX runs_waiting ON runs (seq) WHERE state IN ('awaiting', 'queued');
