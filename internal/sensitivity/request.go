package sensitivity

import (
	"context"
	"fmt"
	"time"

	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/fault"
)

// Four eyes: on a connection that asks for it, what one person decided about
// columns that would no longer count as sensitive waits until another approves it.

// maxOpen bounds how many requests of a connection may wait at a time.
const maxOpen = 200

// Request is decisions about columns of one connection that need a second
// person. Its state is that of its approval: used once the decisions were made.
type Request struct {
	Seq        int64
	ID         string
	Connection string
	State      State // what was decided about the columns
	Reason     string
	Columns    int    // how many
	Effect     string // what it would have done when it was asked for
	Asked      audit.Actor
	Approval   access.Approval
}

// Waits reports whether the request still waits for an answer.
func (r Request) Waits() bool { return r.Approval.State == access.Requested }

// ask makes a request with its record. What waits already, as it is, is fault.Conflict.
func (s *Service) ask(ctx context.Context, caller access.Caller, connection string, changes []Change, state State, reason string) (Request, audit.Record, error) {
	open, err := s.store.OpenSensitivityRequests(ctx, connection)
	if err != nil {
		return Request{}, audit.Record{}, err
	}
	if len(open) >= maxOpen {
		return Request{}, audit.Record{}, fault.New(fault.TooMany, "%d requests of the connection %s wait for a second person already: have them answered first.", len(open), connection)
	}
	for _, r := range open {
		if r.Columns == len(changes) && r.fingerprint(changes) == r.Approval.Fingerprint {
			return Request{}, audit.Record{}, fault.New(fault.Conflict, "%s has asked for this already: it waits for a second person, who finds it under Approvals.", r.Asked.Name)
		}
	}
	effects, err := s.effects(ctx, changes)
	if err != nil {
		return Request{}, audit.Record{}, err
	}
	r := Request{ID: audit.NewID(s.now()), Connection: connection, State: state, Reason: reason, Columns: len(changes),
		Effect: effects[0].Sentence(), Asked: caller.Actor()}
	_, life, _ := s.connections.FourEyes(connection)
	r.Approval, err = access.RequestApproval(caller, access.PermDecideSensitivity, audit.NewID(s.now()), r.ID, r.fingerprint(changes), s.now(), life)
	if err != nil {
		return Request{}, audit.Record{}, err
	}
	record := s.record(r, audit.SensitivityRequested, audit.Success, caller)
	record.Detail = fmt.Sprintf("Asked to %s, which %s. Waits until %s for another person's approval. Reason: %s",
		r.what(), r.Effect, audit.FormatTime(r.Approval.ExpiresAt), reason)
	return r, record, nil
}

// what is the request in a few words that follow “to”.
func (r Request) what() string {
	columns := audit.CountOf(r.Columns, "column")
	if r.State == Undecided {
		return "take back the decisions about " + columns
	}
	return "declare " + columns + " " + r.State.Words()
}

// fingerprint is what an approval is for: every word of the request, and each
// column as it was.
func (r Request) fingerprint(changes []Change) string {
	return fingerprint(changes, r.ID, r.Connection, string(r.State), r.Reason)
}

func (s *Service) record(r Request, op audit.Operation, outcome audit.Outcome, caller access.Caller) audit.Record {
	record := audit.NewRecord(s.now(), op, outcome, caller.Actor())
	record.Connection = r.Connection
	return record
}

// RequestPlan says what a request that waits would do now. A column that is gone,
// or no longer as it was, is fault.PlanChanged; a person who asked for it and may
// no longer decide is fault.Denied.
func (s *Service) RequestPlan(ctx context.Context, r Request) (Plan, error) {
	switch who, err := s.store.UserByName(ctx, r.Asked.Name); {
	case fault.CodeOf(err) == fault.NotFound: // accounts are never removed, so it is none of a person's
	case err != nil:
		return Plan{}, err
	default:
		if err := who.MayStill(access.PermDecideSensitivity); err != nil {
			return Plan{}, fault.New(fault.Denied, "%s Somebody who may must ask for it again.", fault.MessageOf(err))
		}
	}
	keys, err := s.keys(ctx, r)
	if err != nil {
		return Plan{}, err
	}
	changed := fault.New(fault.PlanChanged, "The columns have changed since this was asked for. It must be asked for again.")
	columns, err := s.store.SensitivityOf(ctx, keys)
	if fault.CodeOf(err) == fault.NotFound {
		return Plan{}, changed
	}
	if err != nil {
		return Plan{}, err
	}
	var p Plan
	p.Changes, p.Same = changesOf(columns, r.State)
	if p.Fingerprint = r.fingerprint(p.Changes); p.Fingerprint != r.Approval.Fingerprint {
		return Plan{}, changed
	}
	p.Effects, err = s.effects(ctx, p.Changes)
	return p, err
}

func (s *Service) keys(ctx context.Context, r Request) ([]Key, error) {
	keys := make([]Key, 0, r.Columns)
	for len(keys) < r.Columns {
		page, err := s.store.SensitivityRequestColumns(ctx, r.ID, len(keys), 1000)
		if err != nil {
			return nil, err
		}
		if len(page) == 0 {
			break
		}
		for _, c := range page {
			keys = append(keys, c.Key)
		}
	}
	return keys, nil
}

// RequestColumn is a column of a request, as it was when it was asked for.
type RequestColumn struct {
	Key
	TableName     string
	Was, Proposed State
}

