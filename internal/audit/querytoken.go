package audit

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"cxseal/internal/fault"
)

// token is one part of the search box: key:text, or text alone.
type token struct {
	not    bool
	key    string // lower case; empty for a word
	text   string // unquoted
	quoted bool
}

// nextToken reads one token from the front of s and returns what follows it.
// The zero token means the end.
func nextToken(s string) (token, string, error) {
	var t token
	s = strings.TrimLeftFunc(s, unicode.IsSpace)
	if s == "" {
		return t, "", nil
	}
	if body, ok := strings.CutPrefix(s, "-"); ok && body != "" && !startsWithSpace(body) {
		t.not, s = true, body
	}
	if n := keyLen(s); n > 0 {
		t.key, s = strings.ToLower(s[:n]), s[n+1:]
	}
	if strings.HasPrefix(s, `"`) {
		text, rest, err := unquote(s[1:])
		if err != nil {
			return t, "", err
		}
		if rest != "" && !startsWithSpace(rest) {
			return t, "", fault.New(fault.Invalid, "After the closing quote of %q there must be a space", fault.Clip(text))
		}
		t.text, t.quoted = text, true
		return t, rest, nil
	}
	end := strings.IndexFunc(s, unicode.IsSpace)
	if end < 0 {
		end = len(s)
	}
	t.text = s[:end]
	if strings.ContainsRune(t.text, '"') {
		return t, "", fault.New(fault.Invalid, "A quote in the middle of %q: put the whole value in quotes", fault.Clip(t.text))
	}
	return t, s[end:], nil
}

// keyLen is the length of the qualifier's name that s begins with, 0 if none:
// letters and underscores up to a colon. Times and addresses (10:30, ::1) are
// words.
func keyLen(s string) int {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == ':':
			return i
		case (c|0x20 < 'a' || c|0x20 > 'z') && c != '_':
			return 0
		}
	}
	return 0
}

// unquote reads up to the closing quote; s begins after the opening one.
func unquote(s string) (text, rest string, err error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return b.String(), s[i+1:], nil
		case c == '\\' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\'):
			i++
			b.WriteByte(s[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", "", fault.New(fault.Invalid, "A quote is opened and never closed: add the closing \"")
}

// quoteIfNeeded writes a value so that nextToken reads it back whole.
func quoteIfNeeded(s string, word bool) string {
	plain := s != "" && !strings.ContainsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || r == '"' })
	if word && (keyLen(s) > 0 || strings.HasPrefix(s, "-")) {
		plain = false
	}
	if plain {
		return s
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

func sign(not bool) string {
	if not {
		return "-"
	}
	return ""
}

func startsWithSpace(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return unicode.IsSpace(r)
}

// formatBound writes a bound of a period: a date where it is a midnight.
func formatBound(t time.Time) string {
	if t.Equal(t.Truncate(24 * time.Hour)) {
		return t.Format(time.DateOnly)
	}
	return t.Format(time.RFC3339Nano)
}
