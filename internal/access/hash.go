package access

import (
	"context"
	"encoding/base64"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/alexedwards/argon2id"
	"golang.org/x/crypto/argon2"

	"cxseal/internal/fault"
)

// HashCost is what one argon2id hash costs in memory and time.
type HashCost struct {
	MemoryKiB   uint32
	Iterations  uint32
	Parallelism uint8
}

// DefaultHashCost is the first choice of the OWASP Password Storage Cheat Sheet. A hash takes some 40 ms,
// and hashesAtOnce of them, with one more for known addresses, use 60 MB at most, which fits a machine with 1 GB.
var DefaultHashCost = HashCost{MemoryKiB: 19 * 1024, Iterations: 2, Parallelism: 1}

const (
	hashesAtOnce  = 2
	hashesWaiting = 100 // beyond this the next gets a *WaitError
	groupWaiting  = 50  // of one group of addresses
	knownWaiting  = 50  // from addresses that the account signed in from: a share of their own
	hashBusyWait  = 2 * time.Second
)

// hasher makes and checks password hashes, hashesAtOnce at a time: fifty people who log in at once wait for
// memory instead of exhausting it.
type hasher struct {
	params  *argon2id.Params
	dummy   string // a hash that no password has
	slots   chan struct{}
	reserve chan struct{} // one more, for those who come from a known address
	waiting atomic.Int64
	knowns  atomic.Int64 // of waiting, those from known addresses

	mu     sync.Mutex
	groups map[string]int // how many wait, by group of addresses

	// check is argon2id.CheckHash; tests count and hold its calls.
	check func(password, hash string) (bool, *argon2id.Params, error)
}

func newHasher(cost HashCost) *hasher {
	if cost == (HashCost{}) {
		cost = DefaultHashCost
	}
	p := &argon2id.Params{
		Memory: cost.MemoryKiB, Iterations: cost.Iterations, Parallelism: cost.Parallelism,
		SaltLength: 16, KeyLength: 32,
	}
	return &hasher{
		params: p,
		dummy: fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.Memory, p.Iterations, p.Parallelism,
			base64.RawStdEncoding.EncodeToString(make([]byte, p.SaltLength)),
			base64.RawStdEncoding.EncodeToString(make([]byte, p.KeyLength))),
		slots:   make(chan struct{}, hashesAtOnce),
		reserve: make(chan struct{}, 1),
		groups:  map[string]int{},
		check:   argon2id.CheckHash,
	}
}

// turn waits until the caller may compute one hash and returns the function that ends the turn. It is
// fault.TooMany when hashesWaiting callers wait already.
func (h *hasher) turn(ctx context.Context) (release func(), err error) {
	defer h.waiting.Add(-1)
	if h.waiting.Add(1) > hashesWaiting {
		return nil, tooMany(hashBusyWait, "Too many people are signing in at this moment.")
	}
	select {
	case h.slots <- struct{}{}:
		return func() { <-h.slots }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// knownTurn is turn for somebody at an address that the account signed in from: a crowd of strangers does not keep
// them out.
func (h *hasher) knownTurn(ctx context.Context) (release func(), err error) {
	defer h.knowns.Add(-1)
	if h.knowns.Add(1) > knownWaiting {
		return nil, tooMany(hashBusyWait, "Too many people are signing in at this moment.")
	}
	select {
	case h.slots <- struct{}{}:
		return func() { <-h.slots }, nil
	case h.reserve <- struct{}{}:
		return func() { <-h.reserve }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// strangersTurn is turn for somebody at another address; of one group of addresses so many wait at most.
func (h *hasher) strangersTurn(ctx context.Context, group string) (release func(), err error) {
	h.mu.Lock()
	full := h.groups[group] >= groupWaiting
	if !full {
		h.groups[group]++
	}
	h.mu.Unlock()
	if full {
		return nil, tooMany(hashBusyWait, "Too many people are signing in at this moment.")
	}
	defer func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.groups[group]--; h.groups[group] == 0 {
			delete(h.groups, group)
		}
	}()
	return h.turn(ctx)
}

func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	release, err := h.turn(ctx)
	if err != nil {
		return "", err
	}
	defer release()
	return h.make(password)
}

// make computes a hash within a turn that the caller holds.
func (h *hasher) make(password string) (string, error) {
	return argon2id.CreateHash(password, h.params)
}

// match compares a password with a hash within a turn that the caller holds. An empty hash (no such
// account, or one without a password) costs the same time and never matches. stale reports that the hash
// was made at another cost and should be replaced.
func (h *hasher) match(password, hash string) (ok, stale bool, err error) {
	if hash == "" || len(password) > MaxPasswordBytes {
		_, _, err = h.check("", h.dummy)
		return false, false, err
	}
	ok, p, err := h.check(password, hash)
	if err != nil {
		return false, false, err
	}
	return ok, *p != *h.params, nil
}

// WaitError is fault.TooMany with the time after which to try again.
type WaitError struct {
	After time.Duration
	fault error
	first bool // the first refusal since the newest failure
}

func (e *WaitError) Error() string { return e.fault.Error() }
func (e *WaitError) Unwrap() error { return e.fault }

// tooMany is the WaitError whose message is the sentence and the wait, in whole seconds rounded up.
func tooMany(wait time.Duration, sentence string) *WaitError {
	wait = (wait + time.Second - 1).Truncate(time.Second)
	return &WaitError{After: wait, fault: fault.New(fault.TooMany,
		"%s Try again in %s.", sentence, inWords(wait))}
}

func inWords(d time.Duration) string {
	n, unit := int(d/time.Second), "second"
	if n > 90 {
		n, unit = (n+59)/60, "minute"
	}
	if n != 1 {
		unit += "s"
	}
	return fmt.Sprintf("%d %s", n, unit)
}
