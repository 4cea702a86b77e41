package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// foldHour is the time within which repeats are folded, counted from full hours of the clock.
const foldHour = time.Hour

// maxFolds is the most kinds of repeats that a Fold counts apart. Beyond it, the repeats of one actor are one
// kind.
const maxFolds = 4096

// Fold records what may happen very often without filling the log: the first of a kind in an hour is a record of
// its own, appended before Note returns. Its repeats within that hour are counted in memory and become one record
// with their number, which Flush appends when the hour is over, and FlushAll at shutdown. A crash loses the number
// of that hour's repeats and never a first record. Each process folds its own.
type Fold struct {
	recorder Recorder
	now      func() time.Time

	mu      sync.Mutex
	hour    time.Time // of the kinds in seen
	seen    map[string]*folded
	pending []Record // of hours that are over, and not appended yet
}

// folded is a kind that was recorded in this hour.
type folded struct {
	first Record
	again int
	last  time.Time
}

// NewFold returns a Fold that appends to the recorder.
func NewFold(recorder Recorder, now func() time.Time) *Fold {
	return &Fold{recorder: recorder, now: now, seen: map[string]*folded{}}
}

// Note appends r, unless a record of its kind was appended in this hour; then it counts it. Two records are of one
// kind when operation, outcome, actor and detail are the same; the actor's address may differ. An error means that
// r is neither recorded nor counted.
func (f *Fold) Note(ctx context.Context, r Record) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.turn()
	kind := foldKind(r, r.Detail)
	if f.seen[kind] == nil && len(f.seen) >= maxFolds {
		kind = foldKind(r, "")
	}
	if known := f.seen[kind]; known != nil {
		known.again++
		known.last = f.now()
		return nil
	}
	if err := f.recorder.AppendRecords(ctx, r); err != nil {
		return err
	}
	f.seen[kind] = &folded{first: r}
	return nil
}

func foldKind(r Record, detail string) string {
	return fmt.Sprintf("%s\x1f%s\x1f%s\x1f%s\x1f%s", r.Operation, r.Outcome, r.Actor.Name, r.Actor.Role, detail)
}

// turn moves the repeats of an hour that is over to pending.
func (f *Fold) turn() {
	hour := f.now().UTC().Truncate(foldHour)
	if hour.Equal(f.hour) {
		return
	}
	f.gather()
	f.hour = hour
}

// gather makes the records of the repeats that were counted, in the order of their kinds, and begins anew.
func (f *Fold) gather() {
	kinds := make([]string, 0, len(f.seen))
	for kind, k := range f.seen {
		if k.again > 0 {
			kinds = append(kinds, kind)
		}
	}
	slices.Sort(kinds)
	for _, kind := range kinds {
		k := f.seen[kind]
		r := NewRecord(f.now(), k.first.Operation, k.first.Outcome, k.first.Actor)
		times := "times"
		if k.again == 1 {
			times = "time"
		}
		detail := k.first.Detail
		if kind != foldKind(k.first, detail) {
			detail = "Further kinds of this operation."
		}
		r.Detail = fmt.Sprintf("%d %s more in the hour from %s, the last at %s: %s", k.again, times,
			f.hour.Format("2006-01-02T15:04Z"), k.last.UTC().Format("15:04:05Z"), detail)
		f.pending = append(f.pending, r)
	}
	clear(f.seen)
}

// Flush appends what was counted in hours that are over. Records that cannot be appended are kept for the
// next time.
func (f *Fold) Flush(ctx context.Context) error { return f.flush(ctx, f.turn) }

// FlushAll appends what was counted, in the present hour too.
func (f *Fold) FlushAll(ctx context.Context) error { return f.flush(ctx, f.gather) }

func (f *Fold) flush(ctx context.Context, gather func()) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	gather()
	if len(f.pending) == 0 {
		return nil
	}
	if err := f.recorder.AppendRecords(ctx, f.pending...); err != nil {
		return errors.Join(errors.New("repeats were not recorded"), err)
	}
	f.pending = nil
	return nil
}
