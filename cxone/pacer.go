package cxone

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

const (
	paceSlack    = 1.02                   // interval = slack/rate: what a network's jitter may eat
	paceSlower   = 1.25                   // a limit that is lower than ours stretches the interval by this
	paceNudge    = 1.05                   // and a 429 that may be jitter by this
	paceSlowest  = 16.0                   // but not beyond this
	paceCatchUp  = 4                      // intervals of lateness that are made up for
	paceStrict   = 10 * time.Minute       // how long after a 429 none is,
	paceWary     = 1.015                  // and how much of a stretch stays
	paceDoubts   = 2                      // how many 429s in a row may be jitter
	paceJitter   = 2 * time.Second        // the longest Retry-After that a 429 for jitter asks for
	paceRecovery = 0.99                   // each good answer keeps this share of the stretch
	paceHold     = 250 * time.Millisecond // how long a request that is not written yet holds the turn
	paceSpin     = 900 * time.Microsecond // the last part of a wait, which a timer would overshoot
	paceForgets  = 500                    // the fastest answer nears the others by a 500th of what lies between
	maxPause     = 2 * time.Minute        // the longest Retry-After that is waited for
	paceYield    = 5 * time.Second        // how long a call in the background lets others go first
)

type backgroundKey struct{}

// InBackground returns a context whose calls let the client's other calls go
// first where requests are paced, each for at most five seconds: what nobody
// waits for must not hold up what somebody does.
func InBackground(ctx context.Context) context.Context {
	return context.WithValue(ctx, backgroundKey{}, true)
}

// pacer spaces requests so that a tenant throttles none, and none of the
// tenant's limit is given away.
//
// golang.org/x/time/rate is not used: it hands out slots on an ideal schedule,
// so a goroutine that wakes late for its slot leaves a gap shorter than the
// interval before the next one, and a tenant that allows no burst answers 429
// to it. Here lateness is made up for too, a few intervals' worth and never in
// one go, but only until the tenant says 429: from then on the gap is counted
// from the moment the previous request was really written, lateness is lost,
// and the gap stays a little longer. A tenant with no burst at all forgives no
// jitter that is longer than what the gap has beyond the limit's interval: at
// 50 requests a second that is 0.4 ms before the first 429, and 0.7 ms after.
//
// It measures real time, not the injected clock: what is spaced are packets.
type pacer struct {
	interval time.Duration // 0: no spacing, only pauses
	turn     chan struct{} // held from the wait until the request is written
	urgent   atomic.Int32  // calls that wait and are not in the background

	mu       sync.Mutex
	lastSent time.Time
	schedule time.Time // when the last request was due; behind lastSent by what is to be made up
	strict   time.Time // until when lateness is lost
	paused   time.Time // nothing is sent before
	stretch  float64   // ≥ 1
	slowed   time.Time // when the last 429 was taken into account
	doubts   int       // 429s that were taken for jitter
	doubted  time.Time // until when they count

	fastest map[string]time.Duration // answers, by kind of request
	soonest time.Time                // when a strict tenant has surely met the last request an interval ago
}

func newPacer(requestsPerSecond float64) *pacer {
	p := &pacer{turn: make(chan struct{}, 1), stretch: 1, fastest: map[string]time.Duration{}}
	if requestsPerSecond > 0 {
		p.interval = time.Duration(paceSlack / requestsPerSecond * float64(time.Second))
	}
	return p
}