// Approve makes the decisions that another person asked for. shown is the
// approval's fingerprint, as the approver had it before them.
func (s *Service) Approve(ctx context.Context, caller access.Caller, id, shown string) error {
	touches, err := s.store.Touches(ctx, s.now().Add(-access.TouchLife))
	if err != nil {
		return err
	}
	return s.settle(ctx, caller, access.PermApproveRun, id, audit.SensitivityApproved,
		func(r Request) (access.Approval, Batch, string, error) {
			approved, err := r.Approval.Approve(caller, shown, touches, s.now())
			if err != nil {
				return r.Approval, Batch{}, "", err
			}
			plan, err := s.RequestPlan(ctx, r)
			if err != nil {
				return r.Approval, Batch{}, "", err
			}
			used, err := approved.Use(r.ID, plan.Fingerprint, s.now())
			if err != nil {
				return r.Approval, Batch{}, "", err
			}
			b := s.batch(plan.Changes, made{by: r.Asked, with: caller.Name, reason: r.Reason, request: r.ID})
			effect := plan.Effect().Sentence()
			b.Records = s.records(b, effect)
			return used, b, fmt.Sprintf("Approved to %s, which %s; asked for by %s.", r.what(), effect, r.Asked.Name), nil
		})
}

// Decline refuses what another person asked for, with a reason for them.
func (s *Service) Decline(ctx context.Context, caller access.Caller, id, reason string) error {
	return s.settle(ctx, caller, access.PermApproveRun, id, audit.SensitivityDeclined,
		func(r Request) (access.Approval, Batch, string, error) {
			next, err := r.Approval.Decline(caller, reason, s.now())
			return next, Batch{}, fmt.Sprintf("Declined to %s, as %s had asked. Reason: %s", r.what(), r.Asked.Name, next.Reason), err
		})
}

// Withdraw takes a request back.
func (s *Service) Withdraw(ctx context.Context, caller access.Caller, id string) error {
	return s.settle(ctx, caller, access.PermDecideSensitivity, id, audit.SensitivityDeclined,
		func(r Request) (access.Approval, Batch, string, error) {
			next, err := r.Approval.Withdraw(caller, access.PermDecideSensitivity)
			return next, Batch{}, fmt.Sprintf("Taken back: the request to %s, which %s had made.", r.what(), r.Asked.Name), err
		})
}

// settle answers a request. A refusal of the person is on record too.
func (s *Service) settle(ctx context.Context, caller access.Caller, needs access.Permission, id string, op audit.Operation,
	answer func(Request) (access.Approval, Batch, string, error)) error {
	if err := access.Require(caller, needs); err != nil {
		if failed := s.store.AppendRecords(ctx, access.DenialRecord(s.now(), caller, needs)); failed != nil {
			return failed
		}
		return err
	}
	r, err := s.store.SensitivityRequest(ctx, id)
	if err != nil {
		return err
	}
	if !r.Waits() {
		return fault.New(fault.Conflict, "This request is %s already.", r.Approval.State)
	}
	next, batch, detail, err := answer(r)
	record := s.record(r, op, audit.Success, caller)
	if fault.CodeOf(err) == fault.Denied {
		record.Outcome, record.Detail = audit.Denied, fault.MessageOf(err)
		if failed := s.store.AppendRecords(ctx, record); failed != nil {
			return failed
		}
		return err
	}
	if err != nil {
		return err
	}
	record.Detail = detail
	r.Approval = next
	batch.Settled = &Settled{r, record}
	return s.store.Decide(ctx, batch)
}

// ExpireRequests ends the requests that nobody answered in time.
func (s *Service) ExpireRequests(ctx context.Context) error {
	open, err := s.store.OpenSensitivityRequests(ctx, "")
	if err != nil {
		return err
	}
	for _, r := range open {
		next, over := r.Approval.Expire(s.now())
		if !over {
			continue
		}
		record := s.record(r, audit.SensitivityDeclined, audit.Failure, access.Caller{Name: "console", Role: access.System})
		record.Detail = fmt.Sprintf("Nobody answered the request of %s to %s by %s. Nothing was changed.",
			r.Asked.Name, r.what(), audit.FormatTime(next.ExpiresAt))
		r.Approval = next
		err := s.store.Decide(ctx, Batch{At: s.now(), Settled: &Settled{r, record}})
		if err != nil && fault.CodeOf(err) != fault.Conflict {
			return err
		}
	}
	return nil
}

// Store is what the service needs of a database.
type Store interface {
	// SensitivityColumns lists columns in the order of their keys: those after
	// the given one (nil: from the first), limit at most.
	SensitivityColumns(ctx context.Context, f Filter, after *Key, limit int) ([]Column, error)
	// SensitivityOf returns the columns with these keys, in their order. One that
	// is not there (any more) is fault.NotFound.
	SensitivityOf(ctx context.Context, keys []Key) ([]Column, error)
	// CoverageOf sums the coverage of a scope as it is now.
	CoverageOf(ctx context.Context, scope Scope) (audit.CoverageFigures, error)
	// Decide keeps a batch with its records in one transaction. A column that is
	// not as its change says, or a request that was answered meanwhile, is
	// fault.Conflict, and then nothing is kept.
	Decide(ctx context.Context, b Batch) error
	// SensitivityRequest returns one request, or fault.NotFound.
	SensitivityRequest(ctx context.Context, id string) (Request, error)
	// OpenSensitivityRequests lists the requests of a connection (of all, when it
	// is empty) that wait for an answer, oldest first.
	OpenSensitivityRequests(ctx context.Context, connection string) ([]Request, error)
	// SensitivityRequestColumns lists a request's columns from a place on.
	SensitivityRequestColumns(ctx context.Context, id string, from, limit int) ([]RequestColumn, error)
	// Touches returns the touches of accounts since the time that nobody has lifted
	// (see access.SecondPerson).
	Touches(ctx context.Context, since time.Time) ([]access.Touch, error)
	// UserByName returns an account, or fault.NotFound.
	UserByName(ctx context.Context, name string) (access.User, error)
	AppendRecords(ctx context.Context, records ...audit.Record) error
}
