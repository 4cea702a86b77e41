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

// Path is /runs with the filter as its query.
func (f RunsFilter) Path() string {
	return listPath("/runs", "state", f.State, "operation", f.Operation, "connection", f.Connection,
		"datastore_id", f.DatastoreID, "table_id", f.TableID, "requested_by", f.RequestedBy, "from", f.From, "to", f.To)
}

// Active reports whether anything is narrowed.
func (f RunsFilter) Active() bool { return f != RunsFilter{} }

// RunRow is one run in a list.
type RunRow struct {
	ID          string
	Operation   string // COLUMN_ENCRYPTION or KEY_ROTATION
	State       string
	Connection  string
	DatastoreID string
	TableID     string
	TableName   string // the id when the name is not known
	Columns     []string
	RequestedBy string
	Role        string
	RequestedAt time.Time
	FinishedAt  time.Time // zero: not yet
	Reason      string    // why it ended badly; empty otherwise
}
