// Package review holds what an officer does with the ledger beside reading it: marking a period as reviewed,
// with the rule which months are reviewed and which are not, and keeping searches.
//
// A review is a record of the ledger and nothing else. A saved view is a person's own and no evidence. What
// may not live here: the reading of the log itself, and SQL.
package review

import (
	"context"
	"time"

	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/fault"
)

// Store is the database that reviews and views need.
type Store interface {
	AppendRecords(ctx context.Context, records ...audit.Record) error
	TreeSize(ctx context.Context) (int64, error)
	AuditLines(ctx context.Context, f audit.Filter, before int64, limit int) ([]audit.Line, error)

	// AuditLinesAfter returns the lines that follow a seq, the newest of them first.
	AuditLinesAfter(ctx context.Context, f audit.Filter, after int64, limit int) ([]audit.Line, error)

	// Views lists a person's views by name.
	Views(ctx context.Context, userID int64) ([]View, error)
	// SaveView keeps a view, in place of the person's one with that name. One
	// more is added if MayAddView lets them.
	SaveView(ctx context.Context, v View) error
	// DeleteView answers fault.NotFound unless the person has such a view.
	DeleteView(ctx context.Context, userID, id int64) error
}

// Signer signs a checkpoint that covers every record there is; *audit.Log does.
type Signer interface {
	Sign(ctx context.Context) (audit.KeptCheckpoint, error)
}

// Service marks reviews and keeps views.
type Service struct {
	store Store
	log   Signer
	now   func() time.Time
}

// NewService returns the service on a store and its log.
func NewService(store Store, log Signer, now func() time.Time) *Service {
	return &Service{store: store, log: log, now: now}
}

// Done is a review with its record's place, time and actor.
type Done struct {
	audit.Review
	Seq     int64 // of the record that says so
	AuditID string
	At      time.Time
	By      audit.Actor
}

// Mark records that the caller reviewed a period, bound to a checkpoint of the log. The end of the period is
// cut to now, and to the first of its records after UpToSeq, which the caller has not seen. It is
// fault.Invalid when nothing of the period is left, or when UpToSeq is of no record. A caller who may not
// review is refused, and that is recorded.
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
	if _, err := r.Record(now, caller.Actor()); err != nil { // what is wrong with the form comes first
		return audit.Record{}, err
	}
	unseen, err := s.store.AuditLinesAfter(ctx, audit.Filter{From: r.From, To: r.To}, r.UpToSeq, 1)
	if err != nil {
		return audit.Record{}, err
	}
	if len(unseen) > 0 {
		if r.To = unseen[0].Time(); !r.From.Before(r.To) {
			return audit.Record{}, fault.New(fault.Invalid, "The period has records after record %d, as far as which it was read: open the page again", r.UpToSeq)
		}
	}
	kept, err := s.log.Sign(ctx)
	if err != nil {
		return audit.Record{}, err
	}
	r.Size, r.Root = kept.Size, kept.Root
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

// reviews is the filter of the records that are reviews.
var reviews = audit.Filter{Operation: string(audit.AuditReview), Outcome: string(audit.Success)}

// List returns reviews, newest first: those whose record stands before the
// given seq (0: from the newest), limit at most.
func (s *Service) List(ctx context.Context, before int64, limit int) ([]Done, error) {
	lines, err := s.store.AuditLines(ctx, reviews, before, limit)
	if err != nil {
		return nil, err
	}
	return doneIn(lines), nil
}

// doneIn returns the reviews among lines of the log.
func doneIn(lines []audit.Line) []Done {
	list := make([]Done, 0, len(lines))
	for _, l := range lines {
		r, ok := audit.ReviewOf(l)
		at := l.Time()
		if !ok || at.IsZero() {
			continue // a record that was edited in the file; the verification says so
		}
		list = append(list, Done{Review: r, Seq: l.Seq, AuditID: l.AuditID, At: at, By: l.Actor})
	}
	return list
}

// Progress says how much of the log is reviewed.
type Progress struct {
	Latest *Done   // the newest review; nil: there was none yet
	Days   int     // whole days since Latest
	Months []Month // from the one in which the log begins, oldest first
}

// readAtOnce is how many reviews are read at a time.
const readAtOnce = 500

// Progress reads every review and returns how much of the log they cover.
func (s *Service) Progress(ctx context.Context) (Progress, error) {
	var p Progress
	var reviewed []Interval
	for before := int64(0); ; {
		lines, err := s.store.AuditLines(ctx, reviews, before, readAtOnce)
		if err != nil {
			return Progress{}, err
		}
		for _, d := range doneIn(lines) {
			if p.Latest == nil {
				p.Latest = &d
				p.Days = max(0, int(s.now().Sub(d.At)/(24*time.Hour)))
			}
			reviewed = append(reviewed, Interval{d.From, d.To})
		}
		if len(lines) < readAtOnce {
			break
		}
		before = lines[len(lines)-1].Seq
	}
	began, err := audit.Began(ctx, s.store)
	if err != nil {
		return Progress{}, err
	}
	p.Months = Months(began, s.now(), reviewed)
	return p, nil
}
