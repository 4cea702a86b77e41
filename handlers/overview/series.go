package overview

import (
	"context"
	"io"

	"github.com/labstack/echo/v4"

	"cxseal/handlers/frame"
	"cxseal/internal/trend"
)

// coverageCSV and latencyCSV are the series behind the charts (contract §3). With changes=1 the rows of the coverage
// also say what changed of the number of sensitive columns, as the chart marks it.
func (a *Area) coverageCSV(c echo.Context) error {
	changes, err := frame.Ticked(c.QueryParams(), "changes")
	if err != nil {
		return err
	}
	return a.seriesCSV(c, "Coverage series", "coverage", append([]string{"changes"}, seriesParams...), func(ctx context.Context, f trend.Filter, w io.Writer) error {
		out := trend.NewCoverageCSV(w)
		if changes {
			out = trend.NewCoverageChangesCSV(w)
		}
		if err := a.Trends.CoverageDaily(ctx, f, out.Coverage); err != nil {
			return err
		}
		return out.Flush()
	})
}

func (a *Area) latencyCSV(c echo.Context) error {
	return a.seriesCSV(c, "Latency series", "latency", seriesParams, func(ctx context.Context, f trend.Filter, w io.Writer) error {
		days, err := a.Trends.Latency(ctx, f)
		if err != nil {
			return err
		}
		out := trend.NewLatencyCSV(w)
		for _, d := range days {
			if err := out.Latency(d); err != nil {
				return err
			}
		}
		return out.Flush()
	})
}

var seriesParams = []string{"from", "to", "connection", "datastore_id", "table_id"}

// seriesCSV streams a series.
func (a *Area) seriesCSV(c echo.Context, what, name string, params []string, write func(context.Context, trend.Filter, io.Writer) error) error {
	q := frame.ReadQuery(c)
	q.Only("A series", params)
	f := trendFilter(q)
	if err := q.Err(); err != nil {
		return err
	}
	d := frame.Download{What: what, Filter: c.QueryParams().Encode(),
		Type: "text/csv; charset=utf-8; header=present", Name: name + ".csv"}
	return a.Download(c, d, func(ctx context.Context, w io.Writer) error { return write(ctx, f, w) })
}