// wait returns when the next request may be sent. The caller must call sent
// when it has written the request, or has given up; calling it again is safe.
func (p *pacer) wait(ctx context.Context) (sent func(), err error) {
	if p.interval == 0 {
		return func() {}, p.sleep(ctx)
	}
	if ctx.Value(backgroundKey{}) != nil {
		p.yield(ctx)
	} else {
		p.urgent.Add(1)
		defer p.urgent.Add(-1)
	}
	select {
	case p.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if err := p.sleep(ctx); err != nil {
		<-p.turn
		return nil, err
	}
	p.book()
	var once sync.Once
	release := func() {
		once.Do(func() {
			p.mark()
			<-p.turn
		})
	}
	// A slow dial must not hold up everyone else.
	timer := time.AfterFunc(paceHold, release)
	return func() { timer.Stop(); release() }, nil
}

// yield returns when no other call waits, or patience ends.
func (p *pacer) yield(ctx context.Context) {
	look := time.NewTicker(p.interval)
	defer look.Stop()
	patience := time.NewTimer(paceYield)
	defer patience.Stop()
	for p.urgent.Load() > 0 {
		select {
		case <-look.C:
		case <-patience.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// book takes the next place in the schedule, which never lags behind by more
// than what may be made up for.
func (p *pacer) book() {
	p.mu.Lock()
	defer p.mu.Unlock()
	now, step := time.Now(), p.step()
	p.schedule = p.schedule.Add(step)
	if oldest := now.Add(-paceCatchUp * step); p.schedule.Before(oldest) {
		p.schedule = oldest
	}
	if p.lastSent.IsZero() || now.Before(p.strict) {
		p.schedule = now
	}
	p.lastSent = now
}

func (p *pacer) step() time.Duration { return time.Duration(float64(p.interval) * p.stretch) }

func (p *pacer) mark() {
	p.mu.Lock()
	p.lastSent = time.Now()
	p.mu.Unlock()
}

// sleep waits for the interval and for any pause, again if a pause is imposed
// meanwhile.
func (p *pacer) sleep(ctx context.Context) error {
	spun := false
	for {
		d := time.Until(p.next())
		switch {
		case d <= 0:
			return ctx.Err()
		case d <= paceSpin && !spun && p.interval > 0:
			// Timers wake up to 1 ms late, 5 % of the interval at 50/s.
			// Yielding a bounded number of times is finer; where the clock
			// stands still (synctest) the timer below takes over.
			for i := 0; i < 20_000 && time.Now().Before(p.next()); i++ {
				runtime.Gosched()
			}
			spun = true
			continue
		case d > paceSpin && p.interval > 0:
			d -= paceSpin
		}
		timer := time.NewTimer(d)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}

func (p *pacer) next() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	next := p.lastSent.Add(p.step())
	if due, soonest := p.schedule.Add(p.step()), p.lastSent.Add(p.step()/2); !time.Now().Before(p.strict) && due.Before(next) {
		next = due
		if soonest.After(next) {
			next = soonest
		}
	}
	if p.soonest.After(next) {
		next = p.soonest
	}
	if p.lastSent.IsZero() {
		next = time.Time{}
	}
	if p.paused.After(next) {
		return p.paused
	}
	return next
}

// throttled takes a 429 into account. sentAt is when the throttled request was
// let through, so that several refusals of one moment count once.
//
// At a pace below the tenant's limit, one 429 mostly means that the network
// brought two requests closer together than they were sent. The throttled call
// waits as it was told, the pace slows a little, and the others go on: to pause
// them all for the whole second that Retry-After can say at the least would
// cost 50 requests for one. A third 429 within the time that the ones before
// asked for is no jitter: everyone pauses, and the pace slows for good measure.
func (p *pacer) throttled(sentAt time.Time, pause time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	pause = min(pause, maxPause)
	sameMoment := !sentAt.After(p.slowed)
	p.strict = now.Add(paceStrict)
	if now.After(p.doubted) {
		p.doubts = 0
	}
	if p.interval > 0 && pause <= paceJitter && (sameMoment || p.doubts < paceDoubts) {
		if !sameMoment {
			p.stretch = min(p.stretch*paceNudge, paceSlowest)
			p.slowed, p.doubted = now, now.Add(pause)
			p.doubts++
		}
		return
	}
	if until := now.Add(pause); until.After(p.paused) {
		p.paused = until
	}
	if !sameMoment {
		p.stretch = min(p.stretch*paceSlower, paceSlowest)
		p.slowed = now
	}
}

// answered lets the pace recover a little: wholly, or while the last 429 is
// remembered to what jitter needs.
//
// It also takes the answer's lateness for the request's. The tenant may have
// met the request as late as its answer came beyond the fastest of its kind,
// and it counts from then. That matters where an answer takes less than an
// interval, and only to a tenant that forgives nothing.
func (p *pacer) answered(kind string, took time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now, rest := time.Now(), 1.0
	fastest, known := p.fastest[kind]
	if !known || took < fastest {
		fastest = took
	}
	p.fastest[kind] = fastest + (took-fastest)/paceForgets
	if now.Before(p.strict) {
		rest = paceWary
		if soonest := now.Add(time.Duration(float64(p.interval)/paceSlack) - fastest); soonest.After(p.soonest) {
			p.soonest = soonest
		}
	}
	p.stretch = rest + (p.stretch-rest)*paceRecovery
}
