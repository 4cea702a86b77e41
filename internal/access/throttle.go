package access

import (
	"container/list"
	"sync"
	"time"
)

// Throttle slows down guessing. It counts failures three ways:
//
//   - by account and address: five are free, then each doubles the wait, up to
//     five minutes;
//   - by address, whatever the account: a hundred are free, up to one minute
//     (a whole office may stand behind one address);
//   - by account, whatever the address: twenty are free, up to one minute;
//   - by IPv6 network (/56), whatever the account: three hundred are free, up to one minute.
//
// An IPv6 address counts as its /64 (AddressGroup): whoever has one has all of them.
//
// A success clears the first and the third. Nothing is ever locked: a wait ends by itself, failures are
// forgotten after an hour without one, and the account-wide wait does not apply to an address from which
// this account signed in within the last 30 days. So a stranger who guesses from elsewhere cannot keep the
// owner out. One who guesses from the owner's own address can make them wait; for that case the command
// line on the machine is not throttled.
//
// The counts are in memory, bounded, and gone after a restart. When a table is full the entry that was
// touched least recently makes room; the three tables are apart, so that made-up account names cannot push
// an address out.
type Throttle struct {
	now func() time.Time

	mu        sync.Mutex
	pairs     *counters
	addresses *counters
	accounts  *counters
	networks  *counters
	known     *counters // account and address of a success; until says how long it counts
}

// limit is how one way of counting slows down.
type limit struct {
	free int           // failures without a wait
	max  time.Duration // the longest wait
}

const (
	throttleFirstWait = time.Second
	throttleForget    = time.Hour
	throttleKnownFor  = 30 * 24 * time.Hour
	throttleEntries   = 10_000 // per table; about 2 MB each when full of longest names
)

var (
	pairLimit    = limit{free: 5, max: 5 * time.Minute}
	addressLimit = limit{free: 100, max: time.Minute}
	accountLimit = limit{free: 20, max: time.Minute}
	networkLimit = limit{free: 300, max: time.Minute}
)

// NewThrottle returns an empty throttle that reads time from now.
func NewThrottle(now func() time.Time) *Throttle {
	return &Throttle{
		now:       now,
		pairs:     newCounters(throttleEntries),
		addresses: newCounters(throttleEntries),
		accounts:  newCounters(throttleEntries),
		networks:  newCounters(throttleEntries),
		known:     newCounters(throttleEntries),
	}
}

// Wait returns how long the account must wait before it may try again from the address; zero when it may
// try now. first is true once per wait, so that a caller can record that refusal alone and the ledger is
// not flooded.
func (t *Throttle) Wait(account, address string) (wait time.Duration, first bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	network := addressGroup(address, 56)
	address = AddressGroup(address)
	pair := pairKey(account, address)
	binding := []*counter{t.pairs.get(pair), t.addresses.get(address)}
	if !t.knows(pair, now) {
		binding = append(binding, t.accounts.get(account), t.networks.get(network))
	}
	for _, c := range binding {
		if c == nil {
			continue
		}
		if d := c.until.Sub(now); d > 0 {
			if d > wait {
				wait = d
			}
			first = first || !c.reported
			c.reported = true
		}
	}
	return wait, first
}

// Failed counts a failure.
func (t *Throttle) Failed(account, address string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	if network := addressGroup(address, 56); network != AddressGroup(address) {
		t.networks.failed(network, networkLimit, now)
	}
	address = AddressGroup(address)
	t.pairs.failed(pairKey(account, address), pairLimit, now)
	t.addresses.failed(address, addressLimit, now)
	t.accounts.failed(account, accountLimit, now)
}

// Succeeded forgets the account's failures and remembers the address as one that the account signs in from.
// The address's own failures stay: one good account must not buy more guesses at others.
func (t *Throttle) Succeeded(account, address string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	pair := pairKey(account, AddressGroup(address))
	t.pairs.drop(pair)
	t.accounts.drop(account)
	t.known.touch(pair).until = t.now().Add(throttleKnownFor)
}

// Known reports whether the account signed in from the address, or its group, lately.
func (t *Throttle) Known(account, address string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.knows(pairKey(account, AddressGroup(address)), t.now())
}

func (t *Throttle) knows(pair string, now time.Time) bool {
	k := t.known.get(pair)
	return k != nil && now.Before(k.until)
}

// pairKey returns the key of an account at an address. No two pairs share a key: an address has no newline
// and comes first.
func pairKey(account, address string) string { return address + "\n" + account }

type counter struct {
	key      string
	failures int
	last     time.Time // the newest failure
	until    time.Time // no try before this
	reported bool      // the refusal was reported since the newest failure
}

// counters is a bounded map that drops the entry that was touched least recently.
type counters struct {
	max   int
	byKey map[string]*list.Element
	order *list.List // of *counter; front is the newest
}

func newCounters(limit int) *counters {
	return &counters{max: limit, byKey: make(map[string]*list.Element), order: list.New()}
}

// get returns the counter without touching it, or nil.
func (c *counters) get(key string) *counter {
	if e, ok := c.byKey[key]; ok {
		return e.Value.(*counter)
	}
	return nil
}

func (c *counters) touch(key string) *counter {
	if e, ok := c.byKey[key]; ok {
		c.order.MoveToFront(e)
		return e.Value.(*counter)
	}
	if c.order.Len() >= c.max {
		oldest := c.order.Back()
		c.order.Remove(oldest)
		delete(c.byKey, oldest.Value.(*counter).key)
	}
	n := &counter{key: key}
	c.byKey[key] = c.order.PushFront(n)
	return n
}

func (c *counters) drop(key string) {
	if e, ok := c.byKey[key]; ok {
		c.order.Remove(e)
		delete(c.byKey, key)
	}
}

func (c *counters) failed(key string, l limit, now time.Time) {
	n := c.touch(key)
	if now.Sub(n.last) > throttleForget {
		n.failures = 0
	}
	n.failures++
	n.last, n.reported = now, false
	if over := n.failures - l.free; over > 0 {
		wait := l.max
		if over <= 20 { // beyond this the shift is far over any maximum
			wait = min(l.max, throttleFirstWait<<(over-1))
		}
		n.until = now.Add(wait)
	}
}
