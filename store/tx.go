package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"cxseal/internal/audit"
	"cxseal/internal/fault"
)

// Bounds of the writer: how many jobs may wait before submitting blocks, and
// how many share one COMMIT.
const (
	queueLength = 256
	maxBatch    = 128
)

// errClosed answers a write after Close.
var errClosed = fault.New(fault.Conflict, "The database is closed: the console is stopping.")

// writer is the one connection that writes, and the goroutine that owns it.
//
// Durability costs one fsync a COMMIT, whatever is in it. So the goroutine
// takes every job that waits, runs each in a savepoint of one transaction, and
// acknowledges all of them after the COMMIT (docs/adr/0002).
type writer struct {
	db   *sql.DB
	conn *sql.Conn
	log  *slog.Logger

	mu     sync.RWMutex // held for reading while submitting, so that jobs can be closed
	closed bool
	jobs   chan *job
	done   chan struct{}

	wal walKeeper

	// broken is why the newest transaction could not be kept, when that was the
	// disk's fault; nil when the newest one could.
	broken atomic.Pointer[error]

	// Below: the goroutine's own.
	stmts map[string]*sql.Stmt
	tree  audit.Tree // the ledger's right edge, as of the running transaction
	fresh bool       // tree was compared with the table in this transaction

	before int64 // the number of records when the transaction first appended
	lag    int64 // records since the derived data was brought up to date
}

// Who owns a job: the writer claims it to run it, the waiter to withdraw it.
const (
	jobQueued int32 = iota
	jobRunning
	jobWithdrawn
)

type job struct {
	fn     func(*tx) error
	state  atomic.Int32
	err    error
	commit chan struct{} // closed when err is final
}

func newWriter(ctx context.Context, db *sql.DB, path string, log *slog.Logger) (*writer, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	w := &writer{
		db: db, conn: conn, log: log,
		jobs:  make(chan *job, queueLength),
		done:  make(chan struct{}),
		lag:   1, // a crash may have left some behind
		stmts: make(map[string]*sql.Stmt),
		wal:   walKeeper{path: path + "-wal", limit: walLimit},
	}
	go w.run()
	return w, nil
}

// write runs fn in a transaction and answers after COMMIT. If ctx ends while
// the job waits in the queue, it is not run and ctx's error is returned; once
// it has begun, the answer is what became of it, whatever ctx does.
func (s *Store) write(ctx context.Context, fn func(*tx) error) error {
	return s.writer.do(ctx, fn)
}

