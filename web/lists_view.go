package web

import "time"

// RunsView is the history of runs.
type RunsView struct {
	Chrome
	Filter      RunsFilter
	Rows        []RunRow
	Pager       Pager
	Connections []Option
}

// RunsFilter is the query of /runs, as typed: state, operation, connection,
// datastore_id, table_id, requested_by, from, to.
type RunsFilter struct {
	State, Operation, Connection, DatastoreID, TableID, RequestedBy, From, To string
}

// VerificationsView lists every KMS callback, accepted or refused.
type VerificationsView struct {
	Chrome
	Filter      VerificationsFilter
	Rows        []VerificationRow
	Pager       Pager
	Connections []Option
}

// VerificationsFilter is the query of /verifications, as typed: accepted (yes
// or no), run_id, connection, table_id, from, to.
type VerificationsFilter struct {
	Accepted, RunID, Connection, TableID, From, To string
}

// VerificationRow is one callback in the list.
type VerificationRow struct {
	ID         string
	ReceivedAt time.Time
	Accepted   bool
	Code       string // why it was refused, in a word
	Reason     string // one sentence
	RunID      string // empty: its URL belongs to no run
	Connection string
	TableID    string
	Columns    []string
	KeyVersion int64 // 0: none given
	Algorithm  string
	Signed     bool // a signature was required and held
	Inline     bool
	From       string
	Status     int // 0 for an inline payload
}

// RotationsView lists rotation dates, soonest due first.
type RotationsView struct {
	Chrome
	Filter      RotationsFilter
	Rows        []RotationRow
	Pager       Pager // Newer is the page before, Older the page after
	Connections []Option
	CanRotate   bool // rows can be chosen for a rotation run
	Feed        FeedView
}

// RotationsFilter is the query of /rotations, as typed: status (overdue, due,
// soon, unknown, late, on_time), connection, table_id, from and until (dates).
type RotationsFilter struct {
	Status, Connection, TableID, From, Until string
}

// RotationRow is when a column's key is due to be rotated and, apart from that,
// the last rotation that was seen.
type RotationRow struct {
	Connection   string // empty when there is only one
	DatastoreID  string
	TableID      string
	TableName    string
	Column       string
	Strategy     string
	IntervalDays int
	DueAt        time.Time
	GraceDays    int
	Status       string // overdue, due, soon, unknown, late, on_time; scheduled where only the date is known
	KeyVersion   int64  // highest seen; 0: unknown
	RunID        string // the run that asked for it

	Key        string // names the column in a form
	Policy     string // which policy applies
	SeenAt     time.Time
	RotatedAt  time.Time // when the last rotation was seen; zero: none was
	RotatedHow string    // table, answer, callback
	Timeliness string    // on_time, late, unproven
	BackAt     time.Time // when the tenant showed an older version again
	BackTo     int64
}
