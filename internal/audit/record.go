// Package audit defines the audit ledger: the record and its canonical bytes, the Merkle log over the records
// and its signed checkpoints, the search query, the exports, evidence packs and proofs, and their offline
// verification.
//
// What may not live here: database access (package store appends and reads records), HTTP, and the rules of
// other subjects. It imports nothing of cxseal but fault.
package audit

import "time"

// Operation names the attempted action (contract §4).
type Operation string

// The operations of the ledger. A run that sent a PATCH, or failed before it,
// ends in one COLUMN_ENCRYPTION or KEY_ROTATION record.
const (
	ColumnEncryption  Operation = "COLUMN_ENCRYPTION"
	KeyRotation       Operation = "KEY_ROTATION"
	RunRequested      Operation = "RUN_REQUESTED"
	RunCancelled      Operation = "RUN_CANCELLED"
	RunApproved       Operation = "RUN_APPROVED"   // four eyes: a second person approved the run
	RunDeclined       Operation = "RUN_DECLINED"   // four eyes: a second person declined it, or nobody answered in time
	RunHeld           Operation = "RUN_HELD"       // who asked for a run or approved it may no longer: it was stopped
	RunTakenOver      Operation = "RUN_TAKEN_OVER" // another admin lets a held run go on in their name
	KMSCallback       Operation = "KMS_CALLBACK"
	DriftDetected     Operation = "DRIFT_DETECTED"
	RotationOverdue   Operation = "ROTATION_OVERDUE"
	Login             Operation = "LOGIN"
	Logout            Operation = "LOGOUT"
	AccessDenied      Operation = "ACCESS_DENIED"
	AuditExport       Operation = "AUDIT_EXPORT"
	AuditReview       Operation = "AUDIT_REVIEW"
	SettingsChanged   Operation = "SETTINGS_CHANGED"
	UserChanged       Operation = "USER_CHANGED"
	RotationObserved  Operation = "ROTATION_OBSERVED"
	CheckpointCreated Operation = "CHECKPOINT_CREATED"
	CampaignChanged   Operation = "CAMPAIGN_CHANGED"

	SensitivityDecided   Operation = "SENSITIVITY_DECIDED"   // a decision about one column: whether it is sensitive
	SensitivityRequested Operation = "SENSITIVITY_REQUESTED" // four eyes: decisions wait for a second person
	SensitivityApproved  Operation = "SENSITIVITY_APPROVED"  // four eyes: a second person approved them
	SensitivityDeclined  Operation = "SENSITIVITY_DECLINED"  // four eyes: declined, taken back, or nobody answered in time

	AttentionAcknowledged Operation = "ATTENTION_ACKNOWLEDGED" // a person took on a finding that needs attention

	LogRestored Operation = "LOG_RESTORED" // a backup took the database's place; says which records are missing
)

// Operations returns every operation, in the order in which a filter offers them.
func Operations() []Operation {
	return []Operation{ColumnEncryption, KeyRotation, RunRequested, RunApproved, RunDeclined, RunCancelled, RunHeld, RunTakenOver,
		KMSCallback, DriftDetected, RotationOverdue, RotationObserved, Login, Logout, AccessDenied, AuditExport, AuditReview, AttentionAcknowledged,
		SettingsChanged, SensitivityDecided, SensitivityRequested, SensitivityApproved, SensitivityDeclined,
		UserChanged, CheckpointCreated, CampaignChanged, LogRestored}
}

// Outcome says how an attempt ended.
type Outcome string

// The outcomes of an attempt.
const (
	Success Outcome = "SUCCESS"
	Failure Outcome = "FAILURE"
	Denied  Outcome = "DENIED"
)

// Outcomes returns every outcome.
func Outcomes() []Outcome { return []Outcome{Success, Failure, Denied} }

// Actor is the person or part of the program that made the attempt, as known at that time.
type Actor struct {
	Name string `json:"name"`
	Role string `json:"role"`
	IP   string `json:"ip,omitempty"`
}

