package alarm

import (
	"context"
	"fmt"
	"time"

	"cxseal/internal/audit"
	"cxseal/internal/schedule"
)

// JobTrouble raises an alarm for a background job that failed, and for a clock
// that went back. It is the scheduler's Report.
func (d *Desk) JobTrouble(ctx context.Context, t schedule.Trouble) {
	a := Alarm{Dedupe: t.Key, Kind: JobFailed, Severity: Warning,
		Title: fmt.Sprintf("The background job “%s” failed", t.Job), Detail: t.Detail, RaisedAt: t.At}
	if t.Job == "" {
		a.Kind, a.Severity, a.Title = ClockWentBack, Critical, "The machine's clock went back"
	}
	if err := d.Raise(ctx, a); err != nil {
		d.lost(ctx, a, err)
	}
}

// AnchorStatus tells how far the audit log is anchored; *audit.Log does.
type AnchorStatus interface {
	Status(ctx context.Context) (audit.LogStatus, error)
}

// anchorPatience is how long an anchor may be away before people are told.
const anchorPatience = 15 * time.Minute

// WatchAnchor raises one alarm for a row of failures to take the log's
// checkpoint off the machine.
func (d *Desk) WatchAnchor(ctx context.Context, log AnchorStatus) error {
	s, err := log.Status(ctx)
	if err != nil || s.FailedSince.IsZero() || d.now().Sub(s.FailedSince) < anchorPatience {
		return err
	}
	return d.Raise(ctx, Alarm{Dedupe: "anchor\x1f" + s.FailedSince.UTC().Format(time.RFC3339),
		Kind: NotAnchored, Severity: Critical, Title: "The audit log is not anchored",
		Detail: fmt.Sprintf("%d records have no copy of their checkpoint outside of this machine. %s", s.NotAnchored, s.AnchorError)})
}
