package web

import "time"

// AuditView is the log, newest first.
type AuditView struct {
	Chrome
	Filter      AuditFilter
	QueryError  string // what could not be understood in the search box
	Rows        []AuditRow
	Stopped     bool // the search took too long: Rows are what it had found, without a number
	Pager       Pager
	Facets      []Facet
	Connections []Option
	CanExport   bool
	Evidence    bool   // offer the evidence pack beside CSV and JSONL
	FacetsOf    string // "the newest 1,000"; empty: the counts are of all that matches
	Log         LogState
	Reviews     bool // there are reviews to go to
	Views       []SavedView
	CanSave     bool // searches can be kept
}

// AuditFilter is the query of /audit and of its exports, as typed (contract §3).
type AuditFilter struct {
	From, To, Operation, Outcome, Actor, Connection, DatastoreID, TableID, RunID, Query string
}

// Facet is one dimension with its most frequent values under the filter.
type Facet struct {
	Title  string // "Outcome"
	Param  string // the query parameter: operation, outcome, actor, …
	Values []FacetValue
}

// FacetValue is one value and how many records have it.
type FacetValue struct {
	Value string
	Count string // "12" or "more than 10,000"; empty: not counted
}

// AuditRow is one record in a list.
type AuditRow struct {
	Seq         int64
	ID          string
	At          time.Time
	Operation   string
	Outcome     string // SUCCESS, FAILURE, DENIED
	Actor       string
	Role        string
	Connection  string
	DatastoreID string
	TableID     string
	Columns     []string
	RunID       string
	Detail      string
}

// SavedView is a search that this person gave a name.
type SavedView struct {
	ID   int64
	Name string
	Href string // the log with that search
}

func (f AuditFilter) pairs() []string {
	return []string{
		"q", f.Query, "from", f.From, "to", f.To, "operation", f.Operation, "outcome", f.Outcome, "actor", f.Actor,
		"connection", f.Connection, "datastore_id", f.DatastoreID, "table_id", f.TableID, "run_id", f.RunID,
	}
}

// Path is path with the filter as its query: /audit itself or an export.
func (f AuditFilter) Path(path string) string { return listPath(path, f.pairs()...) }

// Active reports whether anything is narrowed.
func (f AuditFilter) Active() bool { return f != AuditFilter{} }

// narrowed reports whether anything beside the search box is.
func (f AuditFilter) narrowed() bool {
	f.Query = ""
	return f.Active()
}

// value is the filter's present value of a query parameter.
func (f AuditFilter) value(param string) string {
	p := f.pairs()
	for i := 0; i < len(p); i += 2 {
		if p[i] == param {
			return p[i+1]
		}
	}
	return ""
}

// toggle is /audit with param set to value, or cleared if it already has it.
func (f AuditFilter) toggle(param, value string) string {
	p := f.pairs()
	for i := 0; i < len(p); i += 2 {
		if p[i] == param {
			if p[i+1] == value {
				value = ""
			}
			p[i+1] = value
		}
	}
	return listPath("/audit", p...)
}
