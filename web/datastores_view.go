package web

import "time"

// DatastoresView lists the tables of a connection's data stores.
type DatastoresView struct {
	Chrome
	Connections []Option // shown as a picker when there are several
	Connection  string   // the one that is chosen; empty for all
	Datastores  []Option // the filter's choices: value id, label name
	DatastoreID string   // the filter
	Query       string   // the search box, as typed
	Untouched   bool     // only tables with no encrypted column
	Tables      []TableRow
	Pager       Pager // Newer is the page before, Older the page after
	Sync        SyncState
	Stores      []StoreRow // how fresh what is known of each data store is
	Open        OpenForm
}

// StoreRow is one data store with the age of what is known of it.
type StoreRow struct {
	Connection string // empty when there is only one
	ID, Name   string
	Tables     int
	Unread     int       // of those, not read, or not the last time
	ListedAt   time.Time // zero: never
	OldestRead time.Time // zero: no table of it was read
	Error      string    // why its tables could not be listed; empty when they could
	Advice     string
}

// TableRow is one table of the list.
type TableRow struct {
	Connection    string // for the link; empty when there is only one
	DatastoreID   string
	DatastoreName string
	TableID       string
	Name          string
	Read          bool // false: known from a listing, its columns not read yet
	Coverage      Coverage
	LastSeen      time.Time
}

// SyncState says how fresh the list is.
type SyncState struct {
	At      time.Time // when the listing last succeeded; zero: never
	Running bool
	Error   string // one sentence; empty when the last try succeeded
	Advice  string // what to do about the error; empty: AdviceFor(ErrorCode)
	Code    string // the fault's code, for the advice
	CanSync bool   // show the button that posts to /datastores/sync
}

// OpenForm opens a table by ids typed by hand, for tenants that list nothing.
// It is a GET to /datastores/open with connection, datastore_id and table_id.
type OpenForm struct {
	Wanted      bool // the tenant lists nothing: show it open, first
	DatastoreID string
	TableID     string
	Error       string
}

// narrowed reports whether the list of tables is filtered.
func (v DatastoresView) narrowed() bool {
	return v.Query != "" || v.DatastoreID != "" || v.Untouched || (v.Connection != "" && len(v.Connections) > 1)
}
