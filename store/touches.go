package store

import (
	"context"
	"fmt"
	"time"

	"cxseal/internal/access"
	"cxseal/internal/audit"
)

func scanTouch(row scanner) (t access.Touch, err error) {
	return t, row.Scan(&t.ID, &t.UserID, &t.Name, &t.Kind, &t.By.UserID, &t.By.Name, stamp{&t.At})
}

// insertTouch notes that an account was touched; the zero value is none.
func (t *tx) insertTouch(v access.Touch) error {
	if v == (access.Touch{}) {
		return nil
	}
	_, err := t.exec(`INSERT INTO account_touches (user_id, kind, by_id, by_name, at) VALUES (?, ?, ?, ?, ?)`,
		v.UserID, string(v.Kind), v.By.UserID, v.By.Name, micros(v.At))
	if err != nil {
		return fmt.Errorf("note the touch of an account: %w", err)
	}
	return nil
}

// Touches returns the touches of accounts since the time that nobody has lifted,
// the newest first.
func (s *Store) Touches(ctx context.Context, since time.Time) ([]access.Touch, error) {
	list, err := collect(ctx, s, scanTouch, `SELECT t.id, t.user_id, u.name, t.kind, t.by_id, t.by_name, t.at
		FROM account_touches t JOIN users u ON u.id = t.user_id
		WHERE t.at > ? AND t.lifted_at IS NULL ORDER BY t.at DESC, t.id DESC`, micros(since))
	if err != nil {
		return nil, fmt.Errorf("list touches of accounts: %w", err)
	}
	return list, nil
}

// LiftTouches notes who lifted the touches, and when.
func (s *Store) LiftTouches(ctx context.Context, ids []int64, by access.Party, at time.Time, records ...audit.Record) error {
	return s.recorded(ctx, records, func(t *tx) error {
		for _, id := range ids {
			_, err := t.exec(`UPDATE account_touches SET lifted_at = ?, lifted_by = ? WHERE id = ? AND lifted_at IS NULL`, micros(at), by.Name, id)
			if err != nil {
				return fmt.Errorf("lift the touch of an account: %w", err)
			}
		}
		return nil
	})
}
