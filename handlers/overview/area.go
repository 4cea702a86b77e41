// Package overview holds the pages that everybody may read: the dashboard, the charts of coverage and latency, and
// the glossary; and the list of what needs a person, which the dashboard counts.
package overview

import (
	"context"
	"time"

	"cxseal/handlers/frame"
	"cxseal/internal/access"
	"cxseal/internal/attention"
	"cxseal/internal/audit"
	"cxseal/internal/encryption"
	"cxseal/internal/inventory"
	"cxseal/internal/review"
	"cxseal/internal/rotation"
	"cxseal/internal/sensitivity"
	"cxseal/internal/trend"
)

// Area serves the dashboard, the pages under /charts, the list of attention and the glossary.
type Area struct {
	*frame.Frame
	Deps
}

// Deps are the readers and services that these pages use.
type Deps struct {
	Tables    Tables
	Runs      Runs
	Rotations Rotations
	Trends    Trends
	Columns   Columns
	Decisions Decisions
	Audit     Audit
	Items     Items
	Leads     rotation.Leads // Optional: how long before a due date it is announced.

	// Reviews tells of the newest review. Optional: without it the dashboard
	// does not say how old that is.
	Reviews Reviews

	// LogStatus says how far the log is signed and anchored. Optional.
	LogStatus func(ctx context.Context) (audit.LogStatus, error)

	// Acknowledge takes on items of attention. Optional: without it nobody can.
	Acknowledge Acknowledger
}

// Items lists what needed a person, newest first.
type Items interface {
	Attention(ctx context.Context, f attention.Filter, before int64, limit int) ([]attention.Item, error)
	AttentionAfter(ctx context.Context, f attention.Filter, after int64, limit int) ([]attention.Item, error)
	AttentionCounts(ctx context.Context) (attention.Counts, error)
}

// Acknowledger takes on items; *attention.Service does.
type Acknowledger interface {
	Acknowledge(ctx context.Context, caller access.Caller, ids []string, owner, note string) error
	Refuse(ctx context.Context, caller access.Caller, why error) error
}

// Tables sums what the tenants were last seen to hold.
type Tables interface {
	Totals(ctx context.Context) (inventory.Totals, error)
}

// Runs lists and counts runs, newest first.
type Runs interface {
	Runs(ctx context.Context, f encryption.RunFilter, before int64, limit int) ([]encryption.RunLine, error)
	RunCount(ctx context.Context, f encryption.RunFilter) (int64, error)
	RunCounts(ctx context.Context) (map[encryption.State]int64, error)
}

// Rotations reads the rotation ledger, soonest due first.
type Rotations interface {
	// Ledger lists columns after the given one (nil: from the soonest).
	Ledger(ctx context.Context, f rotation.Filter, after *rotation.Column, limit int) ([]rotation.Column, error)
	// LedgerCounts counts columns that are overdue, due and due soon.
	LedgerCounts(ctx context.Context, now time.Time, leads rotation.Leads) (map[rotation.Status]int, error)
}

// Trends reads how things went from day to day; see store for the meaning of
// each method.
type Trends interface {
	CoverageTotals(ctx context.Context, f trend.Filter) ([]trend.Snapshot, error)
	CoverageDaily(ctx context.Context, f trend.Filter, emit func(trend.Snapshot) error) error
	CoverageEvents(ctx context.Context, f trend.Filter, limit int) ([]trend.Event, error)
	Latency(ctx context.Context, f trend.Filter) ([]trend.Latency, error)
}

// Columns counts columns by what they hold.
type Columns interface {
	SensitivityCount(ctx context.Context, f sensitivity.Filter) (int, error)
}

// Decisions counts what people declared not sensitive; see store.
type Decisions interface {
	DeclaredNotSensitive(ctx context.Context, since time.Time) (int, error)
}

// Audit reads the newest and the first records of the log.
type Audit interface {
	AuditLines(ctx context.Context, f audit.Filter, before int64, limit int) ([]audit.Line, error)
}

// Reviews says how much of the log is reviewed; *review.Service does.
type Reviews interface {
	Progress(ctx context.Context) (review.Progress, error)
}

// New returns the area. It fails when a dependency is missing that is not optional.
func New(f *frame.Frame, d Deps) (*Area, error) {
	return &Area{f, d}, frame.Missing("Overview", map[string]bool{
		"Tables": d.Tables == nil, "Runs": d.Runs == nil, "Rotations": d.Rotations == nil, "Trends": d.Trends == nil,
		"Columns": d.Columns == nil, "Decisions": d.Decisions == nil, "Audit": d.Audit == nil,
		"Items": d.Items == nil,
	})
}

// Routes returns this area's part of the table of routes.
func (a *Area) Routes() []frame.Route {
	return []frame.Route{
		frame.Get("/", frame.Page, access.PermViewDashboard, a.dashboard),
		frame.Get("/charts", frame.Page, access.PermViewDashboard, a.charts),
		frame.Get("/charts/coverage.csv", frame.Stream, access.PermViewDashboard, a.coverageCSV),
		frame.Get("/charts/latency.csv", frame.Stream, access.PermViewDashboard, a.latencyCSV),
		frame.Get("/attention", frame.Page, access.PermViewAll, a.attention),
		frame.Post("/attention/acknowledge", access.PermAcknowledge, a.acknowledge).OrDeny(a.acknowledgeDenied),
		frame.Get("/help/glossary", frame.Page, access.PermViewDashboard, a.glossary),
	}
}
