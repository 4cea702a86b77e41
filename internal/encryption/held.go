package encryption

import (
	"context"
	"slices"
	"time"

	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/fault"
)

// A run that waits is bound to people who may still ask for it and approve it. When one of them is disabled or gets a
// smaller role, it is held: nothing is sent until another admin takes it over, on the record, or cancels it.

// Waiting lists the states in which a run may be held: nothing of it was sent.
func Waiting() []State { return []State{Awaiting, Queued} }

// AnswersFor is whose name a run goes on in: who took it over, or else who asked for it. It is empty for a run of the
// console or the command line, which no account asked for.
func (r *Run) AnswersFor() string {
	switch {
	case r.TakenBy != "":
		return r.TakenBy
	case r.RequestedBy.Role == string(access.System):
		return ""
	}
	return r.RequestedBy.Name
}

// standing is nil while the run's people may still do what they did: who answers for it may launch runs, and who
// approved it may approve them. Otherwise it is fault.Denied with the reason.
func (s *Service) standing(ctx context.Context, run *Run) error {
	if err := s.mayStill(ctx, run.AnswersFor(), access.PermLaunchRun); err != nil {
		return err
	}
	if run.Approval == nil || run.Approval.State != access.Approved {
		return nil
	}
	return s.mayStill(ctx, run.Approval.DecidedBy.Name, access.PermApproveRun)
}

// mayStill is User.MayStill of the account with the name. Accounts are never removed, so a name without one is none of
// a person's.
func (s *Service) mayStill(ctx context.Context, name string, perm access.Permission) error {
	if name == "" {
		return nil
	}
	u, err := s.store.UserByName(ctx, name)
	if fault.CodeOf(err) == fault.NotFound {
		return nil
	}
	if err != nil {
		return err
	}
	return u.MayStill(perm)
}

// lookOn is how long after a change of accounts runs are looked at again: one that was being asked for at that moment
// is queued a little later.
const lookOn = 15 * time.Second

// HoldStranded holds the waiting runs whose people may no longer do what they did. It looks only when accounts have
// changed, and is called every second; a worker asks again before it sends anything.
func (s *Service) HoldStranded(ctx context.Context) error {
	stamp, err := s.store.AccountsStamp(ctx)
	if err != nil {
		return err
	}
	if stamp != s.accounts {
		s.accounts, s.lookUntil = stamp, s.now().Add(lookOn)
	}
	if s.now().After(s.lookUntil) {
		return nil
	}
	waiting, err := s.store.WaitingRuns(ctx)
	if err != nil {
		return err
	}
	for _, w := range waiting {
		why := s.standing(ctx, &w)
		switch fault.CodeOf(why) {
		case "":
			continue
		case fault.Denied:
		default:
			return why
		}
		run, err := s.store.Run(ctx, w.ID)
		if err != nil {
			return err
		}
		if !slices.Contains(Waiting(), run.State) {
			continue // a worker was faster, and asks by itself
		}
		if err := s.hold(ctx, run, why); err != nil && fault.CodeOf(err) != fault.Conflict {
			return err
		}
	}
	return nil
}

// hold stops a run that waits. Its approval, or the request for one, ends with it.
func (s *Service) hold(ctx context.Context, run Run, why error) error {
	t := s.held(run, why)
	t.From = run.State
	return s.commit(ctx, t)
}

// held is the transition to Held, without the state it comes from.
func (s *Service) held(run Run, why error) Transition {
	record := s.record(run, audit.RunHeld, audit.Denied)
	record.Detail = "Stopped before anything was sent: " + fault.MessageOf(why) + " Another admin may take the run over."
	run.State, run.HeldWhy, run.LeaseOwner, run.LeaseUntil = Held, fault.MessageOf(why), "", time.Time{}
	if run.Approval != nil {
		stopped := run.Approval.Stop()
		run.Approval = &stopped
	}
	return Transition{Run: run, Events: []Event{s.event(run, "state", record.Detail)}, Records: []audit.Record{record}}
}

// TakeOver lets a held run go on in the caller's name. Where the connection asks for a second person it needs an
// approval again, and whoever asked first counts as a requester too. The caller needs PermLaunchRun.
func (s *Service) TakeOver(ctx context.Context, caller access.Caller, runID string) error {
	run, err := s.store.Run(ctx, runID)
	if err != nil {
		return err
	}
	record := s.record(run, audit.RunTakenOver, audit.Success)
	record.Actor = caller.Actor()
	denied := access.Require(caller, access.PermLaunchRun)
	if denied == nil && (caller.UserID == 0 || caller.Scope != nil) {
		denied = fault.New(fault.Denied, "Only a person who signed in can take a run over.")
	}
	if denied != nil {
		record.Outcome, record.Detail = audit.Denied, fault.MessageOf(denied)
		return firstError(s.store.AppendRecords(ctx, record), denied)
	}
	if run.State != Held {
		return fault.New(fault.Conflict, "This run is %s: only a held one can be taken over.", run.State)
	}
	connection, err := s.connections.Connection(run.Connection)
	if err != nil {
		return err
	}
	before, approval := run.AnswersFor(), run.Approval
	run.State, run.TakenBy, run.HeldWhy, run.Approval = Queued, caller.Name, "", nil
	message := "Taken over by " + caller.Name + "; asked for by " + run.RequestedBy.Name + "."
	if connection.FourEyes || approval != nil {
		behind := []access.Party{{Name: run.RequestedBy.Name}}
		if approval != nil {
			behind = append([]access.Party{approval.RequestedBy}, approval.Behind...)
		}
		if err := s.askForApproval(ctx, caller, connection, &run, behind); err != nil {
			return err
		}
		message += " Waits until " + audit.FormatTime(run.Approval.ExpiresAt) + " for another person's approval."
	}
	record.Detail = message + " It was held because of " + before + "."
	err = s.commit(ctx, Transition{Run: run, From: Held,
		Events: []Event{s.event(run, "state", message)}, Records: []audit.Record{record}})
	if err == nil {
		s.bus.publish(runnerTopic)
	}
	return err
}

// holdMine lets the worker's run go where its people may no longer do what they did.
func (t *task) holdMine(ctx context.Context) (held bool, err error) {
	why := t.standing(ctx, &t.run)
	if fault.CodeOf(why) != fault.Denied {
		return false, why
	}
	next := t.held(t.run, why)
	t.run.HeldWhy, t.run.Approval = next.Run.HeldWhy, next.Run.Approval
	return true, t.advance(ctx, Held, step{events: next.Events, records: next.Records, release: true})
}
