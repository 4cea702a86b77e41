package encryption

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"cxseal/internal/audit"
)

// Bounds of what the callbacks to one URL make the console keep. A tenant sends
// three; a stranger who has found the URL may send any number.
const (
	maxTurnedAwayKept = 16      // turned away unjudged: unsigned, no callback's shape, not expected
	maxJudgedKept     = 8       // judged and without effect, of each verdict
	maxTurnedAwayBody = 4 << 10 // bytes kept of the body of one that was turned away
	maxTallies        = 10_000  // runs whose refused callbacks are counted at a time
)

// tally counts the callbacks of each run that were turned away unjudged. It is
// kept apart from those that were judged, and in memory: after a restart it
// begins with what is stored.
type tally struct {
	mu   sync.Mutex
	runs map[string]*turnedAway
}

type turnedAway struct {
	kept  int // stored one by one
	since int // turned away in this process
}

// next counts one more and says how many there were in this process and
// whether this one is to be kept. stored is asked once for each run.
func (t *tally) next(runID string, stored func() (int, error)) (since int, keep bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.runs[runID]
	if c == nil {
		kept, err := stored()
		if err != nil {
			return 0, false, err
		}
		if t.runs == nil || len(t.runs) >= maxTallies {
			t.runs = map[string]*turnedAway{}
		}
		c = &turnedAway{kept: kept}
		t.runs[runID] = c
	}
	c.since++
	if c.kept < maxTurnedAwayKept {
		c.kept++
		return c.since, true, nil
	}
	return c.since, false, nil
}

// turnAway answers a callback that is not judged. It changes no run: a
// sender who knows a URL but not the secret can do no harm. The first of a run are kept,
// each with its record; after those there is a record at 100, at 1,000 and so
// on, which says how many there were.
func (s *Service) turnAway(ctx context.Context, run Run, v Verification, status int, code, reason string) (CallbackAnswer, error) {
	answer := refusal(status, code, reason)
	since, keep, err := s.turnedAway.next(run.ID, func() (int, error) { return s.storedTurnedAway(ctx, run.ID) })
	if err != nil {
		return CallbackAnswer{}, err
	}
	if keep {
		return answer, s.keepTurnedAway(ctx, run, v, answer, code, reason)
	}
	if !isRound(since) {
		return answer, nil
	}
	v.Status, v.Reason = status, fmt.Sprintf("%d callbacks of this run have been turned away since the console started; only the first %d of a run are kept one by one. The last: %s",
		since, maxTurnedAwayKept, reason)
	return answer, s.store.AppendRecords(ctx, s.callbackRecord(run, v))
}

// isRound reports whether n is 100, 1,000, 10,000 and so on.
func isRound(n int) bool {
	for n >= 100 && n%10 == 0 {
		n /= 10
	}
	return n == 10
}

func (s *Service) storedTurnedAway(ctx context.Context, runID string) (int, error) {
	stored, err := s.store.RunVerifications(ctx, runID)
	n := 0
	for _, v := range stored {
		if !v.judged() {
			n++
		}
	}
	return n, err
}

// keepTurnedAway stores a callback that was not judged, with the answer to it.
func (s *Service) keepTurnedAway(ctx context.Context, run Run, v Verification, answer CallbackAnswer, code, reason string) error {
	v.ID = audit.NewID(s.now())
	v.Status, v.Code, v.Reason, v.Answer = answer.Status, code, reason, string(answer.Body)
	if len(v.Body) > maxTurnedAwayBody {
		v.Body = strings.ToValidUTF8(v.Body[:maxTurnedAwayBody], "")
	}
	return s.keep(ctx, run, v, "")
}

// judged reports whether the callback was held against its run: turned away, it
// has no check but that of its signature.
func (v Verification) judged() bool { return v.Accepted || len(v.Checks) > 1 }

// judgedAlready counts the callbacks of one verdict among those kept.
func judgedAlready(kept []Verification, accepted bool) int {
	n := 0
	for _, v := range kept {
		if v.judged() && v.Accepted == accepted {
			n++
		}
	}
	return n
}
