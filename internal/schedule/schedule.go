// Package schedule runs the console's background jobs, each at its own interval, and reports a job that
// fails, panics or hangs without stopping the others. Of several consoles on one database, the one that holds
// the lease runs the jobs.
//
// The package holds no job: what a job does stands with its subject, and the list of jobs in internal/console.
package schedule

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/go-co-op/gocron/v2"
	"github.com/google/uuid"
	"github.com/jonboulle/clockwork"
)

// Job is a task that is repeated at an interval.
type Job struct {
	Name  string // stored; never renamed
	Does  string // one sentence for a person
	Every time.Duration
	Limit time.Duration // a run that takes longer is told to stop, and reported
	Run   func(ctx context.Context) error
}

// State is what the database keeps of a job's last run.
type State struct {
	Name       string
	StartedAt  time.Time // zero: it never ran
	FinishedAt time.Time
	Duration   time.Duration
	Error      string // empty: it succeeded
	Failures   int    // in a row
}

// Status is a job with its last run, its next one, and whether it runs now.
type Status struct {
	Job
	Last    State
	NextAt  time.Time // zero: not scheduled here
	Running bool
	Hung    bool // it runs though its limit has passed
}

// Condition says in one word whether a job works.
type Condition string

// The conditions.
const (
	Waiting Condition = "waiting" // it has not run yet
	Running Condition = "running"
	Hangs   Condition = "hangs"  // it runs though its limit has passed
	Failed  Condition = "failed" // its last run did
	Fine    Condition = "fine"
)

// Conditions returns every condition.
func Conditions() []Condition { return []Condition{Waiting, Running, Hangs, Failed, Fine} }

// Condition returns the job's most urgent condition.
func (s Status) Condition() Condition {
	switch {
	case s.Hung:
		return Hangs
	case s.Running:
		return Running
	case s.Last.StartedAt.IsZero():
		return Waiting
	case s.Last.Error != "":
		return Failed
	}
	return Fine
}

// Trouble is a problem of a job or of the clock that people should be told of.
type Trouble struct {
	Key    string // the same trouble has the same key
	Job    string // empty: it is about the clock
	Detail string
	At     time.Time
}

// Store is what the scheduler needs of a database.
type Store interface {
	// Lease gives or renews the named lease until now+ttl and reports true, unless another owner holds it. A
	// lease that ends after LatestEnd is not respected.
	Lease(ctx context.Context, name, owner string, now time.Time, ttl time.Duration) (bool, error)
	EndLease(ctx context.Context, name, owner string) error
	// DropLease ends the lease of any owner.
	DropLease(ctx context.Context, name string) error

	JobStates(ctx context.Context) ([]State, error)
	SaveJobState(ctx context.Context, s State) error

	// HighWater keeps the highest time it was ever given, and returns what was
	// kept before.
	HighWater(ctx context.Context, now time.Time) (before time.Time, err error)
}

// Options tune a Scheduler; zero values mean the defaults named here.
type Options struct {
	Lease  time.Duration   // how long the lease lasts without renewal, 1 min
	Grace  time.Duration   // how long a job may take to stop when told, 5 s
	Clock  clockwork.Clock // when jobs start; the machine's clock
	Report func(ctx context.Context, t Trouble)

	// Alone says that no other console works on the database, which the caller has made sure of: a lease that
	// is left over from a console that died is dropped at Start.
	Alone bool
}

const leaseName = "scheduler"

// LatestEnd returns the latest end that a lease of length ttl given up to now can have, with one ttl to spare
// for clocks that differ. A lease that ends later was given by a clock that ran ahead, and is not respected.
func LatestEnd(now time.Time, ttl time.Duration) time.Time { return now.Add(2 * ttl) }

// backwards is how far a clock may step back unreported: time servers correct
// by less.
const backwards = time.Minute

// Scheduler runs jobs. Start returns at once; Stop waits for the jobs that run.
type Scheduler struct {
	store   Store
	jobs    []Job
	now     func() time.Time
	logger  *slog.Logger
	options Options
	owner   string

	cron   gocron.Scheduler
	ctx    context.Context
	cancel context.CancelFunc
	work   sync.WaitGroup // runs that were not given up

	mu      sync.Mutex
	leading bool
	running map[string]time.Time // by job: since when
	hung    map[string]bool
	handles map[string]gocron.Job
}

