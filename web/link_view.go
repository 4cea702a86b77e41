package web

// LinkView asks for the proof that an account is the person's who came through a provider, in the fields
// password and, where Code is set, code.
type LinkView struct {
	Chrome
	Account  string // its name
	Provider string // its label
	Code     bool   // the account has a second factor
	Error    string
}
