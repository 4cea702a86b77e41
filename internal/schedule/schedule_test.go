package schedule_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cxseal/internal/schedule"
	"cxseal/store"
)

// testConsole is a real database for schedulers, a clock that the test moves, and the troubles that they
// reported.
type testConsole struct {
	t        *testing.T
	store    *store.Store
	offset   atomic.Int64
	mu       sync.Mutex
	reported []schedule.Trouble
}

func (h *testConsole) now() time.Time { return time.Now().Add(time.Duration(h.offset.Load())) }

func newTestConsole(t *testing.T) *testConsole {
	t.Helper()
	h := &testConsole{t: t}
	var err error
	h.store, err = store.Open(t.Context(), filepath.Join(t.TempDir(), "cxseal.db"), store.Options{Now: h.now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.store.Close() })
	return h
}

// report is the scheduler's Report.
func (h *testConsole) report(_ context.Context, t schedule.Trouble) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.reported = append(h.reported, t)
}

// trouble counts the reported troubles whose detail contains the text.
func (h *testConsole) trouble(want string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	for _, t := range h.reported {
		if strings.Contains(t.Detail, want) {
			n++
		}
	}
	return n
}

func (h *testConsole) start(jobs ...schedule.Job) *schedule.Scheduler {
	h.t.Helper()
	s := schedule.New(h.store, jobs, h.now, slog.New(slog.DiscardHandler),
		schedule.Options{Lease: 300 * time.Millisecond, Grace: 50 * time.Millisecond, Report: h.report})
	if err := s.Start(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
	return s
}

func (h *testConsole) stop(s *schedule.Scheduler) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := s.Stop(ctx); err != nil {
		h.t.Error(err)
	}
}

// eventually waits until ok reports true, and fails the test after five seconds.
func (h *testConsole) eventually(what string, ok func() bool) {
	h.t.Helper()
	deadline := time.NewTimer(5 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline.C:
			h.t.Fatalf("never: %s", what)
		}
	}
}

func job(name string, every time.Duration, run func(context.Context) error) schedule.Job {
	return schedule.Job{Name: name, Every: every, Limit: 100 * time.Millisecond, Run: run}
}

func TestAJobThatPanicsFailsOrHangsIsReportedAndStopsNoOther(t *testing.T) {
	h := newTestConsole(t)
	var fine, hanging atomic.Int64
	release := make(chan struct{})
	s := h.start(
		job("panics", 20*time.Millisecond, func(context.Context) error { panic("out of luck") }),
		job("fails", 20*time.Millisecond, func(context.Context) error { return errors.New("out of paper") }),
		job("hangs", 20*time.Millisecond, func(context.Context) error { hanging.Add(1); <-release; return nil }),
		job("slow", 20*time.Millisecond, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }),
		job("fine", 20*time.Millisecond, func(context.Context) error { fine.Add(1); return nil }),
	)
	h.eventually("the hanging job is reported", func() bool { return h.trouble("it hangs") == 1 })
	h.eventually("the panic is reported", func() bool { return h.trouble("out of luck") == 1 })
	h.eventually("the slow job is reported", func() bool { return h.trouble("stopped after") == 1 })
	seen := fine.Load()
	h.eventually("the fine job goes on", func() bool { return fine.Load() > seen+3 })
	if n := hanging.Load(); n != 1 {
		t.Errorf("the hanging job was started %d times", n)
	}
	list, err := s.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, j := range list {
		if j.Hung != (j.Name == "hangs") {
			t.Errorf("%s hung: %v", j.Name, j.Hung)
		}
		if j.Name == "fails" && (j.Last.Error != "out of paper" || j.Last.Failures < 1 || j.NextAt.IsZero()) {
			t.Errorf("status %+v", j)
		}
	}
	if h.trouble("out of paper") != 1 {
		t.Errorf("a row of failures was reported %d times", h.trouble("out of paper"))
	}
	close(release)
	h.stop(s)
}

