package web

// ErrorView says what went wrong, in a whole page or in place of a fragment.
type ErrorView struct {
	Chrome
	Status    int
	Code      string // the fault's code; empty: none
	Message   string // one sentence, safe to show
	Next      string // what to do; empty: AdviceFor(Code)
	RequestID string
}
