package encryption

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"cxseal/internal/audit"
	"cxseal/internal/fault"
)

// UnknownRun is the code of the answer to a callback whose URL belongs to no run.
const UnknownRun = "unknown_run"

const unknownRunMessage = "This callback URL belongs to no run."

// checkChange is the check that the table shows a run's change.
const checkChange = "change"

// CallbackRequest is what arrived at a run's callback URL.
type CallbackRequest struct {
	Token     string
	ID        string // header webhook-id
	Timestamp string // header webhook-timestamp
	Signature string // header webhook-signature
	Body      []byte
	Oversized bool // the body was longer than MaxCallbackBody and was not read
	RemoteIP  string
}

// CallbackAnswer is what the tenant is told.
type CallbackAnswer struct {
	Status int
	Body   []byte // JSON
}

// Confirm judges a KMS callback, keeps it whatever the verdict, and moves the
// run. A callback seen before gets the stored answer. What is turned away
// unjudged is answered before anything else is read, and only the first of a
// run are kept: no number of forged callbacks shuts the right one out. The
// error is for a store that failed: the tenant then gets a 5xx and tries again.
func (s *Service) Confirm(ctx context.Context, request CallbackRequest) (CallbackAnswer, error) {
	if request.Token == ChallengeToken {
		if answer, ok := s.answerChallenge(request); ok {
			return answer, nil
		}
	}
	run, err := s.store.RunByCallbackToken(ctx, request.Token)
	if fault.CodeOf(err) == fault.NotFound {
		return s.refuseStranger(ctx, request)
	}
	if err != nil {
		return CallbackAnswer{}, err
	}
	v := s.received(run, request)
	if request.Oversized {
		return s.turnAway(ctx, run, v, http.StatusRequestEntityTooLarge, "too_large",
			fmt.Sprintf("The callback is larger than %d KiB.", MaxCallbackBody>>10))
	}
	if check, required := s.checkSignature(run, request); required {
		v.Checks = append(v.Checks, check)
		v.Signed = check.Passed
		if !check.Passed {
			return s.turnAway(ctx, run, v, http.StatusUnauthorized, "signature", check.Detail)
		}
	}
	callback, err := ParseCallback(request.Body)
	if err != nil {
		return s.turnAway(ctx, run, v, http.StatusBadRequest, "shape", fault.MessageOf(err))
	}
	if run, err = s.awaitAnswer(ctx, run); err != nil {
		return CallbackAnswer{}, err
	}
	for range 5 { // each turn means that the run moved while the callback was judged
		var answer CallbackAnswer
		answer, err = s.confirm(ctx, run, callback, v)
		if fault.CodeOf(err) != fault.Conflict {
			return answer, err
		}
		if run, err = s.store.Run(ctx, run.ID); err != nil {
			return CallbackAnswer{}, err
		}
	}
	return CallbackAnswer{}, err
}

// answerPatience is how long a callback waits for the PATCH's own answer.
const answerPatience = 2 * time.Second

// awaitAnswer gives a run whose PATCH is being answered a moment to learn the
// table's new state: tenants call back as soon as they have committed, often
// before their answer is here, and a verdict on known facts is worth more. A
// tenant that answers only after its callback costs it the patience, no more.
func (s *Service) awaitAnswer(ctx context.Context, run Run) (Run, error) {
	moved, stop := s.Watch(run.ID)
	defer stop()
	patience := time.NewTimer(answerPatience)
	defer patience.Stop()
	look := time.NewTicker(answerPatience / 20) // another process may be the one who sent it
	defer look.Stop()
	for run.State == Patching {
		select {
		case <-moved:
		case <-look.C:
		case <-patience.C:
			return run, nil
		case <-ctx.Done():
			return run, ctx.Err()
		}
		var err error
		if run, err = s.store.Run(ctx, run.ID); err != nil {
			return run, err
		}
	}
	return run, nil
}

