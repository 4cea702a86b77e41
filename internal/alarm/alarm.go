// Package alarm sends alarms to people, each once, and keeps the outcome of each message: kinds, routes,
// addresses, deliveries and the sending itself. An alarm is stored with the fact that it is about, or raised
// from the audit records; its deliveries wait in the database until they went out or were given up.
//
// What may not live here: the rules that decide when a key is due or a table has drifted (they stand with
// their subjects), and SQL.
package alarm

import "time"

// Kind names what an alarm is about. Kinds are stored and chosen from by
// people; they are never renamed.
type Kind string

// Every kind of alarm.
const (
	RotationSoon    Kind = "rotation_due_soon"
	RotationDue     Kind = "rotation_due"
	RotationOverdue Kind = "rotation_overdue"
	RotationUnknown Kind = "rotation_unknown"
	Drift           Kind = "drift"
	KMSRefused      Kind = "kms_refused"
	RunFailed       Kind = "run_failed"
	RunUnconfirmed  Kind = "run_unconfirmed"
	NotAnchored     Kind = "ledger_not_anchored"
	JobFailed       Kind = "job_failed"
	ClockWentBack   Kind = "clock_went_back"
	Test            Kind = "test"
)

// Kinds lists the kinds that a person may choose for a route: all of them but Test.
func Kinds() []Kind {
	return []Kind{RotationSoon, RotationDue, RotationOverdue, RotationUnknown, Drift, KMSRefused,
		RunFailed, RunUnconfirmed, NotAnchored, JobFailed, ClockWentBack}
}

var kindText = map[Kind]string{
	RotationSoon: "Rotation due soon", RotationDue: "Rotation due", RotationOverdue: "Rotation overdue",
	RotationUnknown: "Rotation cannot be seen", Drift: "Drift", KMSRefused: "KMS confirmation refused", RunFailed: "Run failed",
	RunUnconfirmed: "Run unconfirmed", NotAnchored: "Audit log not anchored", JobFailed: "Background job failed",
	ClockWentBack: "Clock went back", Test: "Test",
}

// Text returns the kind's name for people, and the stored word for one that this version does not know.
func (k Kind) Text() string {
	if text, ok := kindText[k]; ok {
		return text
	}
	return string(k)
}

// Severity says how urgent an alarm is.
type Severity string

// The severities.
const (
	Info     Severity = "info"
	Warning  Severity = "warning"
	Critical Severity = "critical"
)

// Severities returns every severity, the least urgent first.
func Severities() []Severity { return []Severity{Info, Warning, Critical} }

// Alarm is one event that people are told of.
type Alarm struct {
	ID          int64
	Dedupe      string // identifies the event: an alarm raised again with the same text is the same alarm
	Kind        Kind
	Severity    Severity
	Title       string
	Detail      string
	Connection  string
	DatastoreID string
	TableID     string
	Columns     []string
	RunID       string
	RaisedAt    time.Time
}

// Route is one way to reach people. Its address is a secret: it is sealed, and opened only to send.
type Route struct {
	ID        int64
	Name      string
	Sealed    []byte
	Hint      string // the address without its secrets
	Kinds     []Kind // empty: every kind
	Digest    bool   // one message a day, at DigestHour
	CreatedAt time.Time
	CreatedBy string
}

// DigestHour is the hour of the day, in UTC, at which digests go out.
const DigestHour = 7

// State says whether a delivery waits, was sent or was given up.
type State string

// The states of a delivery.
const (
	Waiting State = "waiting"
	Sent    State = "sent"
	Failed  State = "failed" // given up
)

// States returns every state of a delivery.
func States() []State { return []State{Waiting, Sent, Failed} }

// Delivery is an alarm on its way over a route.
type Delivery struct {
	ID        int64
	MessageID string // the same at every attempt, so that a receiver can tell a repetition
	AlarmID   int64  // 0: a test
	RouteID   int64
	RouteName string
	State     State
	Attempts  int
	NextAt    time.Time
	SentAt    time.Time
	Error     string // why the last attempt failed

	// Message is the message id of the first attempt and MessageAt that message's date: every later attempt
	// repeats both. The deliveries of a digest share them. Empty: no attempt was made.
	Message   string
	MessageAt time.Time

	// SendingSince is when the attempt began whose end was not noted: it is under way, or the console died
	// during it. Zero: there is none.
	SendingSince time.Time
	Doubts       int // attempts of which it is not known whether they arrived
}

// begin notes that an attempt is about to be made. If an earlier one is still open, the console died during it.
func (d *Delivery) begin(m Message) {
	if !d.SendingSince.IsZero() {
		d.Doubts++
	}
	d.Message, d.MessageAt, d.SendingSince = m.ID, m.At, m.Attempt
	d.Attempts++
}

// FirstAttempt returns when an alarm that is raised now goes out over the route: at once, or with the next
// digest.
func (r Route) FirstAttempt(now time.Time) time.Time {
	if !r.Digest {
		return now
	}
	at := time.Date(now.UTC().Year(), now.UTC().Month(), now.UTC().Day(), DigestHour, 0, 0, 0, time.UTC)
	if !at.After(now) {
		at = at.AddDate(0, 0, 1)
	}
	return at
}

// Wants reports whether the route takes a kind.
func (r Route) Wants(k Kind) bool {
	if len(r.Kinds) == 0 {
		return true
	}
	for _, kind := range r.Kinds {
		if kind == k {
			return true
		}
	}
	return false
}
