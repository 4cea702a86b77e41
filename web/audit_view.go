package web

import "time"

// AuditView is the log, newest first.
type AuditView struct {
	Chrome
	Filter      AuditFilter
	QueryError  string // what could not be understood in the search box
	Rows        []AuditRow
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

// AuditRecordView is one record with its place in the tree.
type AuditRecordView struct {
	Chrome
	Record      AuditRow
	ActorIP     string
	Metrics     *RecordMetrics
	Compliance  *RecordCompliance
	KMS         *RecordKMS
	Raw         string // the exact bytes that were hashed
	LeafHash    string // hex SHA-256
	TreeSize    int64  // records in the log now; 0: unknown
	Checkpoint  int64  // size of the newest signed checkpoint; 0: none yet
	Proof       bool   // offer /audit/{id}/proof
	VerifierKey string // the log's verifier key; empty: not shown
	Prev, Next  string // ids of the records before and after; empty: none
}

// RecordMetrics are the run's figures (contract §4).
type RecordMetrics struct {
	LatencyMs       int64
	CoverageRate    float64
	FieldsEncrypted int
	TotalFields     int
	Risk            string // HIGH or LOW
}

// RecordCompliance says what was established (contract §4).
type RecordCompliance struct {
	GDPRAligned     bool
	Algorithm       string
	RotationEnabled bool
}

// RecordKMS is the KMS's side (contract §4).
type RecordKMS struct {
	KeyVersion     int64
	PermissionHash string
	Status         string
}
