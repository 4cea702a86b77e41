package encryption

import (
	"context"
	"time"

	"cxseal/internal/access"
	"cxseal/internal/audit"
)

// Store is what the runner needs of a database. Every method is one
// transaction. A compare-and-swap that finds no row is fault.Conflict; an
// absent run is fault.NotFound.
type Store interface {
	// AddRun inserts a queued run with its first events and records, and
	// returns it with Seq set.
	AddRun(ctx context.Context, run Run, events []Event, records []audit.Record) (Run, error)

	// ClaimRun leases the oldest run that may be worked on now and returns it,
	// or nil when there is none. See Claim.
	ClaimRun(ctx context.Context, c Claim) (*Run, error)

	// RenewLeases moves the lease of every run the owner holds to until.
	RenewLeases(ctx context.Context, owner string, until time.Time) error

	// ReleaseLeases drops the leases of every run whose owner begins with the
	// prefix: their process is known to be gone, or is stopping.
	ReleaseLeases(ctx context.Context, ownerPrefix string) error

	// Advance commits a transition.
	Advance(ctx context.Context, t Transition) error

	// AddEvents appends to a run's dossier outside a transition.
	AddEvents(ctx context.Context, events ...Event) error

	// AddVerification stores a callback that changes no run's state. When in is
	// not empty the run must be in that state at that moment, else it is a
	// Conflict and nothing is stored: a callback judged against an older state
	// must be judged again.
	AddVerification(ctx context.Context, v Verification, in State, events []Event, records []audit.Record) error

	// AppendRecords appends audit records that stand alone (a denial).
	AppendRecords(ctx context.Context, records ...audit.Record) error

	// Touches returns the touches of accounts since the time that nobody has lifted (see access.SecondPerson).
	Touches(ctx context.Context, since time.Time) ([]access.Touch, error)

	// UserByName returns the account, compared by access.NameKey, or fault.NotFound.
	UserByName(ctx context.Context, name string) (access.User, error)

	// AccountsStamp is a text that changes when accounts are disabled, enabled or get another role.
	AccountsStamp(ctx context.Context) (string, error)

	// WaitingRuns returns the runs in a state of Waiting, oldest first, with no more than their ID, State and people.
	WaitingRuns(ctx context.Context) ([]Run, error)

	// AwaitingRuns returns the runs that wait for an approval, oldest first.
	AwaitingRuns(ctx context.Context) ([]Run, error)

	Run(ctx context.Context, id string) (Run, error)
	RunByCallbackToken(ctx context.Context, token string) (Run, error)

	// RunVerifications returns the run's callbacks, oldest first.
	RunVerifications(ctx context.Context, runID string) ([]Verification, error)

	// SentFor tells of each of a table's columns that a run was sent for,
	// however that run ended, which was the newest.
	SentFor(ctx context.Context, connection, datastoreID, tableID string) (map[string]Sent, error)

	// LastKeyVersion is the highest key version this console has seen for the
	// column, 0 when none.
	LastKeyVersion(ctx context.Context, connection, datastoreID, tableID, column string) (int64, error)
}

// Sent is a run whose PATCH was sent, as far as others need to know it.
type Sent struct {
	RunID       string
	State       State
	RequestedAt time.Time
	EndedAt     time.Time // zero: it has not
}

// Claim says which run a worker may take: one in Queued whose StartAt has come
// and whose table has no other run in Checking, Patching or Verifying; or one
// in Checking, Patching or Verifying whose lease has lapsed (LeaseUntil <= Now).
// A run that waits for its callback is parked: no owner, LeaseUntil is when to
// look at it next. Taking a run sets the lease and leaves the state alone.
//
// Looking and finding nothing must not cost a write: it happens every second.
type Claim struct {
	Owner      string
	Until      time.Time
	Now        time.Time
	Connection string
	RunID      string // when set, only this run
}
