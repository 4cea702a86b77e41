package web

import (
	"strconv"
	"strings"

	"github.com/a-h/templ"
)

// dateKind keeps a date in a date picker and shows anything finer, such as an
// RFC 3339 time from a shared address, as it was written.
func dateKind(value string) string {
	if value == "" || len(value) == len("2006-01-02") {
		return "date"
	}
	return "text"
}

func facetText(param, value string) string {
	switch param {
	case "operation":
		return OperationText(value)
	case "outcome":
		return outcomeLabel(value).text
	}
	return value
}

// pressed marks the facet value that the log is narrowed to.
func pressed(on bool) templ.Attributes {
	if !on {
		return nil
	}
	return templ.Attributes{"aria-current": "true"}
}

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

func kmsLabel(status string) label {
	switch status {
	case "VERIFIED":
		return label{"Verified", ToneSuccess, "check"}
	case "REJECTED":
		return label{"Refused", ToneDanger, "x"}
	case "UNCONFIRMED":
		return label{"Unconfirmed", ToneWarning, "help"}
	case "NOT_REACHED":
		return label{"Not reached", ToneNone, "circle"}
	}
	return label{status, ToneNone, "circle"}
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

func (r VerificationRow) version() string {
	if r.KeyVersion <= 0 {
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
