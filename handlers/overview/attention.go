package overview

import (
	"context"
	"net/url"
	"time"

	"cxseal/handlers/rows"
	"cxseal/internal/audit"
	"cxseal/internal/inventory"
	"cxseal/internal/review"
	"cxseal/internal/sensitivity"
	"cxseal/internal/trend"
	"cxseal/web"
)

// driftDays is how long a column that lost its protection needs attention.
const driftDays = 30

// driftMost is the highest number of such columns that the dashboard counts.
const driftMost = 1000

// protection fills in the number that matters, sensitive columns that are verified, with what it leaves out,
// and the history of the coverages and of latency.
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
			if d.Stage != stage || d.Runs == d.Failed && d.Max == 0 {
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

// protectionAttention returns the items about columns and the log that need a person: those at the top of the list
// and those at its end.
func (a *Area) protectionAttention(ctx context.Context, totals inventory.Totals,
	review *web.Stat) (first, last []web.Attention, err error) {
	now := a.Now()
	lists := rows.Protected(totals)
	add := func(n int, tone web.Tone, one, many, detail, href string) {
		if n > 0 {
			first = append(first, web.Attention{Tone: tone, Title: web.Plural(n, one, many), Detail: detail, Link: web.Link{Text: "Show", Href: href}})
		}
	}
	add(totals.Open(), web.ToneDanger, "sensitive column is not encrypted", "sensitive columns are not encrypted",
		"Encrypt them, or decide that they are not sensitive.", lists.OpenHref)
	add(totals.Refused, web.ToneDanger, "sensitive column was refused by the KMS check", "sensitive columns were refused by the KMS check",
		"Do not rely on their encryption: find out which key was used, and rotate the key.", lists.RefusedHref)
	add(totals.Unverified, web.ToneWarning, "sensitive column is encrypted and not verified", "sensitive columns are encrypted and not verified",
		"No KMS verdict says how. A key rotation by this console brings one.", lists.UnverifiedHref)
	from := daysBefore(now, driftDays)
	lost, exact, err := a.Audit.AuditCount(ctx,
		audit.Filter{Operation: string(audit.DriftDetected), Outcome: string(audit.Failure), From: from, Routine: true}, driftMost)
	if err != nil {
		return nil, nil, err
	}
	if lost > 0 {
		title := web.Plural(int(lost), "column lost its protection", "columns lost their protection") + " outside of this console"
		if !exact {
			title = "More than " + title
		}
		first = append(first, web.Attention{Tone: web.ToneDanger, Title: title,
			Detail: "Found within the last 30 days. Find out who did it, and make sure that they are encrypted again.",
			Link: web.Link{Text: "Show", Href: "/audit?" +
				url.Values{"operation": {string(audit.DriftDetected)}, "outcome": {string(audit.Failure)},
					"from": {from.Format(time.DateOnly)}}.Encode()}})
	}
	undecided, err := a.Columns.SensitivityCount(ctx, sensitivity.Filter{State: sensitivity.Undecided})
	if err != nil {
		return nil, nil, err
	}
	if undecided > 0 {
		last = append(last, web.Attention{Tone: web.ToneInfo,
			Title:  web.Plural(undecided, "column is undecided", "columns are undecided"),
			Detail: "The name does not say what is kept there. A person who knows should decide.", Link: web.Link{Text: "Show", Href: "/sensitivity?state=" + string(sensitivity.Undecided)}})
	}
	more, err := a.logAttention(ctx)
	if err != nil {
		return nil, nil, err
	}
	last = append(last, more...)
	if review != nil && review.Tone == web.ToneWarning {
		last = append(last, web.Attention{Tone: web.ToneWarning, Title: web.Plural(review.Value, "month", "months") + " of the log not reviewed to the end",
			Detail: "An officer reads a period and marks it as reviewed; a later review does not stand for an earlier month.", Link: web.Link{Text: "Show", Href: review.Href}})
	}
	return first, last, nil
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
	link := web.Link{Text: "Show", Href: "/system"}
	switch {
	case len(status.Anchors) == 0:
		return []web.Attention{{Tone: web.ToneInfo, Title: "The log is not anchored", Link: link,
			Detail: "Name a place outside of this machine for its checkpoints, so that nobody can rewrite both."}}, nil
	case status.AnchorError != "":
		return []web.Attention{{Tone: web.ToneWarning, Title: "The log could not be anchored", Link: link, At: status.FailedSince,
			Detail: status.AnchorError}}, nil
	}
	return nil, nil
}

// reviewStat returns the number of months that are over and not reviewed to their end, with a warning as long
// as there is one. It is nil when the console keeps no reviews.
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
