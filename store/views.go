package store

import (
	"context"
	"fmt"

	"cxseal/internal/fault"
	"cxseal/internal/review"
)

// Views lists a person's saved views by name.
func (s *Store) Views(ctx context.Context, userID int64) ([]review.View, error) {
	list, err := collect(ctx, s, func(row scanner) (v review.View, err error) {
		return v, row.Scan(&v.ID, &v.UserID, &v.Name, &v.Query)
	}, `SELECT id, user_id, name, query FROM views WHERE user_id = ? ORDER BY name`, userID)
	if err != nil {
		return nil, fmt.Errorf("list views: %w", err)
	}
	return list, nil
}

// SaveView keeps a view, in place of the person's one with that name. It
// answers fault.Conflict when they have the most already.
func (s *Store) SaveView(ctx context.Context, v review.View, most int) error {
	return s.write(ctx, func(t *tx) error {
		n, err := t.exec(`UPDATE views SET query = ? WHERE user_id = ? AND name = ?`, v.Query, v.UserID, v.Name)
		if err != nil {
			return fmt.Errorf("save view: %w", err)
		}
		if n > 0 {
			return nil
		}
		n, err = t.exec(`INSERT INTO views (user_id, name, query)
			SELECT ?, ?, ? WHERE (SELECT count(*) FROM views WHERE user_id = ?) < ?`,
			v.UserID, v.Name, v.Query, v.UserID, most)
		if err != nil {
			return fmt.Errorf("save view: %w", err)
		}
		if n == 0 {
			return fault.New(fault.Conflict, "You have %d saved views, which is the most: delete one first.", most)
		}
		return nil
	})
}

// DeleteView deletes one of a person's own views, or answers fault.NotFound.
func (s *Store) DeleteView(ctx context.Context, userID, id int64) error {
	return s.write(ctx, func(t *tx) error {
		n, err := t.exec(`DELETE FROM views WHERE id = ? AND user_id = ?`, id, userID)
		if err != nil {
			return fmt.Errorf("delete view: %w", err)
		}
		if n == 0 {
			return fault.New(fault.NotFound, "There is no such saved view.")
		}
		return nil
	})
}
