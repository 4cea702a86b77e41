package web

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
	KeyVersionID   string // the key version where it is no number
	PermissionHash string
	Status         string
}

func (v AuditRecordView) checkpointText() string {
	switch {
	case v.Checkpoint == 0:
		return "none yet"
	case v.Record.Seq <= v.Checkpoint:
		return "covered by the one at " + FormatNumber(v.Checkpoint) + " records"
	}
	return "not covered yet; the newest is at " + FormatNumber(v.Checkpoint) + " records"
}

// kmsStatuses are what a run's record says of the KMS's confirmation.
var kmsStatuses = vocabulary{
	{"VERIFIED", label{"Verified", ToneSuccess, "check"}},
	{"REJECTED", label{"Rejected", ToneDanger, "x"}},
	{"UNCONFIRMED", label{"Unconfirmed", ToneWarning, "help"}},
	{"NOT_REACHED", label{"Not reached", ToneNone, "circle"}},
}

func kmsLabel(status string) label { return kmsStatuses.label(status) }

func yesNo(b bool) label {
	if b {
		return label{"Yes", ToneSuccess, "check"}
	}
	return label{"No", ToneWarning, "x"}
}

func onOff(b bool) label {
	if b {
		return label{"On", ToneSuccess, "check"}
	}
	return label{"Off", ToneWarning, "x"}
}