func TestTwoConsolesOnOneDatabaseNeverDoTheWorkTwice(t *testing.T) {
	h := newTestConsole(t)
	var one, other atomic.Int64
	a := h.start(job("work", 10*time.Millisecond, func(context.Context) error { one.Add(1); return nil }))
	h.eventually("the first works", func() bool { return one.Load() > 0 })
	b := h.start(job("work", 10*time.Millisecond, func(context.Context) error { other.Add(1); return nil }))
	seen := one.Load()
	h.eventually("the first works on", func() bool { return one.Load() > seen+20 })
	if other.Load() != 0 || b.Leading() || !a.Leading() {
		t.Errorf("the second worked %d times", other.Load())
	}
	h.stop(a)
	h.eventually("the second takes over", func() bool { return other.Load() > 0 })
	h.stop(b)
}

func TestALeaseOfAConsoleThatDiedLapses(t *testing.T) {
	h := newTestConsole(t)
	now := h.now()
	take := func(owner string, at time.Time) bool {
		got, err := h.store.Lease(t.Context(), "x", owner, at, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if !take("dead", now) || take("alive", now.Add(59*time.Second)) || !take("alive", now.Add(60*time.Second)) || take("dead", now.Add(61*time.Second)) {
		t.Error("the lease did not pass from the dead console to the living one, once")
	}
	if !take("other", now.Add(-time.Hour)) {
		t.Error("a lease given by a clock that ran ahead is respected")
	}
}

// Alarms would otherwise wait for a minute after every crash.
func TestAConsoleThatIsAloneDoesNotWaitForADeadOnesLease(t *testing.T) {
	h := newTestConsole(t)
	for _, alone := range []bool{false, true} {
		if got, err := h.store.Lease(t.Context(), "scheduler", "dead", h.now(), time.Hour); err != nil || !got {
			t.Fatal(got, err)
		}
		ran := make(chan struct{}, 1)
		j := job("a", time.Hour, func(context.Context) error { ran <- struct{}{}; return nil })
		s := schedule.New(h.store, []schedule.Job{j}, h.now, slog.New(slog.DiscardHandler), schedule.Options{Lease: time.Hour, Alone: alone})
		if err := s.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		if alone {
			<-ran
		} else if s.Leading() {
			t.Error("it took the lease of another console that may be alive")
		}
		h.stop(s)
	}
}

func TestWhatWasMissedWhileDownIsCaughtUpOnce(t *testing.T) {
	h := newTestConsole(t)
	var ran atomic.Int64
	work := job("daily", 24*time.Hour, func(context.Context) error { ran.Add(1); return nil })
	s := h.start(work)
	h.eventually("the first run", func() bool { return ran.Load() == 1 })
	h.eventually("it is kept", func() bool { list, err := h.store.JobStates(t.Context()); return err == nil && len(list) == 1 })
	h.stop(s)
	s = h.start(work) // restarted within the interval
	list, err := s.Status(t.Context())
	if err != nil || ran.Load() != 1 || list[0].NextAt.Sub(h.now()) < 23*time.Hour {
		t.Errorf("ran %d times after a restart, next at %s, %v", ran.Load(), list[0].NextAt, err)
	}
	h.stop(s)
	h.offset.Store(int64(10 * 24 * time.Hour)) // down for ten days
	s = h.start(work)
	h.eventually("the catching up", func() bool { return ran.Load() == 2 })
	h.eventually("it is kept", func() bool {
		list, err := h.store.JobStates(t.Context())
		return err == nil && h.now().Sub(list[0].StartedAt) < time.Hour
	})
	list, err = s.Status(t.Context())
	if err != nil || ran.Load() != 2 || list[0].NextAt.Sub(h.now()) < 23*time.Hour {
		t.Errorf("ran %d times after ten days, next at %s, %v", ran.Load(), list[0].NextAt, err)
	}
	h.stop(s)
}

func TestAClockThatGoesBackIsReported(t *testing.T) {
	h := newTestConsole(t)
	h.offset.Store(int64(48 * time.Hour))
	s := h.start()
	h.stop(s)
	if h.trouble("said") != 0 {
		t.Fatal("reported for nothing")
	}
	h.offset.Store(0)
	s = h.start()
	h.eventually("it is reported", func() bool { return h.trouble("said") > 0 })
	h.stop(s)
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, trouble := range h.reported {
		if trouble.Key != h.reported[0].Key {
			t.Errorf("one jump has two keys, %q and %q", trouble.Key, h.reported[0].Key)
		}
	}
}
