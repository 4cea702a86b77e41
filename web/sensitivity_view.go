package web

import "time"

// SensitivityView lists columns with what is proposed for them and was decided.
type SensitivityView struct {
	Chrome
	Filter      SensitivityFilter
	Connections []Option
	Rows        []SensitivityRow
	Pager       Pager // Newer is the beginning, Older the page after
	Total       int   // columns that match
	CanDecide   bool
	MaxDecided  int // how many columns one decision may be about
}

// SensitivityFilter is the query of /sensitivity, as typed: q, state, category,
// protection, decided and encrypted (yes or no), connection, datastore_id, table_id.
type SensitivityFilter struct {
	Query, State, Category, Protection, Decided, Encrypted, Connection, DatastoreID, TableID string
}

func (f SensitivityFilter) pairs() []string {
	return []string{"q", f.Query, "state", f.State, "category", f.Category, "protection", f.Protection, "decided", f.Decided, "encrypted", f.Encrypted,
		"connection", f.Connection, "datastore_id", f.DatastoreID, "table_id", f.TableID}
}

// Path is /sensitivity with the filter as its query.
func (f SensitivityFilter) Path() string { return listPath("/sensitivity", f.pairs()...) }

// Active reports whether anything is narrowed.
func (f SensitivityFilter) Active() bool { return f != SensitivityFilter{} }

// fields are the filter's values by name, for the form that decides about all
// that match.
func (f SensitivityFilter) fields() []Option {
	var list []Option
	p := f.pairs()
	for i := 0; i < len(p); i += 2 {
		if p[i+1] != "" {
			list = append(list, Option{p[i], p[i+1]})
		}
	}
	return list
}

// SensitivityRow is one column.
type SensitivityRow struct {
	Key                     string // names the column in the form
	Column, Type, TableName string
	TableHref               string
	Connection, DatastoreID string // the connection is empty where there is only one
	Protection              string // how far it is protected: verified, unverified, refused, unprotected
	State                   string // what counts: sensitive, not_sensitive, undecided
	Category                string
	Confidence              int
	Reason                  string // of the proposal
	Proposed                string
	Decided                 bool
	DecidedBy               string
	DecidedAt               time.Time
	DecidedReason           string
	ApprovedBy              string // the second person; empty where none was needed
}
