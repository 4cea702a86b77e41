-- Four eyes: what a second person decided about a run, as JSON, on the run's
-- own row, so that the run's state and its approval cannot disagree.

-- +goose Up
ALTER TABLE runs ADD COLUMN approval TEXT;
CREATE INDEX runs_awaiting ON runs (seq) WHERE state = 'awaiting';