func (s *Service) confirm(ctx context.Context, run Run, callback Callback, v Verification) (CallbackAnswer, error) {
	earlier, err := s.store.RunVerifications(ctx, run.ID)
	if err != nil {
		return CallbackAnswer{}, err
	}
	if known := findReplay(earlier, v); known != nil {
		return CallbackAnswer{Status: known.Status, Body: []byte(known.Answer)}, nil
	}
	if !run.sent() {
		return s.turnAway(ctx, run, v, http.StatusConflict, "not_expected",
			fmt.Sprintf("This run is %s and nothing was sent for it: no confirmation is expected.", run.State))
	}
	v.ID = audit.NewID(s.now())
	asked := v.Checks
	judge(run, callback, &v)
	seen := madeYes
	if v.Accepted && !run.showsChange() && run.State != Patching {
		if seen, err = s.lookFor(ctx, &run); err != nil {
			return CallbackAnswer{}, err
		}
		v.Checks = slices.Clone(asked)
		judge(run, callback, &v) // with the table's new state
		if v.Accepted && seen == madeNo && run.State.Ended() {
			v.refuse(Check{Name: checkChange, Detail: "the table does not show the change"})
		}
	}
	v.Status = http.StatusOK
	if !v.Accepted {
		v.Status = http.StatusUnprocessableEntity
	}
	answer := CallbackAnswer{Status: v.Status, Body: []byte(v.Answer)}
	switch {
	case run.State == Verifying && v.Accepted && seen == madeNo:
		// Right, and early: the run goes on looking at the table.
		return answer, s.keepFew(ctx, run, v, earlier)
	case run.movedBy(v):
		return answer, s.settle(ctx, run, v)
	}
	return answer, s.keepFew(ctx, run, v, earlier)
}

// keepFew keeps a judged callback that changes no run, unless there are enough
// like it.
func (s *Service) keepFew(ctx context.Context, run Run, v Verification, earlier []Verification) error {
	if judgedAlready(earlier, v.Accepted) >= maxJudgedKept {
		return nil
	}
	return s.keep(ctx, run, v, run.State)
}

// lookFor reads the table of a run whose change was not seen yet. madeNo
// means that the table shows the columns as they were. A table that cannot be
// read tells nothing.
func (s *Service) lookFor(ctx context.Context, run *Run) (made, error) {
	connection, err := s.connections.Connection(run.Connection)
	if err != nil || run.Plan == nil {
		return madeUnknown, nil //nolint:nilerr // without a tenant there is no table to ask
	}
	reading, stop := context.WithTimeout(ctx, answerPatience)
	defer stop()
	seen, err := see(reading, connection.Tenant, run, s.now)
	if ctx.Err() != nil {
		return madeUnknown, ctx.Err()
	}
	if err != nil {
		return madeUnknown, nil //nolint:nilerr // the confirmation stands without it
	}
	return seen, nil
}

// movedBy reports whether a judged callback changes the run's state.
func (r Run) movedBy(v Verification) bool {
	switch r.State {
	case Verifying:
		return true
	case Unconfirmed, Rejected, Failed:
		return v.Accepted
	}
	return false
}

// showsChange reports whether the run's change was seen, or cannot be seen, in
// what is known of the table.
func (r Run) showsChange() bool {
	return r.After != nil && r.Plan != nil && changeMade(r.Operation, r.Plan.Targets, r.After) != madeNo
}

// sent reports whether the run's PATCH may have reached the tenant, so that a
// callback for it makes sense.
func (r Run) sent() bool {
	switch r.State {
	case Patching, Verifying, Verified, Rejected, Unconfirmed:
		return true
	case Failed:
		return r.Attempts > 0
	}
	return false
}

// received is the callback as it came in, before any judgement.
func (s *Service) received(run Run, request CallbackRequest) Verification {
	sum := sha256.Sum256(request.Body)
	return Verification{
		RunID: run.ID, Connection: run.Connection, ReceivedAt: s.now(), RemoteIP: request.RemoteIP,
		WebhookID: clip(request.ID), BodyHash: hex.EncodeToString(sum[:]), Body: string(request.Body),
	}
}

// judge fills in the verdict and the answer.
func judge(run Run, callback Callback, v *Verification) {
	v.TableID, v.Columns = clip(callback.TableID), callback.Columns
	v.KeyVersion, v.KeyID, v.Algorithm = callback.KeyVersion, callback.KeyID, clip(callback.Algorithm)
	v.Checks = append(v.Checks, Judge(Expect(run), callback)...)
	if failed := FirstFailure(v.Checks); failed != nil {
		v.refusedBy(*failed)
		return
	}
	v.Accepted, v.Code, v.Reason = true, "", ""
	v.Answer = mustJSON(AcceptedAnswer(run, callback, v.ReceivedAt))
}

