package audit

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Says reports whether a text that a person typed has anything to read. Spaces, marks and characters that no page
// shows, such as U+200B, say nothing.
func Says(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool {
		return unicode.In(r, unicode.L, unicode.N, unicode.P, unicode.S) && !unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) && r != '\u2800'
	})
}

// Plain reports whether a text that a person typed is UTF-8 without control characters, line breaks and tabs aside.
func Plain(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool {
		return unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t'
	})
}
