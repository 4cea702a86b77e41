package web

// CodeView asks for the code of a second factor, in the field code.
type CodeView struct {
	Chrome
	Error string
	Next  string // local path to go to afterwards
}
