package cxone

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	tokenTimeout  = 10 * time.Second // of one attempt at the token or discovery endpoint
	tokenRetries  = 3
	tokenBase     = 250 * time.Millisecond
	tokenMax      = 4 * time.Second
	tokenLifetime = 5 * time.Minute // where the tenant names none; a 401 drops it sooner
	tokenLongest  = 24 * time.Hour
)

// authority makes the token calls of a provider.
type authority struct {
	base   http.RoundTripper
	now    func() time.Time
	policy retryPolicy
	*redactor
}

func newAuthority(client *http.Client, now func() time.Time, id, secret string, more ...string) *authority {
	if now == nil {
		now = time.Now
	}
	basic := base64.StdEncoding.EncodeToString([]byte(id + ":" + secret))
	return &authority{
		base: transportOf(client), now: now, redactor: newRedactor(append(more, secret, basic)...),
		policy: retryPolicy{retries: tokenRetries, base: tokenBase, max: tokenMax, now: now},
	}
}

func transportOf(client *http.Client) http.RoundTripper {
	if client == nil || client.Transport == nil {
		return defaultTransport()
	}
	return client.Transport
}

func (a *authority) call(ctx context.Context, method, url string, header http.Header, body []byte) (*answer, error) {
	header.Set("Accept", "application/json")
	header.Set("User-Agent", defaultUserAgent)
	x := exchange{
		method: method, url: url, header: header, body: body,
		timeout: tokenTimeout, limit: maxRead, retry: retryToken,
		policy: a.policy, base: a.base, redact: a.Redact, trace: &Trace{},
	}
	return x.do(ctx)
}

// refused dresses an answer that is not a success.
func (a *authority) refused(method, rawURL string, ans *answer) error {
	path := rawURL
	if u, err := url.Parse(rawURL); err == nil {
		path = u.EscapedPath()
	}
	e := newAPIError(method, path, ans, a.Redact)
	if ans.status == http.StatusTooManyRequests {
		return throttled(ans, e, a.Redact)
	}
	return e
}

// request asks for a token. The form's fields are sent as they are; extra
// headers too.
func (a *authority) request(
	ctx context.Context, tokenURL, id, secret string, header http.Header, form url.Values, needed []string, on401 string,
) (Token, grantAnswer, error) {
	req := http.Request{Header: header}
	req.SetBasicAuth(id, secret)
	header.Set("Content-Type", "application/x-www-form-urlencoded")

	asked := a.now() // before sending: the lifetime counts from some time after this
	ans, err := a.call(ctx, http.MethodPost, tokenURL, header, []byte(form.Encode()))
	if err != nil {
		return Token{}, grantAnswer{}, err
	}
	if err := a.denied(tokenURL, ans, on401); err != nil {
		return Token{}, grantAnswer{}, err
	}
	token, grant, err := a.readToken(ans, asked)
	if err != nil {
		return Token{}, grantAnswer{}, &AuthError{Message: "the token endpoint's answer cannot be used: " + err.Error()} // our own words
	}
	return token, grant, checkScopes(token.Scopes, needed)
}

// denied is the error of an answer that grants no token, nil where it may.
func (a *authority) denied(tokenURL string, ans *answer, on401 string) error {
	refused := a.refused(http.MethodPost, tokenURL, ans)
	refusal := newAPIError(http.MethodPost, "", ans, a.Redact)
	because := func(message string) error {
		if detail := strings.TrimSpace(refusal.Code + " " + refusal.Message); detail != "" {
			message += ": " + detail
		}
		return &AuthError{Message: message, Err: refused}
	}
	good := ans.status >= 200 && ans.status <= 299
	switch {
	case ans.status == http.StatusNotFound || ans.status == http.StatusMethodNotAllowed || ans.status == http.StatusGone:
		return &AuthError{URL: true, Err: refused,
			Message: fmt.Sprintf("there is no token endpoint at the token URL (%d): check the token URL", ans.status)}
	case redirects(ans.status):
		return &AuthError{URL: true, Err: refused,
			Message: fmt.Sprintf("the token URL redirects elsewhere (%d), which is refused: check the token URL", ans.status)}
	case ans.status < 500 && ans.status != http.StatusTooManyRequests && looksLikeHTML(ans.body):
		return &AuthError{URL: true, Err: refused,
			Message: fmt.Sprintf("the token URL answers with a web page (%d) and no token: check the token URL", ans.status)}
	case ans.status == http.StatusUnauthorized:
		return &AuthError{Message: on401, Err: refused}
	case ans.status >= 400 && ans.status < 500 && ans.status != http.StatusTooManyRequests:
		return because(fmt.Sprintf("CXone refused to grant a token (%d)", ans.status))
	case !good:
		return refused
	case reported(ans.body) != "" && !holdsToken(ans.body):
		return because(fmt.Sprintf("CXone refused to grant a token, in an answer of status %d", ans.status))
	}
	return nil
}

