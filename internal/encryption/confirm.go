package encryption

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"cxseal/internal/audit"
	"cxseal/internal/fault"
)

const (
	// maxCallbacksPerRun bounds what one URL can make the console store. A
	// tenant sends three.
	maxCallbacksPerRun = 100
)

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
// run. A callback seen before gets the stored answer. The error is for a store
// that failed: the tenant then gets a 5xx and tries again.
func (s *Service) Confirm(ctx context.Context, request CallbackRequest) (CallbackAnswer, error) {
	run, err := s.store.RunByCallbackToken(ctx, request.Token)
	if fault.CodeOf(err) == fault.NotFound {
		return s.refuseStranger(ctx, request)
	}
	if err != nil {
		return CallbackAnswer{}, err
	}
	if run, err = s.awaitAnswer(ctx, run); err != nil {
		return CallbackAnswer{}, err
	}
	for range 5 { // each turn means that the run moved while the callback was judged
		var answer CallbackAnswer
		answer, err = s.confirm(ctx, run, request)
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

func (s *Service) confirm(ctx context.Context, run Run, request CallbackRequest) (CallbackAnswer, error) {
	earlier, err := s.store.RunVerifications(ctx, run.ID)
	if err != nil {
		return CallbackAnswer{}, err
	}
	if len(earlier) >= maxCallbacksPerRun {
		return refusal(http.StatusTooManyRequests, "too_many", "This run has had too many callbacks; nothing more is accepted for it."), nil
	}
	v := s.received(run, request)
	v.ID = audit.NewID(s.now())

	if request.Oversized {
		return s.keepRefused(ctx, run, v, http.StatusRequestEntityTooLarge, "too_large",
			fmt.Sprintf("The callback is larger than %d KiB.", MaxCallbackBody>>10))
	}
	check, required := s.checkSignature(run, request)
	if required {
		v.Checks = append(v.Checks, check)
		v.Signed = check.Passed
		if !check.Passed {
			return s.keepRefused(ctx, run, v, http.StatusUnauthorized, "signature", check.Detail)
		}
	}
	if known := findReplay(earlier, v); known != nil {
		return CallbackAnswer{Status: known.Status, Body: []byte(known.Answer)}, nil
	}
	if !run.sent() {
		return s.keepRefused(ctx, run, v, http.StatusConflict, "not_expected",
			fmt.Sprintf("This run is %s: no confirmation is expected for it.", run.State))
	}
	callback, err := ParseCallback(request.Body)
	if err != nil {
		return s.keepRefused(ctx, run, v, http.StatusBadRequest, "shape", fault.MessageOf(err))
	}
	judge(run, callback, &v)
	v.Status = http.StatusOK
	if !v.Accepted {
		v.Status = http.StatusUnprocessableEntity
	}
	return CallbackAnswer{Status: v.Status, Body: []byte(v.Answer)}, s.settle(ctx, run, v)
}

// sent reports whether the run's PATCH may have reached the tenant, so that a
// callback for it makes sense.
func (r Run) sent() bool {
	switch r.State {
	case Patching, Verifying, Verified, Rejected, Unconfirmed:
		return true
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
	v.KeyVersion, v.Algorithm = callback.KeyVersion, clip(callback.Algorithm)
	v.Checks = append(v.Checks, Judge(Expect(run), callback)...)
	if failed := FirstFailure(v.Checks); failed != nil {
		v.Code, v.Reason = failed.Name, "Refused: "+failed.Detail+"."
		v.Answer = string(refusal(0, v.Code, v.Reason).Body)
		return
	}
	v.Accepted = true
	v.Answer = mustJSON(Approval(run, callback, v.ReceivedAt))
}

// settle commits a judged callback: it decides a run that waits, may still
// turn a run that gave up waiting, and is only kept in any other state.
func (s *Service) settle(ctx context.Context, run Run, v Verification) error {
	undecided := run.State == Verifying || run.State == Unconfirmed || run.State == Rejected
	if !undecided || (run.State != Verifying && !v.Accepted) {
		return s.keep(ctx, run, v, run.State)
	}
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
		run.KeyVersion = v.KeyVersion
		run.PermissionHash = PermissionHash(v.TableID, v.KeyVersion, len(v.Columns))
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

// keepRefused stores a callback that was turned away before it was judged. It
// changes no run: whoever knows a URL but not the secret can do no harm.
func (s *Service) keepRefused(ctx context.Context, run Run, v Verification, status int, code, reason string) (CallbackAnswer, error) {
	answer := refusal(status, code, reason)
	v.Status, v.Code, v.Reason, v.Answer = status, code, reason, string(answer.Body)
	return answer, s.keep(ctx, run, v, "")
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
	answer := refusal(http.StatusNotFound, "unknown_run", "This callback URL belongs to no run.")
	if !s.strangers.Allow() {
		s.logger.WarnContext(ctx, "callback for no run", "ip", request.RemoteIP)
		return answer, nil
	}
	v := s.received(Run{}, request)
	v.ID = audit.NewID(s.now())
	v.Body = "" // nobody vouches for it, so it is not worth the space
	return s.keepRefused(ctx, Run{}, v, answer.Status, "unknown_run", "This callback URL belongs to no run.")
}

// findReplay returns the stored twin of a callback: same webhook id where it
// is signed, and the same bytes in any case. What was turned away before it
// was judged is never a twin, or a forger could plant an answer.
func findReplay(earlier []Verification, v Verification) *Verification {
	for i := range earlier {
		e := &earlier[i]
		judged := e.Accepted || len(e.Checks) > 1 // more than its signature
		if judged && !e.Inline && e.Signed == v.Signed && e.BodyHash == v.BodyHash &&
			(!v.Signed || e.WebhookID == v.WebhookID) {
			return e
		}
	}
	return nil
}

func refusal(status int, code, reason string) CallbackAnswer {
	body, err := json.Marshal(map[string]string{"status": kmsRejected, "code": code, "message": reason})
	if err != nil {
		panic(err) // three strings
	}
	return CallbackAnswer{Status: status, Body: body}
}
