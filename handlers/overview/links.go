package overview

import (
	"slices"

	"cxseal/web"
)

// plainDashboard takes the links out of a dashboard, for a caller who may see its figures and not the lists behind
// them. Links to the charts stay: the same permission opens both.
func plainDashboard(v *web.DashboardView) {
	v.Coverage.Href, v.Coverage.UntouchedHref = "", ""
	v.Sensitive.VerifiedHref, v.Sensitive.UnverifiedHref, v.Sensitive.RefusedHref, v.Sensitive.OpenHref = "", "", "", ""
	v.Undecided.Href = ""
	for i := range v.Attention {
		v.Attention[i].Link = web.Link{}
	}
	v.Findings.OpenHref, v.Findings.AcknowledgedHref, v.Findings.ResolvedHref = "", "", ""
	for i := range v.Stats {
		v.Stats[i].Href = ""
	}
	plainChart(&v.History)
}

// plainCharts takes the links to runs and tables out of the charts and the list of drops.
func plainCharts(v *web.ChartsView) {
	plainChart(&v.Coverage)
	for i := range v.Latency {
		plainChart(&v.Latency[i])
	}
	for i := range v.Drops {
		v.Drops[i].TableHref = ""
	}
	for i := range v.Counted {
		v.Counted[i].Href = ""
	}
}

func plainChart(v *web.ChartView) {
	v.Runs = false
	for i := range v.Days {
		v.Days[i].Marks = slices.Clone(v.Days[i].Marks)
		for j := range v.Days[i].Marks {
			v.Days[i].Marks[j].Href = ""
		}
	}
}
