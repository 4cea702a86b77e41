package oracletest

import (
	"slices"
	"strings"
)

// Findings are how many findings of each kind stand open, and how many of all stand in each state.
type Findings struct {
	Open                        map[string]int
	All, Acknowledged, Resolved int // All are the open ones
}

// Findings finds what needed a person: each record that opens a finding, and for each of its columns the first later
// record that settles it.
func (l Ledger) Findings() Findings {
	f := Findings{Open: map[string]int{}}
	for i := range l {
		kind := kindOf(&l[i])
		if kind == "" {
			continue
		}
		resolved := true
		for _, column := range l[i].Columns {
			resolved = resolved && l.settled(i, kind, column)
		}
		taken := slices.ContainsFunc(l, func(r Record) bool {
			return r.Operation == "ATTENTION_ACKNOWLEDGED" && r.Outcome == "SUCCESS" && strings.HasPrefix(r.Detail, "Acknowledged "+l[i].AuditID+". ")
		})
		switch {
		case resolved:
			f.Resolved++
		case taken:
			f.Acknowledged++
		default:
			f.All++
			f.Open[kind]++
		}
	}
	return f
}

// kindOf is what a record opens; empty: nothing.
func kindOf(r *Record) string {
	switch {
	case r.Outcome != "FAILURE":
		return ""
	case r.ended() && r.KMS != nil && r.KMS.Status == "REJECTED":
		return "run_rejected"
	case r.ended() && r.KMS != nil && r.KMS.Status == "UNCONFIRMED":
		return "run_unconfirmed"
	case r.ended():
		return "run_failed"
	case r.Operation == "DRIFT_DETECTED" && strings.HasPrefix(r.Detail, "The key version went back"):
		return "key_went_back"
	case r.Operation == "DRIFT_DETECTED":
		return "column_lost"
	case r.Operation == "ROTATION_OVERDUE":
		return "rotation_overdue"
	}
	return ""
}

// says are the kinds that a run which ended badly takes the place of: those that say less than it does.
var says = map[string][]string{
	"run_failed":       {"run_failed"},
	"run_unconfirmed":  {"run_failed", "run_unconfirmed"},
	"run_rejected":     {"run_failed", "run_unconfirmed", "run_rejected"},
	"column_lost":      {"column_lost", "run_rejected", "run_unconfirmed", "key_went_back", "rotation_overdue"},
	"key_went_back":    {"key_went_back"},
	"rotation_overdue": {"rotation_overdue"},
}

// settled reports whether a later record settles a column of the finding that record i opened.
func (l Ledger) settled(i int, kind, column string) bool {
	for j := i + 1; j < len(l); j++ {
		r := &l[j]
		if r.Table() != l[i].Table() || !slices.Contains(r.Columns, column) {
			continue
		}
		switch {
		case r.ended() && r.Outcome == "SUCCESS":
			if kind != "rotation_overdue" || r.Operation == "COLUMN_ENCRYPTION" {
				return true
			}
		case r.Operation == "KMS_CALLBACK" && r.Outcome == "SUCCESS":
			end := slices.IndexFunc(l, func(e Record) bool { return e.ended() && e.RunID == r.RunID && e.Outcome == "FAILURE" })
			if end >= 0 && end < j && (end == i || i < end && kind != "rotation_overdue") {
				return true // the run had ended, and is verified now
			}
		case r.Operation == "DRIFT_DETECTED" && strings.HasPrefix(r.Detail, "The column is gone"):
			return true
		case r.Operation == "ROTATION_OBSERVED" && (kind == "rotation_overdue" || kind == "key_went_back"):
			return true
		case slices.Contains(says[kindOf(r)], kind):
			return true
		}
	}
	return false
}
