package web

import "time"

// RotationTab is one of the pages about rotations.
type RotationTab struct{ Text, Path string }

var rotationTabs = []RotationTab{
	{"Dates", "/rotations"}, {"Month", "/rotations/month"}, {"Timeline", "/rotations/timeline"},
	{"Policies", "/rotations/policies"}, {"Alarms", "/alarms"}, {"Background jobs", "/jobs"},
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

// Path is /rotations with the filter as its query.
func (f RotationsFilter) Path() string {
	return listPath("/rotations", "status", f.Status, "connection", f.Connection, "table_id", f.TableID,
		"from", f.From, "until", f.Until)
}

// Active reports whether anything is narrowed.
func (f RotationsFilter) Active() bool { return f != RotationsFilter{} }

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
	Status       string // overdue, due, soon, unknown, late, on_time
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

// FeedView is a person's calendar address.
type FeedView struct {
	Offered bool
	Made    time.Time // zero: there is none
	URL     string    // with its token, just after it was made
	Error   string    // why none was made
}
