package encryption

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"cxseal/cxone"
	"cxseal/internal/audit"
	"cxseal/internal/fault"
)

// parkedOwner is the lease owner of a run that only waits: LeaseUntil is when
// to look at it next.
const parkedOwner = "parked"

// task is one claimed run in a worker's hands.
type task struct {
	*Service
	runner     *Runner
	connection *Connection
	run        Run

	tokenWait time.Duration // spent waiting for a token in the stage at hand

	// shownAsBefore: the table was read just now, and it does not show the change.
	shownAsBefore bool
	// confirmed: the KMS said yes to a change that the table does not show.
	confirmed bool
}

// carry takes the run as far as it goes now.
func (t *task) carry(ctx context.Context) error {
	switch t.run.State {
	case Queued:
		if held, err := t.holdMine(ctx); held || err != nil {
			return err
		}
		if waits, err := t.waitForWindow(ctx); waits || err != nil {
			return err
		}
		if err := t.advance(ctx, Checking, step{events: t.events("state", "Reading the table and its indexes.")}); err != nil {
			return err
		}
		return t.check(ctx)
	case Checking:
		return t.check(ctx)
	case Patching:
		return t.resume(ctx)
	case Verifying:
		return t.wait(ctx)
	}
	return nil
}

// waitForWindow puts a run back whose low-traffic window is closed: it was open
// when the run was asked for and a console was not there to start it, or the
// policy is another now.
func (t *task) waitForWindow(ctx context.Context) (waits bool, err error) {
	if t.run.IgnoreWindow {
		return false, nil
	}
	opens, closed, err := t.untilOpen(ctx, t.run.Connection, t.run.DatastoreID, t.run.TableID, t.run.Columns, t.now())
	if err != nil || closed == "" {
		return false, err
	}
	t.run.StartAt = opens
	return true, t.advance(ctx, Queued, step{
		events:  t.events("state", "The low-traffic window of "+closed+" is closed. Waiting until "+audit.FormatTime(opens)+"."),
		release: true,
	})
}

// check plans the run against the table as it is now and, when nothing stands
// in the way, stores the intent: payload and key are in the database before
// the first byte is sent.
func (t *task) check(ctx context.Context) error {
	started := t.now()
	plan, err := readPlan(t.traced(ctx), t.connection.Tenant, t.run.DatastoreID, t.run.TableID,
		Change{Operation: t.run.Operation, Columns: t.run.Columns, MaskIndexes: t.run.MaskIndexes})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	t.run.Timings.ChecksMs = t.spent(started)
	if err != nil {
		t.run.Plan = nil
		return t.fail(ctx, codedError(err))
	}
	shown := t.run.Plan
	if err := t.rememberKeys(ctx, &plan); err != nil {
		return err
	}
	t.run.Plan = &plan
	if t.run.ShownFingerprint != "" && t.run.ShownFingerprint != plan.Fingerprint {
		return t.fail(ctx, planChanged(plan, shown))
	}
	if err := t.nameRuns(ctx, t.run.Connection, t.run.DatastoreID, t.run.TableID, &plan); err != nil {
		return err
	}
	if len(plan.Blockers) > 0 {
		return t.fail(ctx, fault.New(fault.Blocked, "%s", plan.Summary()))
	}
	if held, err := t.holdMine(ctx); held || err != nil {
		return err
	}
	if err := t.useApproval(plan); err != nil {
		return t.fail(ctx, err)
	}
	t.run.NextRotation = NextRotation(t.now(), t.run.IntervalDays)
	t.run.Payload = Payload(t.run.TableID, plan.Targets, t.run.Strategy, t.run.IntervalDays, t.run.NextRotation,
		CallbackURL(t.connection.CallbackURL, t.run.CallbackToken))
	t.run.Attempts = 1
	message := fmt.Sprintf("Checked: %s of %d to change, %d of %d encrypted before. Sending the change.",
		audit.CountOf(len(plan.Targets), "column"), plan.Before.Total, plan.Before.Encrypted, plan.Before.Total)
	if err := t.advance(ctx, Patching, step{events: t.events("state", message)}); err != nil {
		return err
	}
	return t.send(ctx)
}

