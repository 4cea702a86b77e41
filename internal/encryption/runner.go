package encryption

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"cxseal/internal/fault"
)

// RunnerOptions tune a Runner; zero values mean the defaults named here.
type RunnerOptions struct {
	// Owner begins the runner's lease owner; "console" for the console.
	Owner string
	// Lease is how long a run stays with a worker that says nothing, 30 s.
	Lease time.Duration
	// Poll is how often to look for work without having been told, 1 s.
	Poll time.Duration
	// Backoff is the first wait before a PATCH is sent again, 1 s; it doubles.
	Backoff time.Duration
	// MaxSends bounds how often one PATCH is sent, 4.
	MaxSends int
	// InFlight is how long to ask again while the tenant answers that it is
	// still working on the change (409), 2 min.
	InFlight time.Duration
	// Grace is how long to wait for the callback of a change whose answer was
	// lost before the tenant is asked for the answer again, 10 s.
	Grace time.Duration
	// Look is how soon to look at the table again for a change that the tenant
	// accepted and the table does not show yet, 2 s; later looks are further
	// apart, up to half a minute.
	Look time.Duration
}

func (o *RunnerOptions) setDefaults() {
	set := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	if o.Owner == "" {
		o.Owner = ConsoleOwner
	}
	set(&o.Lease, 30*time.Second)
	set(&o.Poll, time.Second)
	set(&o.Backoff, time.Second)
	set(&o.Grace, 10*time.Second)
	set(&o.Look, 2*time.Second)
	set(&o.InFlight, 2*time.Minute)
	if o.MaxSends == 0 {
		o.MaxSends = 4
	}
}

// ConsoleOwner begins the lease owner of every console's runner.
const ConsoleOwner = "console"

// Runner moves runs through their states. It is a background service: Start
// returns at once, Stop waits for the work in hand.
type Runner struct {
	service *Service
	options RunnerOptions
	owner   string

	stopClaiming context.CancelFunc // no new run is taken
	stopWorking  context.CancelFunc // the work in hand is broken off; a restart resumes it
	dispatchers  sync.WaitGroup
	workers      sync.WaitGroup

	mu     sync.Mutex
	active map[string]bool // run ids in hand; true when one was claimed anew meanwhile
}

// NewRunner returns a Runner for the service's runs.
func NewRunner(service *Service, options RunnerOptions) *Runner {
	options.setDefaults()
	return &Runner{service: service, options: options,
		owner: options.Owner + "/" + uuid.NewString(), active: map[string]bool{}}
}

// Start takes up runs of every connection until Stop. The caller has made sure
// that no other console works on the database: leases left by one are dropped.
func (r *Runner) Start(ctx context.Context) error {
	// Runs that wait are looked at once more: a callback may have come in the
	// moment before a crash.
	for _, owner := range []string{r.options.Owner + "/", parkedOwner} {
		if err := r.service.store.ReleaseLeases(ctx, owner); err != nil {
			return err
		}
	}
	claiming, working := r.begin(ctx)
	dispatching := map[string]context.CancelFunc{}
	r.follow(claiming, working, dispatching)
	r.dispatchers.Go(func() { r.supervise(claiming, working, dispatching) })
	return nil
}

// supervise keeps a dispatcher for every connection that is usable, as they
// come and go, ends the waits for an approval that are over, and holds the runs of
// people who may no longer ask for them.
func (r *Runner) supervise(claiming, working context.Context, dispatching map[string]context.CancelFunc) {
	tick := time.NewTicker(r.options.Poll)
	defer tick.Stop()
	for {
		if err := r.service.ExpireApprovals(claiming); err != nil && claiming.Err() == nil {
			r.service.logger.ErrorContext(claiming, "requests for approval were not expired", "err", err)
		}
		if err := r.service.HoldStranded(claiming); err != nil && claiming.Err() == nil {
			r.service.logger.ErrorContext(claiming, "runs of people who may no longer ask for them were not held", "err", err)
		}
		select {
		case <-tick.C:
		case <-claiming.Done():
			return
		}
		r.follow(claiming, working, dispatching)
	}
}

// follow starts dispatchers for new connections and ends those of connections
// that are gone or disabled; the work in hand goes on.
func (r *Runner) follow(claiming, working context.Context, dispatching map[string]context.CancelFunc) {
	names := r.service.connections.Names()
	for name, stop := range dispatching {
		if !slices.Contains(names, name) {
			stop()
			delete(dispatching, name)
		}
	}
	for _, name := range names {
		if dispatching[name] != nil {
			continue
		}
		ctx, stop := context.WithCancel(claiming)
		dispatching[name] = stop
		r.dispatchers.Go(func() { r.dispatch(ctx, working, name) })
	}
}

// begin opens the runner's two contexts and its heartbeat.
func (r *Runner) begin(ctx context.Context) (claiming, working context.Context) {
	working, r.stopWorking = context.WithCancel(context.WithoutCancel(ctx))
	claiming, r.stopClaiming = context.WithCancel(working)
	r.dispatchers.Go(func() { r.heartbeat(working) })
	return claiming, working
}

// Stop takes no new run, gives the work in hand until ctx is done, breaks off
// what is left and releases its leases.
func (r *Runner) Stop(ctx context.Context) error {
	r.stopClaiming()
	done := make(chan struct{})
	go func() { r.workers.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
	}
	r.stopWorking()
	<-done
	r.dispatchers.Wait()
	return r.service.store.ReleaseLeases(context.WithoutCancel(ctx), r.owner)
}

