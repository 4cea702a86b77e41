// Package attention says what needs a person: the kinds of it, the findings that records of the ledger open and
// settle, and the acknowledgement of a finding by a person who takes it on.
//
// A finding is made of records and nothing else: Apply is a pure function of a record and of the findings that are not
// resolved, so whoever has the log can tell when a finding was opened, by what it was resolved, and who took it on. The
// store keeps the findings as an index of the ledger, which it can make again. What may not live here: the records
// themselves (their subjects make them), SQL, and the words of pages.
package attention

import (
	"slices"
	"time"

	"cxseal/internal/audit"
)

// Kind names what needs a person. Kinds are stored and stand in addresses: they are never renamed.
type Kind string

// The kinds. The first seven are findings: each is kept from the record that opened it to the one that resolved it. The
// others are conditions: they hold as long as a list has rows, or something does not work, and leave when that is over.
const (
	ColumnLost       Kind = "column_lost"        // a column is no longer encrypted, by nobody's run
	KeyWentBack      Kind = "key_went_back"      // a column shows an older key version than before
	RunRejected      Kind = "run_rejected"       // the KMS check refused a run
	RunUnconfirmed   Kind = "run_unconfirmed"    // no callback came by a run's deadline
	RunFailed        Kind = "run_failed"         // a run failed
	RotationOverdue  Kind = "rotation_overdue"   // a date and its grace passed without a newer key version
	MonthNotReviewed Kind = "month_not_reviewed" // a month of the log is over and not reviewed to its end

	ColumnUnprotected Kind = "column_unprotected"  // sensitive columns are not encrypted
	ColumnRefused     Kind = "column_refused"      // sensitive columns whose newest KMS verdict is a no
	ColumnUnverified  Kind = "column_unverified"   // sensitive columns without a KMS verdict
	ColumnUndecided   Kind = "column_undecided"    // columns of which nobody knows whether they are sensitive
	RunAwaiting       Kind = "run_awaiting"        // runs that wait for a second person
	RotationDue       Kind = "rotation_due"        // dates that passed, and their grace has not
	TenantUnread      Kind = "tenant_unread"       // a tenant could not be read whole
	LedgerNotAnchored Kind = "ledger_not_anchored" // the log has no copy of its checkpoint elsewhere
)

// Findings lists the kinds that are kept from their opening to their end, the most pressing first.
func Findings() []Kind {
	return []Kind{ColumnLost, RunRejected, RunUnconfirmed, RunFailed, KeyWentBack, RotationOverdue, MonthNotReviewed}
}

// Conditions lists the kinds that hold as long as their list has rows, the most pressing first.
func Conditions() []Kind {
	return []Kind{ColumnUnprotected, ColumnRefused, ColumnUnverified, RunAwaiting, RotationDue, TenantUnread, LedgerNotAnchored, ColumnUndecided}
}

// Kinds lists every kind.
func Kinds() []Kind { return slices.Concat(Findings(), Conditions()) }

// State says where a finding stands.
type State string

// The states. Facts resolve a finding whether it was acknowledged or not.
const (
	Open         State = "open"
	Acknowledged State = "acknowledged" // a person took it on
	Resolved     State = "resolved"
)

// States lists every state.
func States() []State { return []State{Open, Acknowledged, Resolved} }

// Resolution says by which fact a finding was resolved.
type Resolution string

// The resolutions.
const (
	Unresolved   Resolution = ""
	ByRun        Resolution = "verified"   // a later run of the same columns was verified
	ByCallback   Resolution = "confirmed"  // the run's own confirmation came late
	ByRotation   Resolution = "rotated"    // a newer key version was seen
	ByReview     Resolution = "reviewed"   // a review closed the last gap
	ByGoing      Resolution = "gone"       // the column is gone
	BySupersedes Resolution = "superseded" // a later finding says more of the same columns
)

// Resolutions lists what can resolve a finding.
func Resolutions() []Resolution {
	return []Resolution{ByRun, ByCallback, ByRotation, ByReview, ByGoing, BySupersedes}
}

// Item is one finding.
type Item struct {
	Seq  int64  // its place in the list; 0: it is new
	ID   string // the audit id of the record that opened it; of a month "month-2026-06"
	Kind Kind

	Connection, DatastoreID, TableID string
	TableName                        string   // for a list to show; what lists items fills it in, and it is not kept
	Columns                          []string // that it is about
	Left                             []string // of those, the ones that nothing has settled yet
	RunID                            string
	Detail                           string // the sentence of the record that opened it

	OpenedAt  time.Time
	OpenedSeq int64  // of that record; of a month 0
	OpenedBy  string // its audit id; of a month empty

	Resolution  Resolution
	ResolvedAt  time.Time
	ResolvedBy  string // the audit id of the record that resolved it
	ResolvedRun string // the run that did; empty: none

	Taken Taken
}

// Taken is the acknowledgement of a finding; the zero value: there is none.
type Taken struct {
	By      audit.Actor
	At      time.Time
	Owner   string
	Note    string
	AuditID string // of the record that says so
}

// State says where the item stands.
func (i *Item) State() State {
	switch {
	case i.Resolution != Unresolved:
		return Resolved
	case !i.Taken.At.IsZero():
		return Acknowledged
	}
	return Open
}

// Filter narrows the list of findings; the zero value is every finding.
type Filter struct {
	State      State
	Kind       Kind
	Connection string
	TableID    string
	Owner      string
	From, To   time.Time // by OpenedAt; To exclusive
}

// Counts are how many findings of each kind stand in each state.
type Counts map[Kind]map[State]int

// Of counts the findings in a state, of all kinds.
func (c Counts) Of(state State) int {
	n := 0
	for _, states := range c {
		n += states[state]
	}
	return n
}
