package tables

import (
	"net/http"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"cxseal/handlers/frame"
	"cxseal/internal/sensitivity"
	"cxseal/web"
)

// decisions lists what people decided about which columns are sensitive, newest first.
func (a *Area) decisions(c echo.Context) error {
	ctx := c.Request().Context()
	q := frame.ReadQuery(c)
	v := web.DecisionsView{
		Chrome: a.Chrome(c, "Decisions", web.NavSensitivity, web.Link{Text: "Sensitivity", Href: "/sensitivity"}), Connections: a.ConnectionOptions(),
		Filter: web.DecisionsFilter{Decided: q.Raw("decided"), Out: q.Raw("out"), Connection: q.Raw("connection"), DatastoreID: q.Raw("datastore_id"),
			TableID: q.Raw("table_id"), Column: q.Raw("column"), By: q.Raw("by"), From: q.Raw("from"), To: q.Raw("to")},
	}
	v.Lead = "Each decision about a column, with what it was and what it is. Those that took a column out of what counts have a reason. " + frame.PeriodHelp
	f := sensitivity.DecisionFilter{
		Decided:  sensitivity.State(q.OneOf("decided", string(sensitivity.Sensitive), string(sensitivity.NotSensitive), string(sensitivity.Undecided))),
		TakenOut: q.YesNo("out"), Connection: q.Text("connection"), DatastoreID: q.Text("datastore_id"), TableID: q.Text("table_id"),
		Column: q.Text("column"), By: q.Text("by"),
	}
	f.From, f.To = q.Period()
	cur := q.Cursor()
	if err := q.Err(); err != nil {
		return a.BadFilter(c, err, &v.Chrome, func() templ.Component { return web.DecisionsPage(v) })
	}
	list, err := frame.ReadPage(ctx, cur, f, a.Decisions.Decisions, a.Decisions.DecisionsAfter)
	if err != nil {
		return err
	}
	list, v.Pager = frame.OnePage(list, cur, v.Filter.Path(), func(d sensitivity.Decision) int64 { return d.Seq })
	for _, d := range list {
		v.Rows = append(v.Rows, web.DecisionRow{AuditID: d.AuditID, At: d.At, Column: d.Column, TableName: d.TableName,
			TableHref: web.TablePath(a.InPath(d.Connection), d.DatastoreID, d.TableID), Decided: string(d.Decided), Was: string(d.Was), Is: string(d.Is),
			Proposed: string(d.Proposed), Reason: d.Reason, By: d.By, Approver: d.Approver})
	}
	return a.Render(c, http.StatusOK, web.DecisionsPage(v))
}
