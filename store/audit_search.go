package store

import (
	"context"
	"errors"

	"cxseal/internal/audit"
)

// mostSearchTime is how long a search of the log may take, the wait for one of
// the searches' connections included.
const mostSearchTime = audit.MostSearchTime

// startSearch returns what a query of the log reads with, and a function to call
// at its end. One condition that one term answers reads with the connections of
// pages. Whatever else a person asks for may take longer, so it has connections of
// its own and a deadline: sessions, pages and runs never wait for it.
func (s *Store) startSearch(ctx context.Context, q *auditQuery) (reading, context.CancelFunc) {
	if q.quick() {
		return reading{ctx, s.pages}, func() {}
	}
	limited, cancel := context.WithTimeoutCause(ctx, s.searchTime, audit.ErrSearchStopped)
	return reading{limited, s.searches}, cancel
}

// searchError is the error of a search: audit.ErrSearchStopped when its own
// deadline ended it, however the database put that.
func searchError(ctx context.Context, search reading, err error) error {
	if ctx.Err() == nil && errors.Is(context.Cause(search.ctx), audit.ErrSearchStopped) {
		return audit.ErrSearchStopped
	}
	return err
}
