package encryption

import (
	"slices"
	"time"

	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/fault"
)

// State is where a run stands. See docs/architecture.md for the diagram.
type State string

// The states, in the order a run meets them.
const (
	Awaiting    State = "awaiting" // another person's approval; nobody works on it
	Queued      State = "queued"
	Held        State = "held" // who asked for it or approved it may no longer; waits for another admin
	Checking    State = "checking"
	Patching    State = "patching"
	Verifying   State = "verifying"
	Verified    State = "verified"
	Rejected    State = "rejected"    // the KMS callback was checked and refused
	Unconfirmed State = "unconfirmed" // no callback by the deadline; a late one still counts
	Failed      State = "failed"
	Cancelled   State = "cancelled"
)

// States lists every state in the order a run meets them.
func States() []State {
	return []State{Awaiting, Queued, Held, Checking, Patching, Verifying,
		Verified, Rejected, Unconfirmed, Failed, Cancelled}
}

// WorkStates lists the states that a worker moves a run on from.
func WorkStates() []State { return []State{Queued, Checking, Patching, Verifying} }

// UnverifiedEnds lists the states in which a run ended without the KMS's confirmation. A cancelled run is none: it
// was never sent.
func UnverifiedEnds() []State { return []State{Rejected, Unconfirmed, Failed} }

// Operations returns the operations that a run may be of.
func Operations() []audit.Operation {
	return []audit.Operation{audit.ColumnEncryption, audit.KeyRotation}
}

var successors = map[State][]State{
	Awaiting:    {Queued, Held, Cancelled},
	Queued:      {Checking, Held, Cancelled},
	Held:        {Queued, Awaiting, Cancelled},
	Checking:    {Patching, Held, Failed},
	Patching:    {Verifying, Failed},
	Verifying:   {Verified, Rejected, Unconfirmed, Failed},
	Rejected:    {Verified}, // the tenant's next attempt was a good one
	Unconfirmed: {Verified}, // the confirmation came late
	Failed:      {Verified}, // so did the change: only for a run that was sent
}

// CanBecome reports whether the state machine has an arrow from s to t.
func (s State) CanBecome(t State) bool { return slices.Contains(successors[s], t) }

// Ended reports whether nothing more is expected to happen by itself. A late
// callback may still turn Unconfirmed, Rejected or Failed into Verified.
func (s State) Ended() bool {
	switch s {
	case Verified, Rejected, Unconfirmed, Failed, Cancelled:
		return true
	}
	return false
}

// Run is one change asked of one table: its row is the queue, its history and
// its evidence.
type Run struct {
	Seq          int64 // the row's place in the history; newest is highest
	ID           string
	Operation    audit.Operation // ColumnEncryption or KeyRotation
	Connection   string
	DatastoreID  string
	TableID      string
	Columns      []string
	MaskIndexes  bool // the admin accepted that ordinary indexes on these columns are masked
	Strategy     string
	IntervalDays int
	StartAt      time.Time // zero: at once
	IgnoreWindow bool      // the requester chose to start outside the low-traffic window

	// ShownFingerprint is that of the plan which the person was shown; empty when
	// nobody was shown one (command line, script). If set, a different plan stops
	// the run.
	ShownFingerprint string

	// Approval is the four-eyes rule at work on this run; nil where the
	// connection did not ask for it.
	Approval *access.Approval

	State       State
	HeldWhy     string // why it is Held; empty otherwise
	RequestedBy audit.Actor
	RequestedAt time.Time
	TakenBy     string // the account that took it over after it was held; empty: none

	// LeaseOwner works on the run until LeaseUntil; a crash lets it lapse.
	LeaseOwner string
	LeaseUntil time.Time

	// Intent, stored before the PATCH is sent.
	Plan           *Plan
	IdempotencyKey string
	Payload        []byte // the exact bytes of the PATCH
	CallbackToken  string // the unguessable last part of the callback URL
	NextRotation   time.Time

	// Outcome.
	Attempts         int // times the PATCH was sent
	Answer           *Answer
	After            []ColumnState // the table's columns after the change, as the tenant showed them
	ShownAt          time.Time     // when it showed them; zero while After is not known
	PatchedAt        time.Time
	CallbackDeadline time.Time // when waiting for the KMS ends
	FinishedAt       time.Time
	Timings          Timings
	KeyVersion       int64  // 0: not reported, or not as a number
	KeyID            string // the key version where it is no number
	PermissionHash   string
	ErrorCode        fault.Code
	ErrorMessage     string
}

// RunLine is a run as a list shows it.
type RunLine struct {
	Seq          int64
	ID           string
	Operation    audit.Operation
	State        State
	Connection   string
	DatastoreID  string
	TableID      string
	TableName    string // empty when it is not known
	Columns      []string
	RequestedBy  audit.Actor
	RequestedAt  time.Time
	FinishedAt   time.Time // zero: not yet
	ErrorMessage string
}

// Line is the run as a list shows it.
func (r *Run) Line() RunLine {
	l := RunLine{Seq: r.Seq, ID: r.ID, Operation: r.Operation, State: r.State, Connection: r.Connection, DatastoreID: r.DatastoreID,
		TableID: r.TableID, Columns: r.Columns, RequestedBy: r.RequestedBy, RequestedAt: r.RequestedAt, FinishedAt: r.FinishedAt,
		ErrorMessage: r.ErrorMessage}
	if r.Plan != nil {
		l.TableName = r.Plan.TableName
	}
	return l
}