func (w *writer) do(ctx context.Context, fn func(*tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	j := &job{fn: fn, commit: make(chan struct{})}
	if err := w.submit(ctx, j); err != nil {
		return err
	}
	select {
	case <-j.commit:
	case <-ctx.Done():
		if j.state.CompareAndSwap(jobQueued, jobWithdrawn) {
			return ctx.Err()
		}
		<-j.commit
	}
	return j.err
}

func (w *writer) submit(ctx context.Context, j *job) error {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.closed {
		return errClosed
	}
	select {
	case w.jobs <- j:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// drain refuses new jobs and waits for the queued ones.
func (w *writer) drain() error {
	w.mu.Lock()
	if !w.closed {
		w.closed = true
		close(w.jobs)
	}
	w.mu.Unlock()
	<-w.done
	return nil
}

func (w *writer) close() error {
	err := w.drain()
	for _, st := range w.stmts {
		err = errors.Join(err, st.Close())
	}
	w.stmts = nil
	if e := w.conn.Close(); !errors.Is(e, sql.ErrConnDone) {
		err = errors.Join(err, e)
	}
	return errors.Join(err, w.db.Close())
}

func (w *writer) run() {
	defer close(w.done)
	idle := time.NewTimer(deriveAfter)
	defer idle.Stop()
	for {
		select {
		case j, open := <-w.jobs:
			if !open {
				w.derive()
				return
			}
			if j.state.CompareAndSwap(jobQueued, jobRunning) {
				w.batch(j)
			}
			if w.lag >= deriveAtMost {
				w.derive()
			}
			idle.Reset(deriveAfter)
		case <-idle.C:
			w.derive()
		}
	}
}

// derive brings the derived data up to date, unless it is. An error is logged
// and no more: what can be derived again must not keep the ledger from being
// written.
func (w *writer) derive() {
	if w.lag == 0 {
		return
	}
	j := &job{fn: (*tx).derive, commit: make(chan struct{})}
	w.batch(j)
	w.lag = 0
	if j.err != nil {
		w.log.Error("the index of the audit log's words is behind", slog.Any("error", j.err))
	}
}

// batch runs first and whatever is waiting when it is through, commits, and
// acknowledges. The queue is looked at after each job, not before the first:
// those who were acknowledged a moment ago are just coming back with more.
func (w *writer) batch(first *job) {
	t := &tx{w}
	jobs := []*job{first}
	err := t.control("BEGIN IMMEDIATE")
	if err == nil {
		w.fresh = false
		// The first job needs no savepoint: while it is alone, undoing it is
		// undoing everything.
		if first.err = w.call(t, first); first.err != nil {
			w.rollback(t)
			if isDiskTrouble(first.err) {
				first.err = w.brokenBy(first.err)
			}
			close(first.commit)
			return
		}
		for err == nil {
			j := w.next(len(jobs))
			if j == nil {
				break
			}
			jobs = append(jobs, j)
			err = w.savepoint(t, j)
		}
	}
	if err == nil {
		err = t.control("COMMIT")
	}
	if err != nil {
		w.rollback(t)
		err = w.brokenBy(err)
	} else {
		w.broken.Store(nil)
		if w.fresh {
			w.lag += w.tree.Size() - w.before
		}
	}
	for _, j := range jobs {
		if err != nil && j.err == nil {
			j.err = err
		}
		close(j.commit)
	}
	w.wal.keep(t, w.log)
}

// brokenBy explains why a transaction was not kept, and remembers it for those
// who ask whether the console can work.
func (w *writer) brokenBy(err error) error {
	explained := notCommitted(err)
	if isDiskTrouble(err) {
		w.broken.Store(&explained)
	}
	return explained
}

// next is a waiting job, or nil when none waits or the batch is full.
func (w *writer) next(taken int) *job {
	for taken < maxBatch {
		select {
		case j, open := <-w.jobs:
			if !open {
				return nil
			}
			if j.state.CompareAndSwap(jobQueued, jobRunning) {
				return j
			}
		default:
			return nil
		}
	}
	return nil
}

// savepoint runs one job so that it can be undone alone. Its error is the
// batch's: the transaction itself is gone (a full disk, an I/O error).
func (w *writer) savepoint(t *tx, j *job) error {
	if err := t.control("SAVEPOINT job"); err != nil {
		return err
	}
	tree, fresh := w.tree, w.fresh
	if j.err = w.call(t, j); j.err != nil {
		w.tree, w.fresh = tree, fresh
		if err := t.control("ROLLBACK TO job"); err != nil {
			return errors.Join(j.err, err)
		}
	}
	return t.control("RELEASE job")
}

// call runs a job; a panic in it is its error and not the end of the console.
func (w *writer) call(t *tx, j *job) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in a transaction: %v\n%s", p, debug.Stack())
		}
	}()
	return j.fn(t)
}

// rollback ends a failed transaction. SQLite may have ended it already, so its
// answer says nothing; a connection left inside one fails the next BEGIN.
func (w *writer) rollback(t *tx) {
	_ = t.control("ROLLBACK")
	w.fresh = false
	w.tree = audit.Tree{} // it may hold leaves that were never committed
}

// tx is a transaction on the writer's connection. Only its job may use it, and
// only until it returns.
//
// Its statements take no context: one that was interrupted halfway would leave
// open what became of the transaction.
type tx struct{ w *writer }

func (t *tx) stmt(text string) (*sql.Stmt, error) {
	if st := t.w.stmts[text]; st != nil {
		return st, nil
	}
	st, err := t.w.conn.PrepareContext(context.Background(), text)
	if err != nil {
		return nil, err
	}
	t.w.stmts[text] = st // the writer's texts are few and fixed
	return st, nil
}

// control runs BEGIN, COMMIT and the like, kept prepared.
func (t *tx) control(text string) error {
	_, err := t.exec(text)
	return err
}

// exec answers how many rows were changed.
func (t *tx) exec(text string, args ...any) (int64, error) {
	st, err := t.stmt(text) //nolint:sqlclosecheck // kept prepared until the writer closes
	if err != nil {
		return 0, err
	}
	res, err := st.ExecContext(context.Background(), args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

func (t *tx) query(text string, args ...any) (*sql.Rows, error) {
	st, err := t.stmt(text) //nolint:sqlclosecheck // kept prepared until the writer closes
	if err != nil {
		return nil, err
	}
	return st.QueryContext(context.Background(), args...)
}

func (t *tx) queryRow(text string, args ...any) row {
	rows, err := t.query(text, args...)
	return row{rows, err}
}
