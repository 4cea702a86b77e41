package web

// SetupView is the form of the first start, with fields username, password,
// again, token and csrf_token.
type SetupView struct {
	Chrome
	Token    string // of the link; spent by the first account
	Username string // as typed
	Error    string // one sentence; empty at the first look
}
