package overview

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"cxseal/handlers/frame"
	"cxseal/internal/access"
	"cxseal/internal/trend"
	"cxseal/web"
)

const (
	trendDays   = 180  // how far back a chart goes unless asked otherwise
	trendEvents = 2000 // the newest marks of a chart
)

// trendFilter reads the filter of the charts and their CSV.
func trendFilter(q *frame.Query) trend.Filter {
	f := trend.Filter{Connection: q.Text("connection"), DatastoreID: q.Text("datastore_id"), TableID: q.Text("table_id")}
	from, to := q.Period()
	f.From = from
	if !to.IsZero() {
		f.To = to.Add(-time.Nanosecond) // period's end is exclusive, the days' is not
	}
	return f
}

// charts shows coverage and latency over time.
func (a *Area) charts(c echo.Context) error {
	ctx := c.Request().Context()
	q := frame.ReadQuery(c)
	v := web.ChartsView{
		Chrome: a.Chrome(c, "Trends", web.NavTrends), Connections: a.ConnectionOptions(),
		Filter: web.ChartsFilter{From: q.Raw("from"), To: q.Raw("to"), Connection: q.Raw("connection"),
			DatastoreID: q.Raw("datastore_id"), TableID: q.Raw("table_id")},
	}
	v.Charts = true
	f := trendFilter(q)
	status := http.StatusOK
	if err := q.Err(); err != nil {
		if frame.WantsJSON(c.Request()) {
			return err
		}
		frame.ShowProblem(&v.Chrome, err)
		status, f = http.StatusBadRequest, trend.Filter{}
	}
	if f.From.IsZero() {
		f.From = a.Now().AddDate(0, 0, -trendDays)
	}
	history, err := a.coverageChart(ctx, f)
	if err != nil {
		return err
	}
	v.Coverage, v.Drops, v.Counted = history.chart, history.drops, history.counted
	v.Coverage.CSV = frame.WithParam(v.Filter.Path("/charts/coverage.csv"), "changes", "1")
	if v.Latency, err = a.latencyCharts(ctx, f); err != nil {
		return err
	}
	for i := range v.Latency {
		v.Latency[i].CSV = v.Filter.Path("/charts/latency.csv")
	}
	if !frame.Caller(c).Can(access.PermViewAll) {
		plainCharts(&v)
	}
	return a.Render(c, status, web.ChartsPage(v))
}

// coverageHistory is the chart of the coverages with what it is explained by.
type coverageHistory struct {
	chart   web.ChartView
	drops   []web.DropRow    // why a coverage fell, newest first
	counted []web.CountedRow // the days on which the number of sensitive columns changed, newest first
}

// coverageChart returns the chart of the coverages with the events that moved them. Changes of what counts are marked
// apart from losses of protection.
func (a *Area) coverageChart(ctx context.Context, f trend.Filter) (h coverageHistory, err error) {
	v := &h.chart
	*v = web.ChartView{ID: "coverage-history", Title: "Coverage", Unit: "%", Runs: true, Counts: true,
		Lines: []web.ChartLine{{Label: "Sensitive columns, verified"}, {Label: "Sensitive columns, encrypted"}, {Label: "All columns, encrypted"}}}
	days, err := a.coverageDays(ctx, f)
	if err != nil {
		return h, err
	}
	events, err := a.Trends.CoverageEvents(ctx, f, trendEvents)
	if err != nil {
		return h, err
	}
	marks := map[int64]map[trend.Kind][]web.ChartMark{}
	for _, e := range events {
		day := trend.DayOf(e.At)
		mark := web.ChartMark{Kind: string(e.Kind), Reason: e.Reason}
		table := web.TablePath(a.InPath(e.Connection), e.DatastoreID, e.TableID)
		if e.RunID != "" {
			mark.Href = web.RunPath(e.RunID)
		} else {
			mark.Href = table
		}
		if marks[day] == nil {
			marks[day] = map[trend.Kind][]web.ChartMark{}
		}
		if e.Kind == trend.Run {
			marks[day][e.Kind] = append(marks[day][e.Kind], mark)
			continue
		}
		marks[day][e.Kind] = append([]web.ChartMark{mark}, marks[day][e.Kind]...)
		h.drops = append([]web.DropRow{{Day: trend.DayTime(day).Format(time.DateOnly), TableName: e.TableName,
			TableHref: table, Kind: string(e.Kind), Reason: e.Reason}}, h.drops...)
	}
	for _, d := range days {
		row := web.ChartDay{Day: d.Day, Values: []float64{-1, -1, d.Rate()}}
		if d.Sensitive > 0 {
			row.Values[0], row.Values[1] = d.VerifiedRate(), d.SensitiveRate()
		}
		of := marks[trend.DayOf(d.Day)]
		row.Marks = slices.Concat(of[trend.Drop]) // before the runs: a long list is cut
		if said := d.Counting(); said != "" {
			mark := web.ChartMark{Kind: string(trend.Counted), Reason: said}
			counted := web.CountedRow{Day: d.Day.Format(time.DateOnly), Text: said, Net: d.Net()}
			if d.Decided != (trend.Moves{}) {
				mark.Href = web.DecisionsFilter{Connection: f.Connection, DatastoreID: f.DatastoreID, TableID: f.TableID, From: counted.Day, To: counted.Day}.Path()
				counted.Href = mark.Href
			}
			row.Marks = append([]web.ChartMark{mark}, row.Marks...)
			h.counted = append([]web.CountedRow{counted}, h.counted...)
		}
		row.Marks = slices.Concat(row.Marks, of[trend.Counted], of[trend.Run])
		v.Days = append(v.Days, row)
	}
	if n := len(days); n > 0 {
		v.Summary = fmt.Sprintf("From %s to %s: sensitive columns verified from %s to %s, encrypted from %s to %s; all columns encrypted from %s to %s; "+
			"a coverage fell on %s; the number of sensitive columns changed on %s.",
			days[0].Day.Format(time.DateOnly), days[n-1].Day.Format(time.DateOnly),
			web.FormatPercent(days[0].VerifiedRate()), web.FormatPercent(days[n-1].VerifiedRate()),
			web.FormatPercent(days[0].SensitiveRate()), web.FormatPercent(days[n-1].SensitiveRate()),
			web.FormatPercent(days[0].Rate()), web.FormatPercent(days[n-1].Rate()), fallenDays(days, h.drops), someDays(len(h.counted)))
	}
	return h, nil
}

