package cxone

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestPaceIsCountedFromTheRequestReallySentOnceTheTenantThrottled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPacer(50)
		p.strict = time.Now().Add(time.Hour)
		var sends []time.Time
		for i := range 6 {
			sent, err := p.wait(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if i == 2 {
				<-time.After(15 * time.Millisecond) // a slow handshake
			}
			sends = append(sends, time.Now())
			sent()
		}
		for i := 1; i < len(sends); i++ {
			if gap := sends[i].Sub(sends[i-1]); gap < 20400*time.Microsecond {
				t.Errorf("gap %d is %s", i, gap)
			}
		}
		if total := sends[5].Sub(sends[0]); total != 5*20400*time.Microsecond+15*time.Millisecond {
			t.Errorf("six requests took %s", total)
		}
	})
}

func TestLatenessIsMadeUpForUntilTheTenantThrottles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPacer(50)
		send := func() time.Time {
			sent, err := p.wait(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			sent()
			return time.Now()
		}
		start := send()
		<-time.After(70 * time.Millisecond) // the caller was late
		var last time.Time
		for range 9 {
			was := last
			if last = send(); !was.IsZero() && last.Sub(was) < 10*time.Millisecond {
				t.Errorf("two requests left within %s", last.Sub(was))
			}
		}
		if d := last.Sub(start); d != 9*20400*time.Microsecond {
			t.Errorf("ten requests took %s", d)
		}
		<-time.After(time.Hour)
		start = send()
		for range 20 {
			last = send()
		}
		if d := last.Sub(start); d < (20-paceCatchUp)*20400*time.Microsecond {
			t.Errorf("after an hour's silence 21 requests took %s", d)
		}
	})
}

func TestOneStuckHandshakeDoesNotStopEveryone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPacer(50)
		if _, err := p.wait(t.Context()); err != nil { // never says that it was sent
			t.Fatal(err)
		}
		start := time.Now()
		if _, err := p.wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(start); d < paceHold || d > paceHold+50*time.Millisecond {
			t.Errorf("the next one waited %s", d)
		}
		<-time.After(paceHold)
	})
}

func TestA429PausesAllCallsThenThePaceRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPacer(50)
		gap := func() time.Duration {
			start := time.Now()
			sent, err := p.wait(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			sent()
			return time.Since(start)
		}
		gap()
		let := time.Now()
		<-time.After(time.Millisecond)
		p.throttled(let, 3*time.Second)
		p.throttled(let, time.Second) // the same moment's second refusal slows nothing more
		if d := gap(); d != 3*time.Second {
			t.Errorf("paused for %s", d)
		}
		if d := gap(); d.Round(10*time.Microsecond) != 25500*time.Microsecond {
			t.Errorf("the gap after a 429 is %s, want 1.25 × 20.4 ms", d)
		}
		for range 500 {
			p.answered(http.MethodGet, 0)
		}
		if d := gap(); d.Round(100*time.Microsecond) != 20700*time.Microsecond {
			t.Errorf("after 500 good answers the gap is %s, want 1.015 × 20.4 ms", d)
		}
		<-time.After(paceStrict)
		for range 500 {
			p.answered(http.MethodGet, 0)
		}
		gap()
		if d := gap(); d > 20500*time.Microsecond {
			t.Errorf("long after the 429 the gap is still %s", d)
		}
		p.throttled(time.Now(), time.Hour)
		if d := gap(); d != maxPause {
			t.Errorf("an hour's pause was waited for %s", d)
		}
	})
}

func TestARefusalForJitterDoesNotStopEveryoneButThreeDo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPacer(50)
		gap := func() time.Duration {
			start := time.Now()
			sent, err := p.wait(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			sent()
			return time.Since(start)
		}
		gap()
		p.throttled(time.Now(), time.Second)
		if d := gap(); d.Round(10*time.Microsecond) != 21420*time.Microsecond {
			t.Errorf("the gap after one 429 is %s, want 1.05 × 20.4 ms", d)
		}
		p.throttled(time.Now(), time.Second)
		gap()
		p.throttled(time.Now(), time.Second)
		if d := gap(); d != time.Second {
			t.Errorf("three within a second paused for %s", d)
		}
		<-time.After(5 * time.Second)
		p.throttled(time.Now(), time.Second)
		if d := gap(); d > 100*time.Millisecond {
			t.Errorf("one much later paused for %s", d)
		}
	})
}

