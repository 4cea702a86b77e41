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
}

func (v ErrorView) statusText() string { return strconv.Itoa(v.Status) }

func (v ErrorView) next() string {
	if v.Next != "" {
		return v.Next
	}
	return AdviceFor(v.Code)
}
