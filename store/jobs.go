package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"cxseal/internal/schedule"
)

var _ schedule.Store = (*Store)(nil)

// Lease gives or renews the named lease until now+ttl, unless another owner
// holds it. A lease that ends after schedule.LatestEnd is taken as free: the
// clock that set it was wrong.
func (s *Store) Lease(ctx context.Context, name, owner string, now time.Time, ttl time.Duration) (bool, error) {
	var got bool
	err := s.write(ctx, func(t *tx) error {
		n, err := t.exec(`INSERT INTO leases (name, owner, until) VALUES (?1, ?2, ?3)
			ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, until = excluded.until
				WHERE leases.owner = excluded.owner OR leases.until <= ?4 OR leases.until > ?5`,
			name, owner, micros(now.Add(ttl)), micros(now), micros(schedule.LatestEnd(now, ttl)))
		if err != nil {
			return fmt.Errorf("take the lease %s: %w", name, err)
		}
		got = n == 1
		return nil
	})
	return got, err
}

// EndLease gives the lease up, if the owner holds it.
func (s *Store) EndLease(ctx context.Context, name, owner string) error {
	return s.write(ctx, func(t *tx) error {
		if _, err := t.exec(`DELETE FROM leases WHERE name = ? AND owner = ?`, name, owner); err != nil {
			return fmt.Errorf("end the lease %s: %w", name, err)
		}
		return nil
	})
}

// DropLease ends the lease, also of another owner.
func (s *Store) DropLease(ctx context.Context, name string) error {
	return s.write(ctx, func(t *tx) error {
		if _, err := t.exec(`DELETE FROM leases WHERE name = ?`, name); err != nil {
			return fmt.Errorf("drop the lease %s: %w", name, err)
		}
		return nil
	})
}

// JobStates lists the state of every job that ran.
func (s *Store) JobStates(ctx context.Context) ([]schedule.State, error) {
	list, err := collect(ctx, s, func(row scanner) (j schedule.State, err error) {
		var ms int64
		err = row.Scan(&j.Name, stamp{&j.StartedAt}, stamp{&j.FinishedAt}, &ms, &j.Error, &j.Failures)
		j.Duration = time.Duration(ms) * time.Millisecond
		return j, err
	}, `SELECT name, started_at, finished_at, duration_ms, error, failures FROM jobs ORDER BY name`)
	if err != nil {
		return nil, fmt.Errorf("list jobs: %w", err)
	}
	return list, nil
}

// SaveJobState keeps the outcome of a job's run.
func (s *Store) SaveJobState(ctx context.Context, j schedule.State) error {
	return s.write(ctx, func(t *tx) error {
		_, err := t.exec(`INSERT INTO jobs (name, started_at, finished_at, duration_ms, error, failures) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (name) DO UPDATE SET started_at = excluded.started_at, finished_at = excluded.finished_at,
				duration_ms = excluded.duration_ms, error = excluded.error, failures = excluded.failures`,
			j.Name, micros(j.StartedAt), micros(j.FinishedAt), j.Duration.Milliseconds(), j.Error, j.Failures)
		if err != nil {
			return fmt.Errorf("save job %s: %w", j.Name, err)
		}
		return nil
	})
}

// HighWater keeps the highest time it was ever given, and returns what was
// kept before; the zero time at first.
func (s *Store) HighWater(ctx context.Context, now time.Time) (before time.Time, err error) {
	err = s.write(ctx, func(t *tx) error {
		err := t.queryRow(`SELECT value FROM marks WHERE name = 'clock'`).Scan(stamp{&before})
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("read the clock's mark: %w", err)
		}
		if !now.After(before) {
			return nil
		}
		return t.setMark("clock", now.UnixMicro())
	})
	return before, err
}
