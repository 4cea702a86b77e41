package handlers

import (
	"context"
	"net/url"
	"time"

	"cxseal/internal/audit"
	"cxseal/internal/encryption"
	"cxseal/internal/inventory"
	"cxseal/internal/sensitivity"
	"cxseal/internal/trend"
	"cxseal/web"
)

// driftDays is how long a column that lost its protection needs attention.
const driftDays = 30

// driftMost is as far as the dashboard counts them.
const driftMost = 1000

// protection fills in the number that matters, sensitive columns that are
// encrypted, and how both coverages came to where they are.
func (h *Console) protection(ctx context.Context, v *web.DashboardView, totals inventory.Totals) error {
	v.Sensitive = coverage(encryption.NewCoverage(totals.Protected, totals.Sensitive))
	v.SensitiveHref, v.OpenHref = "/sensitivity?state="+string(sensitivity.Sensitive), unprotected()
	f := trend.Filter{From: h.cfg.Now().AddDate(0, 0, -trendDays)}
	var err error
	if v.History, _, err = h.coverageChart(ctx, f); err != nil {
		return err
	}
	v.History.CSV = "/charts/coverage.csv"
	for _, d := range v.History.Days {
		v.Trend.Values = append(v.Trend.Values, max(d.Values[0], 0))
	}
	v.Trend.Label = v.History.Summary
	v.Charts = true
	return h.dashboardLatency(ctx, v, f)
}

// dashboardLatency is each stage's newest p95 with its way there.
func (h *Console) dashboardLatency(ctx context.Context, v *web.DashboardView, f trend.Filter) error {
	days, err := h.cfg.Trends.Latency(ctx, f)
	if err != nil {
		return err
	}
	for _, stage := range trend.Stages {
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

// protectionAttention is what about the columns and the log needs a person.
func (h *Console) protectionAttention(ctx context.Context, totals inventory.Totals, review *web.Stat) (first, last []web.Attention, err error) {
	now := h.cfg.Now()
	if open := totals.Sensitive - totals.Protected; open > 0 {
		first = append(first, web.Attention{Tone: web.ToneDanger, Title: web.Plural(open, "sensitive column is not encrypted", "sensitive columns are not encrypted"),
			Detail: "Encrypt them, or decide that they are not sensitive.", Link: web.Link{Text: "Show", Href: unprotected()}})
	}
	from := daysBefore(now, driftDays)
	lost, exact, err := h.cfg.Audit.AuditCount(ctx, audit.Filter{Operation: string(audit.DriftDetected), Outcome: string(audit.Failure), From: from}, driftMost)
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
			Link: web.Link{Text: "Show", Href: "/audit?" + url.Values{"operation": {string(audit.DriftDetected)}, "outcome": {string(audit.Failure)},
				"from": {from.Format(time.DateOnly)}}.Encode()}})
	}
	undecided, err := h.cfg.Columns.SensitivityCount(ctx, sensitivity.Filter{State: sensitivity.Undecided})
	if err != nil {
		return nil, nil, err
	}
	if undecided > 0 {
		last = append(last, web.Attention{Tone: web.ToneInfo, Title: web.Plural(undecided, "column is undecided", "columns are undecided"),
			Detail: "The name does not say what is kept there. A person who knows should decide.", Link: web.Link{Text: "Show", Href: "/sensitivity?state=" + string(sensitivity.Undecided)}})
	}
	more, err := h.logAttention(ctx)
	if err != nil {
		return nil, nil, err
	}
	last = append(last, more...)
	if review != nil && review.Tone == web.ToneWarning {
		last = append(last, web.Attention{Tone: web.ToneWarning, Title: "The log was not reviewed for " + web.Plural(review.Value, "day", "days"),
			Detail: "An officer marks a period as reviewed when they have read it.", Link: web.Link{Text: "Show", Href: review.Href}})
	}
	return first, last, nil
}

// logAttention says when the log's copies outside of this machine fall behind.
func (h *Console) logAttention(ctx context.Context) ([]web.Attention, error) {
	if h.cfg.LogStatus == nil {
		return nil, nil
	}
	status, err := h.cfg.LogStatus(ctx)
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
