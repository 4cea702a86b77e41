package web

import "strconv"

// ErrorView says what went wrong, in a whole page or in place of a fragment.
type ErrorView struct {
	Chrome
	Status    int
	Code      string // the fault's code; empty: none
	Message   string // one sentence, safe to show
	Next      string // what to do; empty: AdviceFor(Code)
	RequestID string
	Recorded  bool // the denial of the request is in the audit log
}

func (v ErrorView) statusText() string { return strconv.Itoa(v.Status) }

func (v ErrorView) next() string {
	next := v.Next
	if next == "" {
		next = AdviceFor(v.Code)
	}
	if v.Recorded {
		next += " The attempt is in the audit log."
	}
	return next
}
