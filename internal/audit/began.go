package audit

import (
	"context"
	"time"
)

// LineReader reads the lines that follow a sequence number. The answer is ordered newest first.
type LineReader interface {
	AuditLinesAfter(ctx context.Context, f Filter, after int64, limit int) ([]Line, error)
}

// Began returns the time of the log's first record. It is zero for an empty log, and when that record's time
// cannot be read, which the verification of the log reports.
func Began(ctx context.Context, r LineReader) (time.Time, error) {
	list, err := r.AuditLinesAfter(ctx, Filter{}, 0, 1)
	if err != nil || len(list) == 0 {
		return time.Time{}, err
	}
	return list[0].Time(), nil
}