// NameOfTable is what people call the run's table: its name, or its id where
// the plan has none.
func (r *Run) NameOfTable() string {
	if r.Plan != nil && r.Plan.TableName != "" {
		return r.Plan.TableName
	}
	return r.TableID
}

// Lease returns the runner that works on the run and until when; both are zero
// when it has ended.
func (r *Run) Lease() (owner string, until time.Time) {
	if r.State.Ended() {
		return "", time.Time{}
	}
	return r.LeaseOwner, r.LeaseUntil
}

// ProvenKeyVersion is the key version that the run brought: 0 unless a checked
// callback reported it.
func (r *Run) ProvenKeyVersion() int64 {
	if r.State != Verified {
		return 0
	}
	return max(0, r.KeyVersion)
}

// Answer is the tenant's answer to the PATCH. It is nil when the answer was
// lost and the change was found by reading the table.
type Answer struct {
	Status   int    `json:"status"`
	Replayed bool   `json:"replayed,omitempty"`
	Body     string `json:"body"` // cut at 64 KiB, secrets redacted

	// Payload is the inline KMS payload, secrets redacted; "" where there is
	// none, or where the answer was stored before this field was: then it
	// stands in Body.
	Payload string `json:"payload,omitempty"`
}

// ColumnState is what a run needs to know of a column before and after.
type ColumnState struct {
	Name       string `json:"name"`
	Type       string `json:"type"`
	Encrypted  bool   `json:"encrypted"`
	KeyVersion int64  `json:"keyVersion,omitempty"` // 0: the tenant does not show it, or as no number
	KeyID      string `json:"keyId,omitempty"`      // the key version where it is no number: it can be told apart, not ordered
	Unclear    bool   `json:"unclear,omitempty"`    // the tenant's word on Encrypted could not be read
}

// Timings are the stages' durations in milliseconds; -1 where a stage was not
// reached.
type Timings struct {
	TokenMs  int64 `json:"tokenMs"`
	ChecksMs int64 `json:"checksMs"`
	PatchMs  int64 `json:"patchMs"`
	KMSMs    int64 `json:"kmsMs"`
}

// Event is one line of a run's dossier.
type Event struct {
	Seq     int64 // over all runs; the SSE id
	RunID   string
	At      time.Time
	State   State  // the run's state when it happened
	Kind    string // "state", "request", "retry", "kms", "note"
	Message string // one sentence for a person
}

// Verification is one KMS callback (or inline payload), accepted or refused.
type Verification struct {
	Seq        int64
	ID         string
	RunID      string // empty when the URL's token belongs to no run
	Connection string
	ReceivedAt time.Time
	RemoteIP   string // empty for an inline payload
	Inline     bool
	Signed     bool   // a signature was required and held
	WebhookID  string // Standard Webhooks id, empty when unsigned
	BodyHash   string // hex SHA-256 of the body, for replays
	Body       string // capped at 64 KiB
	Accepted   bool
	Code       string  // why it was refused: "algorithm", "table", "columns", "key_version", "signature", …
	Reason     string  // one sentence; empty when accepted
	Checks     []Check // every comparison that was made, in order (stored as JSON)
	TableID    string
	Columns    []string
	KeyVersion int64  // 0: not reported, or not as a number
	KeyID      string // the key version where it is no number
	Algorithm  string
	Status     int    // the HTTP status it was answered with; 0 for inline
	Answer     string // the body it was answered with
}

func (v *Verification) permissionHash() string {
	return PermissionHash(v.TableID, KeyVersionText(v.KeyVersion, v.KeyID), len(v.Columns))
}

// Check is one comparison made on a callback, kept so that an officer can see
// what "verified" meant.
type Check struct {
	Name   string `json:"name"` // "signature", "shape", "table", "columns", "algorithm", "key_version"
	Passed bool   `json:"passed"`
	Detail string `json:"detail"` // what was compared with what
}

// Transition is one committed step of a run: the row, its events, its audit
// records, its callback and its rotation dates go in together or not at all.
type Transition struct {
	Run   Run    // the row as it is to stand; Run.State is the new state
	From  State  // compare-and-swap: the row must be in this state
	Owner string // when not empty, the row's lease must be held by this owner

	Events       []Event
	Records      []audit.Record
	Verification *Verification
	Rotations    []RotationDate
}

// RotationDate is when a column's key is due to be rotated, as this console
// asked for it. It says nothing of whether a rotation happened.
type RotationDate struct {
	Connection   string
	DatastoreID  string
	TableID      string
	Column       string
	Strategy     string
	IntervalDays int
	DueAt        time.Time
	KeyVersion   int64 // last seen; 0 leaves the one known as it is
	RunID        string
	UpdatedAt    time.Time
}

// InProgress and NotVerified stand in RunFilter.State for several states together: those that a worker moves
// on from (WorkStates), and those in which a run ended that should have been verified (UnverifiedEnds).
const (
	InProgress  = "in_progress"
	NotVerified = "not_verified"
)

// FilterStates returns every value of RunFilter.State, in the order in which a filter offers them.
func FilterStates() []string {
	list := []string{InProgress, NotVerified}
	for _, s := range States() {
		list = append(list, string(s))
	}
	return list
}

// RunFilter narrows the run list; the zero value is everything.
type RunFilter struct {
	State       string // one of FilterStates
	Operation   string
	Connection  string
	DatastoreID string
	TableID     string
	RequestedBy string
	From, To    time.Time // by RequestedAt; From inclusive, To exclusive
}

// VerificationFilter narrows the list of KMS callbacks.
type VerificationFilter struct {
	RunID      string
	Connection string
	TableID    string
	Accepted   *bool
	From, To   time.Time
}
