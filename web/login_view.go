package web

// LoginView is the sign-in form, with fields username, password, csrf_token
// and next.
type LoginView struct {
	Chrome
	Username  string // as typed, after a failed try
	Next      string // local path to go to afterwards
	Error     string // one sentence; empty at the first look
	NoAccount bool   // nobody can sign in yet: the first account waits for its link
	DemoNote  string // the demo accounts in words; empty outside of demo

	Providers []Link // where single sign-on starts
}
