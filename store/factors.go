package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/fault"
)

var _ access.FactorStore = (*Store)(nil)

// Factor returns the person's second factor, or fault.NotFound.
func (s *Store) Factor(ctx context.Context, userID int64) (access.Factor, error) {
	f := access.Factor{UserID: userID}
	err := s.queryRow(ctx, `SELECT seed, confirmed, last_step, created_at FROM second_factors WHERE user_id = ?`, userID).
		Scan(&f.Seed, &f.Confirmed, &f.LastStep, stamp{&f.CreatedAt})
	if errors.Is(err, sql.ErrNoRows) {
		return access.Factor{}, noFactor()
	}
	if err != nil {
		return access.Factor{}, fmt.Errorf("read second factor: %w", err)
	}
	f.Recovery, err = collect(ctx, s, func(row scanner) (hash string, err error) {
		return hash, row.Scan(&hash)
	}, `SELECT hash FROM recovery_codes WHERE user_id = ? ORDER BY hash`, userID)
	if err != nil {
		return access.Factor{}, fmt.Errorf("read recovery codes: %w", err)
	}
	return f, nil
}

func noFactor() error { return fault.New(fault.NotFound, "This account has no second factor.") }

// SaveFactor inserts the factor or replaces the person's whole.
func (s *Store) SaveFactor(ctx context.Context, f access.Factor, records ...audit.Record) error {
	return s.recorded(ctx, records, func(t *tx) error {
		_, err := t.exec(`INSERT INTO second_factors (user_id, seed, confirmed, last_step, created_at) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (user_id) DO UPDATE SET seed = excluded.seed, confirmed = excluded.confirmed,
				last_step = excluded.last_step, created_at = excluded.created_at`,
			f.UserID, f.Seed, f.Confirmed, f.LastStep, micros(f.CreatedAt))
		if err != nil {
			return fmt.Errorf("save second factor: %w", err)
		}
		if _, err := t.exec(`DELETE FROM recovery_codes WHERE user_id = ?`, f.UserID); err != nil {
			return fmt.Errorf("replace recovery codes: %w", err)
		}
		for _, hash := range f.Recovery {
			if _, err := t.exec(`INSERT INTO recovery_codes (user_id, hash) VALUES (?, ?)`, f.UserID, hash); err != nil {
				return fmt.Errorf("save recovery code: %w", err)
			}
		}
		return nil
	})
}

// UseStep spends a time step, or answers fault.Conflict when it or a newer one
// was spent.
func (s *Store) UseStep(ctx context.Context, userID, step int64) error {
	return s.spend(ctx, `UPDATE second_factors SET last_step = ? WHERE user_id = ? AND last_step < ?`, step, userID, step)
}

// UseRecoveryCode spends a recovery code, or answers fault.Conflict when it is
// not there.
func (s *Store) UseRecoveryCode(ctx context.Context, userID int64, hash string) error {
	return s.spend(ctx, `DELETE FROM recovery_codes WHERE user_id = ? AND hash = ?`, userID, hash)
}

func (s *Store) spend(ctx context.Context, text string, args ...any) error {
	return s.write(ctx, func(t *tx) error {
		n, err := t.exec(text, args...)
		if err != nil {
			return fmt.Errorf("use a code: %w", err)
		}
		if n == 0 {
			return fault.New(fault.Conflict, "This code was used already.")
		}
		return nil
	})
}

// RemoveFactor removes the person's second factor with its recovery codes, or
// answers fault.NotFound.
func (s *Store) RemoveFactor(ctx context.Context, userID int64, by access.Touch, records ...audit.Record) error {
	return s.recorded(ctx, records, func(t *tx) error {
		if _, err := t.exec(`DELETE FROM recovery_codes WHERE user_id = ?`, userID); err != nil {
			return fmt.Errorf("remove recovery codes: %w", err)
		}
		n, err := t.exec(`DELETE FROM second_factors WHERE user_id = ?`, userID)
		if err != nil {
			return fmt.Errorf("remove second factor: %w", err)
		}
		if n == 0 {
			return noFactor()
		}
		return t.insertTouch(by)
	})
}

// FactorUsers are the ids of the people who have a confirmed second factor.
func (s *Store) FactorUsers(ctx context.Context) (map[int64]bool, error) {
	list, err := collect(ctx, s, func(row scanner) (id int64, err error) {
		return id, row.Scan(&id)
	}, `SELECT user_id FROM second_factors WHERE confirmed = ?`, true)
	if err != nil {
		return nil, fmt.Errorf("list second factors: %w", err)
	}
	on := make(map[int64]bool, len(list))
	for _, id := range list {
		on[id] = true
	}
	return on, nil
}

// recorded makes a change together with its audit records, or neither.
func (s *Store) recorded(ctx context.Context, records []audit.Record, change func(*tx) error) error {
	raw, err := canonical(records)
	if err != nil {
		return err
	}
	return s.write(ctx, func(t *tx) error {
		if err := change(t); err != nil {
			return err
		}
		return t.append(raw)
	})
}
