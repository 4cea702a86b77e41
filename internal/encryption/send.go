package encryption

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"cxseal/cxone"
	"cxseal/internal/audit"
	"cxseal/internal/fault"
)

// maxAnswer is how many bytes of an answer are kept, beside the payload in it.
const maxAnswer = 64 << 10

// maxBackoff bounds the wait before a PATCH is sent again.
const maxBackoff = 30 * time.Second

// send sends the stored bytes under the stored key until the tenant has given
// an answer that means something. An answer that may hide a change made is
// followed by a look at the table, never by a blind repetition (contract §1).
func (t *task) send(ctx context.Context) error {
	began := t.now()
	for {
		started := t.now()
		result, err := t.patch(ctx)
		t.run.Timings.PatchMs = max(t.run.Timings.PatchMs, 0) + t.spent(started)
		var ambiguous *cxone.AmbiguousError
		switch {
		case err == nil:
			return t.applied(ctx, result)
		case ctx.Err() != nil:
			return ctx.Err() // the row says patching: a restart resumes
		case !errors.As(err, &ambiguous) && !errors.Is(err, cxone.ErrInFlight):
			return t.refused(ctx, err)
		}
		if done, err := t.afterDoubt(ctx, err); done || err != nil {
			return err
		}
		if errors.Is(err, cxone.ErrInFlight) { // it is at work: nothing failed yet
			if t.now().Sub(began) > t.runner.options.InFlight {
				return t.toVerifying(ctx, "CXone says that it is still working on the change. Waiting for the KMS.")
			}
			if err := sleep(ctx, t.runner.options.Backoff); err != nil {
				return err
			}
			continue
		}
		if t.run.Attempts >= t.runner.options.MaxSends {
			return t.fail(ctx, fault.Wrap(err, fault.TenantDown,
				"CXone failed %d times and the table shows that nothing was changed. Last answer: %s", t.run.Attempts, sentence(unwrapped(err))))
		}
		if err := t.pause(ctx); err != nil {
			return err
		}
		t.run.Attempts++
		if err := t.advance(ctx, Patching, step{events: t.events("retry",
			fmt.Sprintf("Nothing was changed. Sending the same request again, attempt %d, same idempotency key. Before: %s",
				t.run.Attempts, sentence(unwrapped(err))))}); err != nil {
			return err
		}
	}
}

