package runs

import (
	"net/http"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"cxseal/handlers/frame"
	"cxseal/handlers/rows"
	"cxseal/internal/audit"
	"cxseal/internal/encryption"
	"cxseal/web"
)

// runs is the history of runs, newest first.
func (a *Area) runs(c echo.Context) error {
	ctx := c.Request().Context()
	q := frame.ReadQuery(c)
	v := web.RunsView{
		Chrome: a.Chrome(c, "Runs", web.NavRuns), Connections: a.ConnectionOptions(),
		Filter: web.RunsFilter{State: q.Raw("state"), Operation: q.Raw("operation"), Connection: q.Raw("connection"),
			DatastoreID: q.Raw("datastore_id"), TableID: q.Raw("table_id"), RequestedBy: q.Raw("requested_by"), From: q.Raw("from"), To: q.Raw("to")},
	}
	v.Lead = frame.PeriodHelp
	filter := encryption.RunFilter{
		State:     q.OneOf("state", encryption.FilterStates()...),
		Operation: q.OneOf("operation", string(audit.ColumnEncryption), string(audit.KeyRotation)), Connection: q.Text("connection"),
		DatastoreID: q.Text("datastore_id"), TableID: q.Text("table_id"), RequestedBy: q.Text("requested_by"),
	}
	filter.From, filter.To = q.Period()
	cur := q.Cursor()
	if err := q.Err(); err != nil {
		return a.BadFilter(c, err, &v.Chrome, func() templ.Component { return web.RunsPage(v) })
	}
	runs, err := frame.ReadPage(ctx, cur, filter, a.Runs.Runs, a.Runs.RunsAfter)
	if err != nil {
		return err
	}
	runs, v.Pager = frame.OnePage(runs, cur, v.Filter.Path(), func(r encryption.RunLine) int64 { return r.Seq })
	v.Rows = rows.Runs(runs)
	return a.Render(c, http.StatusOK, web.RunsPage(v))
}

// run is one run's dossier.
func (a *Area) run(c echo.Context) error {
	id, err := frame.Param(c, "run")
	if err != nil {
		return err
	}
	run, err := a.Runs.Run(c.Request().Context(), id)
	if err != nil {
		return err
	}
	if frame.WantsJSON(c.Request()) {
		return a.JSON(c, http.StatusOK, runJSON(run))
	}
	v, err := a.dossier(c.Request().Context(), run, frame.Caller(c))
	if err != nil {
		return err
	}
	crumbs := []web.Link{{Text: "Runs", Href: "/runs"}}
	campaign, err := a.Campaigns.CampaignOfRun(c.Request().Context(), id)
	if err != nil {
		return err
	}
	if campaign != "" {
		crumbs = append(crumbs, web.Link{Text: "Campaign", Href: web.CampaignPath(campaign)})
	}
	v.Chrome = a.Chrome(c, web.OperationText(string(run.Operation))+" of "+v.Run.TableName, web.NavRuns, crumbs...)
	return a.Render(c, http.StatusOK, web.RunPage(v))
}
