// Package inventory knows what the tenants hold: data stores, tables and
// columns, when each was last seen, and what changed that no run of ours
// explains. Its Service reads through a connection's client; Store keeps what
// was read.
package inventory

import (
	"context"
	"strings"
	"time"

	"cxseal/cxone"
	"cxseal/internal/audit"
	"cxseal/internal/encryption"
	"cxseal/internal/fault"
	"cxseal/internal/protection"
)

// Datastore is one data store as it was last listed.
type Datastore struct {
	Connection string
	ID         string
	Name       string
	LastSeen   time.Time

	ListedAt  time.Time  // its tables were last listed whole; zero: never
	ListError string     // why the last try was not; empty when it was
	ListCode  fault.Code // of that, for the advice

	Tables     int       // known
	Unread     int       // of those, never read or not the last time
	OldestRead time.Time // when the one read longest ago was read; zero: none
}

// Table is one table as it was last seen. A table known only from a listing
// has no ReadAt and no columns.
type Table struct {
	Connection    string
	DatastoreID   string
	DatastoreName string
	TableID       string
	Name          string
	MaxFields     int // the limit of encrypted columns; 0 before the first read
	Total         int // columns
	Encrypted     int // of those, encrypted
	FirstSeen     time.Time
	LastSeen      time.Time // listed or read
	ReadAt        time.Time // columns read; zero: never
	ReadError     string    // why the last read failed; empty when it did not
}

// Column is one column as it was last read.
type Column struct {
	Name       string
	Type       string
	Encrypted  bool
	KeyVersion int64  // 0: the tenant does not show it, or as no number
	KeyID      string // the key version where it is no number

	// Protection is how far the column is protected, by everything that is known
	// of it; zero in a reading that is not kept yet.
	Protection protection.Column

	// The tenant's own rotation directive, as a live read shows it. It is kept
	// in the rotation ledger, not in the inventory; zero values: none shown.
	Strategy     string
	IntervalDays int
	NextRotation time.Time
}

// directive takes what makes sense of a tenant's directive.
func (c *Column) directive(d *cxone.KeyRotationDirective, now time.Time) {
	const century = 100 * 365 * 24 * time.Hour
	if d.Strategy == encryption.Automatic || d.Strategy == encryption.Manual {
		c.Strategy = d.Strategy
	}
	if d.IntervalDays > 0 && d.IntervalDays <= encryption.MaxIntervalDays {
		c.IntervalDays = d.IntervalDays
	}
	if next := time.Unix(d.NextRotationEpoch, 0).UTC(); d.NextRotationEpoch > 0 && next.Sub(now).Abs() < century {
		c.NextRotation = next
	}
}

// Sync is the state of a connection's last synchronisation.
type Sync struct {
	Connection  string
	StartedAt   time.Time
	SucceededAt time.Time // zero: never
	Error       string
}

// OffersNoList reports whether the tenant answered that it has no list of its
// data stores, which is a way to be in order (contract §1). The sentence is
// cxone's, and all that the store keeps of the error.
func (s Sync) OffersNoList() bool {
	return strings.Contains(s.Error, "CXone offers no such list")
}

// Filter narrows the list of tables; the zero value is everything that is
// still there.
type Filter struct {
	Connection  string
	DatastoreID string
	Query       string // part of a table's name or id
	Untouched   bool   // only tables that were read and have no encrypted column
}

// Cursor is a place in the list of tables, which is ordered by connection,
// data store, name and id.
type Cursor struct {
	Connection, DatastoreID, Name, TableID string
}

// CursorOf is the place of a table.
func CursorOf(t Table) Cursor {
	return Cursor{t.Connection, t.DatastoreID, t.Name, t.TableID}
}

// Totals sums the coverage of every table that was read.
type Totals struct {
	Datastores int
	Unlisted   int // of those, whose tables could not be listed whole the last time
	Tables     int // known
	Read       int // of those, read
	Untouched  int // of the read ones, without an encrypted column
	Columns    int // of the read ones
	Encrypted  int
	Sensitive  int       // of the columns, the sensitive ones
	Verified   int       // of the sensitive ones, verified: what the headline counts
	Observed   int       // of those, with a later key version than the verified one
	Unverified int       // of the sensitive ones, encrypted and not verified
	Refused    int       // of the sensitive ones, encrypted and refused by the KMS
	OldestRead time.Time // when the one read longest ago was read; zero: none
}

// Open is how many sensitive columns are not encrypted.
func (t Totals) Open() int { return t.Sensitive - t.Verified - t.Unverified - t.Refused }

// Store is what the service needs of a database. Every method is one
// transaction.
type Store interface {
	// BeginSync notes that a synchronisation started.
	BeginSync(ctx context.Context, connection string, at time.Time) error
	// EndSync notes how it ended. When failure is empty, everything that was
	// not seen since the start is marked as gone, but for the tables of data
	// stores whose listing failed.
	EndSync(ctx context.Context, connection string, at time.Time, failure string) error
	Syncs(ctx context.Context) ([]Sync, error)

	SaveDatastores(ctx context.Context, at time.Time, stores []Datastore) error
	// SaveListing notes how the listing of a data store's tables went: whole when
	// failure is empty.
	SaveListing(ctx context.Context, connection, datastoreID string, at time.Time, failure string, code fault.Code) error
	// SaveTables saves listed tables: names and when they were seen.
	SaveTables(ctx context.Context, at time.Time, tables []Table) error
	// SaveTable saves a table that was read, with its columns in the tenant's
	// order, marks columns that are gone, and appends records about what changed.
	SaveTable(ctx context.Context, at time.Time, table Table, columns []Column, records ...audit.Record) error
	// SaveReadError notes why a known table could not be read.
	SaveReadError(ctx context.Context, connection, datastoreID, tableID, failure string, at time.Time) error

	// Table returns one known table, fault.NotFound otherwise.
	Table(ctx context.Context, connection, datastoreID, tableID string) (Table, error)
	// Columns returns its columns that are not gone, in the tenant's order.
	Columns(ctx context.Context, connection, datastoreID, tableID string) ([]Column, error)
	// StaleTables returns tables that were neither read nor failed to be since
	// before, those never read first.
	StaleTables(ctx context.Context, connection string, before time.Time, limit int) ([]Table, error)

	Datastores(ctx context.Context, connection string) ([]Datastore, error)
	// Tables pages through the list; a nil cursor is its beginning, and
	// backwards asks for the page before the cursor (still in list order).
	Tables(ctx context.Context, filter Filter, after *Cursor, backwards bool, limit int) ([]Table, error)
	Totals(ctx context.Context) (Totals, error)

	// SentFor tells of each of a table's columns that a run of this console was
	// sent for, however that run ended, which was the newest.
	SentFor(ctx context.Context, connection, datastoreID, tableID string) (map[string]encryption.Sent, error)
}
