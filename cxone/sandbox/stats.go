package sandbox

import (
	"maps"
	"slices"
	"time"
)

// maxKeys bounds the idempotency keys remembered of one table; the oldest go first.
const maxKeys = 100

// maxAnswers bounds the KMS answers remembered; the oldest go first.
const maxAnswers = 500

// Stats is what has happened since the sandbox was made.
type Stats struct {
	Requests  map[Endpoint]int `json:"requests"`  // by endpoint, refused ones included
	Throttled int              `json:"throttled"` // answers 429
	Replayed  int              `json:"replayed"`  // PATCHes answered from an idempotency key
	InFlight  int              `json:"inFlight"`  // PATCHes answered 409
	UnderWay  int              `json:"underWay"`  // PATCHes that aren't answered yet, or whose change is still to come
	Commits   map[string]int   `json:"commits"`   // committed PATCHes by "datastore/table"

	// Keys are the different idempotency keys that PATCHes came with, by "datastore/table", refused and
	// dropped ones included: the oldest first, the newest 100 of a table.
	Keys map[string][]string `json:"keys"`

	Callbacks CallbackStats    `json:"callbacks"`
	Answers   []CallbackAnswer `json:"answers"` // of the KMS, oldest first, the newest 500
}

// CallbackStats counts attempts, except GaveUp and Pending, which count events.
type CallbackStats struct {
	Sent     int `json:"sent"`
	Verified int `json:"verified"`
	Refused  int `json:"refused"` // any other answer, or none
	GaveUp   int `json:"gaveUp"`
	Pending  int `json:"pending"`
}

// CallbackAnswer is what the KMS said to one attempt. HTTPStatus is 0 where
// there was no answer.
type CallbackAnswer struct {
	At         time.Time `json:"at"`
	EventID    string    `json:"eventId"`
	TableID    string    `json:"tableId"`
	Attempt    int       `json:"attempt"`
	HTTPStatus int       `json:"httpStatus"`
	Status     string    `json:"status"`
	Error      string    `json:"error,omitempty"`
}

func (st *Stats) reset() {
	st.Requests, st.Commits, st.Keys = map[Endpoint]int{}, map[string]int{}, map[string][]string{}
}

func (st *Stats) addAnswer(a CallbackAnswer, verified bool) {
	st.Callbacks.Sent++
	if verified {
		st.Callbacks.Verified++
	} else {
		st.Callbacks.Refused++
	}
	if len(st.Answers) >= maxAnswers {
		st.Answers = slices.Delete(st.Answers, 0, 1)
	}
	st.Answers = append(st.Answers, a)
}

// Stats copies the statistics.
func (s *Sandbox) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.stats
	out.Requests = maps.Clone(out.Requests)
	out.Commits = maps.Clone(out.Commits)
	out.Keys = maps.Clone(out.Keys)
	for table, keys := range out.Keys {
		out.Keys[table] = slices.Clone(keys)
	}
	out.Answers = append([]CallbackAnswer{}, out.Answers...)
	return out
}

func (s *Sandbox) count(ep Endpoint) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.Requests[ep]++
}

// countKey notes the idempotency key of a PATCH, whatever becomes of it.
func (s *Sandbox) countKey(table, key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	keys := s.stats.Keys[table]
	if slices.Contains(keys, key) {
		return
	}
	if len(keys) >= maxKeys {
		keys = slices.Delete(keys, 0, 1)
	}
	s.stats.Keys[table] = append(keys, key)
}

func (s *Sandbox) underWay(by int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.UnderWay += by
}
