package audit

import (
	"context"
	"time"
)

// LineReader reads the log forward, newest first: the lines right after a
// sequence number.
type LineReader interface {
	AuditLinesAfter(ctx context.Context, f Filter, after int64, limit int) ([]Line, error)
}

// Began is when the log begins, zero for an empty one. It is zero too when the
// first record's time cannot be read; the verification of the log says so.
func Began(ctx context.Context, r LineReader) (time.Time, error) {
	list, err := r.AuditLinesAfter(ctx, Filter{}, 0, 1)
	if err != nil || len(list) == 0 {
		return time.Time{}, err
	}
	return list[0].Time(), nil
}
