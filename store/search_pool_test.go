package store

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/encryption"
)

// slowSearch fills a log of which every record has to be read for slowFilter: they
// have its words side by side, two by two, but never all three.
func slowSearch(t *testing.T) *Store {
	t.Helper()
	s := open(t)
	detail := strings.Repeat("alpha beta é beta gamma é ", 2000)
	for range 8 {
		var batch []audit.Record
		for range 50 {
			r := audit.NewRecord(noon, audit.DriftDetected, audit.Success, audit.Actor{Name: "seeder", Role: "system"})
			r.Detail = detail
			batch = append(batch, r)
		}
		if err := s.AppendRecords(t.Context(), batch...); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.derived(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

var slowFilter = audit.Filter{Query: `"alpha beta gamma"`}

func TestSearchesNeverKeepSessionsPagesAndRunsWaiting(t *testing.T) {
	s := slowSearch(t)
	s.searchTime = time.Hour
	sessions := s.Sessions(func([]byte) access.Session { return access.Session{} })
	ctx, stop := context.WithCancel(t.Context())
	var searching sync.WaitGroup
	ended := make(chan error, 4*maxReaders)
	for range 4 * maxReaders {
		searching.Go(func() {
			_, err := s.AuditLines(ctx, slowFilter, 0, 50)
			ended <- err
		})
	}
	defer searching.Wait()
	defer stop()
	// All connections of one pool search, and the other searches wait for them.
	full := func(p *pool) bool {
		stats := p.db.Stats()
		return stats.InUse == maxReaders && stats.WaitCount >= 3*maxReaders
	}
	for !full(s.searches) && !full(s.pages) && len(ended) < cap(ended) {
		runtime.Gosched()
	}
	before := s.pages.db.Stats().WaitCount
	if _, _, err := sessions.Find("token"); err != nil {
		t.Error(err)
	}
	if _, err := s.ClaimRun(t.Context(), encryption.Claim{Connection: "default", Now: noon, Owner: "w", Until: noon}); err != nil {
		t.Error(err)
	}
	for _, f := range []audit.Filter{{}, {RunID: "r"}, {Operation: "LOGIN", Outcome: "FAILURE", From: noon, Routine: true}} {
		if _, err := s.AuditLines(t.Context(), f, 0, 50); err != nil {
			t.Error(err)
		}
	}
	if waits := s.pages.db.Stats().WaitCount - before; waits > 0 {
		t.Errorf("%d reads of pages waited for searches", waits)
	}
	if len(ended) == cap(ended) {
		t.Error("the searches had ended by then: they are not slow enough to show anything")
	}
}

func TestASearchThatTakesTooLongIsStopped(t *testing.T) {
	s := slowSearch(t)
	s.searchTime = time.Millisecond
	_, err := s.AuditLines(t.Context(), slowFilter, 0, 50)
	_, _, countErr := s.AuditCount(t.Context(), slowFilter, 100)
	_, facetErr := s.AuditTotals(t.Context(), slowFilter, 100)
	for what, err := range map[string]error{"list": err, "count": countErr, "facets": facetErr} {
		if !errors.Is(err, audit.ErrSearchStopped) {
			t.Errorf("%s: %v, want the sentence of a search that was stopped", what, err)
		}
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.AuditLines(gone, slowFilter, 0, 50); errors.Is(err, audit.ErrSearchStopped) {
		t.Error("a caller that went away is told that its search took too long")
	}
}

// A search that is stopped keeps what it was sure of by then, in the order of the page.
func TestWhatASearchHadFoundWhenItWasStoppedIsKept(t *testing.T) {
	s := open(t)
	var list []audit.Record
	const size = 6 * lookAtOnce
	for i := range size {
		r := record(noon)
		r.Detail = "alpha beta; beta gamma" // two by two
		if i%10 == 0 {
			r.Detail = "gamma alpha beta gamma"
		}
		list = append(list, r)
	}
	if err := s.AppendRecords(t.Context(), list...); err != nil {
		t.Fatal(err)
	}
	for _, rising := range []bool{false, true} {
		var want []int64
		for i := range 2 * lookAtOnce {
			seq := int64(i + 1)
			if !rising {
				seq = size - int64(i)
			}
			if (seq-1)%10 == 0 {
				want = append(want, seq)
			}
		}
		ctx, stop := context.WithCancelCause(t.Context())
		var looks atomic.Int64
		w := watcher(func(_, text string, _ []any) {
			if strings.Contains(text, "r.seq IN") && looks.Add(1) == 3 {
				stop(audit.ErrSearchStopped)
			}
		})
		before := watching.Swap(&w)
		q, err := newAuditQuery(slowFilter)
		if err != nil {
			t.Fatal(err)
		}
		walk, err := s.newWalk(reading{ctx, s.searches}, &q)
		if err != nil {
			t.Fatal(err)
		}
		got, err := walk.list(rising, size)
		watching.Store(before)
		if err == nil || !errors.Is(searchError(t.Context(), walk.search, err), audit.ErrSearchStopped) {
			t.Errorf("it was not stopped: %v", err)
		}
		if !slices.Equal(got, want) {
			t.Errorf("rising %v: found %v, want %v", rising, got, want)
		}
	}
}