// rememberKeys raises the targets' key versions to the highest this console
// has seen, so that a version which falls back is noticed even when the tenant
// does not show versions.
func (t *task) rememberKeys(ctx context.Context, plan *Plan) error {
	for i, c := range plan.Targets {
		if !c.Encrypted {
			continue
		}
		last, err := t.store.LastKeyVersion(ctx, t.run.Connection, t.run.DatastoreID, t.run.TableID, c.Name)
		if err != nil {
			return err
		}
		plan.Targets[i].KeyVersion = max(c.KeyVersion, last)
	}
	return nil
}

// planChanged is the error of a run whose table is not the one of the plan that was
// shown; shown is nil when this process no longer has that plan.
func planChanged(plan Plan, shown *Plan) error {
	const advice = "Nothing was sent. Check the table again and launch a new run."
	if shown == nil {
		return fault.New(fault.PlanChanged, "The table is no longer what was approved. %s", advice)
	}
	return fault.New(fault.PlanChanged, "The table is no longer what was approved: %s. %s",
		strings.Join(plan.ChangesSince(*shown), "; "), advice)
}

// wait is the stage of a run that was sent: an early callback, the tenant's
// inline payload or the deadline decides it; until then it is parked. A change
// that the table does not show yet is looked for each time.
func (t *task) wait(ctx context.Context) error {
	if t.pending() {
		seen, err := t.look(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil && seen != madeNo:
			with := step{events: t.events("note", "The table shows the change now. Waiting for the KMS."), rotations: rotationDates(t.run, t.now())}
			if err := t.advance(ctx, Verifying, with); err != nil {
				return err
			}
		}
	}
	if decided, err := t.decideStored(ctx); decided || err != nil {
		return err
	}
	now := t.now()
	if payload := inlinePayload(t.run.Answer); payload != nil {
		if v := t.judgeInline(payload); !v.Accepted || !t.shownAsBefore {
			return t.settle(ctx, t.run, v)
		}
		t.confirmed = true
	}
	if !now.Before(t.run.CallbackDeadline) {
		return t.expire(ctx)
	}
	park := t.run.CallbackDeadline
	if t.pending() {
		park = earlier(park, t.lookAt(now))
	}
	if t.run.Answer == nil {
		again := true
		if !now.Before(t.askAt()) {
			if err := t.askAgain(ctx); err != nil {
				return err
			}
			if payload := inlinePayload(t.run.Answer); payload != nil {
				return t.settle(ctx, t.run, t.judgeInline(payload))
			}
			// A change that was made needs no more than its callback. One that
			// may not have been is asked for again.
			again = t.unknown() && t.run.Attempts < t.runner.options.MaxSends
		}
		if again {
			park = earlier(park, t.askAt())
		}
	}
	return t.advance(ctx, Verifying, step{park: park})
}

// decideStored settles the run by a callback that came before the PATCH's
// answer did, or before the table showed the change. It is judged again: the
// table's new state is known by now. A yes to a change that the table has just
// been seen without waits for the next look.
func (t *task) decideStored(ctx context.Context) (bool, error) {
	stored, err := t.store.RunVerifications(ctx, t.run.ID)
	if err != nil {
		return false, err
	}
	var refused *Verification
	for _, v := range stored {
		if !v.judged() {
			continue
		}
		callback, err := ParseCallback([]byte(v.Body))
		if err != nil {
			continue
		}
		v.Checks, v.Accepted = nil, false
		judge(t.run, callback, &v)
		if v.Accepted && t.shownAsBefore {
			t.confirmed = true
			return false, nil
		}
		if v.Accepted {
			return true, t.settleStored(ctx, t.run, v)
		}
		refused = &v
	}
	if refused != nil {
		return true, t.settleStored(ctx, t.run, *refused)
	}
	return false, nil
}