// New returns a Scheduler for the jobs.
func New(store Store, jobs []Job, now func() time.Time, logger *slog.Logger, o Options) *Scheduler {
	if o.Lease == 0 {
		o.Lease = time.Minute
	}
	if o.Grace == 0 {
		o.Grace = 5 * time.Second
	}
	if o.Clock == nil {
		o.Clock = clockwork.NewRealClock()
	}
	if o.Report == nil {
		o.Report = func(context.Context, Trouble) {}
	}
	return &Scheduler{store: store, jobs: jobs, now: now, logger: logger, options: o, owner: uuid.NewString(),
		running: map[string]time.Time{}, hung: map[string]bool{}, handles: map[string]gocron.Job{}}
}

// Start schedules every job. A job whose time passed while no console ran is started at once, and once only,
// however many of its times were missed.
func (s *Scheduler) Start(ctx context.Context) error {
	states, err := s.states(ctx)
	if err != nil {
		return err
	}
	s.ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	if s.cron, err = gocron.NewScheduler(gocron.WithClock(s.options.Clock), gocron.WithLocation(time.UTC),
		gocron.WithStopTimeout(s.options.Grace+5*time.Second)); err != nil { // what runs gives up within the grace
		return err
	}
	if s.options.Alone {
		if err := s.store.DropLease(ctx, leaseName); err != nil {
			return err
		}
	}
	s.lead(ctx)
	if err := s.add("lease", s.options.Lease/3, 0, func() { s.lead(s.ctx) }); err != nil {
		return err
	}
	for _, j := range s.jobs {
		wait := time.Duration(0)
		if last := states[j.Name].StartedAt; !last.IsZero() {
			wait = min(max(last.Add(j.Every).Sub(s.now()), 0), j.Every)
		}
		if err := s.add(j.Name, j.Every, wait, func() { s.once(j) }); err != nil {
			return err
		}
	}
	s.cron.Start()
	return nil
}

func (s *Scheduler) add(name string, every, wait time.Duration, run func()) error {
	start := gocron.WithStartImmediately()
	if wait > 0 {
		start = gocron.WithStartDateTime(s.options.Clock.Now().Add(wait))
	}
	handle, err := s.cron.NewJob(gocron.DurationJob(every), gocron.NewTask(run), gocron.WithName(name), gocron.WithStartAt(start))
	if err != nil {
		return fmt.Errorf("schedule %s: %w", name, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handles[name] = handle
	return nil
}

// Stop starts no more jobs, cancels those that run, and waits for them until ctx is done.
func (s *Scheduler) Stop(ctx context.Context) error {
	s.cancel()
	err := s.cron.Shutdown()
	done := make(chan struct{})
	go func() { s.work.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
		err = errors.Join(err, errors.New("a background job did not stop in time"))
	}
	return errors.Join(err, s.store.EndLease(context.WithoutCancel(ctx), leaseName, s.owner))
}

// lead takes or renews the lease, and reports a clock that went back.
func (s *Scheduler) lead(ctx context.Context) {
	now := s.now()
	leading, err := s.store.Lease(ctx, leaseName, s.owner, now, s.options.Lease)
	if err != nil && ctx.Err() == nil {
		s.logger.ErrorContext(ctx, "the scheduler's lease was not renewed", "err", err)
	}
	s.mu.Lock()
	s.leading = leading && err == nil
	s.mu.Unlock()
	before, err := s.store.HighWater(ctx, now)
	switch {
	case err != nil && ctx.Err() == nil:
		s.logger.ErrorContext(ctx, "the clock was not checked", "err", err)
	case err == nil && before.Sub(now) > backwards:
		detail := fmt.Sprintf("The clock says %s, and said %s before. Nothing is announced twice; dates may be announced late until it has caught up. Check the machine's time service.",
			now.UTC().Format(time.RFC3339), before.UTC().Format(time.RFC3339))
		s.logger.WarnContext(ctx, "the clock went back", "now", now, "before", before)
		s.options.Report(ctx, Trouble{Key: "clock\x1f" + before.UTC().Format(time.RFC3339), Detail: detail, At: now})
	}
}

// once runs a job unless it runs already or another console holds the lease.
func (s *Scheduler) once(j Job) {
	started := s.now()
	s.mu.Lock()
	_, busy := s.running[j.Name]
	if busy || !s.leading || s.ctx.Err() != nil {
		s.mu.Unlock()
		return
	}
	s.running[j.Name] = started
	s.work.Add(1)
	s.mu.Unlock()

	began := time.Now() // the duration is measured by the machine's clock, also when a test moves s.now
	ctx, cancel := context.WithTimeout(s.ctx, j.Limit)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		err := guarded(ctx, j)
		s.mu.Lock()
		delete(s.running, j.Name)
		wasHung := s.hung[j.Name]
		delete(s.hung, j.Name)
		s.mu.Unlock()
		if !wasHung {
			s.work.Done()
		}
		done <- err
	}()
	err := s.await(ctx, j, done)
	if s.ctx.Err() != nil {
		return // stopped: the next start runs it again
	}
	s.finish(j, State{Name: j.Name, StartedAt: started, FinishedAt: s.now(), Duration: time.Since(began)}, err)
}

// await returns the job's error. A job that does not stop within the grace after its limit is given up, and
// marked as hung.
func (s *Scheduler) await(ctx context.Context, j Job, done <-chan error) error {
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	grace := time.NewTimer(s.options.Grace)
	defer grace.Stop()
	select {
	case err := <-done:
		if s.ctx.Err() == nil {
			err = fmt.Errorf("it was stopped after %s: %w", j.Limit, err)
		}
		return err
	case <-grace.C:
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, running := s.running[j.Name]; running {
		s.hung[j.Name] = true
		s.work.Done() // Stop does not wait for it
	}
	return fmt.Errorf("it hangs: told to stop after %s, it did not. It is not started again before it ends", j.Limit)
}

func guarded(ctx context.Context, j Job) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("it panicked: %v\n%s", p, debug.Stack())
		}
	}()
	return j.Run(ctx)
}

