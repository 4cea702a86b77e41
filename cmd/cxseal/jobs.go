package main

import (
	"context"
	"errors"
	"fmt"
	"time"
	_ "time/tzdata" // windows know their zones on a machine without any

	"cxseal/cxone"
	"cxseal/internal/alarm"
	"cxseal/internal/rotation"
	"cxseal/internal/schedule"
)

// background are the parts that work by themselves.
type background struct {
	desk      *alarm.Desk
	keeper    *rotation.Keeper
	watch     *rotation.Watch
	scheduler *schedule.Scheduler
}

// newBackground puts the scheduler's jobs together. Nothing runs yet.
func newBackground(c *Console) background {
	now, logger := c.cfg.Now, c.cfg.Logger
	b := background{
		desk:   alarm.NewDesk(c.store, c.sealer, now, logger),
		keeper: rotation.NewKeeper(c.store, now),
	}
	c.service.UseWindows(b.keeper)
	b.watch = rotation.NewWatch(c.store, c.inv, c.service, rotation.ScanOptions{Leads: c.cfg.leads(), AutoRotate: c.directory.AutoRotate}, now, logger)
	jobs := []schedule.Job{
		{Name: "rotations", Does: "Makes what the clock brings happen: due dates that come near, pass, or are overdue, and rotation runs that are ours.",
			Every: time.Minute, Limit: 10 * time.Minute, Run: b.watch.Tick},
		{Name: "alarms", Does: "Raises alarms for what the audit log tells, and delivers them.",
			Every: 15 * time.Second, Limit: 5 * time.Minute, Run: func(ctx context.Context) error {
				return errors.Join(b.desk.ReadLedger(ctx), c.alarmIfNotAnchored(ctx), b.desk.Deliver(ctx))
			}},
		{Name: "checkpoints", Does: "Signs a checkpoint of the audit log when one is due, and takes copies off the machine.",
			Every: time.Minute, Limit: 5 * time.Minute, Run: c.log.Tick},
		{Name: "sessions", Does: "Deletes sessions that have expired.",
			Every: 10 * time.Minute, Limit: time.Minute, Run: func(ctx context.Context) error {
				_, err := c.store.DeleteExpiredSessions(ctx)
				return err
			}},
		{Name: "search", Does: "Puts the words of the audit log in order, so that old records are found as fast as new ones.",
			Every: time.Hour, Limit: 10 * time.Minute, Run: c.store.TidyWords},
	}
	if c.cfg.SyncEvery > 0 {
		jobs = append([]schedule.Job{{Name: "inventory", Does: "Lists what the tenants hold and reads every table: drift, coverage and key versions are seen here.",
			Every: c.cfg.SyncEvery, Limit: 6 * time.Hour, Run: c.syncAll}}, jobs...)
	}
	b.scheduler = schedule.New(c.store, jobs, now, logger, schedule.Options{Report: b.report, Alone: true}) // newConsole has the lock
	return b
}

// report turns the scheduler's trouble into an alarm.
func (b background) report(ctx context.Context, t schedule.Trouble) {
	a := alarm.Alarm{Dedupe: t.Key, Kind: alarm.JobFailed, Severity: alarm.Warning,
		Title: fmt.Sprintf("The background job “%s” failed", t.Job), Detail: t.Detail, RaisedAt: t.At}
	if t.Job == "" {
		a.Kind, a.Severity, a.Title = alarm.ClockWentBack, alarm.Critical, "The machine's clock went back"
	}
	if err := b.desk.Raise(ctx, a); err != nil {
		b.desk.Lost(ctx, a, err)
	}
}

// alarmIfNotAnchored raises one alarm for a row of failures to take the log's
// checkpoint off the machine.
func (c *Console) alarmIfNotAnchored(ctx context.Context) error {
	s, err := c.log.Status(ctx)
	if err != nil || s.FailedSince.IsZero() || c.cfg.Now().Sub(s.FailedSince) < anchorPatience {
		return err
	}
	return c.background.desk.Raise(ctx, alarm.Alarm{Dedupe: "anchor\x1f" + s.FailedSince.UTC().Format(time.RFC3339),
		Kind: alarm.NotAnchored, Severity: alarm.Critical, Title: "The audit log is not anchored",
		Detail: fmt.Sprintf("%d records have no copy of their checkpoint outside of this machine. %s", s.NotAnchored, s.AnchorError), RaisedAt: c.cfg.Now()})
}

// anchorPatience is how long an anchor may be away before people are told.
const anchorPatience = 15 * time.Minute

func (c *Console) syncAll(ctx context.Context) error {
	var failed []error
	for _, name := range c.directory.Names() {
		if err := c.inv.Sync(cxone.InBackground(ctx), name, c.cfg.SyncEvery); err != nil {
			failed = append(failed, fmt.Errorf("connection %s: %w", name, err))
		}
	}
	return errors.Join(failed...)
}

// leadsOf reads --due-soon.
func leadsOf(days []int) (rotation.Leads, error) {
	if len(days) != 2 || days[0] <= days[1] || days[1] < 1 || days[0] > 365 {
		return rotation.Leads{}, usagef("--due-soon must be two numbers of days, the longer first, like 30,7")
	}
	const day = 24 * time.Hour
	return rotation.Leads{First: time.Duration(days[0]) * day, Second: time.Duration(days[1]) * day}, nil
}

// leads are how long before a due date it is announced.
func (cfg consoleConfig) leads() rotation.Leads {
	if cfg.Leads == (rotation.Leads{}) {
		return rotation.DefaultLeads
	}
	return cfg.Leads
}