// RunOne works on one queued or interrupted run in the caller's goroutine until
// it has ended or is held, for the command line: the same pipeline without a console. When
// ctx is done first, it returns the run as it stands and ctx's error.
func (r *Runner) RunOne(ctx context.Context, runID string) (Run, error) {
	_, working := r.begin(ctx)
	defer func() {
		r.stopWorking()
		r.dispatchers.Wait()
		if err := r.service.store.ReleaseLeases(context.WithoutCancel(ctx), r.owner); err != nil {
			r.service.logger.ErrorContext(ctx, "leases were not released; they lapse by themselves", "err", err)
		}
	}()
	// Who interrupts a command does not want to wait for a tenant that hangs:
	// the work is broken off, as by a crash, and can be taken up again.
	defer context.AfterFunc(ctx, r.stopWorking)()
	moved, unwatch := r.service.Watch(runID)
	defer unwatch()
	for {
		run, err := r.service.store.Run(context.WithoutCancel(ctx), runID)
		if err != nil || run.State.Ended() || run.State == Held {
			return run, err
		}
		if ctx.Err() != nil {
			return run, ctx.Err()
		}
		if connection, err := r.service.connections.Connection(run.Connection); err == nil {
			if claimed := r.claim(ctx, connection, runID); claimed != nil {
				r.work(working, connection, *claimed)
				continue
			}
		}
		select {
		case <-moved:
		case <-time.After(r.options.Poll / 4): // the console next door may be the one who moves it
		case <-ctx.Done():
			return run, ctx.Err()
		}
	}
}

// dispatch hands the connection's runs to workers, as many at a time as the
// connection allows now. It is told of new work; the poll is only a net.
func (r *Runner) dispatch(claiming, working context.Context, name string) {
	told, unwatch := r.service.bus.watch(runnerTopic)
	defer unwatch()
	poll := time.NewTicker(r.options.Poll)
	defer poll.Stop()
	free := make(chan struct{}, 1)
	var busy atomic.Int64
	for {
		connection, err := r.service.connections.Connection(name)
		if err == nil && busy.Load() < int64(max(1, connection.Concurrency)) && claiming.Err() == nil {
			if run := r.claim(claiming, connection, ""); run != nil {
				busy.Add(1)
				r.workers.Go(func() {
					defer func() {
						busy.Add(-1)
						select {
						case free <- struct{}{}:
						default: // the dispatcher has not looked since the last one
						}
					}()
					r.work(working, connection, *run)
				})
				continue
			}
		}
		select {
		case <-told:
		case <-free:
		case <-poll.C:
		case <-claiming.Done():
			return
		}
	}
}

// claim leases a run, or returns nil. A run that this runner has in hand
// already is left to the hand it is in, which looks at it again before it lets
// go: its lease lapsed under load, or it was parked a moment ago and is due.
func (r *Runner) claim(ctx context.Context, connection *Connection, runID string) *Run {
	now := r.service.now()
	run, err := r.service.store.ClaimRun(ctx, Claim{Owner: r.owner, Now: now, Until: now.Add(r.options.Lease),
		Connection: connection.Name, RunID: runID})
	if err != nil {
		if ctx.Err() == nil {
			r.service.logger.ErrorContext(ctx, "no run could be claimed", "connection", connection.Name, "err", err)
		}
		return nil
	}
	if run == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, inHand := r.active[run.ID]; inHand {
		r.active[run.ID] = true
		return nil
	}
	r.active[run.ID] = false
	return run
}

// letGo ends a run's time in hand and returns nil, or the run as it stands now
// when it was claimed anew meanwhile: its lease is this runner's, and nobody
// else would look at it until that lapses.
func (r *Runner) letGo(ctx context.Context, id string) *Run {
	r.mu.Lock()
	again := r.active[id]
	delete(r.active, id)
	if again {
		r.active[id] = false
	}
	r.mu.Unlock()
	if !again {
		return nil
	}
	run, err := r.service.store.Run(ctx, id)
	if err == nil && run.LeaseOwner == r.owner && !run.State.Ended() {
		return &run
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.active, id)
	return nil
}

// work carries a claimed run until nothing more can be done for it now.
func (r *Runner) work(ctx context.Context, connection *Connection, run Run) {
	for next := &run; next != nil; next = r.letGo(ctx, run.ID) {
		r.carry(ctx, connection, *next)
	}
}

// carry carries a claimed run as far as it goes. What stops it short (a store
// that fails, a shutdown, a defect of ours) leaves the row as it stands: the
// lease lapses and the run is taken up again from there.
func (r *Runner) carry(ctx context.Context, connection *Connection, run Run) {
	defer func() {
		if p := recover(); p != nil {
			r.service.logger.ErrorContext(ctx, "a run's worker panicked; it will be taken up again",
				"run", run.ID, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		}
	}()
	t := &task{Service: r.service, runner: r, connection: connection, run: run}
	if err := t.carry(ctx); err != nil && !errors.Is(err, context.Canceled) {
		level := r.service.logger.ErrorContext
		if fault.CodeOf(err) == fault.Conflict {
			level = r.service.logger.InfoContext // it was moved meanwhile: by a callback, mostly
		}
		level(ctx, "a run was left where it stands", "run", run.ID, "state", t.run.State, "err", err)
	}
}

// heartbeat keeps the leases of the runs in hand.
func (r *Runner) heartbeat(ctx context.Context) {
	ticker := time.NewTicker(r.options.Lease / 3)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		r.mu.Lock()
		busy := len(r.active) > 0
		r.mu.Unlock()
		if !busy {
			continue
		}
		if err := r.service.store.RenewLeases(ctx, r.owner, r.service.now().Add(r.options.Lease)); err != nil {
			r.service.logger.ErrorContext(ctx, "leases were not renewed", "err", err)
		}
	}
}
