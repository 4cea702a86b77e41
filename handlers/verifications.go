package handlers

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"cxseal/internal/encryption"
	"cxseal/web"
)

// verifications lists every KMS callback, accepted or refused.
func (h *Console) verifications(c echo.Context) error {
	ctx := c.Request().Context()
	q := readQuery(c)
	v := web.VerificationsView{
		Chrome: h.chrome(c, "KMS verifications", web.NavVerifications), Connections: h.connectionOptions(),
		Filter: web.VerificationsFilter{Accepted: q.raw("accepted"), RunID: q.raw("run_id"), Connection: q.raw("connection"),
			TableID: q.raw("table_id"), From: q.raw("from"), To: q.raw("to")},
	}
	v.Lead = "Every callback that came in, accepted or refused, and what it was compared with. " + periodHelp
	filter := encryption.VerificationFilter{RunID: q.text("run_id"), Connection: q.text("connection"), TableID: q.text("table_id")}
	if verdict := q.oneOf("accepted", "yes", "no"); verdict != "" {
		accepted := verdict == "yes"
		filter.Accepted = &accepted
	}
	filter.From, filter.To = q.period()
	cur := q.cursor()
	if err := q.err(); err != nil {
		if wantsJSON(c.Request()) {
			return err
		}
		badFilter(&v.Chrome, err)
		return h.render(c, http.StatusBadRequest, web.VerificationsPage(v))
	}
	var list []encryption.Verification
	var err error
	if cur.after > 0 {
		list, err = h.cfg.Verifications.VerificationsAfter(ctx, filter, cur.after, pageRows+1)
	} else {
		list, err = h.cfg.Verifications.Verifications(ctx, filter, cur.before, pageRows+1)
	}
	if err != nil {
		return err
	}
	list, v.Pager = onePage(list, cur, v.Filter.Path(), func(k encryption.Verification) int64 { return k.Seq })
	for _, k := range list {
		v.Rows = append(v.Rows, web.VerificationRow{
			ID: k.ID, ReceivedAt: k.ReceivedAt, Accepted: k.Accepted, Code: k.Code, Reason: k.Reason, RunID: k.RunID,
			Connection: k.Connection, TableID: k.TableID, Columns: k.Columns, KeyVersion: k.KeyVersion, Algorithm: k.Algorithm,
			Signed: k.Signed, Inline: k.Inline, From: k.RemoteIP, Status: k.Status,
		})
	}
	return h.render(c, http.StatusOK, web.VerificationsPage(v))
}
