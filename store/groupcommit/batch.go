package groupcommit

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"
)

// run is the writer's goroutine.
func (w *Writer) run() {
	defer close(w.done)
	idle := time.NewTimer(w.o.IdleAfter)
	defer idle.Stop()
	for {
		select {
		case j, open := <-w.jobs:
			if !open {
				w.work(true)
				return
			}
			if j.state.CompareAndSwap(jobQueued, jobRunning) {
				w.batch(j)
			}
			w.work(false)
			idle.Reset(w.o.IdleAfter)
		case <-idle.C:
			w.work(true)
		}
	}
}

// work does what the hooks have to do. An error is logged and no more: nobody
// waits for an answer, and it must not keep jobs from being run.
func (w *Writer) work(rest bool) {
	for _, h := range w.o.Hooks {
		work := h.Idle(rest)
		if work.Do == nil {
			continue
		}
		j := newJob(work.Do)
		w.batch(j)
		if j.err != nil {
			w.o.Log.Error(work.Failed, slog.Any("error", j.err))
		}
	}
}

// batch runs first and the jobs that are waiting when it is through, commits,
// and answers all of them. The queue is looked at after each job, not before the
// first: callers that were answered a moment ago are just coming back with more.
func (w *Writer) batch(first *job) {
	jobs := []*job{first}
	err := w.begin()
	if err == nil {
		// The first job needs no savepoint: while it is alone, undoing it is
		// undoing everything.
		w.each(Hook.Save)
		if first.err = w.call(first); first.err != nil {
			w.rollback()
			if lasting, explained := w.o.Explain(first.err); lasting {
				first.err = w.breaks(explained)
			}
			close(first.ended)
			return
		}
		for err == nil {
			j := w.next(len(jobs))
			if j == nil {
				break
			}
			jobs = append(jobs, j)
			err = w.savepoint(j)
		}
	}
	if err == nil {
		err = w.tx.Control("COMMIT")
	}
	if err == nil {
		w.broken.Store(nil)
		w.each(Hook.Commit)
	} else {
		w.rollback()
		lasting, explained := w.o.Explain(err)
		if err = explained; lasting {
			err = w.breaks(explained)
		}
	}
	for _, j := range jobs {
		if err != nil && j.err == nil {
			j.err = err
		}
		close(j.ended)
	}
	if w.o.Between != nil {
		w.o.Between(&w.tx)
	}
}

func (w *Writer) begin() error {
	if err := w.o.Begin(&w.tx); err != nil {
		return err
	}
	w.each(Hook.Begin)
	return nil
}

// breaks remembers why nothing can be written, for Broken.
func (w *Writer) breaks(err error) error {
	w.broken.Store(&err)
	return err
}

func (w *Writer) each(tell func(Hook)) {
	for _, h := range w.o.Hooks {
		tell(h)
	}
}

// next is a waiting job, or nil when none waits or the batch is full.
func (w *Writer) next(taken int) *job {
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
func (w *Writer) savepoint(j *job) error {
	if err := w.tx.Control("SAVEPOINT job"); err != nil {
		return err
	}
	w.each(Hook.Save)
	if j.err = w.call(j); j.err != nil {
		w.each(Hook.Undo)
		if err := w.tx.Control("ROLLBACK TO SAVEPOINT job"); err != nil {
			return errors.Join(j.err, err)
		}
	}
	return w.tx.Control("RELEASE SAVEPOINT job")
}

// call runs a job; a panic in it is its error and not the end of the program.
func (w *Writer) call(j *job) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in a transaction: %v\n%s", p, debug.Stack())
		}
	}()
	return j.fn(&w.tx)
}

// rollback ends a failed transaction. The database may have ended it already, so
// its answer says nothing; a connection left inside one fails the next BEGIN.
func (w *Writer) rollback() {
	_ = w.tx.Control("ROLLBACK")
	w.each(Hook.Rollback)
}
