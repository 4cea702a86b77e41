package store

import (
	"context"
	"fmt"
	"slices"

	"cxseal/internal/seal"
)

var _ seal.Store = (*Store)(nil)

// sealedColumn is a column that holds sealed values, and the key of its rows.
type sealedColumn struct{ table, column, key string }

// sealedColumns are all of them, in the order of table and column. A sealed
// column that is not here would be lost when the key is changed.
var sealedColumns = []sealedColumn{
	{"alarm_routes", "sealed", "CAST(id AS TEXT)"},
	{"connections", "access_key_secret", "name"},
	{"connections", "client_secret", "name"},
	{"connections", "kms_secrets", "name"},
	{"second_factors", "seed", "CAST(user_id AS TEXT)"},
}

// SealedValues returns up to n sealed values that come after the place, in the
// order of table, column and row.
func (s *Store) SealedValues(ctx context.Context, after seal.Place, n int) ([]seal.Value, error) {
	var out []seal.Value
	for _, c := range sealedColumns {
		row := ""
		switch before := slices.Compare([]string{c.table, c.column}, []string{after.Table, after.Column}); {
		case before < 0:
			continue
		case before == 0:
			row = after.Row
		}
		list, err := collect(ctx, s, func(r scanner) (seal.Value, error) {
			v := seal.Value{At: seal.Place{Table: c.table, Column: c.column}}
			return v, r.Scan(&v.At.Row, &v.Sealed)
		}, `SELECT `+c.key+`, `+c.column+` FROM `+c.table+` WHERE `+c.column+` IS NOT NULL AND `+c.key+` > ? ORDER BY `+c.key+` LIMIT ?`,
			row, n-len(out))
		if err != nil {
			return nil, fmt.Errorf("list sealed values: %w", err)
		}
		if out = append(out, list...); len(out) == n {
			break
		}
	}
	return out, nil
}

// ReplaceSealed swaps a sealed value for another, or answers false when it is
// no longer the old one.
func (s *Store) ReplaceSealed(ctx context.Context, at seal.Place, old, replacement []byte) (bool, error) {
	i := slices.IndexFunc(sealedColumns, func(c sealedColumn) bool { return c.table == at.Table && c.column == at.Column })
	if i < 0 {
		return false, fmt.Errorf("%s.%s holds nothing sealed", at.Table, at.Column)
	}
	c := sealedColumns[i]
	var swapped bool
	err := s.write(ctx, func(t *tx) error {
		n, err := t.exec(`UPDATE `+c.table+` SET `+c.column+` = ? WHERE `+c.key+` = ? AND `+c.column+` = ?`, replacement, at.Row, old)
		swapped = n == 1
		if err != nil {
			return fmt.Errorf("replace sealed value: %w", err)
		}
		return nil
	})
	return swapped, err
}
