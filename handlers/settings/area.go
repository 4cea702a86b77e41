// Package settings holds the pages of how the console is set up and how it
// works on its own: the system, its connections, alarms and background jobs.
package settings

import (
	"context"

	"cxseal/handlers/frame"
	"cxseal/internal/access"
	"cxseal/internal/alarm"
	"cxseal/internal/audit"
	"cxseal/internal/connection"
	"cxseal/internal/doctor"
	"cxseal/internal/schedule"
)

// Area serves the pages under /system, /connections, /alarms and /jobs.
type Area struct {
	*frame.Frame
	Deps
}

// Deps are the readers and services that these pages use.
type Deps struct {
	Connections Connections
	Alarms      Alarms
	Routing     Routing
	Jobs        Jobs
	Audit       Audit

	// Log is who signs checkpoints. Optional: without it the system page shows
	// no key.
	Log Log

	// LogStatus says how far the log is signed and anchored. Optional.
	LogStatus func(ctx context.Context) (audit.LogStatus, error)

	// Facts are labelled values for the system page. Optional.
	Facts func(ctx context.Context) []Fact

	// Reseal changes the key that secrets in the database are sealed with and
	// answers how many it sealed anew. Optional.
	Reseal func(ctx context.Context, who access.Caller) (int, error)
}

// Fact is one labelled value of the system page.
type Fact struct{ Label, Value string }

// Connections are the tenants that people manage; *connection.Manager keeps
// them.
type Connections interface {
	List(ctx context.Context, caller access.Caller) ([]connection.Known, error)
	Find(ctx context.Context, caller access.Caller, name string) (connection.Known, error)
	Add(ctx context.Context, caller access.Caller, s connection.Settings, x connection.Secrets) error
	Edit(ctx context.Context, caller access.Caller, s connection.Settings, x connection.Secrets, version int64) error
	SetDisabled(ctx context.Context, caller access.Caller, name string, disabled bool) error
	NewCallbackSecret(ctx context.Context, caller access.Caller, name string) (secret string, err error)
	DropOldCallbackSecrets(ctx context.Context, caller access.Caller, name string) error
	Test(ctx context.Context, caller access.Caller, name string) ([]doctor.Finding, error)
}

// Alarms reads alarms and what became of them.
type Alarms interface {
	// Alarms lists alarms, newest first: those before an id (0: from the newest).
	Alarms(ctx context.Context, kind alarm.Kind, before int64, limit int) ([]alarm.Alarm, error)
	Deliveries(ctx context.Context, alarmIDs []int64) ([]alarm.Delivery, error)
	LastTests(ctx context.Context) ([]alarm.Delivery, error)
	AlarmRoutes(ctx context.Context) ([]alarm.Route, error)
}

// Routing changes the routes that alarms take.
type Routing interface {
	AddRoute(ctx context.Context, caller access.Caller, r alarm.Route, a alarm.Address) error
	TestRoute(ctx context.Context, caller access.Caller, id int64) error
	DeleteRoute(ctx context.Context, caller access.Caller, id int64) error
}

// Jobs tells how the background jobs stand; *schedule.Scheduler does.
type Jobs interface {
	Status(ctx context.Context) ([]schedule.Status, error)
	Leading() bool
}

// Audit counts the records of the log.
type Audit interface {
	TreeSize(ctx context.Context) (int64, error)
}

// Log is who signs checkpoints.
type Log interface {
	VerifierKey() string
}

// New returns the area. It fails when a dependency is missing that is not optional.
func New(f *frame.Frame, d Deps) (*Area, error) {
	return &Area{f, d}, frame.Missing("Settings", map[string]bool{
		"Connections": d.Connections == nil, "Alarms": d.Alarms == nil, "Routing": d.Routing == nil, "Jobs": d.Jobs == nil, "Audit": d.Audit == nil,
	})
}

// Routes returns this area's part of the table of routes.
func (a *Area) Routes() []frame.Route {
	const connectionPath = "/connections/:connection"
	route, routes := frame.Numbered("route"), frame.To[int64]("/alarms#routes")
	return []frame.Route{
		frame.Get("/connections", frame.Page, access.PermManageConnections, a.connections),
		frame.Post("/connections", access.PermManageConnections, a.addConnection),
		frame.Get("/connections/new", frame.Page, access.PermManageConnections, a.newConnection),
		frame.Get(connectionPath, frame.Page, access.PermManageConnections, a.connection),
		frame.Post(connectionPath, access.PermManageConnections, a.editConnection),
		frame.Post(connectionPath+"/test", access.PermManageConnections, a.testConnection),
		frame.Post(connectionPath+"/disable", access.PermManageConnections, a.connectionDisabled(true)),
		frame.Post(connectionPath+"/enable", access.PermManageConnections, a.connectionDisabled(false)),
		frame.Post(connectionPath+"/callback-secret", access.PermManageConnections, a.newCallbackSecret),
		frame.Post(connectionPath+"/callback-secret/drop", access.PermManageConnections, a.dropCallbackSecrets),

		frame.Get("/alarms", frame.Page, access.PermViewAll, a.alarms),
		frame.Post("/alarms/routes", access.PermManageSettings, a.addRoute).WithSecret(), // its address may hold a token
		frame.Post("/alarms/routes/:route/test", access.PermManageSettings,
			frame.Change(a.Frame, route, frame.Of(a.Routing.TestRoute), "", routes)), // the page says what became of the test
		frame.Post("/alarms/routes/:route/delete", access.PermManageSettings,
			frame.Change(a.Frame, route, frame.Of(a.Routing.DeleteRoute),
				"The route is deleted. What still waited for it is not sent.", routes)),
		frame.Get("/jobs", frame.Page, access.PermViewAll, a.jobs),

		frame.Get("/system", frame.Page, access.PermViewAll, a.system),
		frame.Post("/system/seal-key", access.PermManageSettings, a.reseal),
	}
}
