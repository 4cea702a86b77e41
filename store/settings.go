package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"cxseal/internal/audit"
)

// Setting returns what is stored under the name; found is false for nothing.
func (s *Store) Setting(ctx context.Context, name string) (value string, found bool, err error) {
	err = s.queryRow(ctx, `SELECT value FROM settings WHERE name = ?`, name).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("read the setting %s: %w", name, err)
	}
	return value, true, nil
}

// SetSetting stores a value with its records.
func (s *Store) SetSetting(ctx context.Context, name, value string, records ...audit.Record) error {
	return s.recorded(ctx, records, func(t *tx) error {
		_, err := t.exec(`INSERT INTO settings (name, value, updated_at) VALUES (?, ?, ?)
			ON CONFLICT (name) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at`, name, value, micros(s.now()))
		if err != nil {
			return fmt.Errorf("keep the setting %s: %w", name, err)
		}
		return nil
	})
}
