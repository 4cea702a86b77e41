package store

import (
	"context"
	"fmt"
	"slices"

	"cxseal/internal/encryption"
)

// RunsAfter is the page on the other side of Runs: the limit runs that match
// and come right after the given Seq, newest first too.
func (s *Store) RunsAfter(ctx context.Context, f encryption.RunFilter, after int64, limit int) ([]encryption.RunLine, error) {
	w := runFilter(f)
	w.and(`seq > ?`, after)
	runs, err := collect(ctx, s, scanRunLine,
		`SELECT `+lineColumns+` FROM runs`+w.sql()+` ORDER BY seq LIMIT ?`, append(w.args, pageSize(limit))...)
	if err != nil {
		return nil, fmt.Errorf("list runs: %w", err)
	}
	slices.Reverse(runs)
	return runs, nil
}

// VerificationsAfter is the page on the other side of Verifications: the limit
// callbacks that match and come right after the given Seq, newest first too.
func (s *Store) VerificationsAfter(ctx context.Context, f encryption.VerificationFilter, after int64, limit int) ([]encryption.Verification, error) {
	w := verificationFilter(f)
	w.and(`seq > ?`, after)
	list, err := collect(ctx, s, scanVerificationLine,
		`SELECT `+verificationLine+` FROM verifications`+w.sql()+` ORDER BY seq LIMIT ?`, append(w.args, pageSize(limit))...)
	if err != nil {
		return nil, fmt.Errorf("list callbacks: %w", err)
	}
	slices.Reverse(list)
	return list, nil
}
