package encryption_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"cxseal/cxone/sandbox"
	"cxseal/internal/encryption"
	"cxseal/store"
)

// lingering is a store whose first parking of a run does not return to the worker
// before the run's callback is overdue and the dispatcher has claimed it anew.
type lingering struct {
	*store.Store
	overdue func()
	claimed chan struct{}
	once    sync.Once
}

func (l *lingering) Advance(ctx context.Context, t encryption.Transition) error {
	err := l.Store.Advance(ctx, t)
	if err == nil && t.Run.State == encryption.Verifying {
		l.once.Do(func() {
			l.overdue()
			select {
			case <-l.claimed:
			case <-ctx.Done():
			}
		})
	}
	return err
}

func (l *lingering) ClaimRun(ctx context.Context, c encryption.Claim) (*encryption.Run, error) {
	run, err := l.Store.ClaimRun(ctx, c)
	if run != nil && run.State == encryption.Verifying {
		select {
		case l.claimed <- struct{}{}:
		default:
		}
	}
	return run, err
}

// A run that falls due between its parking and the moment at which its worker lets
// go must not wait for another lease to lapse.
func TestARunThatFallsDueInItsWorkersHandIsTakenUpAtOnce(t *testing.T) {
	p := newPipeline(t, sandbox.Config{})
	p.tenant.Fail(sandbox.Fault{Kind: sandbox.FaultKMSNone, Times: -1})
	slow := &lingering{Store: p.store, claimed: make(chan struct{}, 1), overdue: func() { p.ahead.Add(int64(2 * time.Minute)) }}
	p.Service = encryption.NewService(slow, p, p.now, slog.New(slog.NewTextHandler(t.Output(), nil)))
	p.options.Lease = time.Hour
	p.start()
	p.in(p.launch(requestFor("ssn")).ID, encryption.Unconfirmed)
}
