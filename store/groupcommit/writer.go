// Package groupcommit writes to a database/sql database through one connection, with many jobs in one COMMIT.
//
// A durable COMMIT costs one fsync, however many rows it holds. So one goroutine owns the connection, takes every
// job that waits, runs each in a savepoint of one transaction, and answers all of them after the COMMIT. A job
// that fails is undone alone. Hooks keep the state that a program holds in memory consistent with the outcome of
// each transaction.
//
// The package holds no statement of the program, and of SQL only BEGIN, COMMIT, ROLLBACK and savepoints, in the
// form that SQLite and PostgreSQL share. It imports nothing of cxseal.
package groupcommit

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Bounds of the writer: how many jobs may wait before submitting blocks, and
// how many share one COMMIT.
const (
	queueLength = 256
	maxBatch    = 128
)

// ErrClosed answers Do after Drain or Close.
var ErrClosed = errors.New("groupcommit: the writer is closed")

// A Hook keeps state in memory consistent with the transactions. All methods run on the writer's goroutine, as do
// the jobs, so state that only they touch needs no lock.
//
// A transaction is Begin, then for each job Save and, if it failed, Undo; then
// either Commit or Rollback. Rollback also ends a transaction whose only job
// failed: it has no savepoint to go back to, and Undo is not called.
type Hook interface {
	Begin()    // a transaction has begun; other processes may have written since the last one
	Save()     // a job is about to run: remember the state as it is now
	Undo()     // the job since Save was undone: return to the remembered state
	Commit()   // the transaction is durable
	Rollback() // the transaction is gone, with the jobs in it that had succeeded

	// Idle returns work to do in a transaction of its own, if there is any. The
	// writer asks with rest false between two batches, and with rest true when
	// nothing was written for Options.IdleAfter, again that much later for as long as
	// there was work, and before it closes.
	Idle(rest bool) Work
}

// Work is a task of a hook between the jobs. The zero value is none.
type Work struct {
	Do     func(*Tx) error
	Failed string // the message to log, with the error, when it could not be done
}

// Options are what a Writer needs. Only DB is required.
type Options struct {
	DB    *sql.DB // the writer takes one connection of it and closes it in the end
	Log   *slog.Logger
	Hooks []Hook

	// Begin begins a transaction that keeps others from writing; BEGIN when nil.
	Begin func(*Tx) error

	// Rewrite turns a statement's text into what the database understands, once
	// for each text.
	Rewrite func(text string) string

	// Explain turns the error of a transaction that was not committed into the error for its jobs, and reports
	// whether it lasts: whether the next transaction will fail too until a person mends the cause. Broken
	// returns a lasting error.
	Explain func(error) (lasting bool, explained error)

	// Between runs outside of a transaction, after each batch.
	Between func(*Tx)

	// IdleAfter is how long the writer must be without jobs before hooks are asked for work with rest true; 50 ms
	// when 0.
	IdleAfter time.Duration
}

// Writer is one connection that writes, and the goroutine that owns it. Its
// methods are safe for concurrent use.
type Writer struct {
	o    Options
	tx   Tx
	jobs chan *job
	done chan struct{} // closed when the goroutine has ended

	mu     sync.RWMutex // held for reading while submitting, so that jobs can be closed
	closed bool

	broken atomic.Pointer[error]
}

// The states of a job: the writer moves it from queued to running, its caller from queued to withdrawn.
const (
	jobQueued int32 = iota
	jobRunning
	jobWithdrawn
)

type job struct {
	fn    func(*Tx) error
	state atomic.Int32
	err   error
	ended chan struct{} // closed when err is final
}

func newJob(fn func(*Tx) error) *job { return &job{fn: fn, ended: make(chan struct{})} }

// New takes a connection and starts the writer's goroutine, which Close ends.
func New(ctx context.Context, o Options) (*Writer, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Begin == nil {
		o.Begin = func(t *Tx) error { return t.Control("BEGIN") }
	}
	if o.Explain == nil {
		o.Explain = func(err error) (bool, error) { return false, err }
	}
	if o.IdleAfter == 0 {
		o.IdleAfter = 50 * time.Millisecond
	}
	conn, err := o.DB.Conn(ctx)
	if err != nil {
		return nil, err
	}
	w := &Writer{
		o:    o,
		tx:   Tx{conn: conn, rewrite: o.Rewrite, stmts: make(map[string]*sql.Stmt)},
		jobs: make(chan *job, queueLength),
		done: make(chan struct{}),
	}
	go w.run()
	return w, nil
}

// Do runs fn in a transaction and returns after COMMIT: fn's own error, or why the transaction was not committed.
// A panic in fn becomes its error. If ctx ends while fn waits for its turn, fn is not run and ctx's error is
// returned; once fn has begun, Do returns its outcome even if ctx ends.
func (w *Writer) Do(ctx context.Context, fn func(*Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	j := newJob(fn)
	if err := w.submit(ctx, j); err != nil {
		return err
	}
	select {
	case <-j.ended:
	case <-ctx.Done():
		if j.state.CompareAndSwap(jobQueued, jobWithdrawn) {
			return ctx.Err()
		}
		<-j.ended
	}
	return j.err
}

func (w *Writer) submit(ctx context.Context, j *job) error {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.closed {
		return ErrClosed
	}
	select {
	case w.jobs <- j:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Waiting returns how many jobs wait for their turn.
func (w *Writer) Waiting() int { return len(w.jobs) }

// Broken returns why the newest transaction could not be committed, when that error lasts (Options.Explain), and
// nil as soon as one was committed again.
func (w *Writer) Broken() error {
	if err := w.broken.Load(); err != nil {
		return *err
	}
	return nil
}

// Drain refuses new jobs, and returns when the waiting jobs and the hooks' last work are done.
func (w *Writer) Drain() {
	w.mu.Lock()
	if !w.closed {
		w.closed = true
		close(w.jobs)
	}
	w.mu.Unlock()
	<-w.done
}

// Close drains the writer and closes its connection, not the database.
func (w *Writer) Close() error {
	w.Drain()
	return w.tx.close()
}
