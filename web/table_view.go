package web

import "time"

// TableView is one table: its columns, indexes, runs, and the forms that
// launch a run.
type TableView struct {
	Chrome
	Connection    string // name of the connection, always set
	DatastoreID   string
	DatastoreName string
	TableID       string
	Name          string
	ReadAt        time.Time // when columns and indexes were read from the tenant
	ReadError     string    // why they could not be read now; what is shown is then older or empty
	ReadErrorCode string    // the fault's code, for the advice
	Protected     Protected // its columns
	MaxFields     int       // the table's limit of encrypted columns
	Columns       []ColumnRow
	Indexes       []IndexRow
	Runs          []RunRow

	Encrypt *RunForm // nil: the caller may not launch; WhyNot is shown instead
	Rotate  *RunForm // nil: no encrypted column, or the caller may not launch
	// WindowOpens says that the low-traffic window is closed, and when a run
	// would start; empty while changes may be sent.
	WindowOpens string

	WhyNot string // one sentence; a default is shown when empty
}

// ColumnRow is one column as the tenant tells it.
type ColumnRow struct {
	Name            string
	Type            string
	Encrypted       bool
	Protection      string    // how far it is protected: verified, unverified, refused, unprotected
	VerdictRun      string    // the run that the newest KMS verdict is on; empty: there is none
	Algorithm       string    // empty: the tenant does not show it
	KeyVersion      int64     // 0: the tenant does not show it, or as no number
	KeyID           string    // the key version where it is no number
	Observed        bool      // KeyVersion is later than the verified one
	VerifiedID      string    // that where it is no number
	VerifiedVersion int64     // the key version that the KMS confirmed; 0: none
	Unsupported     bool      // the type cannot be encrypted
	Indexes         []string  // names of the indexes it stands in
	RotationDue     time.Time // as this console asked for it; zero: unknown
	Hint            string    // why it may be sensitive; empty: no opinion
}

// IndexRow is one index of the table.
type IndexRow struct {
	Name     string
	Columns  []string
	ReadOnly bool
}
