-- A message is noted as under way before it leaves, with the id and the date it
-- goes out under: after a crash the console knows which ones are in doubt, and
-- repeats them as they were. message is shared by the deliveries of a digest.
-- doubts counts attempts that nobody saw the end of. Times are UTC microseconds.

-- +goose Up
ALTER TABLE alarm_deliveries ADD COLUMN message TEXT NOT NULL DEFAULT '';
ALTER TABLE alarm_deliveries ADD COLUMN message_at INTEGER;
ALTER TABLE alarm_deliveries ADD COLUMN sending_since INTEGER;
ALTER TABLE alarm_deliveries ADD COLUMN doubts INTEGER NOT NULL DEFAULT 0;
