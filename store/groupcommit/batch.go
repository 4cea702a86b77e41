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
			if w.work(true) {
				idle.Reset(w.o.IdleAfter) // there may be more
			}
		}
	}
}

// work runs the work of the hooks, each in a transaction of its own, and reports whether there was any. An error is
// only logged: no caller waits for it, and it must not keep jobs from being run.
func (w *Writer) work(rest bool) (worked bool) {
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
		worked = true
	}
	return worked
}

// batch runs the job first and then the jobs that wait, commits, and answers all of them. It looks at the queue
// after each job rather than once before the first: callers that were just answered submit their next job
// meanwhile.
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

// breaks keeps the lasting error err for Broken, and returns it.
func (w *Writer) breaks(err error) error {
	w.broken.Store(&err)
	return err
}

func (w *Writer) each(call func(Hook)) {
	for _, h := range w.o.Hooks {
		call(h)
	}
}

// next returns a waiting job, or nil when none waits or the batch is full.
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

// savepoint runs one job so that it can be undone alone. An error that it returns is the batch's: the transaction
// itself is lost (a full disk, an I/O error).
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

// call runs a job. A panic in it becomes its error.
func (w *Writer) call(j *job) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in a transaction: %v\n%s", p, debug.Stack())
		}
	}()
	return j.fn(&w.tx)
}

// rollback ends a failed transaction. Its error is ignored, because the database may have ended the transaction
// already; a connection that is still inside one fails the next BEGIN.
func (w *Writer) rollback() {
	_ = w.tx.Control("ROLLBACK")
	w.each(Hook.Rollback)
}
