package store

import (
	"context"
	"fmt"
	"slices"
)

// numbered is a list whose rows are numbered as they come, read a page at a
// time, newest first, from either side of a number.
type numbered[T any] struct {
	what   string // for an error
	from   string // SELECT and FROM
	number string // the column
	scan   func(scanner) (T, error)
}

// before is the page of rows with a lower number (0: the newest).
func (l numbered[T]) before(ctx context.Context, s *Store, w where, number int64, limit int) ([]T, error) {
	if number > 0 {
		w.and(l.number+` < ?`, number)
	}
	return l.page(ctx, s, w, ` DESC`, limit)
}

// after is the page of rows that come right after a number, newest first too.
func (l numbered[T]) after(ctx context.Context, s *Store, w where, number int64, limit int) ([]T, error) {
	w.and(l.number+` > ?`, number)
	list, err := l.page(ctx, s, w, ``, limit)
	slices.Reverse(list)
	return list, err
}

func (l numbered[T]) page(ctx context.Context, s *Store, w where, direction string, limit int) ([]T, error) {
	list, err := collect(ctx, s, l.scan, l.from+w.sql()+` ORDER BY `+l.number+direction+` LIMIT ?`, append(w.args, pageSize(limit))...)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", l.what, err)
	}
	return list, nil
}
