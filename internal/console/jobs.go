package console

import (
	"context"
	"errors"
	"time"
	_ "time/tzdata" // the zones of low-traffic windows, on a machine without a zone database

	"cxseal/internal/alarm"
	"cxseal/internal/rotation"
	"cxseal/internal/schedule"
	"cxseal/internal/sensitivity"
)

// openBackground puts together what works by itself: alarms, rotations and the
// scheduler's jobs. Nothing runs yet.
func (c *Console) openBackground() {
	now, logger := c.cfg.Now, c.cfg.Logger
	c.Alarms = alarm.NewService(c.Store, c.Sealer, now, logger)
	c.Policies = rotation.NewPolicyService(c.Store, now)
	c.Encryption.UseWindows(c.Policies)
	c.Sensitivity = sensitivity.NewService(c.Store, c.Directory, now)
	c.Rotations = rotation.NewScanner(c.Store, c.Inventory, c.Encryption,
		rotation.ScanOptions{Leads: c.cfg.Leads, AutoRotate: c.Directory.AutoRotate, AutoRotateBy: c.Directory.AutoRotateBy}, now, logger)
	c.scheduler = schedule.New(c.Store, c.jobs(), now, logger,
		schedule.Options{Report: c.Alarms.JobTrouble, Alone: true}) // New has the lock
}

// jobs are what the scheduler does, and how often.
func (c *Console) jobs() []schedule.Job {
	jobs := []schedule.Job{
		{Name: "requests", Does: "Ends requests for decisions about what is sensitive that nobody answered in time.",
			Every: time.Minute, Limit: time.Minute, Run: c.Sensitivity.ExpireRequests},
		{Name: "rotations", Does: "Makes what the clock brings happen: due dates that come near, pass, or are overdue, and rotation runs that are ours.",
			Every: time.Minute, Limit: 10 * time.Minute, Run: c.Rotations.Tick},
		{Name: "alarms", Does: "Raises alarms for what the audit log tells, and delivers them.",
			Every: 15 * time.Second, Limit: 5 * time.Minute, Run: func(ctx context.Context) error {
				return errors.Join(c.Alarms.ReadLedger(ctx), c.Alarms.WatchAnchor(ctx, c.Log), c.Alarms.Deliver(ctx))
			}},
		{Name: "checkpoints", Does: "Signs a checkpoint of the audit log when one is due, and takes copies off the machine.",
			Every: time.Minute, Limit: 5 * time.Minute, Run: c.Log.Tick},
		{Name: "sessions", Does: "Deletes sessions that have expired.",
			Every: 10 * time.Minute, Limit: time.Minute, Run: func(ctx context.Context) error {
				_, err := c.Store.DeleteExpiredSessions(ctx)
				return err
			}},
		{Name: "search", Does: "Indexes what the search of the audit log does not know, where that is much: after an upgrade or a crash.",
			Every: time.Hour, Limit: 10 * time.Minute, Run: c.Store.CatchUp},
	}
	if every := c.cfg.SyncEvery; every > 0 {
		jobs = append([]schedule.Job{{Name: "inventory",
			Does:  "Lists what the tenants hold and reads every table: drift, coverage and key versions are seen here.",
			Every: every, Limit: 6 * time.Hour, Run: func(ctx context.Context) error { return c.Inventory.SyncAll(ctx, every) }}}, jobs...)
	}
	return jobs
}
