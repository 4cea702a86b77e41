package store

import (
	"context"
	"fmt"
	"time"

	"cxseal/internal/fault"
	"cxseal/store/groupcommit"
)

// Derived data is the index of the ledger's words and the counts of its values.
// It is no evidence, deriving it takes a third of an append, and a thousand
// records take little longer than one. So it is brought up to date later: when
// nothing was written for deriveAfter, when deriveAtMost records wait, and when
// a read needs it. The mark derivedMark is the last seq that it covers,
// whichever process appended.
const (
	deriveAfter  = 50 * time.Millisecond
	deriveAtMost = 1000

	derivedMark = "derived"
)

// derivation counts how far the derived data is behind the ledger. It is a hook
// of the writer, and brings the data up to date when that is worth it.
type derivation struct {
	s       *Store
	lag     int64 // records since the data was last brought up to date
	running int64 // records of the running transaction
	saved   int64
}

var _ groupcommit.Hook = (*derivation)(nil)

// add counts records that the running transaction appended.
func (d *derivation) add(records int) { d.running += int64(records) }

// Begin starts counting.
func (d *derivation) Begin() { d.running = 0 }

// Save remembers the count.
func (d *derivation) Save() { d.saved = d.running }

// Undo goes back to the count that Save remembered.
func (d *derivation) Undo() { d.running = d.saved }

// Commit adds what was appended to what is to be derived.
func (d *derivation) Commit() { d.lag, d.running = d.lag+d.running, 0 }

// Rollback forgets what was never committed.
func (d *derivation) Rollback() { d.running = 0 }

// Idle derives when records wait, many of them unless the writer is at rest.
// That it cannot be done is logged and tried again after the next append: what
// can be derived again must not keep the ledger from being written.
func (d *derivation) Idle(rest bool) groupcommit.Work {
	if d.lag == 0 || !rest && d.lag < deriveAtMost {
		return groupcommit.Work{}
	}
	d.lag = 0
	return groupcommit.Work{
		Do:     func(t *groupcommit.Tx) error { return (&tx{t, d.s}).derive() },
		Failed: "the index of the audit log's words is behind",
	}
}

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
	if err := t.s.engine.indexWords(t, last); err != nil {
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
	if s.writer == nil {
		return fault.New(fault.Invalid, "The newest records of the database are not in its index of words yet, and it was opened for reading only: search without words, or let a console open it once.")
	}
	return s.write(ctx, (*tx).derive)
}

// derivedIfPossible brings the derived data up to date for a page, which goes on
// with what there is while nothing can be written (a full disk): Unindexed then
// says what is missing.
func (s *Store) derivedIfPossible(ctx context.Context) error {
	err := s.derived(ctx)
	if err != nil && s.writer != nil && s.writer.Broken() != nil && ctx.Err() == nil {
		return nil
	}
	return err
}

// Unindexed returns how many of the newest records the search by words and the
// counts of values lack because nothing can be written, and when the first of
// them was made. n is 0 while writing works: the data then follows by itself.
func (s *Store) Unindexed(ctx context.Context) (n int64, since time.Time, err error) {
	if s.writer == nil || s.writer.Broken() == nil {
		return 0, since, nil
	}
	var at string
	err = s.queryRow(ctx, `SELECT count(*), coalesce(min(timestamp), '') FROM audit_records
		WHERE seq > (SELECT value FROM marks WHERE name = ?)`, derivedMark).Scan(&n, &at)
	if err != nil || n == 0 {
		return 0, since, err
	}
	since, err = time.Parse(time.RFC3339, at)
	return n, since, err
}

// The full-text index is put in order when the ledger has grown by one part in
// tidyPart, and by tidyLeast records.
const (
	tidyPart  = 64
	tidyLeast = 4096
)

// TidyWords merges the full-text index into one segment when it is worth it. A
// search for old records passes by all newer ones in every segment.
//
// It goes in small steps, between which others write. The records of one word
// are merged in one go, which takes a third of a second for the most common
// word of a million records; that is why it is no part of appending.
func (s *Store) TidyWords(ctx context.Context) error {
	const mark = "words_tidied"
	size, err := s.TreeSize(ctx)
	if err != nil {
		return err
	}
	last, err := s.mark(ctx, mark)
	if err != nil || size-last < max(tidyLeast, size/tidyPart) {
		return err
	}
	for first, more := true, true; more; first = false {
		err := s.write(ctx, func(t *tx) (err error) {
			more, err = s.engine.mergeWords(t, first)
			return err
		})
		if err != nil {
			return err
		}
	}
	return s.write(ctx, func(t *tx) error { return t.setMark(mark, size) })
}
