package fault

import "unicode/utf8"

// ClipLength is how many characters of an input Clip keeps.
const ClipLength = 40

// Clip shortens what somebody typed or sent, to be quoted in the sentence of an error.
func Clip(s string) string { return ClipTo(s, ClipLength) }

// ClipTo is Clip for so many characters.
func ClipTo(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most]) + "…"
}
