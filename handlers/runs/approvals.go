package runs

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"cxseal/handlers/frame"
	"cxseal/handlers/rows"
	"cxseal/internal/access"
	"cxseal/internal/encryption"
	"cxseal/web"
)

// approvals lists everything that waits for a second person: runs, and decisions about what is sensitive.
func (a *Area) approvals(c echo.Context) error {
	ctx := c.Request().Context()
	waiting, err := a.Runs.Runs(ctx, encryption.RunFilter{State: string(encryption.Awaiting)}, 0, frame.PageRows+1)
	if err != nil {
		return err
	}
	requests, err := a.Requests.OpenSensitivityRequests(ctx, "")
	if err != nil {
		return err
	}
	v := web.ApprovalsView{Chrome: a.Chrome(c, "Approvals", web.NavApprovals), MoreRuns: len(waiting) > frame.PageRows}
	v.Lead = "On a connection that asks for four eyes, what one person asked for waits here until another approves it."
	v.Runs = rows.Runs(waiting[:min(len(waiting), frame.PageRows)])
	for _, r := range requests {
		v.Requests = append(v.Requests, web.RequestRow{ID: r.ID, Connection: r.Connection, Decision: string(r.State), Columns: r.Columns,
			Effect: r.Effect, By: r.Asked.Name, Reason: r.Reason, ExpiresAt: r.Approval.ExpiresAt})
	}
	return a.Render(c, http.StatusOK, web.ApprovalsPage(v))
}

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
