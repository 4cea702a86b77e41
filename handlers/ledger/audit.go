package ledger

import (
	"context"
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"cxseal/handlers/frame"
	"cxseal/handlers/rows"
	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/fault"
	"cxseal/web"
)

// auditParams are the filters of /audit and of its exports (contract §3).
var auditParams = []string{"from", "to", "operation", "outcome", "actor", "connection", "datastore_id", "table_id", "run_id", "q"}

func outcomes() []string {
	return []string{string(audit.Success), string(audit.Failure), string(audit.Denied)}
}

// auditFilter reads the filters; shown is them as typed. What is wrong with
// the search box comes back apart from the rest.
func auditFilter(q *frame.Query) (filter audit.Filter, shown web.AuditFilter, searchErr error) {
	shown = web.AuditFilter{From: q.Raw("from"), To: q.Raw("to"), Operation: q.Raw("operation"), Outcome: q.Raw("outcome"),
		Actor: q.Raw("actor"), Connection: q.Raw("connection"), DatastoreID: q.Raw("datastore_id"), TableID: q.Raw("table_id"),
		RunID: q.Raw("run_id"), Query: q.Raw("q")}
	filter = audit.Filter{Operation: q.Operation("operation"), Outcome: q.OneOf("outcome", outcomes()...), Actor: q.Text("actor"),
		Connection: q.Text("connection"), DatastoreID: q.Text("datastore_id"), TableID: q.Text("table_id"),
		RunID: q.Text("run_id"), Query: shown.Query}
	filter.From, filter.To = q.Period()
	_, searchErr = audit.ParseQuery(filter.Query)
	return filter, shown, searchErr
}

// countTo is the highest number of matching records that a page counts.
const countTo = 10_000

// audit is the log, newest first.
func (a *Area) audit(c echo.Context) error {
	ctx := c.Request().Context()
	q := frame.ReadQuery(c)
	filter, shown, searchErr := auditFilter(q)
	v := web.AuditView{
		Chrome: a.Chrome(c, "Audit log", web.NavAudit), Filter: shown, Connections: a.ConnectionOptions(),
		CanExport: frame.Caller(c).Can(access.PermExport), Evidence: a.Pack != nil,
	}
	v.Lead = "Every attempt, as it was recorded. " + frame.PeriodHelp
	cur := q.Cursor()
	filterErr := q.Err()
	if searchErr == nil && filterErr == nil {
		_, filterErr = filter.Resolve() // the fields and the box together
	}
	if searchErr != nil || filterErr != nil {
		if frame.WantsJSON(c.Request()) {
			if filterErr != nil {
				return filterErr
			}
			return searchErr
		}
		if searchErr != nil {
			v.QueryError = fault.MessageOf(searchErr)
		}
		if filterErr != nil {
			frame.ShowProblem(&v.Chrome, filterErr)
		}
		return a.Render(c, http.StatusBadRequest, web.AuditPage(v))
	}
	if err := a.fillAudit(ctx, &v, filter, cur); err != nil {
		return err
	}
	if err := a.addSurroundings(c, &v); err != nil {
		return err
	}
	status := http.StatusOK
	if v.Stopped {
		status = http.StatusServiceUnavailable
	}
	return a.Render(c, status, web.AuditPage(v))
}

func (a *Area) fillAudit(ctx context.Context, v *web.AuditView, filter audit.Filter, cur frame.Cursor) error {
	lines, err := frame.ReadPage(ctx, cur, filter, a.Audit.AuditLines, a.Audit.AuditLinesAfter)
	if errors.Is(err, audit.ErrSearchStopped) {
		showStopped(v, lines)
		return nil
	}
	if err != nil {
		return err
	}
	whole := cur == frame.Cursor{} && len(lines) <= frame.PageRows // then they tell the totals themselves
	totals := audit.TotalsOf(lines)
	lines, v.Pager = frame.OnePage(lines, cur, v.Filter.Path("/audit"), func(l audit.Line) int64 { return l.Seq })
	v.Rows = rows.Records(lines)
	if !whole {
		totals, err = a.Audit.AuditTotals(ctx, filter, countTo)
	}
	switch {
	case errors.Is(err, audit.ErrSearchStopped):
		frame.ShowProblem(&v.Chrome, fault.New(fault.Unavailable, "The records that match could not be counted in %d seconds. They are at least %s: narrow the search to have their number.",
			int(audit.MostSearchTime.Seconds()), web.FormatNumber(max(totals.Count, int64(len(lines))))))
		return nil
	case err != nil:
		return err
	}
	v.Pager.Total = web.FormatNumber(totals.Count)
	if !totals.Exact {
		v.Pager.Total = "more than " + v.Pager.Total
	}
	v.Facets = facetViews(totals.Facets)
	if !totals.Facets.All {
		v.FacetsOf = "the newest " + web.FormatNumber(totals.Facets.Of)
	}
	return nil
}

// showStopped shows what a search found until it was stopped, and what to narrow.
func showStopped(v *web.AuditView, lines []audit.Line) {
	frame.ShowProblem(&v.Chrome, audit.ErrSearchStopped)
	if len(lines) > 0 {
		frame.ShowProblem(&v.Chrome, fault.New(fault.Unavailable, "Below is what it had found by then, and not all that matches."))
	}
	v.Rows, v.Stopped = rows.Records(lines), true
}

// facetViews shows the most frequent values with their counts; the page says
// when those are of the newest records only.
func facetViews(f audit.Facets) []web.Facet {
	const most = 8
	var list []web.Facet
	for _, d := range []struct {
		title, param string
		counts       []audit.FacetCount
	}{
		{"Operation", "operation", f.Operations}, {"Outcome", "outcome", f.Outcomes},
		{"Actor", "actor", f.Actors}, {"Connection", "connection", f.Connections},
	} {
		if len(d.counts) == 0 {
			continue
		}
		facet := web.Facet{Title: d.title, Param: d.param}
		for _, c := range d.counts[:min(len(d.counts), most)] {
			facet.Values = append(facet.Values, web.FacetValue{Value: c.Value, Count: web.FormatNumber(c.Count)})
		}
		list = append(list, facet)
	}
	return list
}
