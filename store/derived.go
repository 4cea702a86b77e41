package store

import (
	"context"
	"fmt"
	"time"
)

// What is derived from the ledger, its words and the counts of its values, is
// evidence of nothing, takes a third of an append, and is done for a thousand
// records in little more time than for one. So it follows: when nothing was
// written for a moment, when so many records wait, and when somebody asks.
// A mark says how far it has come, whichever process appended.
const (
	deriveAfter  = 50 * time.Millisecond
	deriveAtMost = 1000

	derivedMark = "derived"
)

// derive brings the derived data up to date.
func (t *tx) derive() error {
	var last, size int64
	err := t.queryRow(`SELECT (SELECT value FROM marks WHERE name = ?), (SELECT coalesce(max(seq), 0) FROM audit_records)`, derivedMark).Scan(&last, &size)
	if err != nil {
		return fmt.Errorf("see how far the words of the log are indexed: %w", err)
	}
	if size <= last {
		return nil
	}
	if err := t.indexWords(last); err != nil {
		return err
	}
	if err := t.countValues(last); err != nil {
		return err
	}
	return t.setMark(derivedMark, size)
}

// derived waits until the derived data knows every record that there is now.
func (s *Store) derived(ctx context.Context) error {
	var all bool
	err := s.queryRow(ctx, `SELECT (SELECT value FROM marks WHERE name = ?) >= (SELECT coalesce(max(seq), 0) FROM audit_records)`, derivedMark).Scan(&all)
	if err != nil {
		return fmt.Errorf("see how far the words of the log are indexed: %w", err)
	}
	if all {
		return nil
	}
	return s.write(ctx, (*tx).derive)
}
