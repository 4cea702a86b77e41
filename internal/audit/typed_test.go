package audit

import "testing"

// Fails when a note of characters that nobody sees counts as one, or a control character as text.
func TestTypedTexts(t *testing.T) {
	for _, c := range []struct {
		text        string
		says, plain bool
	}{
		{"A test account.", true, true},
		{"検査済み\n–\tok", true, true},
		{"?", true, true},
		{"", false, true},
		{" \r\n\t\u00a0", false, true},
		{"\u200b\u2060\ufeff\u202e", false, true}, // format characters
		{"\u3164\u115f\u2800", false, true},       // letters and a symbol without ink
		{"\u0301", false, true},
		{"a\x00b", true, false},
		{"a\x1b[31m", true, false},
		{"a\u0085", true, false},
		{"\xff", true, false}, // U+FFFD is a symbol
	} {
		if Says(c.text) != c.says || Plain(c.text) != c.plain {
			t.Errorf("%q: says %v, plain %v", c.text, Says(c.text), Plain(c.text))
		}
	}
}