// refused ends a run whose PATCH the tenant refused. A refusal of the first
// request means that nothing was changed; one of a repetition may mean that the
// first was carried out meanwhile, so the table is asked.
func (t *task) refused(ctx context.Context, cause error) error {
	if t.run.Attempts > 1 {
		seen, err := t.look(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil && seen == madeYes {
			return t.toVerifying(ctx, "CXone refused the repeated request, and the table shows that the change was made. Waiting for the KMS.")
		}
	}
	return t.fail(ctx, codedError(cause))
}

func (t *task) patch(ctx context.Context) (*cxone.EncryptResult, error) {
	return t.connection.Tenant.Encrypt(t.traced(ctx), t.run.DatastoreID, t.run.TableID, t.run.IdempotencyKey, t.run.Payload)
}

// resume takes up a run whose answer a crash may have swallowed.
func (t *task) resume(ctx context.Context) error {
	done, err := t.afterDoubt(ctx, nil)
	if done || err != nil {
		return err
	}
	t.run.Attempts++
	if err := t.advance(ctx, Patching, step{events: t.events("retry",
		"Taken up again after an interruption; nothing was changed. Sending the same request, same idempotency key.")}); err != nil {
		return err
	}
	return t.send(ctx)
}

// afterDoubt looks at the table after an answer that proves nothing (cause is
// nil after a crash). done means that the run has moved on: the change is
// there, or it cannot be.
func (t *task) afterDoubt(ctx context.Context, cause error) (done bool, err error) {
	seen, err := t.look(ctx)
	for wait := t.runner.options.Backoff; err != nil; wait *= 2 {
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		if wait > maxBackoff {
			// Neither the answer nor the table can be had. The KMS may still
			// tell; at the deadline the table is read once more.
			return true, t.toVerifying(ctx, "CXone gave no usable answer and the table cannot be read: "+sentence(err)+" Waiting for the KMS.")
		}
		if err := sleep(ctx, wait); err != nil {
			return false, err
		}
		seen, err = t.look(ctx)
	}
	if seen == madeYes {
		return true, t.toVerifying(ctx, "The answer was lost, but the table shows that the change was made. Waiting for the KMS.")
	}
	after, shownAt := t.run.After, t.run.ShownAt
	t.run.After, t.run.ShownAt = nil, time.Time{} // the record of a run that an index blocked is about the table before
	if done, err := t.blockedByIndex(ctx, cause); done || err != nil || seen == madeNo {
		return done, err
	}
	// A rotation whose key version is hidden. Sent again now, it could be made
	// twice by a tenant that does not replay keys: one that was made shows
	// itself by its callback.
	t.run.After, t.run.ShownAt = after, shownAt
	return true, t.toVerifying(ctx, "There is no answer, and the table shows no key version that could tell whether the change was made. Waiting for the KMS to tell.")
}

// blockedByIndex fails the run, and reports that it did, where the error is the
// 500 with which a tenant answers when an index stands in the way.
func (t *task) blockedByIndex(ctx context.Context, cause error) (bool, error) {
	var api *cxone.APIError
	if !errors.As(cause, &api) || api.Status != http.StatusInternalServerError {
		return false, nil
	}
	indexes, err := t.connection.Tenant.Indexes(ctx, t.run.DatastoreID, t.run.TableID)
	if err != nil {
		return false, nil //nolint:nilerr // the change was not made, which is what matters; the cause is reported
	}
	if name := indexOver(indexes, t.run.Columns); name != "" {
		return true, t.fail(ctx, fault.Wrap(cause, fault.IndexInTheWay,
			"CXone failed the change and nothing was changed. The index %q covers a column of this run: drop it in CXone, then launch the run again.", name))
	}
	return false, nil
}

// look reads the table and says whether the change can be seen in it. After is
// what it shows, and stays nil while it shows the table as it was: the change
// may be yet to come.
func (t *task) look(ctx context.Context) (made, error) {
	seen, err := see(ctx, t.connection.Tenant, &t.run, t.now)
	t.shownAsBefore = err == nil && seen == madeNo
	return seen, err
}

// applied takes the tenant's yes. The change counts as seen when the answer or
// the table read again shows it. A tenant may take a change on and make it
// later (202), or show it later than it says: the run waits for that.
func (t *task) applied(ctx context.Context, result *cxone.EncryptResult) error {
	t.run.Answer, t.shownAsBefore = t.answer(result), false
	shown := Snapshot(result.Columns)
	if !result.UnderWay && len(shown) >= len(t.run.Plan.Columns) &&
		changeMade(t.run.Operation, t.run.Plan.Targets, shown) != madeNo {
		t.run.After, t.run.ShownAt = shown, t.now()
	} else if _, err := t.look(ctx); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return t.toVerifying(ctx, "CXone accepted the change; the table could not be read again. Waiting for the KMS.")
	}
	if t.pending() && result.Problem != "" && !result.UnderWay {
		return t.fail(ctx, fault.New(fault.TenantRefused,
			"CXone answered %d and reports an error: %s. The table does not show every column as encrypted. Look at the table in CXone before trying again.",
			result.Status, strings.TrimRight(t.redact(result.Problem), ".")))
	}
	message := "CXone accepted the change. Waiting for the KMS."
	switch {
	case t.pending():
		message = fmt.Sprintf("CXone accepted the change (%d) and the table does not show it yet. Looking at the table now and then until %s, and waiting for the KMS.",
			result.Status, audit.FormatTime(t.now().Add(t.connection.CallbackDeadline)))
	case result.Replayed:
		message = "CXone had made the change already and repeated its answer. Waiting for the KMS."
	}
	return t.toVerifying(ctx, message)
}

// pending reports whether the tenant accepted a change that was not seen in the
// table yet.
func (t *task) pending() bool { return t.run.Answer != nil && t.run.After == nil }

// lookAt is when to look at the table next for a change that is pending: often
// at first, half a minute apart in the end.
func (t *task) lookAt(now time.Time) time.Time {
	wait := now.Sub(t.run.PatchedAt) / 4
	return now.Add(max(t.runner.options.Look, min(wait, maxBackoff)))
}

func (t *task) answer(result *cxone.EncryptResult) *Answer {
	body := t.redact(string(result.Body))
	if len(body) > maxAnswer {
		body = strings.ToValidUTF8(body[:maxAnswer], "")
	}
	return &Answer{Status: result.Status, Replayed: result.Replayed, Body: body, Payload: t.redact(string(result.KMSPayload))}
}

