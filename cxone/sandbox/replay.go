package sandbox

import (
	"crypto/sha256"
	"net/http"
	"slices"
	"time"
)

const (
	// maxReplays and maxReplayBytes bound the answers remembered; the oldest
	// are forgotten first, the ones in flight never.
	maxReplays     = 10_000
	maxReplayBytes = 64 << 20

	// replayFor is how long a key is remembered, by the tenant's clock.
	replayFor = 24 * time.Hour
)

// replay is one idempotency key's memory.
type replay struct {
	key    string
	print  [sha256.Size]byte // of path and body
	taken  time.Time
	settle *answer // nil: in flight
}

type replayStore struct {
	byKey map[string]*replay
	order []*replay // settled ones, oldest first
	bytes int
}

// claim takes an idempotency key for one request. It gives the answer instead
// when the key was used before: the same answer again, 422 for another body,
// 409 while the first is under way. A nil claim without an answer means that
// the tenant doesn't remember keys.
func (s *Sandbox) claim(client, key, path string, body []byte) (*replay, *answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.settings.NoReplay {
		return nil, nil
	}
	now := s.nowLocked()
	full := client + "\x00" + key
	sum := sha256.Sum256(append([]byte(path+"\x00"), body...))
	old := s.replays.byKey[full]
	if old != nil && old.settle != nil && now.Sub(old.taken) > replayFor {
		s.replays.forget(old)
		old = nil
	}
	if old == nil {
		return s.replays.take(full, sum, now), nil
	}
	if old.print != sum {
		a := refuse(http.StatusUnprocessableEntity, "idempotency_key_reused", "X-Idempotency-Key",
			"the key was used before for another request")
		return nil, &a
	}
	if old.settle == nil {
		s.stats.InFlight++
		a := refuse(http.StatusConflict, "in_flight", "X-Idempotency-Key", "a request with this key is still in flight")
		return nil, &a
	}
	s.stats.Replayed++
	a := *old.settle
	a.header = a.header.Clone()
	a.header.Set("Idempotent-Replayed", "true")
	return nil, &a
}

func (r *replayStore) take(key string, sum [sha256.Size]byte, now time.Time) *replay {
	if r.byKey == nil {
		r.byKey = map[string]*replay{}
	}
	for len(r.order) > 0 && (len(r.order) >= maxReplays || r.bytes > maxReplayBytes) {
		r.forget(r.order[0])
	}
	c := &replay{key: key, print: sum, taken: now}
	r.byKey[key] = c
	return c
}

// settle keeps the answer that belongs to a claim.
func (r *replayStore) settle(c *replay, a answer) {
	if c == nil {
		return
	}
	a.header = a.header.Clone()
	c.settle = &a
	r.order = append(r.order, c)
	r.bytes += len(a.body)
}

// release gives a key back unused.
func (r *replayStore) release(c *replay) {
	if c != nil {
		delete(r.byKey, c.key)
	}
}

func (r *replayStore) forget(c *replay) {
	delete(r.byKey, c.key)
	if i := slices.Index(r.order, c); i >= 0 {
		r.order = slices.Delete(r.order, i, i+1)
		r.bytes -= len(c.settle.body)
	}
}
