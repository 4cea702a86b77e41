package runs

import (
	"github.com/labstack/echo/v4"

	"cxseal/internal/access"
	"cxseal/internal/encryption"
	"cxseal/web"
)

// approve approves a run as the second person of four eyes.
func (a *Area) approve(c echo.Context, who access.Caller, id string) error {
	return a.Encryption.Approve(c.Request().Context(), who, id, c.Request().PostForm.Get("fingerprint"))
}

// decline declines a run as the second person of four eyes, with a reason.
func (a *Area) decline(c echo.Context, who access.Caller, id string) error {
	return a.Encryption.Decline(c.Request().Context(), who, id, c.Request().PostForm.Get("reason"))
}

// approvalView returns the state of a run's approval, nil where none was asked for.
func approvalView(run encryption.Run, who access.Caller) *web.ApprovalView {
	a := run.Approval
	if a == nil {
		return nil
	}
	own, by := a.OwnOf(who), a.RequestedBy.Name
	for i, p := range a.Behind {
		by += map[bool]string{true: ", as set by ", false: " and "}[i == 0] + p.Name
	}
	return &web.ApprovalView{
		State: string(a.State), RequestedBy: by, DecidedBy: a.DecidedBy.Name, DecidedAt: a.DecidedAt,
		ExpiresAt: a.ExpiresAt, Reason: a.Reason, Fingerprint: a.Fingerprint, Own: own,
		CanDecide: run.State == encryption.Awaiting && who.Can(access.PermApproveRun) && !own,
	}
}
