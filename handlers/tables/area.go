// Package tables holds the pages about tenants' tables: the list of tables, one table with the form that launches a
// run on it, and which columns are sensitive.
package tables

import (
	"context"
	"time"

	"cxseal/handlers/frame"
	"cxseal/internal/access"
	"cxseal/internal/encryption"
	"cxseal/internal/inventory"
	"cxseal/internal/rotation"
	"cxseal/internal/sensitivity"
	"cxseal/web"
)

// Area serves the pages under /datastores and /sensitivity, and POST /runs: the
// form stands on a table's page and is shown there again when it is refused.
type Area struct {
	*frame.Frame
	Deps
	syncs syncs
}

// Deps are the readers and services that these pages use.
type Deps struct {
	Tables      Tables
	Tenants     Tenants
	Columns     Columns
	Runs        Runs
	Rotations   Rotations
	Policies    Policies
	Launcher    Launcher
	Sensitivity Sensitivity
	Decisions   Decisions
}

// Tables reads what the tenants were last seen to hold; see inventory.Store for
// the meaning of each method.
type Tables interface {
	Syncs(ctx context.Context) ([]inventory.Sync, error)
	Table(ctx context.Context, connection, datastoreID, tableID string) (inventory.Table, error)
	Columns(ctx context.Context, connection, datastoreID, tableID string) ([]inventory.Column, error)
	Datastores(ctx context.Context, connection string) ([]inventory.Datastore, error)
	Tables(ctx context.Context, f inventory.Filter, after *inventory.Cursor, backwards bool, limit int) ([]inventory.Table, error)
}

// Tenants reads tenants live; *inventory.Service does.
type Tenants interface {
	Read(ctx context.Context, connection, datastoreID, tableID string) (inventory.Live, error)
	Sync(ctx context.Context, connection string, maxAge time.Duration) error
}

// Columns lists columns by what they hold; see sensitivity.Store.
type Columns interface {
	SensitivityColumns(ctx context.Context, f sensitivity.Filter, after *sensitivity.Key, limit int) ([]sensitivity.Column, error)
	SensitivityCount(ctx context.Context, f sensitivity.Filter) (int, error)
}

// Runs lists runs, newest first.
type Runs interface {
	Runs(ctx context.Context, f encryption.RunFilter, before int64, limit int) ([]encryption.RunLine, error)
}

// Rotations lists the rotation ledger, soonest due first.
type Rotations interface {
	Ledger(ctx context.Context, f rotation.Filter, after *rotation.Column, limit int) ([]rotation.Column, error)
}

// Policies says which rotation policy a table follows and when its runs may
// start.
type Policies interface {
	Policies(ctx context.Context) (rotation.Policies, error)
	MayStart(ctx context.Context, connection, datastoreID, tableID string, columns []string, at time.Time) (opens time.Time, scope string, err error)
}

// Launcher plans and launches runs; *encryption.Service does.
type Launcher interface {
	Preflight(ctx context.Context, caller access.Caller, r encryption.Request) (encryption.Preview, error)
	Launch(ctx context.Context, caller access.Caller, r encryption.Request) (encryption.Run, error)
	Refuse(ctx context.Context, caller access.Caller, r encryption.Request, why error) error
}

// Sensitivity keeps what people decided about columns.
type Sensitivity interface {
	Decide(ctx context.Context, caller access.Caller, o sensitivity.Order) (sensitivity.Done, error)
	RequestPlan(ctx context.Context, r sensitivity.Request) (sensitivity.Plan, error)
	Approve(ctx context.Context, caller access.Caller, id, fingerprint string) error
	Decline(ctx context.Context, caller access.Caller, id, reason string) error
	Withdraw(ctx context.Context, caller access.Caller, id string) error
}

// Decisions reads what people decided, newest first, and what waits for a second
// person; see store for the meaning of each method.
type Decisions interface {
	Decisions(ctx context.Context, f sensitivity.DecisionFilter, before int64, limit int) ([]sensitivity.Decision, error)
	DecisionsAfter(ctx context.Context, f sensitivity.DecisionFilter, after int64, limit int) ([]sensitivity.Decision, error)
	SensitivityRequest(ctx context.Context, id string) (sensitivity.Request, error)
	SensitivityRequestColumns(ctx context.Context, id string, from, limit int) ([]sensitivity.RequestColumn, error)
}

// New returns the area. Every dependency must be there.
func New(f *frame.Frame, d Deps) (*Area, error) {
	return &Area{Frame: f, Deps: d}, frame.Missing("Tables", map[string]bool{
		"Tables": d.Tables == nil, "Tenants": d.Tenants == nil, "Columns": d.Columns == nil, "Runs": d.Runs == nil,
		"Rotations": d.Rotations == nil, "Policies": d.Policies == nil, "Launcher": d.Launcher == nil, "Sensitivity": d.Sensitivity == nil, "Decisions": d.Decisions == nil,
	})
}

// Close waits for the synchronisations that people started, which end when the
// frame closes.
func (a *Area) Close() { a.syncs.wait.Wait() }

// Routes returns this area's part of the table of routes.
func (a *Area) Routes() []frame.Route {
	const tablePath = "/datastores/:datastore/tables/:table"
	request := frame.Named("request")
	return []frame.Route{
		frame.Get("/datastores", frame.Page, access.PermViewAll, a.datastores),
		frame.Post("/datastores/sync", access.PermViewAll, a.syncDatastores),
		frame.Get("/datastores/open", frame.Page, access.PermViewAll, a.openTable),
		frame.Get(tablePath, frame.Page, access.PermViewAll, a.table),
		frame.Get(tablePath+"/preflight", frame.Page, access.PermViewAll, a.backToTable),
		frame.Post(tablePath+"/preflight", access.PermLaunchRun, a.preflight),
		frame.Post("/runs", access.PermLaunchRun, a.launch).OrDeny(a.launchDenied),
		frame.Get("/sensitivity", frame.Page, access.PermViewAll, a.sensitivity),
		frame.Post("/sensitivity", access.PermDecideSensitivity, a.decideSensitivity),
		frame.Get("/sensitivity/decisions", frame.Page, access.PermViewAll, a.decisions),
		frame.Get("/sensitivity/requests/:request", frame.Page, access.PermViewAll, a.sensitivityRequest),
		frame.Post("/sensitivity/requests/:request/approve", access.PermApproveRun,
			frame.Change(a.Frame, request, a.approveRequest, "Approved and done. Your name is on the record.", web.SensitivityRequestPath)),
		frame.Post("/sensitivity/requests/:request/decline", access.PermApproveRun,
			frame.Change(a.Frame, request, a.declineRequest, "Declined. Nothing was changed.", web.SensitivityRequestPath)),
		frame.Post("/sensitivity/requests/:request/withdraw", access.PermDecideSensitivity,
			frame.Change(a.Frame, request, frame.Of(a.Sensitivity.Withdraw), "Taken back. Nothing was changed.", web.SensitivityRequestPath)),
	}
}
