package groupcommit_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	_ "modernc.org/sqlite"

	"cxseal/store/groupcommit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type tx = groupcommit.Tx

// database returns a new file with a table of numbers, and the table late, whose rows fail the COMMIT because their
// foreign key is checked only then.
func database(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(t.TempDir(), "test.db")+"?_pragma=foreign_keys(1)&_pragma=journal_mode(WAL)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := db.Exec(`CREATE TABLE numbers (n INTEGER PRIMARY KEY);
		CREATE TABLE late (n INTEGER REFERENCES numbers (n) DEFERRABLE INITIALLY DEFERRED)`); err != nil {
		t.Fatal(err)
	}
	return db
}

func start(t *testing.T, db *sql.DB, o groupcommit.Options) *groupcommit.Writer {
	t.Helper()
	o.DB = db
	w, err := groupcommit.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// tally is a hook that counts the rows of numbers in memory, and keeps the calls that it got with that count.
type tally struct {
	rows, saved, committed int64
	calls                  []string
	idle                   func(rest bool) groupcommit.Work
}

func (h *tally) note(what string) { h.calls = append(h.calls, fmt.Sprint(what, " ", h.rows)) }

func (h *tally) Begin()  { h.rows = h.committed; h.note("begin") }
func (h *tally) Save()   { h.saved = h.rows; h.note("save") }
func (h *tally) Undo()   { h.rows = h.saved; h.note("undo") }
func (h *tally) Commit() { h.committed = h.rows; h.note("commit") }
func (h *tally) Rollback() {
	h.rows = h.committed
	h.note("rollback")
}

func (h *tally) Idle(rest bool) groupcommit.Work {
	if h.idle == nil {
		return groupcommit.Work{}
	}
	return h.idle(rest)
}

// insert is a job that adds a number, which the hook counts.
func (h *tally) insert(n int) func(*tx) error {
	return func(t *tx) error {
		changed, err := t.Exec(`INSERT INTO numbers (n) VALUES (?)`, n)
		h.rows += changed
		return err
	}
}

// together runs the jobs in one batch, in order, and returns their errors.
func together(t *testing.T, w *groupcommit.Writer, jobs ...func(*tx) error) []error {
	t.Helper()
	errs := make([]error, len(jobs))
	inside, release := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		errs[0] = w.Do(t.Context(), func(tx *tx) error {
			close(inside)
			<-release
			return jobs[0](tx)
		})
	})
	<-inside
	for i := 1; i < len(jobs); i++ {
		wg.Go(func() { errs[i] = w.Do(t.Context(), jobs[i]) })
		for w.Waiting() < i && t.Context().Err() == nil { // in this order
			runtime.Gosched()
		}
	}
	close(release)
	wg.Wait()
	return errs
}

func numbers(t *testing.T, db *sql.DB) (list string) {
	t.Helper()
	if err := db.QueryRow(`SELECT coalesce(group_concat(n, ' '), '') FROM (SELECT n FROM numbers ORDER BY n)`).Scan(&list); err != nil {
		t.Fatal(err)
	}
	return list
}

func same(t *testing.T, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

var errRefused = errors.New("refused")

// refuse runs a job, and fails after it.
func refuse(fn func(*tx) error) func(*tx) error {
	return func(t *tx) error { return errors.Join(fn(t), errRefused) }
}

func TestAFailedJobIsUndoneAloneInTheTableAndInMemory(t *testing.T) {
	db, h := database(t), &tally{}
	w := start(t, db, groupcommit.Options{Hooks: []groupcommit.Hook{h}, IdleAfter: time.Hour})
	errs := together(t, w,
		h.insert(1),
		refuse(h.insert(2)),
		func(tx *tx) error {
			if err := h.insert(3)(tx); err != nil {
				return err
			}
			panic("defect")
		},
		h.insert(1), // a duplicate
		h.insert(5),
	)
	same(t, "table", "1 5", numbers(t, db))
	if errs[0] != nil || errs[4] != nil || errs[3] == nil || !errors.Is(errs[1], errRefused) {
		t.Errorf("answers: %v", errs)
	}
	if errs[2] == nil || !strings.Contains(errs[2].Error(), "defect") || !strings.Contains(errs[2].Error(), "writer_test.go") {
		t.Errorf("a panic is told as %v", errs[2])
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	same(t, "hook", []string{"begin 0", "save 0", "save 1", "undo 1", "save 1", "undo 1", "save 1", "undo 1", "save 1", "commit 2"}, h.calls)
}

func TestAJobThatFailsWhileItIsAloneEndsItsTransaction(t *testing.T) {
	db, h := database(t), &tally{}
	w := start(t, db, groupcommit.Options{Hooks: []groupcommit.Hook{h}, IdleAfter: time.Hour})
	errs := together(t, w, refuse(h.insert(1)), h.insert(2))
	if !errors.Is(errs[0], errRefused) || errs[1] != nil {
		t.Errorf("answers: %v", errs)
	}
	same(t, "table", "2", numbers(t, db))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	same(t, "hook", []string{"begin 0", "save 0", "rollback 0", "begin 0", "save 0", "commit 1"}, h.calls)
}

// Each job of a batch waits for the same COMMIT: when it fails, none may be told
// that its rows are there, and nothing in memory may count them.
func TestWhenTheCommitFailsEveryJobIsToldAndNothingIsCounted(t *testing.T) {
	db, h := database(t), &tally{}
	explained := errors.New("nothing can be kept")
	w := start(t, db, groupcommit.Options{
		Hooks: []groupcommit.Hook{h}, IdleAfter: time.Hour,
		Explain: func(err error) (bool, error) {
			if errors.Is(err, errRefused) {
				return false, err
			}
			return true, errors.Join(explained, err)
		},
	})
	late := func(t *tx) error { return t.Control(`INSERT INTO late VALUES (99)`) }
	errs := together(t, w, h.insert(1), late, refuse(h.insert(2)), h.insert(3))
	for i, err := range errs {
		if want := i == 2; err == nil || errors.Is(err, errRefused) != want || errors.Is(err, explained) == want {
			t.Errorf("job %d: %v", i, err)
		}
	}
	same(t, "table", "", numbers(t, db))
	if !errors.Is(w.Broken(), explained) {
		t.Errorf("broken by %v", w.Broken())
	}
	if err := w.Do(t.Context(), h.insert(4)); err != nil {
		t.Fatal(err)
	}
	if w.Broken() != nil {
		t.Errorf("still broken after a commit: %v", w.Broken())
	}
	same(t, "table", "4", numbers(t, db))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	same(t, "hook", []string{"begin 0", "save 0", "save 1", "save 1", "undo 1", "save 1", "rollback 0", "begin 0", "save 0", "commit 1"}, h.calls)
}

func TestALoneJobsLastingErrorIsRemembered(t *testing.T) {
	db := database(t)
	w := start(t, db, groupcommit.Options{Explain: func(err error) (bool, error) { return true, fmt.Errorf("explained: %w", err) }})
	err := w.Do(t.Context(), func(*tx) error { return errRefused })
	if !errors.Is(err, errRefused) || !strings.HasPrefix(err.Error(), "explained") || !errors.Is(w.Broken(), errRefused) {
		t.Errorf("answered %v, broken by %v", err, w.Broken())
	}
}

func TestATransactionThatCannotBeginIsReportedToItsJob(t *testing.T) {
	db, h := database(t), &tally{}
	fail := true
	w := start(t, db, groupcommit.Options{
		Hooks: []groupcommit.Hook{h}, IdleAfter: time.Hour,
		Begin: func(t *tx) error {
			if fail {
				return errRefused
			}
			return t.Control("BEGIN IMMEDIATE")
		},
	})
	if err := w.Do(t.Context(), h.insert(1)); !errors.Is(err, errRefused) {
		t.Errorf("answered %v", err)
	}
	fail = false
	if err := w.Do(t.Context(), h.insert(2)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	same(t, "table", "2", numbers(t, db))
	same(t, "hook", []string{"rollback 0", "begin 0", "save 0", "commit 1"}, h.calls)
}

func TestAJobThatIsGivenUpWhileItWaitsIsNotRunAndOneThatRunsIs(t *testing.T) {
	db, h := database(t), &tally{}
	w := start(t, db, groupcommit.Options{Hooks: []groupcommit.Hook{h}})
	inside, release := make(chan struct{}), make(chan struct{})
	running, giveUpRunning := context.WithCancel(t.Context())
	waiting, giveUpWaiting := context.WithCancel(t.Context())
	var ran, waited error
	var wg sync.WaitGroup
	wg.Go(func() {
		ran = w.Do(running, func(tx *tx) error {
			close(inside)
			<-release
			return h.insert(1)(tx)
		})
	})
	<-inside
	done := make(chan struct{})
	wg.Go(func() {
		waited = w.Do(waiting, h.insert(2))
		close(done)
	})
	for w.Waiting() < 1 && t.Context().Err() == nil {
		runtime.Gosched()
	}
	giveUpRunning()
	giveUpWaiting()
	<-done // while the other still runs
	close(release)
	wg.Wait()
	if ran != nil || !errors.Is(waited, context.Canceled) {
		t.Errorf("the running one got %v, the waiting one %v", ran, waited)
	}
	if err := w.Do(waiting, h.insert(3)); !errors.Is(err, context.Canceled) {
		t.Errorf("given up before it was handed over: %v", err)
	}
	same(t, "table", "1", numbers(t, db))
}

func TestHooksWorkBetweenBatchesAtRestAndBeforeTheEnd(t *testing.T) {
	db, h := database(t), &tally{}
	var log bytes.Buffer
	due, resting, failing := int64(2), false, false // touched by the writer's goroutine alone, or while it rests
	did := make(chan int64, 10)
	h.idle = func(rest bool) groupcommit.Work {
		behind := h.committed
		if behind < due && (!rest || !resting) {
			return groupcommit.Work{}
		}
		due, resting = behind+2, false
		return groupcommit.Work{Failed: "the work is behind", Do: func(*tx) error {
			did <- behind
			if failing {
				return errRefused
			}
			return nil
		}}
	}
	w := start(t, db, groupcommit.Options{Hooks: []groupcommit.Hook{h}, IdleAfter: time.Millisecond, Log: slog.New(slog.NewTextHandler(&log, nil))})
	insert := func(n int) {
		t.Helper()
		if err := w.Do(t.Context(), h.insert(n)); err != nil {
			t.Fatal(err)
		}
	}
	insert(1)
	insert(2)
	same(t, "between batches, after", int64(2), <-did)
	if err := w.Do(t.Context(), func(*tx) error { resting = true; return nil }); err != nil {
		t.Fatal(err)
	}
	same(t, "at rest, after", int64(2), <-did)
	if err := w.Do(t.Context(), func(*tx) error { failing = true; return nil }); err != nil {
		t.Fatal(err)
	}
	insert(3)
	insert(4)
	same(t, "failing, after", int64(4), <-did)
	insert(5) // it stops nobody
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), "the work is behind") || !strings.Contains(log.String(), "refused") {
		t.Errorf("the log says %q", log.String())
	}
}

func TestClosingRunsWhatWaitsAndTheHooksLastWork(t *testing.T) {
	db, h := database(t), &tally{}
	h.idle = func(rest bool) groupcommit.Work {
		if !rest {
			return groupcommit.Work{}
		}
		return groupcommit.Work{Do: h.insert(100 + int(h.committed))}
	}
	w := start(t, db, groupcommit.Options{Hooks: []groupcommit.Hook{h}, IdleAfter: time.Hour})
	inside, release := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := w.Do(t.Context(), func(tx *tx) error { close(inside); <-release; return h.insert(1)(tx) }); err != nil {
			t.Error(err)
		}
	})
	<-inside
	wg.Go(func() {
		if err := w.Do(t.Context(), h.insert(2)); err != nil {
			t.Error(err)
		}
	})
	for w.Waiting() < 1 && t.Context().Err() == nil {
		runtime.Gosched()
	}
	closed := make(chan error)
	go func() { closed <- w.Close() }()
	close(release)
	if err := <-closed; err != nil {
		t.Error(err)
	}
	wg.Wait()
	same(t, "table", "1 2 102", numbers(t, db))
	if err := w.Do(context.Background(), h.insert(3)); !errors.Is(err, groupcommit.ErrClosed) {
		t.Errorf("after the end: %v", err)
	}
}

func TestTextsAreRewrittenOnceAndBetweenIsOutsideOfATransaction(t *testing.T) {
	db := database(t)
	seen := map[string]int{}
	between := 0
	w := start(t, db, groupcommit.Options{
		IdleAfter: time.Hour,
		Rewrite: func(text string) string {
			seen[text]++
			return strings.ReplaceAll(text, "$n", "?")
		},
		Between: func(t *tx) {
			between++
			if err := t.Control("BEGIN"); err != nil { // refused inside of one
				panic(err)
			}
			if err := t.Control("ROLLBACK"); err != nil {
				panic(err)
			}
		},
	})
	for n := range 3 {
		if err := w.Do(t.Context(), func(t *tx) error { _, err := t.Exec(`INSERT INTO numbers (n) VALUES ($n)`, n); return err }); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	same(t, "table", "0 1 2", numbers(t, db))
	for text, n := range seen {
		if n != 1 {
			t.Errorf("%q was rewritten %d times", text, n)
		}
	}
	if between != 3 || len(seen) == 0 {
		t.Errorf("%d times between the batches, want 3; %d texts", between, len(seen))
	}
}
