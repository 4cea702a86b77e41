package ledger

import (
	"net/http"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"cxseal/handlers/frame"
	"cxseal/internal/encryption"
	"cxseal/web"
)

// verifications lists every KMS callback, accepted or refused.
func (a *Area) verifications(c echo.Context) error {
	ctx := c.Request().Context()
	q := frame.ReadQuery(c)
	v := web.VerificationsView{
		Chrome: a.Chrome(c, "KMS verifications", web.NavVerifications), Connections: a.ConnectionOptions(),
		Filter: web.VerificationsFilter{Accepted: q.Raw("accepted"), RunID: q.Raw("run_id"), Connection: q.Raw("connection"),
			TableID: q.Raw("table_id"), From: q.Raw("from"), To: q.Raw("to")},
	}
	v.Lead = "Every callback that came in, accepted or refused, and what it was compared with. " + frame.PeriodHelp
	filter := encryption.VerificationFilter{RunID: q.Text("run_id"), Connection: q.Text("connection"), TableID: q.Text("table_id")}
	filter.Accepted = q.YesNo("accepted")
	filter.From, filter.To = q.Period()
	cur := q.Cursor()
	if err := q.Err(); err != nil {
		return a.BadFilter(c, err, &v.Chrome, func() templ.Component { return web.VerificationsPage(v) })
	}
	list, err := frame.ReadPage(ctx, cur, filter, a.Verifications.Verifications, a.Verifications.VerificationsAfter)
	if err != nil {
		return err
	}
	list, v.Pager = frame.OnePage(list, cur, v.Filter.Path(), func(k encryption.Verification) int64 { return k.Seq })
	for _, k := range list {
		v.Rows = append(v.Rows, web.VerificationRow{
			ID: k.ID, ReceivedAt: k.ReceivedAt, Accepted: k.Accepted, Code: k.Code, Reason: k.Reason, RunID: k.RunID,
			Connection: k.Connection, TableID: k.TableID, Columns: k.Columns, KeyVersion: k.KeyVersion, KeyID: k.KeyID, Algorithm: k.Algorithm,
			Signed: k.Signed, Inline: k.Inline, From: k.RemoteIP, Status: k.Status,
		})
	}
	return a.Render(c, http.StatusOK, web.VerificationsPage(v))
}
