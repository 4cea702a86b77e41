package web

import "time"

// DecisionsView lists what people decided about which columns are sensitive.
type DecisionsView struct {
	Chrome
	Filter      DecisionsFilter
	Rows        []DecisionRow
	Pager       Pager
	Connections []Option
}

// DecisionsFilter is the query of /sensitivity/decisions, as typed: decided, out
// (yes or no), connection, datastore_id, table_id, column, by, from, to.
type DecisionsFilter struct {
	Decided, Out, Connection, DatastoreID, TableID, Column, By, From, To string
}

// Path is /sensitivity/decisions with the filter as its query.
func (f DecisionsFilter) Path() string {
	return listPath("/sensitivity/decisions", "decided", f.Decided, "out", f.Out, "connection", f.Connection, "datastore_id", f.DatastoreID,
		"table_id", f.TableID, "column", f.Column, "by", f.By, "from", f.From, "to", f.To)
}

// Active reports whether anything is narrowed.
func (f DecisionsFilter) Active() bool { return f != DecisionsFilter{} }

// DecisionRow is one decision about one column.
type DecisionRow struct {
	AuditID              string
	At                   time.Time
	Column, TableName    string
	TableHref            string
	Decided              string // what was decided; undecided: an earlier decision was taken back
	Was, Is              string // what the column counted as before and since
	Proposed             string // by the rules, at that time
	Reason, By, Approver string
}