// fallenDays counts the days on which the coverage fell. A day may have many
// reasons, one for each table, and may have made good by its end what it lost.
func fallenDays(days []trend.Snapshot, drops []web.DropRow) string {
	fell := map[string]bool{}
	for i := 1; i < len(days); i++ {
		if days[i].FellFrom(days[i-1].Counts) {
			fell[days[i].Day.Format(time.DateOnly)] = true
		}
	}
	for _, d := range drops {
		fell[d.Day] = true
	}
	return someDays(len(fell))
}

func someDays(n int) string {
	if n == 0 {
		return "no day"
	}
	return web.Plural(n, "day", "days")
}

// coverageDays returns the series of a chart: the totals, or the sum of the tables that the filter names.
func (a *Area) coverageDays(ctx context.Context, f trend.Filter) ([]trend.Snapshot, error) {
	if f.DatastoreID == "" && f.TableID == "" {
		return a.Trends.CoverageTotals(ctx, f)
	}
	var days []trend.Snapshot
	err := a.Trends.CoverageDaily(ctx, f, func(s trend.Snapshot) error {
		if n := len(days); n > 0 && days[n-1].Day.Equal(s.Day) {
			last := &days[n-1]
			last.Counts, last.Before, last.Decided = last.Add(s.Counts), last.Before+s.Before, last.Decided.Add(s.Decided)
		} else {
			days = append(days, s)
		}
		return ctx.Err()
	})
	return days, err
}

var stageTitles = map[trend.Stage]string{"token": "Token", "checks": "Checks", "patch": "PATCH", "kms": "KMS confirmation"}

// latencyCharts draws each stage's percentiles, with the runs that failed there
// on the same axis.
func (a *Area) latencyCharts(ctx context.Context, f trend.Filter) ([]web.ChartView, error) {
	days, err := a.Trends.Latency(ctx, f)
	if err != nil {
		return nil, err
	}
	var charts []web.ChartView
	for _, stage := range trend.Stages() {
		v := web.ChartView{ID: "latency-" + string(stage), Title: stageTitles[stage] + " latency", Unit: "ms", Runs: true,
			Lines: []web.ChartLine{{Label: "p50"}, {Label: "p95"}, {Label: "Longest"},
				{Label: "Days with failed runs", Points: true}}}
		runs, failed, worst := 0, 0, int64(0)
		for _, d := range days {
			if d.Stage != stage {
				continue
			}
			row := web.ChartDay{Day: d.Day, Values: []float64{float64(d.P50), float64(d.P95), float64(d.Max), 0}}
			if d.Failed > 0 {
				row.Values[3] = float64(max(d.Max, 1))
				row.Marks = []web.ChartMark{{Kind: "drop", Reason: web.Plural(d.Failed, "run", "runs") +
					" of " + web.FormatNumber(int64(d.Runs)) + " ended here without success.",
					Href: dayRuns(d.Day)}}
			}
			runs, failed, worst = runs+d.Runs, failed+d.Failed, max(worst, d.P95)
			v.Days = append(v.Days, row)
		}
		v.Summary = fmt.Sprintf("%s, %d of them ended here without success. The highest daily p95 is %s.",
			web.Plural(runs, "run", "runs"), failed, web.FormatMillis(worst))
		charts = append(charts, v)
	}
	return charts, nil
}

func dayRuns(day time.Time) string {
	d := day.Format(time.DateOnly)
	return "/runs?from=" + d + "&to=" + d
}
