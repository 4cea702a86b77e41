package campaign

import (
	"context"
	"sync"
	"time"

	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/encryption"
	"cxseal/internal/fault"
)

// window is how many runs of a campaign may use the tenant or wait to: enough
// to keep the runner busy, few enough that a pause is felt.
const window = 24

// pause is how long after a look the next one is: runs end in flurries, and the
// window outlasts it by far.
const pause = 50 * time.Millisecond

// lookAgain is how often running campaigns are looked at without a notification:
// another process may have moved their runs, or disabled who asked for them.
const lookAgain = 2 * time.Second

// Start launches the runs of campaigns that are running, until Stop.
func (s *Service) Start(ctx context.Context) {
	ctx, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	s.worker.Go(func() { s.drive(ctx) })
}

// Stop ends what Start began and waits for it.
func (s *Service) Stop() {
	if s.stop != nil {
		s.stop()
	}
	s.worker.Wait()
}

// drive looks at every running campaign whenever a run ends, one is launched or
// resumed.
func (s *Service) drive(ctx context.Context) {
	moved, unwatch := s.runs.WatchQueue()
	defer unwatch()
	net := time.NewTicker(lookAgain)
	defer net.Stop()
	for {
		if err := s.step(ctx); err != nil && ctx.Err() == nil {
			s.logger.ErrorContext(ctx, "a campaign could not go on; it is tried again", "err", err)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
		select {
		case <-moved:
		case <-s.wake:
		case <-net.C:
		case <-ctx.Done():
			return
		}
	}
}

// step launches what there is room for, and ends what has nothing left.
func (s *Service) step(ctx context.Context) error {
	campaigns, err := s.store.RunningCampaigns(ctx)
	if err != nil {
		return err
	}
	for _, c := range campaigns {
		if err := s.advance(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) advance(ctx context.Context, c Campaign) error {
	if c.Progress.Pending == 0 && c.Progress.Open == 0 {
		return ignoreConflict(s.store.SetCampaignState(ctx, c.ID, Running, Done, "", s.now(), s.ended(c)))
	}
	who, err := s.answering(ctx, c)
	if fault.CodeOf(err) == fault.Denied {
		reason := fault.MessageOf(err) + " Another admin may resume it in their own name."
		record := s.record(c, access.Caller{Name: "console", Role: access.System}, audit.Denied)
		record.Detail = "Campaign " + c.ID + " paused by itself: " + reason
		return ignoreConflict(s.store.SetCampaignState(ctx, c.ID, Running, Paused, reason, s.now(), record))
	}
	if err != nil {
		return err
	}
	if c.Progress.Pending == 0 {
		return nil
	}
	c.RequestedBy = who
	busy, err := s.store.RunsIn(ctx, c.ID, atWork...)
	if err != nil || len(busy) >= window {
		return err
	}
	items, err := s.store.PendingItems(ctx, c.ID, window-len(busy))
	if err != nil {
		return err
	}
	return s.launchAll(ctx, c, items)
}

// answering returns in whose name the campaign goes on, as their account is now: who took it over, or else who asked
// for it. It is fault.Denied with the reason when they may no longer launch runs.
func (s *Service) answering(ctx context.Context, c Campaign) (access.Caller, error) {
	name := c.RequestedBy.Name
	if c.TakenBy != "" {
		name = c.TakenBy
	}
	u, err := s.store.UserByName(ctx, name)
	if fault.CodeOf(err) == fault.NotFound {
		return c.RequestedBy, nil // no account's: accounts are never removed
	}
	if err != nil {
		return access.Caller{}, err
	}
	return u.Caller(c.RequestedBy.IP), u.MayStill(access.PermLaunchRun)
}

// launchAll launches items, a few at a time. The first tenant that cannot be
// reached pauses the campaign: what is left is not burnt through.
func (s *Service) launchAll(ctx context.Context, c Campaign, items []Item) error {
	var (
		wait  sync.WaitGroup
		mu    sync.Mutex
		first error
		next  = make(chan Item)
	)
	for range planners {
		wait.Go(func() {
			for item := range next {
				if err := s.launch(ctx, c, item); err != nil {
					mu.Lock()
					if first == nil {
						first = err
					}
					mu.Unlock()
				}
			}
		})
	}
	for _, item := range items {
		mu.Lock()
		failed := first != nil
		mu.Unlock()
		if failed || ctx.Err() != nil {
			break
		}
		next <- item
	}
	close(next)
	wait.Wait()
	if first == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	if tenantIsAway(first) {
		record := s.record(c, access.Caller{Name: "console", Role: access.System}, audit.Failure)
		record.Detail = "Campaign " + c.ID + " paused by itself: " + fault.MessageOf(first)
		return ignoreConflict(s.store.SetCampaignState(ctx, c.ID, Running, Paused, fault.MessageOf(first), s.now(), record))
	}
	return first
}

// launch plans an item against the table as it is, names its run in the item,
// and then queues the run. An item that names a run which was never stored was
// cut short between the two.
func (s *Service) launch(ctx context.Context, c Campaign, item Item) error {
	if _, err := s.answering(ctx, c); err != nil {
		if fault.CodeOf(err) == fault.Denied {
			return nil // it stays as it is, and the next look pauses the campaign
		}
		return err
	}
	plan, err := s.plan(ctx, c.RequestedBy, c, &item)
	switch {
	case err != nil && (tenantIsAway(err) || fault.CodeOf(err) == fault.Internal):
		return err
	case err != nil:
		item.Refused = fault.MessageOf(err)
	}
	if item.Refused != "" {
		return s.store.SetItem(ctx, c.ID, item)
	}
	run, err := s.runs.NewRun(ctx, c.RequestedBy, encryption.Request{Operation: audit.ColumnEncryption, Connection: c.Connection,
		DatastoreID: item.DatastoreID, TableID: item.TableID, Columns: item.Columns, MaskIndexes: c.MaskIndexes,
		IntervalDays: c.IntervalDays, Fingerprint: plan.Fingerprint})
	if err != nil {
		if tenantIsAway(err) || fault.CodeOf(err) == fault.Internal {
			return err
		}
		item.Refused = fault.MessageOf(err)
		return s.store.SetItem(ctx, c.ID, item)
	}
	item.RunID = run.ID
	if err := s.store.SetItem(ctx, c.ID, item); err != nil {
		return err
	}
	_, err = s.runs.Enqueue(ctx, run)
	return err
}

func tenantIsAway(err error) bool {
	switch fault.CodeOf(err) {
	case fault.TenantDown, fault.TenantAuth, fault.TenantScope:
		return true
	}
	return false
}

func ignoreConflict(err error) error {
	if fault.CodeOf(err) == fault.Conflict {
		return nil // a person was faster
	}
	return err
}

func (s *Service) ended(c Campaign) audit.Record {
	record := s.record(c, access.Caller{Name: "console", Role: access.System}, audit.Success)
	verified := c.Progress.Ended[encryption.Verified]
	record.Detail = "Campaign " + c.ID + " ended: " + audit.CountOf(verified, "run") + " verified of " +
		audit.CountOf(c.Progress.Total, "table") + "."
	if verified < c.Progress.Total {
		record.Outcome = audit.Failure
	}
	return record
}