// A tenant without any burst counts from when it met a request, and a busy one
// meets it late: the next must not come before that is an interval ago.
func TestALateAnswerHoldsTheNextRequestBackOnceTheTenantThrottled(t *testing.T) {
	for name, strict := range map[string]bool{"throttled": true, "never": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPacer(50)
				if strict {
					p.strict = time.Now().Add(time.Hour)
				}
				send := func(answer time.Duration) time.Time {
					sent, err := p.wait(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					sent()
					at := time.Now()
					<-time.After(answer)
					p.answered(http.MethodGet, answer)
					return at
				}
				send(2 * time.Millisecond)
				late := send(7 * time.Millisecond)
				gap := send(2 * time.Millisecond).Sub(late)
				if strict && (gap < 25*time.Millisecond || gap > 26*time.Millisecond) {
					t.Errorf("a request whose answer was 5 ms late is followed after %s, want 20 ms and 5", gap)
				}
				if !strict && gap > 20500*time.Microsecond {
					t.Errorf("a tenant that never throttled is given %s", gap)
				}
			})
		})
	}
}

// A hundred reads in the background share the pace with ten calls that somebody
// waits for: those must not wait for the hundred, and the hundred must not
// wait for ever.
func TestCallsInTheBackgroundLetOthersGoFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPacer(50)
		call := func(ctx context.Context) {
			sent, err := p.wait(ctx)
			if err != nil {
				t.Error(err)
				return
			}
			sent()
		}
		var all, urgent sync.WaitGroup
		for range 4 {
			all.Go(func() {
				for range 25 {
					call(InBackground(t.Context()))
				}
			})
		}
		synctest.Wait()
		start := time.Now()
		for range 2 {
			urgent.Go(func() {
				for range 5 {
					call(t.Context())
				}
			})
		}
		urgent.Wait()
		// The ones in the background that had their turn already, and their own.
		if d := time.Since(start); d > 16*21*time.Millisecond {
			t.Errorf("ten calls took %s beside the background's", d)
		}
		all.Wait()

		p.urgent.Add(1) // somebody always waits
		start = time.Now()
		call(InBackground(t.Context()))
		if d := time.Since(start); d != paceYield {
			t.Errorf("a call in the background waited %s", d)
		}
	})
}

// sendTimes notes when each request is handed to the network.
type sendTimes struct {
	http.RoundTripper
	mu    sync.Mutex
	times []time.Time
}

func (s *sendTimes) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	s.times = append(s.times, time.Now())
	s.mu.Unlock()
	return s.RoundTripper.RoundTrip(r)
}

// On real time and real connections, no two requests leave closer than the
// limit allows, however busy the machine: load may only widen a gap. The time
// it takes is logged, not bounded, for it is the machine's as much as ours.
func TestNoMoreRequestsLeaveThanTheLimitAllows(t *testing.T) {
	const rate, requests = 50.0, 75
	tn := newTenant(t)
	tn.script("/", status(200, goodTable))
	wire := &sendTimes{RoundTripper: tn.Client().Transport}
	c := tn.client(t, WithRate(rate), WithHTTPClient(&http.Client{Transport: wire}))
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			for range requests / 5 {
				if _, err := c.Table(t.Context(), "d", "t"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for i := range wire.times {
		for j := i + 1; j < len(wire.times); j++ {
			if within := wire.times[j].Sub(wire.times[i]).Seconds(); float64(j-i) > within*rate+paceCatchUp+1 {
				t.Fatalf("%d requests left within %.3f s", j-i+1, within)
			}
		}
	}
	took := wire.times[len(wire.times)-1].Sub(wire.times[0])
	t.Logf("%d requests in %.3f × the limit's own time", requests, took.Seconds()/((requests-1)/rate))
}