// expire ends the wait. Before it says that the change is unconfirmed, it makes
// sure that there is one, as far as the table tells.
func (t *task) expire(ctx context.Context) error {
	if t.run.After == nil && !t.shownAsBefore {
		seen, err := t.look(ctx)
		if err != nil && ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil && seen == madeNo && t.run.Answer == nil && !t.confirmed {
			return t.fail(ctx, fault.New(fault.TenantUnreadable, "CXone gave no usable answer, and the table shows that nothing was changed. Launch the run again."))
		}
	}
	t.run.FinishedAt = t.now()
	t.run.ErrorCode = fault.Unconfirmed
	by := audit.FormatTime(t.run.CallbackDeadline)
	switch {
	case t.confirmed:
		t.run.ErrorMessage = fmt.Sprintf("The KMS confirmed the change, but by %s the table did not show it. Look at the table in CXone. A late confirmation still counts.", by)
	case t.pending() && t.shownAsBefore:
		t.run.ErrorMessage = fmt.Sprintf("CXone accepted the change, but by %s the table did not show it and the KMS did not confirm it. A late confirmation still counts.", by)
	case t.unknown():
		t.run.ErrorMessage = fmt.Sprintf("It is not known whether the change was made: CXone gave no usable answer, and the table does not tell, but the KMS did not confirm it by %s. A late confirmation still counts.", by)
	default:
		t.run.ErrorMessage = fmt.Sprintf("CXone accepted the change, but the KMS did not confirm it by %s. A late confirmation still counts.", by)
	}
	run := t.run
	run.State = Unconfirmed
	with := step{
		events:  t.events("state", t.run.ErrorMessage),
		records: []audit.Record{t.finalRecord(run, t.run.ErrorMessage)},
	}
	if t.run.After != nil && !t.unknown() {
		with.rotations = rotationDates(t.run, t.now())
	}
	if payload := inlinePayload(t.run.Answer); t.confirmed && payload != nil {
		v := t.judgeInline(payload)
		v.refuse(Check{Name: checkChange, Detail: "the table does not show the change"})
		with.verification = &v
	}
	return t.advance(ctx, Unconfirmed, with)
}

// fail ends the run with its one final record.
func (t *task) fail(ctx context.Context, why error) error {
	t.run.FinishedAt = t.now()
	t.run.ErrorCode, t.run.ErrorMessage = fault.CodeOf(why), t.redact(fault.MessageOf(why))
	run := t.run
	run.State = Failed
	return t.advance(ctx, Failed, step{
		events:  t.events("state", t.run.ErrorMessage),
		records: []audit.Record{t.finalRecord(run, t.run.ErrorMessage)},
	})
}

// step is what is committed together with a task's new state.
type step struct {
	events    []Event
	records   []audit.Record
	rotations []RotationDate
	park      time.Time // when set, the run is let go until then
	release   bool      // the run is let go, so that any runner may claim it

	verification *Verification // the inline payload; nil where the step has none to keep
}

// advance commits the task's run in a new state and renews its lease.
func (t *task) advance(ctx context.Context, to State, with step) error {
	next := t.run
	next.State = to
	switch {
	case to.Ended() || with.release:
		next.LeaseOwner, next.LeaseUntil = "", time.Time{}
	case !with.park.IsZero():
		next.LeaseOwner, next.LeaseUntil = parkedOwner, with.park
	default:
		next.LeaseUntil = t.now().Add(t.runner.options.Lease)
	}
	for i := range with.events {
		with.events[i].State = to
	}
	err := t.commit(ctx, Transition{Run: next, From: t.run.State, Owner: t.runner.owner,
		Events: with.events, Records: with.records, Verification: with.verification, Rotations: with.rotations})
	if err == nil {
		t.run = next
	}
	return err
}

func (t *task) events(kind, message string) []Event {
	return []Event{t.event(t.run, kind, t.redact(message))}
}

func (t *task) redact(text string) string {
	if t.connection.Redact == nil {
		return text
	}
	return t.connection.Redact(text)
}

// traced returns a context whose calls report into the dossier, retries and
// every answer to the change with its CorrelationId, and count the time spent
// waiting for a token.
func (t *task) traced(ctx context.Context) context.Context {
	t.tokenWait = 0
	return cxone.WithTrace(ctx, &cxone.Trace{
		TokenFetched: func(d time.Duration) { t.tokenWait += d },
		AttemptDone: func(a cxone.Attempt) {
			kind := "retry"
			if a.Wait == 0 {
				if a.Method != http.MethodPatch || ctx.Err() != nil {
					return // of what is not tried again, only the change is noted
				}
				kind = "request"
			}
			if err := t.store.AddEvents(ctx, t.events(kind, describe(a))...); err != nil {
				t.logger.ErrorContext(ctx, "a request was not noted", "run", t.run.ID, "err", err)
			}
			t.bus.publish(t.run.ID)
		},
	})
}

// spent is the time since started without the wait for a token, which is
// counted apart.
func (t *task) spent(started time.Time) int64 {
	t.run.Timings.TokenMs = max(t.run.Timings.TokenMs, 0) + t.tokenWait.Milliseconds()
	return max(0, (t.now().Sub(started) - t.tokenWait).Milliseconds())
}
