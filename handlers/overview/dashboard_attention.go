package overview

import (
	"context"
	"time"

	"cxseal/handlers/rows"
	"cxseal/internal/attention"
	"cxseal/internal/encryption"
	"cxseal/internal/inventory"
	"cxseal/internal/review"
	"cxseal/internal/rotation"
	"cxseal/internal/sensitivity"
	"cxseal/internal/trend"
	"cxseal/web"
)

// protection fills in the number that matters, sensitive columns that are verified, with what it leaves out, and the
// history of the coverages and of latency.
func (a *Area) protection(ctx context.Context, v *web.DashboardView, totals inventory.Totals) error {
	v.Sensitive = rows.Protected(totals)
	f := trend.Filter{From: a.Now().AddDate(0, 0, -trendDays)}
	history, err := a.coverageChart(ctx, f)
	if err != nil {
		return err
	}
	v.History = history.chart
	v.History.CSV = "/charts/coverage.csv?changes=1"
	for _, d := range v.History.Days {
		v.Trend.Values = append(v.Trend.Values, max(d.Values[0], 0))
	}
	v.Trend.Label = v.History.Summary
	v.Charts = true
	return a.dashboardLatency(ctx, v, f)
}

// dashboardLatency fills in each stage's newest p95 and the series that leads to it.
func (a *Area) dashboardLatency(ctx context.Context, v *web.DashboardView, f trend.Filter) error {
	days, err := a.Trends.Latency(ctx, f)
	if err != nil {
		return err
	}
	for _, stage := range trend.Stages() {
		line := web.StageLatency{Stage: stageTitles[stage], Href: "/charts#latency-" + string(stage), P95: -1}
		for _, d := range days {
			if d.Stage != stage || d.Timed == 0 {
				continue
			}
			line.P50, line.P95, line.Day = d.P50, d.P95, d.Day
			line.Trend.Values = append(line.Trend.Values, float64(d.P95))
		}
		line.Trend.Label = stageTitles[stage] + ", p95 of each day with runs; the newest is " + web.FormatMillis(line.P95)
		if line.P95 >= 0 {
			v.Latency = append(v.Latency, line)
		}
	}
	return nil
}

// undecidedList is where the columns stand of which nobody knows whether they are sensitive.
var undecidedList = web.SensitivityFilter{State: string(sensitivity.Undecided)}.Path()

// mostUndecided is the highest number of such columns that is told: the count stops after it.
const mostUndecided = 10_000

// undecidedLink says beside the headline how many columns are undecided, with their list. It is empty for none.
func undecidedLink(n int) web.Link {
	if n == 0 {
		return web.Link{}
	}
	said := web.Plural(min(n, mostUndecided), "column is undecided", "columns are undecided")
	if n > mostUndecided {
		said = "More than " + said
	}
	return web.Link{Text: said, Href: undecidedList}
}

// conditions are what holds now, counted by their kinds, each with the list behind it.
func conditions(totals inventory.Totals, counts map[encryption.State]int64, due, undecided int) []web.Attention {
	lists := rows.Protected(totals)
	return counted([]kindCount{
		{attention.ColumnUnprotected, totals.Open(), lists.OpenHref},
		{attention.ColumnRefused, totals.Refused, lists.RefusedHref},
		{attention.ColumnUnverified, totals.Unverified, lists.UnverifiedHref},
		{attention.RunAwaiting, int(counts[encryption.Awaiting]), runsIn(encryption.Awaiting, time.Time{})},
		{attention.RotationDue, due, "/rotations?status=" + string(rotation.StatusDue)},
		{attention.ColumnUndecided, undecided, undecidedList},
	})
}

// findings are the items that the records opened, and that nobody has acknowledged and no fact resolved.
func findings(counts attention.Counts) []web.Attention {
	var list []kindCount
	for _, kind := range attention.Findings() {
		list = append(list, kindCount{kind, counts[kind][attention.Open],
			web.AttentionFilter{State: string(attention.Open), Kind: string(kind)}.Path()})
	}
	return counted(list)
}

// kindCount is how many there are of a kind of attention, with the list of them.
type kindCount struct {
	kind attention.Kind
	n    int
	href string
}

// counted are the kinds of which there are any.
func counted(list []kindCount) []web.Attention {
	var some []web.Attention
	for _, k := range list {
		if k.n > 0 {
			some = append(some, web.Attention{Kind: string(k.kind), Count: k.n, Link: web.Link{Text: "Show", Href: k.href}})
		}
	}
	return some
}

// attentionTotals are how many items there are in each state.
func attentionTotals(counts attention.Counts) web.AttentionTotals {
	list := func(s attention.State) string { return web.AttentionFilter{State: string(s)}.Path() }
	return web.AttentionTotals{Open: counts.Of(attention.Open), OpenHref: list(attention.Open),
		Acknowledged: counts.Of(attention.Acknowledged), AcknowledgedHref: list(attention.Acknowledged),
		Resolved: counts.Of(attention.Resolved), ResolvedHref: list(attention.Resolved)}
}

// unread are the tenants that could not be read whole.
func unread(states []web.ConnectionRow) []web.Attention {
	var list []web.Attention
	for _, s := range states {
		if s.Tone == web.ToneWarning {
			list = append(list, web.Attention{Kind: string(attention.TenantUnread), Count: 1, Title: "The connection " + s.Name + " could not be read whole",
				Detail: s.Detail, Link: web.Link{Text: "Show", Href: "/system"}, At: s.CheckedAt})
		}
	}
	return list
}

// logAttention returns an item when the log is not anchored, or could not be.
func (a *Area) logAttention(ctx context.Context) ([]web.Attention, error) {
	if a.LogStatus == nil {
		return nil, nil
	}
	status, err := a.LogStatus(ctx)
	if err != nil {
		return nil, err
	}
	item := web.Attention{Kind: string(attention.LedgerNotAnchored), Count: 1, Link: web.Link{Text: "Show", Href: "/system"}}
	switch {
	case len(status.Anchors) == 0:
		item.Title = "The log is not anchored"
		item.Detail = "Name a place outside of this machine for its checkpoints, so that nobody can rewrite both."
	case status.AnchorError != "":
		item.Title, item.At, item.Detail = "The log could not be anchored", status.FailedSince, status.AnchorError
	default:
		return nil, nil
	}
	return []web.Attention{item}, nil
}

// reviewStat returns the number of months that are over and not reviewed to their end, with a warning as long as there
// is one. It is nil when the console keeps no reviews.
func (a *Area) reviewStat(ctx context.Context) (*web.Stat, error) {
	if a.Reviews == nil {
		return nil, nil
	}
	progress, err := a.Reviews.Progress(ctx)
	if err != nil {
		return nil, err
	}
	stat := &web.Stat{Label: "months of the log not reviewed to the end", Value: len(review.Due(progress.Months)), Href: "/reviews", Note: "no review yet"}
	if stat.Value == 1 {
		stat.Label = "month of the log not reviewed to the end"
	}
	if progress.Latest != nil {
		stat.Note = "last review " + web.Plural(progress.Days, "day ago", "days ago")
	}
	if stat.Value > 0 {
		stat.Tone = web.ToneWarning
	}
	return stat, nil
}
