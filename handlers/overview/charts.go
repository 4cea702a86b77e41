package overview

import (
	"context"
	"fmt"
	"net/http"
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
	var err error
	if v.Coverage, v.Drops, err = a.coverageChart(ctx, f); err != nil {
		return err
	}
	v.Coverage.CSV = v.Filter.Path("/charts/coverage.csv")
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

// coverageChart returns the chart of the coverages with the events that moved them, and the reasons why they fell,
// newest first.
func (a *Area) coverageChart(ctx context.Context, f trend.Filter) (web.ChartView, []web.DropRow, error) {
	v := web.ChartView{ID: "coverage-history", Title: "Coverage", Unit: "%", Runs: true,
		Lines: []web.ChartLine{{Label: "Sensitive columns, verified"}, {Label: "Sensitive columns, encrypted"}, {Label: "All columns, encrypted"}}}
	days, err := a.coverageDays(ctx, f)
	if err != nil {
		return v, nil, err
	}
	events, err := a.Trends.CoverageEvents(ctx, f, trendEvents)
	if err != nil {
		return v, nil, err
	}
	marks := map[int64][]web.ChartMark{}
	var drops []web.DropRow
	for _, e := range events {
		day := trend.DayOf(e.At)
		mark := web.ChartMark{Kind: string(e.Kind), Reason: e.Reason}
		table := web.TablePath(a.InPath(e.Connection), e.DatastoreID, e.TableID)
		if e.RunID != "" {
			mark.Href = web.RunPath(e.RunID)
		} else {
			mark.Href = table
		}
		if e.Kind == trend.Drop { // before the runs: a long list is cut
			marks[day] = append([]web.ChartMark{mark}, marks[day]...)
			drops = append([]web.DropRow{{Day: trend.DayTime(day).Format(time.DateOnly), TableName: e.TableName,
				TableHref: table, Reason: e.Reason}}, drops...)
		} else {
			marks[day] = append(marks[day], mark)
		}
	}
	for _, d := range days {
		row := web.ChartDay{Day: d.Day, Values: []float64{-1, -1, d.Rate()}, Marks: marks[trend.DayOf(d.Day)]}
		if d.Sensitive > 0 {
			row.Values[0], row.Values[1] = d.VerifiedRate(), d.SensitiveRate()
		}
		v.Days = append(v.Days, row)
	}
	if n := len(days); n > 0 {
		v.Summary = fmt.Sprintf("From %s to %s: sensitive columns verified from %s to %s, encrypted from %s to %s; all columns encrypted from %s to %s; a coverage fell on %s.",
			days[0].Day.Format(time.DateOnly), days[n-1].Day.Format(time.DateOnly),
			web.FormatPercent(days[0].VerifiedRate()), web.FormatPercent(days[n-1].VerifiedRate()),
			web.FormatPercent(days[0].SensitiveRate()), web.FormatPercent(days[n-1].SensitiveRate()),
			web.FormatPercent(days[0].Rate()), web.FormatPercent(days[n-1].Rate()), fallenDays(days, drops))
	}
	return v, drops, nil
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
	if len(fell) == 0 {
		return "no day"
	}
	return web.Plural(len(fell), "day", "days")
}

// coverageDays returns the series of a chart: the totals, or the sum of the tables that the filter names.
func (a *Area) coverageDays(ctx context.Context, f trend.Filter) ([]trend.Snapshot, error) {
	if f.DatastoreID == "" && f.TableID == "" {
		return a.Trends.CoverageTotals(ctx, f)
	}
	var days []trend.Snapshot
	err := a.Trends.CoverageDaily(ctx, f, func(s trend.Snapshot) error {
		if n := len(days); n > 0 && days[n-1].Day.Equal(s.Day) {
			days[n-1].Counts = days[n-1].Add(s.Counts)
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
