package store

import (
	"context"
	"fmt"

	"cxseal/internal/audit"
	"cxseal/internal/rotation"
)

var _ rotation.PolicyStore = (*Store)(nil)

const policyColumns = `id, connection, datastore_id, category, strategy, interval_days, grace_days, auto_rotate,
	window_cron, window_zone, window_minutes, updated_at, updated_by`

const policyText = `SELECT ` + policyColumns + ` FROM rotation_policies ORDER BY connection, datastore_id, category`

func scanPolicy(row scanner) (p rotation.Policy, err error) {
	return p, row.Scan(&p.ID, &p.Connection, &p.DatastoreID, &p.Category, &p.Strategy, &p.IntervalDays, &p.GraceDays, &p.AutoRotate,
		&p.Window.Cron, &p.Window.Zone, &p.Window.Minutes, stamp{&p.UpdatedAt}, &p.UpdatedBy)
}

// Policies lists every rotation policy.
func (s *Store) Policies(ctx context.Context) (rotation.Policies, error) {
	list, err := collect(ctx, s, scanPolicy, policyText)
	if err != nil {
		return nil, fmt.Errorf("list policies: %w", err)
	}
	return list, nil
}

func (t *tx) policies() (rotation.Policies, error) {
	list, err := collectFrom(t, scanPolicy, policyText)
	if err != nil {
		return nil, fmt.Errorf("list policies: %w", err)
	}
	return list, nil
}

// SavePolicy keeps the policy in place of the one with its scope, and has the
// scan look again at every column that is not overdue.
func (s *Store) SavePolicy(ctx context.Context, p rotation.Policy, records ...audit.Record) error {
	return s.changePolicies(ctx, records, func(t *tx) error {
		_, err := t.exec(`INSERT INTO rotation_policies (connection, datastore_id, category, strategy, interval_days, grace_days, auto_rotate,
				window_cron, window_zone, window_minutes, updated_at, updated_by) VALUES (`+placeholders(12)+`)
			ON CONFLICT (connection, datastore_id, category) DO UPDATE SET strategy = excluded.strategy, interval_days = excluded.interval_days,
				grace_days = excluded.grace_days, auto_rotate = excluded.auto_rotate, window_cron = excluded.window_cron,
				window_zone = excluded.window_zone, window_minutes = excluded.window_minutes,
				updated_at = excluded.updated_at, updated_by = excluded.updated_by`,
			p.Connection, p.DatastoreID, p.Category, p.Strategy, p.IntervalDays, p.GraceDays, p.AutoRotate,
			p.Window.Cron, p.Window.Zone, p.Window.Minutes, micros(p.UpdatedAt), p.UpdatedBy)
		return err
	})
}

// DeletePolicy ends a policy.
func (s *Store) DeletePolicy(ctx context.Context, id int64, records ...audit.Record) error {
	return s.changePolicies(ctx, records, func(t *tx) error {
		_, err := t.exec(`DELETE FROM rotation_policies WHERE id = ?`, id)
		return err
	})
}

func (s *Store) changePolicies(ctx context.Context, records []audit.Record, change func(*tx) error) error {
	raw, err := canonical(records)
	if err != nil {
		return err
	}
	return s.write(ctx, func(t *tx) error {
		if err := change(t); err != nil {
			return fmt.Errorf("change policies: %w", err)
		}
		// The grace may be another now. A date that is overdue stays so.
		if _, err := t.exec(`UPDATE rotation_dates SET next_at = 0 WHERE next_at IS NOT NULL`); err != nil {
			return fmt.Errorf("have the rotations looked at again: %w", err)
		}
		return t.append(raw)
	})
}