// refuse adds a check that did not pass and makes the verdict a no.
func (v *Verification) refuse(failed Check) {
	v.Checks = append(v.Checks, failed)
	v.refusedBy(failed)
}

func (v *Verification) refusedBy(failed Check) {
	v.Accepted, v.Code, v.Reason = false, failed.Name, "Refused: "+failed.Detail+"."
	v.Answer = string(refusal(0, v.Code, v.Reason).Body)
}

// settle commits a judged callback that decides a run: one that waits, or one
// that ended without a yes.
func (s *Service) settle(ctx context.Context, run Run, v Verification) error {
	t := s.decide(run, v)
	t.Verification = &v
	if !v.Inline {
		t.Records = append([]audit.Record{s.callbackRecord(t.Run, v)}, t.Records...)
	}
	return s.commit(ctx, t)
}

// settleStored decides a waiting run by a callback that is stored already.
func (s *Service) settleStored(ctx context.Context, run Run, v Verification) error {
	return s.commit(ctx, s.decide(run, v))
}

// decide is the step that a judged callback makes of a run.
func (s *Service) decide(run Run, v Verification) Transition {
	from := run.State
	if v.Accepted {
		run.State = Verified
		if run.PatchedAt.IsZero() { // it had failed: when the change was made is not known
			run.PatchedAt = v.ReceivedAt
		}
		run.KeyVersion, run.KeyID = v.KeyVersion, v.KeyID
		run.PermissionHash = v.permissionHash()
		run.Timings.KMSMs = max(0, v.ReceivedAt.Sub(run.PatchedAt).Milliseconds())
		run.ErrorCode, run.ErrorMessage = "", ""
	} else {
		run.State = Rejected
		run.ErrorCode, run.ErrorMessage = fault.KMSRefused, v.Reason
	}
	run.FinishedAt = s.now()
	run.LeaseOwner, run.LeaseUntil = "", time.Time{}

	t := Transition{Run: run, From: from, Events: []Event{s.event(run, "kms", verdictSentence(v))}}
	if v.Accepted {
		t.Rotations = rotationDates(run, s.now())
	}
	if from == Verifying { // a run that ended before already has its one final record
		t.Records = append(t.Records, s.finalRecord(run, verdictSentence(v)))
	}
	return t
}

func (s *Service) keep(ctx context.Context, run Run, v Verification, in State) error {
	var events []Event
	if run.ID != "" {
		events = append(events, s.event(run, "kms", verdictSentence(v)))
	}
	err := s.store.AddVerification(ctx, v, in, events, []audit.Record{s.callbackRecord(run, v)})
	if err == nil {
		s.bus.publish(run.ID)
	}
	return err
}

// refuseStranger answers a callback whose URL belongs to no run. The first
// ones are recorded, a flood of them is not: it would only fill the disk.
func (s *Service) refuseStranger(ctx context.Context, request CallbackRequest) (CallbackAnswer, error) {
	answer := refusal(http.StatusNotFound, UnknownRun, unknownRunMessage)
	if !s.strangers.Allow() {
		s.logger.WarnContext(ctx, "callback for no run", "ip", request.RemoteIP)
		return answer, nil
	}
	v := s.received(Run{}, request)
	v.Body = "" // it is not authenticated, so it is not worth the space
	return answer, s.keepTurnedAway(ctx, Run{}, v, answer, UnknownRun, unknownRunMessage)
}

// findReplay returns the stored twin of a callback: same webhook id where it
// is signed, and the same bytes in any case. What was turned away before it
// was judged is never a twin, or a forger could plant an answer; nor is what only
// the table spoke against, which may show another thing by now.
func findReplay(earlier []Verification, v Verification) *Verification {
	for i := range earlier {
		e := &earlier[i]
		if e.judged() && e.Code != checkChange && !e.Inline && e.Signed == v.Signed && e.BodyHash == v.BodyHash &&
			(!v.Signed || e.WebhookID == v.WebhookID) {
			return e
		}
	}
	return nil
}

func refusal(status int, code, reason string) CallbackAnswer {
	body, err := json.Marshal(map[string]string{"status": string(kmsRejected), "code": code, "message": reason})
	if err != nil {
		panic(err) // three strings
	}
	return CallbackAnswer{Status: status, Body: body}
}