func holdsToken(body []byte) bool {
	in, _ := readFields(withoutMark(body))
	raw, _ := in.get("access_token")
	return raw != nil
}

// grantAnswer is RFC 6749 §5.1, read leniently where tenants are known to
// differ.
type grantAnswer struct {
	accessToken string
	idToken     string
}

func (a *authority) readToken(ans *answer, asked time.Time) (Token, grantAnswer, error) {
	var g grantAnswer
	raw, err := checkJSON(ans.body)
	if err != nil {
		return Token{}, g, err
	}
	in, ok := readFields(raw)
	if !ok || raw[0] != '{' {
		return Token{}, g, errors.New("it is not a JSON object")
	}
	text := func(key string) string {
		value, clear := in.get(key)
		s, _ := readString(value)
		if !clear {
			return ""
		}
		return s
	}
	g.accessToken, g.idToken = text("access_token"), text("id_token")
	a.sawToken(g.accessToken)
	a.sawToken(g.idToken)
	// A refresh token is not used: the credentials at hand grant a new token,
	// and a second long-lived secret would have to be kept.
	a.sawToken(text("refresh_token"))
	if g.accessToken == "" {
		return Token{}, g, errors.New("it holds no access_token")
	}
	if strings.ContainsFunc(g.accessToken, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return Token{}, g, errors.New("its access_token holds characters that a header cannot")
	}
	kind := strings.TrimSpace(text("token_type"))
	if kind != "" && !strings.EqualFold(kind, "bearer") && !strings.EqualFold(kind, "BearerToken") {
		return Token{}, g, errors.New("its token_type is not Bearer")
	}
	expires, _ := in.get("expires_in")
	life := lifetime(expires)
	t := Token{Value: g.accessToken, Expires: asked.Add(life), renew: asked.Add(life - min(earlyRenewal, life/2))}
	scope, _ := in.get("scope")
	if t.Scopes, err = grantedScopes(scope); err != nil {
		return Token{}, g, err
	}
	if date, err := http.ParseTime(ans.header.Get("Date")); err == nil {
		t.ServerTime, t.Skew = date, date.Sub(a.now()).Round(time.Second)
	}
	return t, g, nil
}

// lifetime reads expires_in: a number, or a number in a string. Missing, zero,
// negative or senseless means that the tenant did not say.
func lifetime(raw json.RawMessage) time.Duration {
	seconds, err := strconv.ParseFloat(strings.TrimSpace(strings.Trim(string(raw), `"`)), 64)
	if err != nil || math.IsNaN(seconds) || seconds <= 0 {
		return tokenLifetime
	}
	return time.Duration(min(seconds, tokenLongest.Seconds()) * float64(time.Second))
}

// grantedScopes reads scope: absent or null is nil ("as asked", RFC 6749
// §5.1); otherwise the words of a string, or of a list of strings.
func grantedScopes(raw json.RawMessage) ([]string, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	var text string
	if json.Unmarshal(raw, &text) != nil {
		var list []string
		if json.Unmarshal(raw, &list) != nil {
			return nil, errors.New("its scope is neither a string nor a list of strings")
		}
		text = strings.Join(list, " ")
	}
	scopes := strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' || r == '\t' || r == '\n' })
	for i, s := range scopes {
		scopes[i] = shorten(clean(s), maxRequestID)
	}
	if scopes == nil {
		scopes = []string{} // present and empty: nothing was granted
	}
	return scopes, nil
}

func checkScopes(granted, needed []string) error {
	if granted == nil {
		return nil
	}
	var missing []string
	for _, s := range needed {
		if !slices.Contains(granted, s) {
			missing = append(missing, s)
		}
	}
	if missing == nil {
		return nil
	}
	return &ScopeError{Missing: missing, Granted: granted}
}
