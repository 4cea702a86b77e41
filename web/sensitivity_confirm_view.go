package web

import (
	"strconv"
	"strings"
)

// SensitivityConfirmView is a decision that takes columns out of what counts,
// before it is made.
type SensitivityConfirmView struct {
	Chrome
	Filter      SensitivityFilter
	All         bool     // it is about every column that matches the filter
	Keys        []string // the columns, where it is not
	Decision    string
	Columns     int // that it is about
	Out         int // of those, that would no longer count
	Rows        []SensitivityRow
	Effects     []EffectView // the narrowest scope first
	FourEyes    []string     // the connections whose part needs a second person
	Fingerprint string       // of what is shown here
	Reason      string       // as typed
	MaxReason   int          // characters
}

// EffectView is what a decision does to the coverage of a scope.
type EffectView struct {
	Scope  string // “table tbl-contacts”, “all tables”
	Text   string // “raises coverage from 69.09 to 100 %”
	Counts string // what the shares are made of
}

func (v SensitivityConfirmView) title() string {
	if v.Out == 1 {
		return "This takes 1 column out of what counts as sensitive"
	}
	return "This takes " + FormatNumber(int64(v.Out)) + " columns out of what counts as sensitive"
}

func (v SensitivityConfirmView) secondPerson() string {
	noun := "The connection "
	if len(v.FourEyes) > 1 {
		noun = "The connections "
	}
	verb := " asks"
	if len(v.FourEyes) > 1 {
		verb = " ask"
	}
	return noun + strings.Join(v.FourEyes, ", ") + verb + " for a second person: the decision waits there until somebody else approves it."
}

func (v SensitivityConfirmView) maxReason() string { return strconv.Itoa(v.MaxReason) }

func (v SensitivityConfirmView) reasonHelp() string {
	return "At most " + v.maxReason() + " characters. It is kept with each decision, in the audit log and in evidence packs."
}

func (v SensitivityConfirmView) confirmText() string {
	what := Plural(v.Columns, "column", "columns")
	if v.Decision == "undecided" {
		return "Take back the decisions about " + what
	}
	return "Declare " + what + " " + SensitivityText(v.Decision)
}