// toVerifying commits the change and its rotation dates, then decides by what
// is known already or parks the run.
func (t *task) toVerifying(ctx context.Context, message string) error {
	t.run.PatchedAt = t.now()
	t.run.CallbackDeadline = t.run.PatchedAt.Add(t.connection.CallbackDeadline)
	with := step{events: t.events("state", message)}
	if t.run.After != nil && !t.unknown() {
		with.rotations = rotationDates(t.run, t.now())
	}
	// A callback that comes while this commits finds the run in one state or
	// the other, never between: it is judged for the state it is kept in.
	early, err := t.store.RunVerifications(ctx, t.run.ID)
	if err != nil {
		return err
	}
	if len(early) == 0 && inlinePayload(t.run.Answer) == nil {
		with.park = t.run.CallbackDeadline
		switch {
		case t.run.Answer == nil:
			with.park = earlier(with.park, t.askAt())
		case t.pending():
			with.park = earlier(with.park, t.lookAt(t.run.PatchedAt))
		}
	}
	if err := t.advance(ctx, Verifying, with); err != nil {
		return err
	}
	if t.run.LeaseOwner == parkedOwner {
		_, err := t.decideStored(ctx) // one may have come just before the commit
		return err
	}
	return t.wait(ctx)
}

// unknown reports whether it is not known that the change was made: its answer
// was lost, and the table does not show it.
func (t *task) unknown() bool {
	return t.run.Answer == nil && (t.run.After == nil || changeMade(t.run.Operation, t.run.Plan.Targets, t.run.After) == madeUnknown)
}

// askAt is when the tenant is asked for a lost answer: when the callback of the
// request before has had its grace, longer each time.
func (t *task) askAt() time.Time {
	wait := t.runner.options.Grace << max(0, min(t.run.Attempts-1, 8))
	return t.run.PatchedAt.Add(max(t.runner.options.Grace, min(wait, maxBackoff)))
}

// askAgain sends a request whose answer was lost once more: a tenant that
// replays keys repeats the answer, and with it the inline KMS payload. The
// callback had its grace by then, and gets it anew: that the request is sent is
// noted first, so that a crash is not followed by another one at once.
func (t *task) askAgain(ctx context.Context) error {
	t.run.Attempts++
	t.run.PatchedAt = t.now()
	if err := t.advance(ctx, Verifying, step{events: t.events("retry", "No callback yet. Asking the tenant for its answer again, same idempotency key.")}); err != nil {
		return err
	}
	result, err := t.patch(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	with := step{}
	if err != nil {
		with.events = t.events("retry", "The tenant was asked again: "+sentence(err))
	} else {
		t.run.Answer, t.shownAsBefore = t.answer(result), false
		with.events = t.events("retry", fmt.Sprintf("The tenant was asked again: it answered %d.", result.Status))
		if t.run.After != nil && !t.unknown() {
			with.rotations = rotationDates(t.run, t.now())
		}
	}
	return t.advance(ctx, Verifying, with)
}

// judgeInline judges the payload that came in the PATCH's answer. It needs no
// signature: it came over the tenant's own authenticated connection.
func (t *task) judgeInline(payload []byte) Verification {
	v := t.received(t.run, CallbackRequest{Body: payload})
	v.ID, v.Inline, v.ReceivedAt = audit.NewID(t.now()), true, t.now()
	callback, err := ParseCallback(payload)
	if err != nil {
		v.Code, v.Reason = "shape", fault.MessageOf(err)
		v.Checks = []Check{{Name: "shape", Detail: v.Reason}}
		return v
	}
	judge(t.run, callback, &v)
	return v
}

// inlinePayload is the externalKmsPayload of an answer as the client read it, nil
// when it has none.
func inlinePayload(answer *Answer) []byte {
	if answer == nil || answer.Payload == "" {
		return nil
	}
	return []byte(answer.Payload)
}

// pause waits before the PATCH is sent again, twice as long each time.
func (t *task) pause(ctx context.Context) error {
	wait := t.runner.options.Backoff << (t.run.Attempts - 1)
	return sleep(ctx, min(wait, maxBackoff))
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// unwrapped is the error under the client's note that the outcome is open.
func unwrapped(err error) error {
	var ambiguous *cxone.AmbiguousError
	if errors.As(err, &ambiguous) {
		return ambiguous.Err
	}
	return err
}
