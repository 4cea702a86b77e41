package encryption_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cxseal/cxone/sandbox"
	"cxseal/internal/encryption"
)

// window is open, or opens at a time.
type window struct{ opens atomic.Pointer[time.Time] }

func (w *window) MayStart(_ context.Context, _, _, _ string, _ []string, at time.Time) (time.Time, string, error) {
	if opens := w.opens.Load(); opens != nil && at.Before(*opens) {
		return *opens, "everything", nil
	}
	return at, "", nil
}

func TestARunThatMissedItsWindowWaitsForTheNextOne(t *testing.T) {
	p := newPipeline(t, sandbox.Config{})
	var w window
	p.UseWindows(&w)
	run := p.launch(requestFor("ssn")) // open: it is to start at once, and no console is there
	if !run.StartAt.IsZero() {
		t.Fatalf("an open window delays to %s", run.StartAt)
	}
	opens := p.now().Add(6 * time.Hour).UTC().Truncate(time.Second)
	w.opens.Store(&opens)
	p.start()
	waiting := p.until(run.ID, "being put back", func(r encryption.Run) bool { return !r.StartAt.IsZero() })
	if waiting.State != encryption.Queued || !waiting.StartAt.Equal(opens) || waiting.LeaseOwner != "" {
		t.Errorf("%s until %s, held by %q", waiting.State, waiting.StartAt, waiting.LeaseOwner)
	}
	events, err := p.store.RunEvents(t.Context(), run.ID, 0)
	if err != nil || !strings.Contains(events[len(events)-1].Message, "Waiting until") {
		t.Errorf("the dossier does not say so: %+v, %v", events, err)
	}
	if n := p.tenant.Stats().Requests[sandbox.EndpointTable]; n != 0 {
		t.Errorf("the tenant was asked %d times while the window was closed", n)
	}
	p.ahead.Store(int64(7 * time.Hour))
	if done := p.ended(run.ID); done.State != encryption.Verified {
		t.Errorf("after the window opened: %s, %s", done.State, done.ErrorMessage)
	}
}

func TestARunOutsideItsWindowStartsByChoice(t *testing.T) {
	p := newPipeline(t, sandbox.Config{})
	var w window
	opens := p.now().Add(6 * time.Hour)
	w.opens.Store(&opens)
	p.UseWindows(&w)
	p.start()
	r := requestFor("ssn")
	r.IgnoreWindow = true
	if done := p.ended(p.launch(r).ID); done.State != encryption.Verified || !done.IgnoreWindow {
		t.Errorf("%s, %s", done.State, done.ErrorMessage)
	}
}