func (s *Scheduler) finish(j Job, state State, err error) {
	ctx := s.ctx
	if err != nil {
		states, readErr := s.states(ctx)
		state.Failures, state.Error = states[j.Name].Failures+1, firstLine(err.Error())
		s.logger.ErrorContext(ctx, "a background job failed", "job", j.Name, "failures", state.Failures, "err", err)
		if state.Failures == 1 || readErr != nil { // one report for a series of failures
			s.options.Report(ctx, Trouble{
				Key: "job\x1f" + j.Name + "\x1f" + state.StartedAt.UTC().Format(time.RFC3339),
				Job: j.Name, Detail: state.Error, At: state.FinishedAt,
			})
		}
	}
	if err := s.store.SaveJobState(ctx, state); err != nil && ctx.Err() == nil {
		s.logger.ErrorContext(ctx, "a job's state was not kept", "job", j.Name, "err", err)
	}
}

func firstLine(text string) string {
	const most = 500
	for i, r := range text {
		if r == '\n' || i >= most {
			return text[:i]
		}
	}
	return text
}

func (s *Scheduler) states(ctx context.Context) (map[string]State, error) {
	list, err := s.store.JobStates(ctx)
	if err != nil {
		return nil, err
	}
	states := make(map[string]State, len(list))
	for _, st := range list {
		states[st.Name] = st
	}
	return states, nil
}

// Status returns the status of every job, in the order in which they were given to New.
func (s *Scheduler) Status(ctx context.Context) ([]Status, error) {
	states, err := s.states(ctx)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Status, len(s.jobs))
	for i, j := range s.jobs {
		_, running := s.running[j.Name]
		list[i] = Status{Job: j, Last: states[j.Name], Running: running, Hung: s.hung[j.Name]}
		if handle := s.handles[j.Name]; handle != nil {
			if next, err := handle.NextRun(); err == nil && !next.IsZero() {
				list[i].NextAt = s.now().Add(next.Sub(s.options.Clock.Now()))
			}
		}
	}
	return list, nil
}

// Leading reports whether this console holds the lease and runs the jobs.
func (s *Scheduler) Leading() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.leading
}
