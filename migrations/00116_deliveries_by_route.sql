-- +goose Up
-- Routes deliver side by side, so what is due is asked for one route at a time.
DROP INDEX alarm_deliveries_waiting;
CREATE INDEX alarm_deliveries_waiting ON alarm_deliveries (route_id, next_at) WHERE state = 'waiting';
