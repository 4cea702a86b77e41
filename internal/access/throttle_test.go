package access

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func fail(th *Throttle, n int, account, address string) {
	for range n {
		th.Failed(account, address)
	}
}

func wait(th *Throttle, account, address string) time.Duration {
	d, _ := th.Wait(account, address)
	return d
}

func TestWaitsGrowAndAreForgotten(t *testing.T) {
	c := newClock()
	th := NewThrottle(c.Now)
	fail(th, pairLimit.free, "ada", "10.0.0.1")
	if d := wait(th, "ada", "10.0.0.1"); d != 0 {
		t.Fatalf("%v after the free failures", d)
	}
	for _, seconds := range []int{1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300} {
		want := time.Duration(seconds) * time.Second
		th.Failed("ada", "10.0.0.1")
		if d := wait(th, "ada", "10.0.0.1"); d != want {
			t.Fatalf("wait %v, want %v", d, want)
		}
	}
	fail(th, 1000, "ada", "10.0.0.1")
	if d := wait(th, "ada", "10.0.0.1"); d != pairLimit.max {
		t.Errorf("wait %v after a thousand more, want %v", d, pairLimit.max)
	}
	c.Add(throttleForget + time.Second)
	th.Failed("ada", "10.0.0.1")
	if d := wait(th, "ada", "10.0.0.1"); d != 0 {
		t.Errorf("an hour later one failure costs %v", d)
	}
}

func TestAnAttackFromManyAddressesSlowsDownButNotForTheOwner(t *testing.T) {
	c := newClock()
	th := NewThrottle(c.Now)
	th.Succeeded("ada", "192.0.2.1") // where she signed in before
	for i := range 500 {
		th.Failed("ada", fmt.Sprintf("10.0.%d.%d", i/250, i%250))
	}
	if d := wait(th, "ada", "10.9.9.9"); d != accountLimit.max {
		t.Errorf("a new address waits %v, want %v", d, accountLimit.max)
	}
	if d := wait(th, "ada", "192.0.2.1"); d != 0 {
		t.Errorf("the owner waits where she signed in before: %v", d)
	}
	c.Add(throttleKnownFor)
	fail(th, accountLimit.free+1, "ada", "10.0.0.9")
	if d := wait(th, "ada", "192.0.2.1"); d == 0 {
		t.Error("an address is known for ever")
	}
}

func TestOneAddressCannotSprayManyAccounts(t *testing.T) {
	th := NewThrottle(newClock().Now)
	for i := range addressLimit.free + 1 {
		th.Failed(fmt.Sprint("user", i), "10.0.0.1")
	}
	if d := wait(th, "somebody", "10.0.0.1"); d != time.Second {
		t.Errorf("the address waits %v", d)
	}
	th.Succeeded("user1", "10.0.0.1")
	if d := wait(th, "somebody", "10.0.0.1"); d != time.Second {
		t.Errorf("one good login bought the address %v", d)
	}
	if d := wait(th, "somebody", "10.0.0.2"); d != 0 {
		t.Errorf("another address waits %v", d)
	}
}

func TestThrottleMemoryIsBounded(t *testing.T) {
	th := NewThrottle(newClock().Now)
	fail(th, pairLimit.free+1, "first", "10.0.0.1")
	for i := range 3 * throttleEntries {
		th.Failed(fmt.Sprint("u", i), "10.0.0.2")
		th.Succeeded(fmt.Sprint("u", i), "10.0.0.2")
	}
	for name, c := range map[string]*counters{
		"pairs": th.pairs, "addresses": th.addresses, "accounts": th.accounts, "known": th.known,
	} {
		if len(c.byKey) > throttleEntries || len(c.byKey) != c.order.Len() {
			t.Errorf("%s: %d entries, %d in order", name, len(c.byKey), c.order.Len())
		}
	}
	if th.addresses.get("10.0.0.1") == nil {
		t.Error("made-up names pushed an address out")
	}
}

// Whatever happened before, a wait ends by itself within five minutes.
func TestNobodyIsLockedOutForGood(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := newClock()
		th := NewThrottle(c.Now)
		accounts, addresses := rapid.SampledFrom([]string{"a", "b"}), rapid.SampledFrom([]string{"1", "2"})
		for range rapid.IntRange(0, 200).Draw(rt, "steps") {
			account, address := accounts.Draw(rt, "account"), addresses.Draw(rt, "address")
			switch rapid.IntRange(0, 9).Draw(rt, "what") {
			case 0:
				th.Succeeded(account, address)
			case 1:
				c.Add(time.Duration(rapid.IntRange(0, 4000).Draw(rt, "seconds")) * time.Second)
			default:
				th.Failed(account, address)
			}
			if d := wait(th, account, address); d > pairLimit.max {
				rt.Fatalf("wait of %v", d)
			}
		}
		c.Add(pairLimit.max)
		for _, account := range []string{"a", "b"} {
			for _, address := range []string{"1", "2"} {
				if d := wait(th, account, address); d != 0 {
					rt.Fatalf("%s at %s still waits %v", account, address, d)
				}
			}
		}
	})
}
