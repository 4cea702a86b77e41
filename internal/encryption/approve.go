package encryption

import (
	"context"
	"crypto/sha256"
	"encoding/hex"

	"github.com/google/uuid"

	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/fault"
)

// Four eyes: on a connection that asks for it, a run that one person requested
// waits in Awaiting until another approves it. The rule is enforced where the
// change would be sent (task.useApproval), not where it is shown.

// askForApproval plans the run against the table as it is now, so that the
// approver sees what would be done, and binds the request to it.
func (s *Service) askForApproval(ctx context.Context, caller access.Caller, connection *Connection, run *Run, behind []access.Party) error {
	plan, err := readPlan(ctx, connection.Tenant, run.DatastoreID, run.TableID,
		Change{Operation: run.Operation, Columns: run.Columns, MaskIndexes: run.MaskIndexes})
	switch {
	case err != nil:
		return codedError(err)
	case run.ShownFingerprint != "" && run.ShownFingerprint != plan.Fingerprint:
		return planChanged(plan, run.Plan)
	case len(plan.Blockers) > 0:
		return fault.New(fault.Blocked, "%s", plan.Summary())
	}
	life := connection.ApprovalLife
	if !run.StartAt.IsZero() {
		life += run.StartAt.Sub(s.now()) // an approval outlives the wait for the start
	}
	run.Plan, run.ShownFingerprint = &plan, plan.Fingerprint
	approval, err := access.RequestApproval(caller, access.PermLaunchRun, uuid.NewString(), run.ID, approvalFingerprint(*run, plan), s.now(), life)
	if err != nil {
		return err
	}
	approval.Behind = behind
	run.State, run.Approval = Awaiting, &approval
	return nil
}

// approvalFingerprint is what an approval is for: the table's shape and every
// word of the request. A row that is edited between the approval and the run
// no longer matches it.
func approvalFingerprint(run Run, plan Plan) string {
	start := int64(0)
	if !run.StartAt.IsZero() {
		start = run.StartAt.UnixMicro()
	}
	sum := sha256.Sum256([]byte(mustJSON([]any{run.ID, run.Operation, run.Connection, run.DatastoreID, run.TableID, run.Columns,
		run.MaskIndexes, run.Strategy, run.IntervalDays, start, run.IgnoreWindow, plan.Fingerprint})))
	return hex.EncodeToString(sum[:])
}

// bindApproval binds a request that nobody has answered yet to the run as it is
// about to be stored.
func (r *Run) bindApproval() {
	bound := *r.Approval
	bound.Subject, bound.Fingerprint = r.ID, approvalFingerprint(*r, *r.Plan)
	r.Approval = &bound
}

// Approve queues a run that another person asked for. fingerprint is the
// approval's, as the approver had it before them.
func (s *Service) Approve(ctx context.Context, caller access.Caller, runID, fingerprint string) error {
	touches, err := s.store.Touches(ctx, s.now().Add(-access.TouchLife))
	if err != nil {
		return err
	}
	return s.decideRequest(ctx, caller, runID, audit.RunApproved, Queued, func(a access.Approval) (access.Approval, string, error) {
		next, err := a.Approve(caller, fingerprint, touches, s.now())
		return next, "Approved by " + caller.Name + "; asked for by " + a.RequestedBy.Name + ".", err
	})
}

// Decline ends a run that another person asked for, with a reason for them.
func (s *Service) Decline(ctx context.Context, caller access.Caller, runID, reason string) error {
	return s.decideRequest(ctx, caller, runID, audit.RunDeclined, Cancelled, func(a access.Approval) (access.Approval, string, error) {
		next, err := a.Decline(caller, reason, s.now())
		return next, "Declined by " + caller.Name + ": " + next.Reason, err
	})
}

func (s *Service) decideRequest(ctx context.Context, caller access.Caller, runID string, op audit.Operation, to State,
	decision func(access.Approval) (access.Approval, string, error)) error {
	if err := access.Require(caller, access.PermApproveRun); err != nil {
		return firstError(s.store.AppendRecords(ctx, access.DenialRecord(s.now(), caller, access.PermApproveRun)), err)
	}
	run, err := s.store.Run(ctx, runID)
	if err != nil {
		return err
	}
	if run.Approval == nil || run.State != Awaiting {
		return fault.New(fault.Conflict, "This run is %s: it does not wait for an approval.", run.State)
	}
	if why := s.standing(ctx, &run); fault.CodeOf(why) == fault.Denied {
		if err := s.hold(ctx, run, why); err != nil {
			return err
		}
		return fault.New(fault.Conflict, "%s The run is held: an admin must take it over.", fault.MessageOf(why))
	} else if why != nil {
		return why
	}
	record := s.record(run, op, audit.Success)
	record.Actor = caller.Actor()
	next, detail, err := decision(*run.Approval)
	if fault.CodeOf(err) == fault.Denied {
		record.Outcome, record.Detail = audit.Denied, fault.MessageOf(err)
		return firstError(s.store.AppendRecords(ctx, record), err)
	}
	if err != nil {
		return err
	}
	record.Detail = detail
	return s.endWait(ctx, run, next, to, detail, record)
}

// endWait moves a run out of Awaiting together with what was decided.
func (s *Service) endWait(ctx context.Context, run Run, approval access.Approval, to State, message string, record audit.Record) error {
	run.Approval, run.State = &approval, to
	if to.Ended() {
		run.FinishedAt = s.now()
	}
	err := s.commit(ctx, Transition{Run: run, From: Awaiting,
		Events: []Event{s.event(run, "state", message)}, Records: []audit.Record{record}})
	if err == nil {
		s.bus.publish(runnerTopic)
	}
	return err
}

// ExpireApprovals ends the runs that nobody approved in time.
func (s *Service) ExpireApprovals(ctx context.Context) error {
	waiting, err := s.store.AwaitingRuns(ctx)
	if err != nil {
		return err
	}
	for _, run := range waiting {
		if run.Approval == nil {
			continue
		}
		next, over := run.Approval.Expire(s.now())
		if !over {
			continue
		}
		record := s.record(run, audit.RunDeclined, audit.Failure)
		record.Detail = "Nobody approved the run by " + audit.FormatTime(next.ExpiresAt) + "; nothing was sent to the tenant."
		if err := s.endWait(ctx, run, next, Cancelled, record.Detail, record); err != nil && fault.CodeOf(err) != fault.Conflict {
			return err
		}
	}
	return nil
}

// useApproval is the one gate of the four-eyes rule: it spends the run's approval
// on the plan as it is at this moment, just before the change is sent. What it
// changes is committed together with the intent.
func (t *task) useApproval(plan Plan) error {
	if t.run.Approval == nil {
		if !t.connection.FourEyes {
			return nil
		}
		return fault.New(fault.Denied, "This connection asks for a second person's approval, and this run has none. Nothing was sent; ask for it again.")
	}
	used, err := t.run.Approval.Use(t.run.ID, approvalFingerprint(t.run, plan), t.now())
	if err != nil {
		return err
	}
	t.run.Approval = &used
	return nil
}

// approvedBy names the second person at the end of a record's detail.
func approvedBy(run Run) string {
	if run.Approval == nil || run.Approval.DecidedBy.Name == "" || run.Approval.State == access.Declined {
		return ""
	}
	return " Approved by " + run.Approval.DecidedBy.Name + "."
}
