package overview

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"cxseal/handlers/frame"
	"cxseal/handlers/rows"
	"cxseal/internal/access"
	"cxseal/internal/attention"
	"cxseal/internal/audit"
	"cxseal/internal/encryption"
	"cxseal/internal/inventory"
	"cxseal/internal/rotation"
	"cxseal/internal/sensitivity"
	"cxseal/web"
)

const (
	dashboardRows = 8
	failedDays    = 7 // for so many days a failed run needs attention
)

// dashboard shows what needs a person first, then figures. The lists of runs, records and rotations are added for
// callers who may read them.
func (a *Area) dashboard(c echo.Context) error {
	ctx := c.Request().Context()
	now := a.Now()
	v := web.DashboardView{Chrome: a.Chrome(c, "Dashboard", web.NavDashboard)}
	totals, err := a.Tables.Totals(ctx)
	if err != nil {
		return err
	}
	counts, err := a.Runs.RunCounts(ctx)
	if err != nil {
		return err
	}
	since := daysBefore(now, failedDays)
	unverified, err := a.Runs.RunCount(ctx, encryption.RunFilter{State: encryption.NotVerified, From: since})
	if err != nil {
		return err
	}
	rotations, err := a.Rotations.LedgerCounts(ctx, now, a.Leads)
	if err != nil {
		return err
	}
	overdue := rotations[rotation.StatusOverdue]
	v.NextStep = a.nextStep(frame.Caller(c), totals, counts)
	states := a.ConnectionStates(ctx)
	v.Coverage = dashboardCoverage(totals)
	for _, state := range states {
		if state.Tone == web.ToneWarning {
			v.Coverage.UnlistedTenants++
		}
	}
	review, err := a.reviewStat(ctx)
	if err != nil {
		return err
	}
	items, err := a.Items.AttentionCounts(ctx)
	if err != nil {
		return err
	}
	undecided, err := a.Columns.SensitivityCount(ctx, sensitivity.Filter{State: sensitivity.Undecided})
	if err != nil {
		return err
	}
	v.Undecided = undecidedLink(undecided)
	holding := conditions(totals, counts, rotations[rotation.StatusDue], undecided)
	log, err := a.logAttention(ctx)
	if err != nil {
		return err
	}
	v.Attention = inOrder(slices.Concat(findings(items), holding, unread(states), log))
	v.Findings = attentionTotals(items)
	if err := a.protection(ctx, &v, totals); err != nil {
		return err
	}
	active := counts[encryption.Queued] + counts[encryption.Checking] + counts[encryption.Patching] + counts[encryption.Verifying]
	v.Stats = []web.Stat{
		{Label: "runs verified", Value: int(counts[encryption.Verified]), Href: runsIn(encryption.Verified, time.Time{})},
		{Label: "runs in progress", Value: int(active), Href: runsIn(encryption.InProgress, time.Time{})},
		{Label: "runs ended, not verified", Value: int(unverified),
			Note: fmt.Sprintf("failed, rejected or unconfirmed, last %d days", failedDays),
			Href: runsIn(encryption.NotVerified, since), Tone: web.ToneDanger},
		{Label: "rotations overdue", Value: overdue, Href: "/rotations?status=overdue", Tone: web.ToneWarning},
	}
	declared, err := a.declaredStat(ctx, now)
	if err != nil {
		return err
	}
	v.Stats = append(v.Stats, declared)
	if review != nil {
		v.Stats = append(v.Stats, *review)
	}
	if v.Lists = frame.Caller(c).Can(access.PermViewAll); !v.Lists {
		plainDashboard(&v)
	} else if err := a.dashboardLists(ctx, &v, now); err != nil {
		return err
	}
	return a.Render(c, http.StatusOK, web.DashboardPage(v))
}

// declaredDays is for how long the dashboard says what was declared not sensitive.
const declaredDays = 30

