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

// SaveView keeps a view, in place of the person's one with that name. One more
// is added if review.MayAddView lets them.
func (s *Store) SaveView(ctx context.Context, v review.View) error {
	return s.write(ctx, func(t *tx) error {
		changed, err := t.exec(`UPDATE views SET query = ? WHERE user_id = ? AND name = ?`, v.Query, v.UserID, v.Name)
		if err != nil {
			return fmt.Errorf("save view: %w", err)
		}
		if changed > 0 {
			return nil
		}
		var n int
		if err := t.queryRow(`SELECT count(*) FROM views WHERE user_id = ?`, v.UserID).Scan(&n); err != nil {
			return fmt.Errorf("count views: %w", err)
		}
		if err := review.MayAddView(n); err != nil {
			return err
		}
		if _, err := t.exec(`INSERT INTO views (user_id, name, query) VALUES (?, ?, ?)`, v.UserID, v.Name, v.Query); err != nil {
			return fmt.Errorf("save view: %w", err)
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
