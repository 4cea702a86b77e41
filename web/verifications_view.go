package web

import (
	"strconv"
	"strings"
	"time"
)

// VerificationsView lists every KMS callback, accepted or refused.
type VerificationsView struct {
	Chrome
	Filter      VerificationsFilter
	Rows        []VerificationRow
	Pager       Pager
	Connections []Option
}

// VerificationsFilter is the query of /verifications, as typed: accepted (yes
// or no), run_id, connection, table_id, from, to.
type VerificationsFilter struct {
	Accepted, RunID, Connection, TableID, From, To string
}

// Path is /verifications with the filter as its query.
func (f VerificationsFilter) Path() string {
	return listPath("/verifications", "accepted", f.Accepted, "run_id", f.RunID, "connection", f.Connection,
		"table_id", f.TableID, "from", f.From, "to", f.To)
}

// Active reports whether anything is narrowed.
func (f VerificationsFilter) Active() bool { return f != VerificationsFilter{} }

// VerificationRow is one callback in the list.
type VerificationRow struct {
	ID         string
	ReceivedAt time.Time
	Accepted   bool
	Code       string // why it was refused, in a word
	Reason     string // one sentence
	RunID      string // empty: its URL belongs to no run
	Connection string
	TableID    string
	Columns    []string
	KeyVersion int64  // 0: none given, or no number
	KeyID      string // the key version where it is no number
	Algorithm  string
	Signed     bool // a signature was required and held
	Inline     bool
	From       string
	Status     int // 0 for an inline payload
}

func (r VerificationRow) version() string {
	switch {
	case r.KeyID != "":
		return r.KeyID
	case r.KeyVersion <= 0:
		return "—"
	}
	return "v" + FormatNumber(r.KeyVersion)
}

// how says by which way a callback came and whether it was signed.
func (r VerificationRow) how() string {
	switch {
	case r.Inline:
		return "In CXone's answer"
	case r.Signed:
		return "Callback, signed"
	}
	return "Callback, unsigned"
}

// sender says where a callback came from and what it was answered.
func (r VerificationRow) sender() string {
	var parts []string
	if r.From != "" {
		parts = append(parts, "from "+r.From)
	}
	if r.Status != 0 {
		parts = append(parts, "answered "+strconv.Itoa(r.Status))
	}
	return strings.Join(parts, ", ")
}

func acceptedLabel(accepted bool) label {
	if accepted {
		return label{"Accepted", ToneSuccess, "check"}
	}
	return label{"Refused", ToneDanger, "x"}
}

var acceptedOptions = []Option{{"yes", "Accepted"}, {"no", "Refused"}}
