package web

import "strings"

// SessionEndedView answers a form that was sent after its session's end.
type SessionEndedView struct {
	Chrome
	Message string // why the person is signed out
	Kept    bool   // the browser keeps the form until they have signed in again
	NotKept string // why not, in a sentence
}

// KeptView is a form that waits to be sent again.
type KeptView struct {
	Chrome
	Action string // the form's address; empty: there is none
	Fields []KeptFields
}

// KeptFields are the fields of a form with one name.
type KeptFields struct {
	Name   string
	Values []string
}

// label returns the name as words.
func (f KeptFields) label() string {
	words := strings.ReplaceAll(f.Name, "_", " ")
	if words == "" {
		return ""
	}
	return strings.ToUpper(words[:1]) + words[1:]
}
