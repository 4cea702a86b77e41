package encryption_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"cxseal/cxone/sandbox"
	"cxseal/internal/audit"
	"cxseal/internal/encryption"
	"cxseal/internal/rotation"
)

// newUnseenPipeline returns a pipeline with a tenant that shows no key versions and forgets
// idempotency keys, with ssn encrypted: nothing but the callback tells that a
// key was rotated.
func newUnseenPipeline(t *testing.T) *pipeline {
	t.Helper()
	p := newPipeline(t, sandbox.Config{})
	if err := p.tenant.Configure(func(s *sandbox.Settings) { s.HideEncryption, s.NoReplay = true, true }); err != nil {
		t.Fatal(err)
	}
	p.start()
	if run := p.ended(p.launch(requestFor("ssn")).ID); run.State != encryption.Verified {
		t.Fatal(run.ErrorMessage)
	}
	return p
}

func rotate(columns ...string) encryption.Request {
	w := requestFor(columns...)
	w.Operation, w.IntervalDays = audit.KeyRotation, 30
	return w
}

func TestARotationThatNothingButItsCallbackShowsIsMadeOnce(t *testing.T) {
	for name, f := range map[string]sandbox.Fault{
		"dropped before the commit": {Kind: sandbox.FaultDropBefore},
		"dropped after the commit":  {Kind: sandbox.FaultDropAfter},
		"500 before":                {Kind: sandbox.FaultStatus, Status: 500},
		"500 after":                 {Kind: sandbox.FaultStatusAfter, Status: 500},
		"503 before":                {Kind: sandbox.FaultStatus, Status: 503},
		"504 after":                 {Kind: sandbox.FaultStatusAfter, Status: 504},
		"503 twice before":          {Kind: sandbox.FaultStatus, Status: 503, Times: 2},
	} {
		t.Run(name, func(t *testing.T) {
			p := newUnseenPipeline(t)
			f.Endpoint = sandbox.EndpointEncrypt
			p.tenant.Fail(f)
			run := p.ended(p.launch(rotate("ssn")).ID)
			if run.State != encryption.Verified || run.KeyVersion != 2 {
				t.Errorf("%s, key version %d: %s", run.State, run.KeyVersion, run.ErrorMessage)
			}
			if p.commits() != 2 {
				t.Errorf("%d changes, want the encryption and one rotation", p.commits())
			}
			if r := p.final(run); r.Metrics.CoverageRate <= 0 {
				t.Errorf("record %+v", r.Metrics)
			}
		})
	}
}

// A console that is stopped again and again while it asks must not ask once
// more at each start.
func TestAStopWhileAskingAgainGivesTheCallbackItsGraceAnew(t *testing.T) {
	p := newUnseenPipeline(t)
	p.stop()
	p.options.Grace = time.Second
	p.tenant.Fail(sandbox.Fault{Kind: sandbox.FaultDropBefore, Endpoint: sandbox.EndpointEncrypt})
	p.start()
	id := p.launch(rotate("ssn")).ID
	p.until(id, "the doubt", func(r encryption.Run) bool { return r.State == encryption.Verifying })
	// Asked again, the tenant makes the change, and the answer and the callback
	// are slow to come.
	p.tenant.Fail(sandbox.Fault{Kind: sandbox.FaultLatency, Endpoint: sandbox.EndpointEncrypt, LatencyMs: 300})
	p.until(id, "the tenant to be at work", func(encryption.Run) bool { return p.tenant.Stats().UnderWay == 1 })
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // no patience: break the request off
	if err := p.runner.Stop(ctx); err != nil && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	p.runner = nil
	p.start()
	run := p.ended(id)
	if run.State != encryption.Verified || run.Attempts != 2 || p.commits() != 2 {
		t.Errorf("%s after %d attempts, %d changes: %s", run.State, run.Attempts, p.commits(), run.ErrorMessage)
	}
}

func TestARotationThatNobodyKnowsOfSaysSo(t *testing.T) {
	p := newUnseenPipeline(t)
	p.tenant.Fail(sandbox.Fault{Kind: sandbox.FaultStatus, Status: 503, Endpoint: sandbox.EndpointEncrypt, Times: -1})
	id := p.launch(rotate("ssn")).ID
	p.until(id, "the last request", func(r encryption.Run) bool { return r.Attempts == 4 })
	p.ahead.Store(int64(2 * time.Minute))
	run := p.ended(id)
	if run.State != encryption.Unconfirmed || run.Attempts != 4 || !strings.HasPrefix(run.ErrorMessage, "It is not known whether the change was made") {
		t.Errorf("%s after %d attempts: %s", run.State, run.Attempts, run.ErrorMessage)
	}
	p.final(run)
	dates, err := p.store.Ledger(t.Context(), rotation.Filter{}, nil, 10)
	if err != nil || len(dates) != 1 || dates[0].IntervalDays != encryption.DefaultIntervalDays {
		t.Errorf("the ledger took over what nobody knows: %+v, %v", dates, err)
	}
}
