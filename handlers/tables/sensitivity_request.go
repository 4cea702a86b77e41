package tables

import (
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"cxseal/handlers/frame"
	"cxseal/internal/access"
	"cxseal/internal/fault"
	"cxseal/internal/sensitivity"
	"cxseal/web"
)

// sensitivityRequest shows one request for decisions under four eyes: what it would do, its columns, and the forms
// of whoever may answer it.
func (a *Area) sensitivityRequest(c echo.Context) error {
	ctx, who := c.Request().Context(), frame.Caller(c)
	id, err := frame.Param(c, "request")
	if err != nil {
		return err
	}
	q := frame.ReadQuery(c)
	from := q.Seq("after")
	if err := q.Err(); err != nil {
		return err
	}
	r, err := a.Decisions.SensitivityRequest(ctx, id)
	if err != nil {
		return err
	}
	v := web.SensitivityRequestView{Chrome: a.Chrome(c, "Request for a decision", web.NavSensitivity,
		web.Link{Text: "Approvals", Href: "/approvals"}), ID: r.ID, Connection: r.Connection, Decision: string(r.State), Columns: r.Columns,
		Reason: r.Reason, Effect: r.Effect, AskedAt: r.Approval.RequestedAt}
	own := r.Approval.OwnOf(who)
	v.Approval = web.ApprovalView{State: string(r.Approval.State), RequestedBy: r.Approval.RequestedBy.Name, DecidedBy: r.Approval.DecidedBy.Name,
		DecidedAt: r.Approval.DecidedAt, ExpiresAt: r.Approval.ExpiresAt, Reason: r.Approval.Reason, Fingerprint: r.Approval.Fingerprint,
		Own: own, CanDecide: r.Waits() && who.Can(access.PermApproveRun) && !own}
	v.CanWithdraw = r.Waits() && who.Can(access.PermDecideSensitivity)
	if r.Waits() {
		plan, err := a.Sensitivity.RequestPlan(ctx, r)
		switch {
		case fault.CodeOf(err) == fault.PlanChanged, fault.CodeOf(err) == fault.Denied:
			v.Problem = fault.MessageOf(err)
		case err != nil:
			return err
		default:
			v.Effects = effectViews(plan.Effects)
		}
	}
	columns, err := a.Decisions.SensitivityRequestColumns(ctx, id, int(from), frame.PageRows+1)
	if err != nil {
		return err
	}
	if from > 0 {
		v.Pager.Newer = web.SensitivityRequestPath(id)
	}
	columns, v.Pager.Older = frame.Onward(columns, web.SensitivityRequestPath(id), "after",
		func(sensitivity.RequestColumn) string { return strconv.Itoa(int(from) + frame.PageRows) })
	for _, col := range columns {
		v.Rows = append(v.Rows, web.SensitivityRow{Column: col.Column, TableName: col.TableName, State: string(col.Was), Proposed: string(col.Proposed),
			TableHref: web.TablePath(a.InPath(col.Connection), col.DatastoreID, col.TableID)})
	}
	v.Pager.Total = web.FormatNumber(int64(r.Columns))
	return a.Render(c, http.StatusOK, web.SensitivityRequestPage(v))
}

// approveRequest makes the decisions of a request, as the second person of four eyes.
func (a *Area) approveRequest(c echo.Context, who access.Caller, id string) error {
	return a.Sensitivity.Approve(c.Request().Context(), who, id, c.Request().PostForm.Get("fingerprint"))
}

// declineRequest refuses a request, as the second person of four eyes, with a reason.
func (a *Area) declineRequest(c echo.Context, who access.Caller, id string) error {
	return a.Sensitivity.Decline(c.Request().Context(), who, id, c.Request().PostForm.Get("reason"))
}
