// Package keys holds the pages of the rotation ledger: when each column's key
// is due, the policies behind the dates, and their calendar feed.
package keys

import (
	"context"
	"time"

	"cxseal/handlers/frame"
	"cxseal/internal/access"
	"cxseal/internal/encryption"
	"cxseal/internal/rotation"
)

// Area serves the pages under /rotations, and the calendar feed.
type Area struct {
	*frame.Frame
	Deps
}

// Deps are the readers and services that these pages use.
type Deps struct {
	Rotations Rotations
	Policies  Policies
	Feeds     Feeds
	Launcher  Launcher
	Leads     rotation.Leads // Optional: how long before a due date it is announced.
}

// Rotations reads the rotation ledger, soonest due first.
type Rotations interface {
	// Ledger lists columns after the given one (nil: from the soonest).
	Ledger(ctx context.Context, f rotation.Filter, after *rotation.Column, limit int) ([]rotation.Column, error)
	// LedgerDates hands the columns after the key that are due between two
	// times to each, in the key's order and with only what a calendar shows,
	// and says how many. They may not be kept. The key is moved to the last.
	LedgerDates(ctx context.Context, from, until time.Time, after *rotation.Key, limit int,
		each func(*rotation.Column)) (int, error)
	// LedgerMark is another number after every change of the ledger.
	LedgerMark(ctx context.Context) (int64, error)
	// LedgerDays counts what is due on each UTC day, by its date.
	LedgerDays(ctx context.Context, f rotation.Filter) (map[string]int, error)
	// ColumnCategory is a column's sensitivity category, empty for none.
	ColumnCategory(ctx context.Context, key rotation.Key) (string, error)
}

// Policies reads and changes the rotation policies.
type Policies interface {
	Policies(ctx context.Context) (rotation.Policies, error)
	Save(ctx context.Context, caller access.Caller, p rotation.Policy) error
	Delete(ctx context.Context, caller access.Caller, id int64) error
}

// Feeds makes and opens calendar addresses; *rotation.Feeds does.
type Feeds interface {
	New(ctx context.Context, caller access.Caller, proof access.Proof) (token string, err error)
	Revoke(ctx context.Context, caller access.Caller) error
	Made(ctx context.Context, caller access.Caller) (time.Time, error)
	Open(ctx context.Context, token, ip string) (access.Caller, error)
}

// Launcher launches rotation runs; *encryption.Service does.
type Launcher interface {
	Launch(ctx context.Context, caller access.Caller, r encryption.Request) (encryption.Run, error)
}

// New returns the area. It fails when a dependency is missing that is not optional.
func New(f *frame.Frame, d Deps) (*Area, error) {
	return &Area{f, d}, frame.Missing("Keys", map[string]bool{
		"Rotations": d.Rotations == nil, "Policies": d.Policies == nil, "Feeds": d.Feeds == nil, "Launcher": d.Launcher == nil,
	})
}

// Routes returns this area's part of the table of routes.
func (a *Area) Routes() []frame.Route {
	return []frame.Route{
		frame.Get("/rotations", frame.Page, access.PermViewAll, a.rotations),
		frame.Get("/rotations/month", frame.Page, access.PermViewAll, a.month),
		frame.Get("/rotations/timeline", frame.Page, access.PermViewAll, a.timeline),
		frame.Post("/rotations/rotate", access.PermLaunchRun, a.rotate),
		frame.Get("/rotations/policies", frame.Page, access.PermViewAll, a.policies),
		frame.Post("/rotations/policies", access.PermManageSettings, a.savePolicy),
		frame.Post("/rotations/policies/:policy/delete", access.PermManageSettings,
			frame.Change(a.Frame, frame.Numbered("policy"), frame.Of(a.Policies.Delete),
				"The policy is deleted.", frame.To[int64]("/rotations/policies"))),
		frame.Post("/rotations/feed", access.PermExport, a.newFeed),
		frame.Post("/rotations/feed/revoke", access.PermExport, a.revokeFeed),
		frame.Get("/rotations.ics", frame.Feed, frame.Everyone, a.feed), // the token in the address says who asks
	}
}
