// Package review is what an officer does with the ledger beside reading it:
// marking a period as reviewed, and keeping searches to come back to.
//
// A review is a record of the ledger and nothing else. A saved view is a
// person's own convenience and no evidence.
package review

import (
	"context"
	"time"

	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/fault"
)

// Store is what reviews and views need of a database.
type Store interface {
	AppendRecords(ctx context.Context, records ...audit.Record) error
	TreeSize(ctx context.Context) (int64, error)
	AuditLines(ctx context.Context, f audit.Filter, before int64, limit int) ([]audit.Line, error)

	// Views lists a person's views by name.
	Views(ctx context.Context, userID int64) ([]View, error)
	// SaveView keeps a view, in place of the person's one with that name. One
	// more is added if MayAddView lets them.
	SaveView(ctx context.Context, v View) error
	// DeleteView answers fault.NotFound unless the person has such a view.
	DeleteView(ctx context.Context, userID, id int64) error
}

// Service marks reviews and keeps views.
type Service struct {
	store Store
	now   func() time.Time
}

// NewService returns the service on a store.
func NewService(store Store, now func() time.Time) *Service {
	return &Service{store: store, now: now}
}

// Done is a review as it stands in the ledger.
type Done struct {
	audit.Review
	Seq     int64 // of the record that says so
	AuditID string
	At      time.Time
	By      audit.Actor
}

// OverdueDays is how many days after a review the next one is overdue. The
// standards ask for periodic review and leave the period to the organisation; a
// month is the longest that auditors usually accept.
const OverdueDays = 30

// Mark records that the caller reviewed a period. The end of the period is cut
// to now, and UpToSeq must be of a record that exists: nobody reviews what has
// not happened. A caller who may not is refused, and that is recorded too.
func (s *Service) Mark(ctx context.Context, caller access.Caller, r audit.Review) (audit.Record, error) {
	now := s.now()
	if err := access.Require(caller, access.PermReview); err != nil {
		return audit.Record{}, s.Refuse(ctx, caller, err)
	}
	if r.To.After(now) {
		r.To = now
	}
	size, err := s.store.TreeSize(ctx)
	if err != nil {
		return audit.Record{}, err
	}
	if r.UpToSeq > size {
		return audit.Record{}, fault.New(fault.Invalid, "There are %d records in the log, not %d: open the page again", size, r.UpToSeq)
	}
	rec, err := r.Record(now, caller.Actor())
	if err != nil {
		return audit.Record{}, err
	}
	return rec, s.store.AppendRecords(ctx, rec)
}

// Refuse records that a caller may not review, and returns why.
func (s *Service) Refuse(ctx context.Context, caller access.Caller, why error) error {
	rec := audit.NewRecord(s.now(), audit.AuditReview, audit.Denied, caller.Actor())
	rec.Detail = fault.MessageOf(why)
	if err := s.store.AppendRecords(ctx, rec); err != nil {
		return err
	}
	return why
}

// reviews are the records that say so.
var reviews = audit.Filter{Operation: string(audit.AuditReview), Outcome: string(audit.Success)}

// List returns reviews, newest first: those whose record stands before the
// given seq (0: from the newest), limit at most.
func (s *Service) List(ctx context.Context, before int64, limit int) ([]Done, error) {
	lines, err := s.store.AuditLines(ctx, reviews, before, limit)
	if err != nil {
		return nil, err
	}
	list := make([]Done, 0, len(lines))
	for _, l := range lines {
		r, ok := audit.ReviewOf(l)
		at := l.Time()
		if !ok || at.IsZero() {
			continue // someone edited the file; the verification says so
		}
		list = append(list, Done{Review: r, Seq: l.Seq, AuditID: l.AuditID, At: at, By: l.Actor})
	}
	return list, nil
}

// Latest is the newest review, nil when there was none yet.
func (s *Service) Latest(ctx context.Context) (*Done, error) {
	list, err := s.List(ctx, 0, 1)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return &list[0], nil
}

// DaysSince is how many whole days have passed since a review.
func (s *Service) DaysSince(d Done) int {
	return max(0, int(s.now().Sub(d.At)/(24*time.Hour)))
}
