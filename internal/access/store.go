package access

import (
	"context"
	"time"

	"cxseal/internal/audit"
)

// AccountStore is what the accounts need of a database. Every method is one transaction: the change and its
// audit records are committed together or not at all. An absent account is fault.NotFound.
type AccountStore interface {
	KeyStore

	// AddUser inserts the account and returns it with ID set. A name that another account has, compared by
	// NameKey, is fault.Conflict. The touch gets the account's ID; the zero value is not kept, here and below.
	AddUser(ctx context.Context, u User, by Touch, records ...audit.Record) (User, error)

	// UserByName compares by NameKey.
	UserByName(ctx context.Context, name string) (User, error)
	UserByID(ctx context.Context, id int64) (User, error)

	// ListUsers returns every account in the order of names.
	ListUsers(ctx context.Context) ([]User, error)

	// CountUsers counts disabled accounts too.
	CountUsers(ctx context.Context) (int, error)

	// SetPassword may end the person's sessions in the same transaction; WithSessions is for a store that does not.
	// SetDisabled, which disables, ends sessions and keys with it (see KeyStore): enabling brings nothing back.
	SetPassword(ctx context.Context, id int64, hash string, at time.Time, by Touch, records ...audit.Record) error

	// SetRole and SetDisabled answer fault.Conflict and change nothing when no enabled admin would be left:
	// two admins who demote each other at once must not both succeed.
	SetRole(ctx context.Context, id int64, role Role, at time.Time, by Touch, records ...audit.Record) error
	SetDisabled(ctx context.Context, id int64, disabled bool, at time.Time, by Touch, records ...audit.Record) error

	// Touches returns the touches since the time that nobody has lifted.
	Touches(ctx context.Context, since time.Time) ([]Touch, error)

	// LiftTouches notes that the touches count no more.
	LiftTouches(ctx context.Context, ids []int64, by Party, at time.Time, records ...audit.Record) error

	// AppendRecords appends audit records that stand alone (a login, a denial).
	AppendRecords(ctx context.Context, records ...audit.Record) error
}
