package access

import (
	"container/list"
	"net/netip"
	"sync"
	"time"
)

// AddressGroup returns by whom an address is counted: an IPv4 address by itself, an IPv6 address by its /64, which is
// what one customer has at the least. What is no address is its own group.
func AddressGroup(ip string) string { return addressGroup(ip, 64) }

func addressGroup(ip string, bits int) string {
	a, err := netip.ParseAddr(ip)
	if err != nil {
		return ip
	}
	if a = a.Unmap().WithZone(""); a.Is4() {
		return a.String()
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return ip
	}
	return p.String()
}

// Bucket lets something happen so many times at once and then once in so long, for each key: a person, or a group of
// addresses. It is in memory and bounded: the key that was used least recently makes room.
type Bucket struct {
	burst int
	every time.Duration
	now   func() time.Time

	mu    sync.Mutex
	byKey map[string]*list.Element
	order *list.List // of *level; front is the newest
}

type level struct {
	key  string
	full time.Time // when all of the burst is there again
}

// bucketKeys bounds the keys of a Bucket.
const bucketKeys = 10_000

// NewBucket returns a full bucket.
func NewBucket(burst int, every time.Duration, now func() time.Time) *Bucket {
	return &Bucket{burst: burst, every: every, now: now, byKey: map[string]*list.Element{}, order: list.New()}
}

// Take is nil when it may happen once more for the key now, and otherwise a *WaitError with the sentence and the time
// to wait.
func (b *Bucket) Take(key, sentence string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	e, ok := b.byKey[key]
	if !ok {
		if b.order.Len() >= bucketKeys {
			oldest := b.order.Back()
			b.order.Remove(oldest)
			delete(b.byKey, oldest.Value.(*level).key)
		}
		e = b.order.PushFront(&level{key: key})
		b.byKey[key] = e
	}
	b.order.MoveToFront(e)
	l := e.Value.(*level)
	from := l.full
	if from.Before(now) {
		from = now
	}
	if wait := from.Add(b.every).Sub(now) - time.Duration(b.burst)*b.every; wait > 0 {
		return tooMany(wait, sentence)
	}
	l.full = from.Add(b.every)
	return nil
}
