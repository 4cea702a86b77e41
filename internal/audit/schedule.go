package audit

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"cxseal/internal/fault"
)

// When a checkpoint is due, unless Schedule says otherwise.
const (
	DefaultCheckpointRecords = 1000
	DefaultCheckpointEvery   = 10 * time.Minute
)

// LogOption changes how a log keeps its checkpoints.
type LogOption func(*Log)

// Schedule makes a checkpoint due when so many records are not covered by the
// newest one, or any are and it is older than that. A zero keeps the default.
func Schedule(records int64, every time.Duration) LogOption {
	return func(l *Log) {
		if records > 0 {
			l.dueRecords = records
		}
		if every > 0 {
			l.dueEvery = every
		}
	}
}

// AnchorTo sends a copy of the newest checkpoint to each of the anchors, every
// time that the log is due.
func AnchorTo(anchors ...Anchor) LogOption {
	return func(l *Log) { l.anchors = append(l.anchors, anchors...) }
}

// Due reports whether Tick would make a checkpoint now.
func (l *Log) Due(ctx context.Context) (bool, error) {
	size, err := l.store.TreeSize(ctx)
	if err != nil {
		return false, err
	}
	latest, err := l.store.LatestCheckpoint(ctx)
	if err != nil || latest == nil {
		return size > 0, err
	}
	if latest.Size > size {
		return true, nil // Sign refuses such a log, with a sentence that says why
	}
	open := size - latest.Size
	return open >= l.dueRecords || open > 0 && l.now().Sub(latest.CreatedAt) >= l.dueEvery, nil
}

// Tick makes a checkpoint if one is due, and sends the newest to the anchors that do not have it. A
// background job calls it at an interval, from one goroutine. An anchor that failed is tried again at the
// next tick. The newest checkpoint is anchored even when signing a new one failed.
func (l *Log) Tick(ctx context.Context) error {
	due, err := l.Due(ctx)
	if err == nil && due {
		_, err = l.Sign(ctx)
	}
	return errors.Join(err, l.anchor(ctx))
}

// anchor sends the newest checkpoint to every anchor that does not have it.
func (l *Log) anchor(ctx context.Context) error {
	if len(l.anchors) == 0 {
		return nil
	}
	l.anchoring.Lock()
	defer l.anchoring.Unlock()
	latest, err := l.store.LatestCheckpoint(ctx)
	if err != nil || latest == nil {
		return err
	}
	took := strings.Split(latest.Anchor, anchorSeparator)
	if latest.AnchoredAt.IsZero() {
		took = nil
	}
	var failed []error
	for _, a := range l.anchors {
		if slices.Contains(took, a.String()) {
			continue
		}
		if err := a.Put(ctx, *latest); err != nil {
			failed = append(failed, err)
			continue
		}
		took = append(took, a.String())
		if err := l.store.AnchorCheckpoint(ctx, latest.Size, l.now(), strings.Join(took, anchorSeparator)); err != nil {
			return err
		}
	}
	err = errors.Join(failed...)
	l.keepAnchorError(failed)
	return err
}

const anchorSeparator = ", "

func (l *Log) keepAnchorError(failed []error) {
	var text []string
	for _, err := range failed {
		text = append(text, fault.MessageOf(err)+".")
	}
	l.lastError.Lock()
	defer l.lastError.Unlock()
	l.lastError.text = strings.Join(text, " ")
	if len(failed) > 0 && l.lastError.since.IsZero() {
		l.lastError.since = l.now()
	}
	if len(failed) == 0 {
		l.lastError.since = time.Time{}
	}
}

// LogStatus says how many records the newest checkpoint covers, and how many the newest anchored one.
type LogStatus struct {
	Size        int64           // records there are
	Checkpoint  *KeptCheckpoint // the newest; nil: none yet
	Anchored    *KeptCheckpoint // the newest that was anchored; nil: none yet
	NotCovered  int64           // records after Checkpoint
	NotAnchored int64           // records after Anchored

	Anchors     []string  // the anchors' names; empty: none is configured
	AnchorError string    // why the last attempt failed; empty: it succeeded
	FailedSince time.Time // the first failure of an unbroken series; zero: the last attempt succeeded
}

// Status returns how far the log is signed and anchored.
func (l *Log) Status(ctx context.Context) (LogStatus, error) {
	var s LogStatus
	var err error
	if s.Checkpoint, err = l.store.LatestCheckpoint(ctx); err != nil {
		return LogStatus{}, err
	}
	if s.Anchored, err = l.store.LatestAnchored(ctx); err != nil {
		return LogStatus{}, err
	}
	if s.Size, err = l.store.TreeSize(ctx); err != nil { // last, so that nothing is negative
		return LogStatus{}, err
	}
	s.NotCovered, s.NotAnchored = s.Size, s.Size
	if s.Checkpoint != nil {
		s.NotCovered = max(0, s.Size-s.Checkpoint.Size)
	}
	if s.Anchored != nil {
		s.NotAnchored = max(0, s.Size-s.Anchored.Size)
	}
	for _, a := range l.anchors {
		s.Anchors = append(s.Anchors, a.String())
	}
	l.lastError.Lock()
	defer l.lastError.Unlock()
	s.AnchorError, s.FailedSince = l.lastError.text, l.lastError.since
	return s, nil
}
