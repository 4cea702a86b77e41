package handlers

import (
	"github.com/labstack/echo/v4"

	"cxseal/internal/access"
	"cxseal/internal/encryption"
	"cxseal/web"
)

// approveRun is the second person's yes.
func (h *Console) approveRun(c echo.Context) error {
	id, err := param(c, "run")
	if err != nil {
		return err
	}
	if err := h.cfg.Service.Approve(c.Request().Context(), caller(c), id, c.Request().PostForm.Get("fingerprint")); err != nil {
		return err
	}
	h.flash(c, web.ToneSuccess, "The run is approved and queued. Your name is on the record.")
	return h.redirect(c, web.RunPath(id))
}

// declineRun is the second person's no, with a reason.
func (h *Console) declineRun(c echo.Context) error {
	id, err := param(c, "run")
	if err != nil {
		return err
	}
	if err := h.cfg.Service.Decline(c.Request().Context(), caller(c), id, c.Request().PostForm.Get("reason")); err != nil {
		return err
	}
	h.flash(c, web.ToneSuccess, "The run is declined. Nothing was sent to CXone.")
	return h.redirect(c, web.RunPath(id))
}

// approvalView is where a run's approval stands, nil where none was asked for.
func approvalView(run encryption.Run, who access.Caller) *web.ApprovalView {
	a := run.Approval
	if a == nil {
		return nil
	}
	own := a.RequestedBy.UserID == who.UserID || access.NameKey(a.RequestedBy.Name) == access.NameKey(who.Name)
	return &web.ApprovalView{
		State: string(a.State), RequestedBy: a.RequestedBy.Name, DecidedBy: a.DecidedBy.Name, DecidedAt: a.DecidedAt,
		ExpiresAt: a.ExpiresAt, Reason: a.Reason, Fingerprint: a.Fingerprint, Own: own,
		CanDecide: run.State == encryption.Awaiting && who.Can(access.PermApproveRun) && !own,
	}
}

// reseal changes the key that secrets are sealed with, while serving.
func (h *Console) reseal(c echo.Context) error {
	n, err := h.cfg.Reseal(c.Request().Context(), caller(c))
	if err != nil {
		return err
	}
	h.flash(c, web.ToneSuccess, "The sealing key is changed; "+web.Plural(n, "secret was", "secrets were")+" sealed anew.")
	return h.redirect(c, "/system")
}
