package store

import (
	"context"
	"fmt"
	"time"

	"cxseal/store/groupcommit"
)

// Derived data is the index of the ledger's terms and the counts of its values.
// It is no evidence, and a thousand records take not much longer than one. So it
// is brought up to date later: when deriveAtMost records wait, or deriveAtRest
// and nothing was written for deriveAfter. A read takes the newest records, which
// it lacks, from the log itself (tailTerms). The mark derivedMark is the last seq
// that it covers, whichever process appended.
const (
	deriveAfter  = 50 * time.Millisecond
	deriveAtRest = 64
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
	if d.lag < deriveAtRest || !rest && d.lag < deriveAtMost {
		return groupcommit.Work{}
	}
	d.lag = 0
	return groupcommit.Work{
		Do:     func(t *groupcommit.Tx) error { return (&tx{t, d.s}).derive(deriveAtRest) },
		Failed: "the index of the audit log's terms is behind",
	}
}

// derive brings the derived data up to date, as far as the end of a block, if
// it is so many records behind: another process may have done it.
func (t *tx) derive(least int64) error {
	var last, size int64
	err := t.queryRow(`SELECT (SELECT value FROM marks WHERE name = ?), (SELECT coalesce(max(seq), 0) FROM audit_records)`, derivedMark).Scan(&last, &size)
	if err != nil {
		return fmt.Errorf("see how far the log's terms are indexed: %w", err)
	}
	if size-last < least {
		return nil
	}
	upto := min(size, seqAt(blockOf(last+1), blockRecords-1))
	if upto, err = t.indexTerms(last, upto); err != nil {
		return err
	}
	if err := t.countValues(last, upto); err != nil {
		return err
	}
	t.s.behind.lag = max(t.s.behind.lag, size-upto)
	if err := t.setMark(derivedMark, upto); err != nil {
		return err
	}
	return t.attend()
}

// derived waits until the derived data knows every record that there is now.
func (s *Store) derived(ctx context.Context) error {
	for {
		var behind int64
		err := s.queryRow(ctx, `SELECT (SELECT coalesce(max(seq), 0) FROM audit_records) - (SELECT value FROM marks WHERE name = ?)`, derivedMark).Scan(&behind)
		if err != nil {
			return fmt.Errorf("see how far the log's terms are indexed: %w", err)
		}
		if behind <= 0 {
			return nil
		}
		if err := s.write(ctx, func(t *tx) error { return t.derive(1) }); err != nil {
			return err
		}
	}
}

// CatchUp indexes what the search of the log does not know yet, if that is much:
// after an upgrade that makes the index anew, or a crash.
func (s *Store) CatchUp(ctx context.Context) error {
	size, err := s.TreeSize(ctx)
	if err != nil {
		return err
	}
	last, err := s.mark(ctx, derivedMark)
	if err != nil || size-last < deriveAtMost {
		return err
	}
	return s.derived(ctx)
}
