// Package oracletest recomputes what the console shows from the exported ledger alone, as an auditor would who has
// the JSONL and no program of ours. Tests hold pages and exports against it.
//
// It imports the standard library only: an oracle that shares code with what it checks agrees with its errors. It is
// slow on purpose: every figure of every day is counted anew from the first record.
//
// Some figures need more than records. Records tell what changed of a column, not what the first reading of its table
// found; and a decision about a column, not what the rules propose for the ones that nobody decided about; and how
// long a run took, not its stages. Facts holds these three, which the caller takes from elsewhere.
package oracletest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Record is a line of the ledger as the contract has it (§4).
type Record struct {
	Seq  int // from 1
	At   time.Time
	Raw  string // the line, without its end
	Leaf string // its leaf hash in hex

	AuditID     string   `json:"auditId"`
	Timestamp   string   `json:"timestamp"`
	Operation   string   `json:"operation"`
	Outcome     string   `json:"outcome"`
	Actor       Actor    `json:"actor"`
	Connection  string   `json:"connection"`
	DatastoreID string   `json:"datastoreId"`
	TableID     string   `json:"tableId"`
	Columns     []string `json:"columns"`
	RunID       string   `json:"runId"`
	Metrics     *struct {
		LatencyMs            int64       `json:"latencyMs"`
		CoverageRate         json.Number `json:"coverageRate"`
		FieldsEncrypted      int         `json:"fieldsEncrypted"`
		TotalFields          int         `json:"totalFields"`
		QueryDegradationRisk string      `json:"queryDegradationRisk"`
	} `json:"metrics"`
	Compliance *struct {
		GDPRAligned        bool   `json:"gdprAligned"`
		Algorithm          string `json:"algorithm"`
		KeyRotationEnabled bool   `json:"keyRotationEnabled"`
	} `json:"compliance"`
	KMS *struct {
		KeyVersion     int64  `json:"keyVersion"`
		PermissionHash string `json:"permissionHash"`
		Status         string `json:"status"`
	} `json:"kms"`
	Decision *struct {
		Decided    string `json:"decided"`
		Was        string `json:"was"`
		Is         string `json:"is"`
		Proposed   string `json:"proposed"`
		Reason     string `json:"reason"`
		ApprovedBy string `json:"approvedBy"`
	} `json:"decision"`
	Detail string `json:"detail"`
}

// Actor is who did it.
type Actor struct {
	Name string `json:"name"`
	Role string `json:"role"`
	IP   string `json:"ip"`
}

// Table returns the table that the record is about.
func (r *Record) Table() Table { return Table{r.Connection, r.DatastoreID, r.TableID} }

// ended reports whether the record ends a run.
func (r *Record) ended() bool {
	return r.Operation == "COLUMN_ENCRYPTION" || r.Operation == "KEY_ROTATION"
}

// Table names a table.
type Table struct{ Connection, DatastoreID, TableID string }

// Ledger is an export, oldest first.
type Ledger []Record

// Read reads a whole ledger as /audit.jsonl exports it. The first line must be the log's first record.
func Read(jsonl string) (Ledger, error) {
	var l Ledger
	for line := range strings.Lines(jsonl) {
		raw := strings.TrimSuffix(line, "\n")
		var r Record
		if err := json.Unmarshal([]byte(raw), &r); err != nil {
			return nil, fmt.Errorf("record %d: %w", len(l)+1, err)
		}
		at, err := time.Parse(time.RFC3339, r.Timestamp)
		if err != nil {
			return nil, fmt.Errorf("record %d: %w", len(l)+1, err)
		}
		leaf := sha256.Sum256(append([]byte{0}, raw...))
		r.Seq, r.At, r.Raw, r.Leaf = len(l)+1, at, raw, hex.EncodeToString(leaf[:])
		l = append(l, r)
	}
	return l, nil
}

// Facts are what no record tells.
type Facts struct {
	Read     map[Table]Reading           // the first reading of each table
	Proposed map[Table]map[string]string // what the rules propose for each column: sensitive, not_sensitive, undecided
	Stages   map[string][4]int64         // of each run: milliseconds of token, checks, PATCH and KMS; -1: not reached
}

// Reading is what the first reading of a table found.
type Reading struct {
	At      time.Time
	Columns map[string]bool // whether each is encrypted
}
