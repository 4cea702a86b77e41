package web

import "time"

// RunView is one run's dossier.
type RunView struct {
	Chrome
	Run           RunRow
	DatastoreName string
	TypeOf        map[string]string // column types by name; may be nil

	Strategy     string // AUTOMATIC
	IntervalDays int
	StartAt      time.Time // zero: at once
	NextRotation time.Time // zero: not planned yet
	MaskIndexes  bool
	Masked       []string // indexes that were masked

	IdempotencyKey string
	Attempts       int
	Timings        []Timing
	KeyVersion     int64  // 0: unknown, or no number
	KeyID          string // the key version where it is no number
	Before, After  Coverage
	Deadline       time.Time // when waiting for the KMS ends; zero: not waiting yet

	Events   []RunEvent // oldest first
	Request  string     // the body of the PATCH, indented; empty: not sent
	Response string     // redacted; empty: none
	Status   int        // of the response; 0: none
	Replayed bool       // the tenant said it answered from an earlier try

	Verdicts []Verdict  // KMS callbacks, oldest first
	Records  []AuditRow // the run's audit records, oldest first

	Approval *ApprovalView // four eyes; nil where one person is enough

	ErrorCode    string // the fault's code; empty: none
	ErrorMessage string
	HeldWhy      string // why it is held; empty: it is not
	TakenBy      string // who took it over after it was held
	CanTakeOver  bool
	CanCancel    bool // show the button that posts to /runs/{id}/cancel
	Live         bool // more is expected: open the event stream
}

// Timing is how long one stage took.
type Timing struct {
	Stage string // "Token", "Checks", "PATCH", "KMS confirmation"
	Ms    int64  // -1: not reached
}

// RunEvent is one line of the dossier.
type RunEvent struct {
	Seq     int64
	At      time.Time
	State   string
	Kind    string // state, request, retry, kms, note
	Message string
}

// Verdict is one KMS callback and how each check of it went.
type Verdict struct {
	ID         string
	ReceivedAt time.Time
	Accepted   bool
	Inline     bool   // it came in the PATCH's answer
	From       string // the sender's address; empty for an inline payload
	Reason     string // why it was refused; empty when accepted
	Checks     []Check
	Status     int    // what the console answered; 0 for an inline payload
	Body       string // as received, capped
}

// CheckResult is how one check went.
type CheckResult string

// The results of a check.
const (
	CheckPassed  CheckResult = "passed"
	CheckFailed  CheckResult = "failed"
	CheckSkipped CheckResult = "skipped" // not made: an earlier one failed, or nothing was required
)

// Check is one thing that was compared.
type Check struct {
	Name   string // "Signature", "Table", "Columns", "Algorithm", "Key version"
	Result CheckResult
	Detail string // what was expected and what came
}
