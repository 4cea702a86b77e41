package alarm

import (
	"context"
	"fmt"
	"time"

	"cxseal/internal/audit"
	"cxseal/internal/schedule"
)

// JobTrouble raises an alarm for a background job that failed, and for a clock that went back. The scheduler
// calls it as its Report.
func (s *Service) JobTrouble(ctx context.Context, t schedule.Trouble) {
	a := Alarm{Dedupe: t.Key, Kind: JobFailed, Severity: Warning,
		Title: fmt.Sprintf("The background job “%s” failed", t.Job), Detail: t.Detail, RaisedAt: t.At}
	if t.Job == "" {
		a.Kind, a.Severity, a.Title = ClockWentBack, Critical, "The machine's clock went back"
	}
	if err := s.Raise(ctx, a); err != nil {
		s.logUnkept(ctx, a, err)
	}
}

// AnchorStatus reads how far the audit log is anchored; *audit.Log satisfies it.
type AnchorStatus interface {
	Status(ctx context.Context) (audit.LogStatus, error)
}

// anchorPatience is how long anchors may fail before an alarm is raised.
const anchorPatience = 15 * time.Minute

// WatchAnchor raises one alarm for an unbroken series of failures to copy the log's checkpoint off the machine.
func (s *Service) WatchAnchor(ctx context.Context, log AnchorStatus) error {
	status, err := log.Status(ctx)
	if err != nil || status.FailedSince.IsZero() || s.now().Sub(status.FailedSince) < anchorPatience {
		return err
	}
	return s.Raise(ctx, Alarm{Dedupe: "anchor\x1f" + status.FailedSince.UTC().Format(time.RFC3339),
		Kind: NotAnchored, Severity: Critical, Title: "The audit log is not anchored",
		Detail: fmt.Sprintf("%d records have no copy of their checkpoint outside of this machine. %s",
			status.NotAnchored, status.AnchorError)})
}
