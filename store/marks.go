package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// Marks are how far work in the background has come.

// mark is the value that was set last, 0 when there is none.
func (s *Store) mark(ctx context.Context, name string) (value int64, err error) {
	err = s.queryRow(ctx, `SELECT value FROM marks WHERE name = ?`, name).Scan(&value)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("read a mark: %w", err)
	}
	return value, nil
}

func (t *tx) setMark(name string, value int64) error {
	_, err := t.exec(`INSERT INTO marks (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, value)
	if err != nil {
		return fmt.Errorf("set a mark: %w", err)
	}
	return nil
}