// declaredStat returns how many columns were declared not sensitive lately that had counted as sensitive, with the
// list of these decisions.
func (a *Area) declaredStat(ctx context.Context, now time.Time) (web.Stat, error) {
	since := daysBefore(now, declaredDays)
	n, err := a.Decisions.DeclaredNotSensitive(ctx, since)
	stat := web.Stat{Label: "columns declared not sensitive", Value: n, Note: fmt.Sprintf("last %d days", declaredDays), Tone: web.ToneWarning,
		Href: web.DecisionsFilter{Decided: string(sensitivity.NotSensitive), Out: "yes", From: since.Format(time.DateOnly)}.Path()}
	if n == 1 {
		stat.Label = "column declared not sensitive"
	}
	return stat, err
}

func (a *Area) dashboardLists(ctx context.Context, v *web.DashboardView, now time.Time) error {
	runs, err := a.Runs.Runs(ctx, encryption.RunFilter{}, 0, dashboardRows)
	if err != nil {
		return err
	}
	entries, err := a.Audit.AuditLines(ctx, audit.Filter{}, 0, dashboardRows)
	if err != nil {
		return err
	}
	v.Runs, v.Activity = rows.Runs(runs), rows.Records(entries)
	next, err := a.Rotations.Ledger(ctx, rotation.Filter{}, nil, dashboardRows)
	if err != nil {
		return err
	}
	for _, col := range next {
		v.Rotations = append(v.Rotations, rows.Rotation(col, a.InPath(col.Connection), "", now, a.Leads))
	}
	return nil
}

// nextStep returns what to do first on an installation without data, nil when there is some.
func (a *Area) nextStep(who access.Caller, totals inventory.Totals, counts map[encryption.State]int64) *web.NextStep {
	switch {
	case len(a.Connections()) == 0 && who.Can(access.PermManageConnections):
		return &web.NextStep{Title: "Connect a tenant first",
			Text: "Describe the tenant and its OAuth client here; its secrets are sealed. Or set CXONE_CLIENT_ID, CXONE_CLIENT_SECRET, CXONE_REALM and CXONE_BASE_URL, and start the console again.",
			Link: web.Link{Text: "Add a connection", Href: "/connections/new"}}
	case len(a.Connections()) == 0:
		return &web.NextStep{Title: "No tenant is connected yet",
			Text: "An admin adds one under Connections. What this console finds there appears here."}
	case totals.Tables == 0 && len(counts) == 0:
		return &web.NextStep{Title: "Choose a table",
			Text: "Read the tenant's tables, or open one by its ids. Its page shows which columns are encrypted.",
			Link: web.Link{Text: "Go to data stores", Href: "/datastores"}}
	}
	return nil
}

func dashboardCoverage(t inventory.Totals) web.CoverageTotals {
	return web.CoverageTotals{
		Coverage: rows.Coverage(encryption.NewCoverage(t.Encrypted, t.Columns)),
		Tables:   t.Read, TablesUntouched: t.Untouched, ReadAt: t.OldestRead, Unlisted: t.Unlisted,
		Href: "/datastores", UntouchedHref: "/datastores?untouched=1",
	}
}

// inOrder puts what needs a person in the order of its kinds, what must not wait before the rest.
func inOrder(list []web.Attention) []web.Attention {
	place := func(a web.Attention) int {
		return slices.Index([]attention.Kind{attention.ColumnUnprotected, attention.ColumnRefused, attention.ColumnUnverified, attention.ColumnLost,
			attention.RunAwaiting, attention.RunRejected, attention.RunUnconfirmed, attention.RunFailed, attention.KeyWentBack, attention.RotationOverdue,
			attention.RotationDue, attention.TenantUnread, attention.ColumnUndecided, attention.LedgerNotAnchored, attention.MonthNotReviewed}, attention.Kind(a.Kind))
	}
	slices.SortStableFunc(list, func(a, b web.Attention) int { return place(a) - place(b) })
	return list
}

// daysBefore returns the beginning of the UTC day that many days ago. The dashboard counts whole days, as the
// lists that its numbers lead to do.
func daysBefore(now time.Time, days int) time.Time {
	return now.UTC().Truncate(24*time.Hour).AddDate(0, 0, -days)
}

func runsIn(state encryption.State, from time.Time) string {
	q := url.Values{"state": {string(state)}}
	if !from.IsZero() {
		q.Set("from", from.UTC().Format(time.DateOnly))
	}
	return "/runs?" + q.Encode()
}
