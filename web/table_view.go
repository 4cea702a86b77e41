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
	Coverage      Coverage
	MaxFields     int // the table's limit of encrypted columns
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
	Name        string
	Type        string
	Encrypted   bool
	Algorithm   string    // empty: the tenant does not show it
	KeyVersion  int64     // 0: the tenant does not show it
	Unsupported bool      // the type cannot be encrypted
	Indexes     []string  // names of the indexes it stands in
	RotationDue time.Time // as this console asked for it; zero: unknown
	Hint        string    // why it may be sensitive; empty: no opinion
}

// IndexRow is one index of the table.
type IndexRow struct {
	Name     string
	Columns  []string
	ReadOnly bool
}

// RunForm is the state of a form that launches a run: as typed, with what was
// wrong with it, and the preflight when one was made.
type RunForm struct {
	Chosen       []string // names of the ticked columns
	IntervalDays string   // as typed; "90" at first
	Strategy     string   // AUTOMATIC or MANUAL; empty: automatic
	StartAt      string   // as typed; empty: at once
	MaskIndexes  bool
	IgnoreWindow bool
	Errors       map[string]string // a sentence by field name: columns, strategy, interval_days, start_at
	Preflight    *PreflightView    // nil: not checked yet
}

// PreflightView is what would happen, and what stands in the way.
type PreflightView struct {
	Rotation      bool   // a key rotation, not a first encryption
	TableName     string // for the sentence that says what will happen
	Columns       []PreflightColumn
	TableBlockers []string // sentences about the table as a whole
	Before, After Coverage
	MaxFields     int
	Masked        []string // ordinary indexes that will be masked
	IntervalDays  int
	StartAt       time.Time // zero: at once
	WaitsFor      string    // the scope of the low-traffic window that it waits for; empty: none
	NextRotation  time.Time
	Payload       string // the exact body of the PATCH, indented
	Fingerprint   string
	Error         string // the table could not be read, or the form is wrong: nothing else is filled
	ErrorCode     string
}

// PreflightColumn is one column of the table (all of them, in the tenant's
// order), and after those any that was asked for and does not exist.
type PreflightColumn struct {
	Name     string
	Type     string
	Chosen   bool
	Blockers []string // sentences
}

// Blocked reports whether the run cannot start.
func (v PreflightView) Blocked() bool {
	if v.Error != "" || len(v.TableBlockers) > 0 {
		return true
	}
	for _, c := range v.Columns {
		if len(c.Blockers) > 0 {
			return true
		}
	}
	return false
}

// Chosen are the columns that were asked for, in order.
func (v PreflightView) Chosen() []PreflightColumn {
	var out []PreflightColumn
	for _, c := range v.Columns {
		if c.Chosen {
			out = append(out, c)
		}
	}
	return out
}
