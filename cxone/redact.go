package cxone

import (
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"
)

const redacted = "[redacted]"

// shortestSecret is the length from which a part of a callback URL can be a
// secret; a shorter one, such as "callback", is a word.
const shortestSecret = 16

// recentTokens is how many tokens are remembered for redaction: an error may
// speak of a token that has just been replaced.
const recentTokens = 24

var redactPatterns = []struct {
	re   *regexp.Regexp
	with string
}{
	{regexp.MustCompile(`(?i)\b(bearer|basic)[ :]+[A-Za-z0-9+/._~=-]{6,}`), "$1 " + redacted},
	{regexp.MustCompile(`://[^/@\s"']+@`), "://" + redacted + "@"},
	{regexp.MustCompile(`(?i)("?(?:access_token|refresh_token|id_token|client_secret|password)"?\s*[:=]\s*"?)[^"&\s,}]+`), "${1}" + redacted},
}

// recentCallbacks is how many callback URLs are remembered for redaction: a
// tenant may repeat one long after the change.
const recentCallbacks = 64

// redactor removes known secrets, and what looks like one, from text.
type redactor struct {
	mu      sync.RWMutex
	secrets []string // in every form in which they may be quoted, longest first
	tokens  []string
	called  []string // what is secret of the callback URLs that were sent
}

func newRedactor(secrets ...string) *redactor {
	r := &redactor{}
	for _, s := range secrets {
		if s == "" {
			continue
		}
		quoted, _ := json.Marshal(s) // a string always marshals
		for _, form := range []string{s, url.QueryEscape(s), url.PathEscape(s), strings.Trim(string(quoted), `"`)} {
			if !slices.Contains(r.secrets, form) {
				r.secrets = append(r.secrets, form)
			}
		}
	}
	slices.SortFunc(r.secrets, func(a, b string) int { return len(b) - len(a) })
	return r
}

// sawToken remembers a token so that it can be removed from later texts.
func (r *redactor) sawToken(token string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if token == "" || slices.Contains(r.tokens, token) {
		return
	}
	if len(r.tokens) == recentTokens {
		r.tokens = slices.Delete(r.tokens, 0, 1)
	}
	r.tokens = append(r.tokens, token)
}

// sawCallback remembers what is secret of a callback URL: its query and its
// last path element, in the forms in which they may be repeated. With
// them anybody can post to it.
func (r *redactor) sawCallback(address string) {
	u, err := url.Parse(address)
	if err != nil {
		return
	}
	path := strings.TrimRight(u.EscapedPath(), "/")
	last := path[strings.LastIndexByte(path, '/')+1:]
	plain, err := url.PathUnescape(last)
	if err != nil {
		plain = last
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, secret := range []string{last, plain, u.RawQuery} {
		if len(secret) < shortestSecret || slices.Contains(r.called, secret) {
			continue
		}
		if len(r.called) >= 3*recentCallbacks {
			r.called = slices.Delete(r.called, 0, 1)
		}
		r.called = append(r.called, secret)
	}
}

// Redact returns s without secrets and tokens.
func (r *redactor) Redact(s string) string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, secret := range slices.Concat(r.tokens, r.called) {
		s = strings.ReplaceAll(s, secret, redacted)
	}
	for _, secret := range r.secrets {
		s = strings.ReplaceAll(s, secret, redacted)
	}
	for _, p := range redactPatterns {
		s = p.re.ReplaceAllString(s, p.with)
	}
	return s
}

// clean makes outside text fit for one line: control and formatting characters
// (which can forge log lines or reverse what is read) become spaces, runs of
// white space one space. Bounding comes after redaction, or a secret cut in
// half would stay.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	return strings.Join(strings.Fields(s), " ")
}

// shorten cuts s to at most n runes and says so.
func shorten(s string, n int) string {
	runes := 0
	for i := range s {
		if runes == n {
			return s[:i] + "…"
		}
		runes++
	}
	return s
}