// Record is one entry of the ledger, in the shape and order of contract §4.
// It is immutable once appended.
type Record struct {
	AuditID     string      `json:"auditId"`
	Timestamp   string      `json:"timestamp"` // FormatTime: RFC 3339, UTC, milliseconds
	Operation   Operation   `json:"operation"`
	Outcome     Outcome     `json:"outcome"`
	Actor       Actor       `json:"actor"`
	Connection  string      `json:"connection,omitempty"`
	DatastoreID string      `json:"datastoreId,omitempty"`
	TableID     string      `json:"tableId,omitempty"`
	Columns     []string    `json:"columns,omitempty"`
	RunID       string      `json:"runId,omitempty"`
	Metrics     *Metrics    `json:"metrics,omitempty"`
	Compliance  *Compliance `json:"compliance,omitempty"`
	KMS         *KMS        `json:"kms,omitempty"`
	Decision    *Decision   `json:"decision,omitempty"`
	Detail      string      `json:"detail,omitempty"`
}

// Metrics are the run's figures. CoverageRate is the table's encrypted columns
// over all its columns × 100, two decimals, after the run.
type Metrics struct {
	LatencyMs            int64   `json:"latencyMs"`
	CoverageRate         float64 `json:"coverageRate"`
	FieldsEncrypted      int     `json:"fieldsEncrypted"`
	TotalFields          int     `json:"totalFields"`
	QueryDegradationRisk string  `json:"queryDegradationRisk"` // HIGH above 80 % coverage, else LOW
}

// Compliance holds the facts that were established in the run.
type Compliance struct {
	GDPRAligned        bool   `json:"gdprAligned"`
	Algorithm          string `json:"algorithm"`
	KeyRotationEnabled bool   `json:"keyRotationEnabled"`
}

// KMS is what the external KMS confirmed of the run.
type KMS struct {
	KeyVersion     int64  `json:"keyVersion,omitempty"`
	KeyVersionID   string `json:"keyVersionId,omitempty"` // the key version where it is no number; KeyVersion is 0 then
	PermissionHash string `json:"permissionHash,omitempty"`
	Status         string `json:"status"` // VERIFIED, REJECTED, UNCONFIRMED, NOT_REACHED
}

// Decision is what a person decided about the record's one column, in the words of package sensitivity.
type Decision struct {
	Decided    string `json:"decided"`  // sensitive or not_sensitive; undecided takes an earlier decision back
	Was        string `json:"was"`      // what the column counted as before
	Is         string `json:"is"`       // what it counts as since
	Proposed   string `json:"proposed"` // what the rules proposed at that time
	Reason     string `json:"reason,omitempty"`
	ApprovedBy string `json:"approvedBy,omitempty"` // the second person, under four eyes
	Request    string `json:"request,omitempty"`    // the request that they approved
}

// FormatTime renders t as every timestamp of the ledger: RFC 3339, UTC,
// exactly three decimals.
func FormatTime(t time.Time) string {
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

// Entry is a record with its place in the ledger.
type Entry struct {
	Seq      int64 // 1-based; its leaf index in the Merkle tree is Seq-1
	Record   Record
	Raw      []byte   // the exact bytes that were hashed
	LeafHash [32]byte // RFC 6962: SHA-256(0x00 ‖ Raw)
}

// Line holds the fields of a record that lists show.
type Line struct {
	Seq         int64
	AuditID     string
	Timestamp   string
	Operation   Operation
	Outcome     Outcome
	Actor       Actor
	Connection  string
	DatastoreID string
	TableID     string
	Columns     []string
	RunID       string
	Detail      string
}

// Line returns the entry's fields that lists show.
func (e *Entry) Line() Line {
	r := &e.Record
	return Line{Seq: e.Seq, AuditID: r.AuditID, Timestamp: r.Timestamp, Operation: r.Operation, Outcome: r.Outcome, Actor: r.Actor,
		Connection: r.Connection, DatastoreID: r.DatastoreID, TableID: r.TableID, Columns: r.Columns, RunID: r.RunID, Detail: r.Detail}
}

// Time returns the record's timestamp, zero if it is malformed.
func (l *Line) Time() time.Time { return parseTime(l.Timestamp) }

// Filter narrows the ledger; the zero value is everything. The fields are the
// query parameters of contract §3.
type Filter struct {
	From, To    time.Time // From inclusive, To exclusive; zero is open
	Operation   string
	Outcome     string
	Actor       string
	Connection  string
	DatastoreID string
	TableID     string
	RunID       string
	Query       string // the search box: qualifiers and words

	// Routine says that the console itself asks, for something of which little is
	// looked at, so that people's searches do not hold it up.
	Routine bool `json:"-"`
}
