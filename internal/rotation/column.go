package rotation

import (
	"time"

	"cxseal/internal/encryption"
)

// Column is one encrypted column in the ledger.
type Column struct {
	Key
	TableName    string // for a list to show; what lists columns fills it in, and it is not kept
	Strategy     string // encryption.Automatic or encryption.Manual
	IntervalDays int
	GraceDays    int // days after DueAt before the rotation is overdue
	DueAt        time.Time
	Origin       Origin
	RunID        string // the run that asked for the date; empty: none of ours
	FirstSeen    time.Time
	UpdatedAt    time.Time

	// KeyVersion is the highest that was seen; 0: none was.
	KeyVersion int64
	Shown      Visibility
	SeenAt     time.Time // when the tenant last showed KeyVersion

	Rotated Rotation // the newest rotation that was seen

	// BackAt is when the tenant showed BackTo, a version below KeyVersion. The
	// zero time: it did not, or it has come back up since.
	BackAt time.Time
	BackTo int64

	Phase    Phase     // how far the present date's transitions were announced
	NextAt   time.Time // when the clock makes the next one; zero: none is left
	Sequence int       // goes up whenever DueAt moves (RFC 5545 §3.8.7.4)
	WantsRun string    // the id of a rotation run that is to be launched
	GoneAt   time.Time // no longer encrypted, or no longer there
}

// Key names a column.
type Key struct{ Connection, DatastoreID, TableID, Column string }

// Origin says who set a due date.
type Origin string

// Where a due date comes from.
const (
	FromRun    Origin = "run"    // a run of this console asked the tenant for it
	FromTenant Origin = "tenant" // the tenant's own directive, as it shows it
	FromPolicy Origin = "policy" // neither's: the policy's interval after the last sighting
)

// Visibility says whether a column's key version can be seen in its table.
type Visibility int

// The values are stored; they are never renumbered.
const (
	NeverRead Visibility = iota
	VersionShown
	VersionHidden
)

// Rotation is one that was seen. The zero value: none.
type Rotation struct {
	At  time.Time // when it was seen, not when it happened
	How How
	Due time.Time // the date that it fulfilled

	// OldSeenAt is when the version before was last seen: the rotation
	// happened between then and At. Zero: it never was.
	OldSeenAt time.Time

	Timeliness Timeliness
}

// How says where a key version was seen.
type How string

// The ways of seeing a key version.
const (
	ByTable    How = "table"    // the table was read
	ByAnswer   How = "answer"   // the answer to a run's PATCH, or the table read right after it
	ByCallback How = "callback" // a KMS callback that was checked and accepted
)

// Hows returns every way of seeing a key version.
func Hows() []How { return []How{ByTable, ByAnswer, ByCallback} }

// Timeliness says whether a rotation met its date.
type Timeliness string

// What can be said about a rotation and its date.
const (
	OnTime   Timeliness = "on_time"
	Late     Timeliness = "late"
	Unproven Timeliness = "unproven" // the table was not read between the date and the sighting
)

// Timelinesses returns everything that can be said about a rotation and its date.
func Timelinesses() []Timeliness { return []Timeliness{OnTime, Late, Unproven} }

const day = 24 * time.Hour

// OverdueAt is when the rotation is overdue: the due date and the grace.
func (c Column) OverdueAt() time.Time { return c.DueAt.Add(time.Duration(c.GraceDays) * day) }

// Knowable reports whether a rotation of the column could be seen at all. A
// version that only callbacks tell is known for our own runs, and says nothing
// about rotations that the tenant does by itself.
func (c Column) Knowable() bool {
	if c.KeyVersion == 0 {
		return false
	}
	return c.Shown != VersionHidden || c.Strategy == encryption.Manual
}
