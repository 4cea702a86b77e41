package sandbox

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// The scopes a call may need (contract §1).
const (
	ScopeRead    = "data_management:read"
	ScopeWrite   = "data_management:write"
	ScopeEncrypt = "data_management:encrypt"
)

// AllScopes lists every scope there is.
func AllScopes() []string { return []string{ScopeRead, ScopeWrite, ScopeEncrypt} }

// maxTokens bounds the tokens remembered; the oldest are forgotten first.
const maxTokens = 10_000

type token struct {
	client  string
	scopes  []string
	expires time.Time
}

type tokenStore struct {
	live  map[string]token
	order []string // oldest first
}

func (t *tokenStore) put(value string, tok token) {
	if t.live == nil {
		t.live = map[string]token{}
	}
	if len(t.order) >= maxTokens {
		delete(t.live, t.order[0])
		t.order = slices.Delete(t.order, 0, 1)
	}
	t.live[value] = tok
	t.order = append(t.order, value)
}

// Tokens are the tokens that were issued and are remembered, the oldest first.
func (s *Sandbox) Tokens() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.tokens.order)
}

// RevokeTokens makes every token issued so far unknown, so that the next call
// with one is a 401.
func (s *Sandbox) RevokeTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens = tokenStore{}
}

// authorize finds the client behind a request's bearer token and checks that
// the token carries every scope asked for.
func (s *Sandbox) authorize(r *http.Request, scopes []string) (string, *answer) {
	unauthorized := func(message string) *answer {
		a := refuse(http.StatusUnauthorized, "invalid_token", "", message)
		a.header.Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		return &a
	}
	scheme, value, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || value == "" {
		return "", unauthorized("the call carries no bearer token")
	}
	s.mu.Lock()
	tok, known := s.tokens.live[strings.TrimSpace(value)]
	now := s.nowLocked()
	s.mu.Unlock()
	if !known {
		return "", unauthorized("the token is unknown")
	}
	if !now.Before(tok.expires) {
		return "", unauthorized("the token has expired")
	}
	for _, scope := range scopes {
		if !slices.Contains(tok.scopes, scope) {
			a := refuse(http.StatusForbidden, "insufficient_scope", "", "the token lacks the scope "+scope)
			return "", &a
		}
	}
	return tok.client, nil
}

// tokenAnswer is RFC 6749 §5.1. Scope is left out in mode access-key, whose
// flow names none.
type tokenAnswer struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	ExpiresIn   int    `json:"expires_in"`
	Scope       string `json:"scope,omitempty"`
}

func oauthError(status int, code, description string) answer {
	a := reply(status, map[string]string{"error": code, "error_description": description})
	a.header.Set("Cache-Control", "no-store")
	if status == http.StatusUnauthorized {
		a.header.Set("WWW-Authenticate", `Basic realm="cxone"`)
	}
	return a
}

// clientCredentials answers POST /oauth/token.
func (s *Sandbox) clientCredentials(c call) answer {
	form, refusal := tokenForm(c.Request, "client_credentials")
	if refusal != nil {
		return *refusal
	}
	if !basicMatches(c.Request, s.cfg.ClientID, s.cfg.ClientSecret) {
		return oauthError(http.StatusUnauthorized, "invalid_client", "the client id or secret is wrong")
	}
	if !same(c.Header.Get("realm"), s.cfg.Realm) {
		return oauthError(http.StatusUnauthorized, "invalid_client", "the header realm is missing or names another realm")
	}
	asked := strings.Fields(form.Get("scope"))
	for _, scope := range asked {
		if !slices.Contains(AllScopes(), scope) {
			return oauthError(http.StatusBadRequest, "invalid_scope", "there is no scope "+scope)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var granted []string
	for _, scope := range s.settings.Scopes {
		if len(asked) == 0 || slices.Contains(asked, scope) {
			granted = append(granted, scope)
		}
	}
	return s.issue(rand.Text()+rand.Text(), s.cfg.ClientID, granted, strings.Join(granted, " "))
}

// issue remembers a token and answers it. The caller holds s.mu.
func (s *Sandbox) issue(value, client string, scopes []string, shown string) answer {
	lifetime := s.settings.TokenSeconds
	s.tokens.put(value, token{client, scopes, s.nowLocked().Add(time.Duration(lifetime) * time.Second)})
	a := reply(http.StatusOK, tokenAnswer{value, "Bearer", lifetime, shown})
	a.header.Set("Cache-Control", "no-store")
	return a
}

// accessKey answers POST /auth/token, where the password grant carries an
// access key.
func (s *Sandbox) accessKey(c call) answer {
	form, refusal := tokenForm(c.Request, "password")
	if refusal != nil {
		return *refusal
	}
	if !basicMatches(c.Request, s.cfg.ClientID, s.cfg.ClientSecret) {
		return oauthError(http.StatusUnauthorized, "invalid_client", "the client id or secret is wrong")
	}
	if !same(form.Get("username"), s.cfg.AccessKeyID) || !same(form.Get("password"), s.cfg.AccessKeySecret) {
		return oauthError(http.StatusUnauthorized, "invalid_grant", "the access key id or secret is wrong")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.issue(s.jwt(c.Request), s.cfg.AccessKeyID, s.settings.Scopes, "")
}

// jwt makes a token of JWT shape. The caller holds s.mu.
func (s *Sandbox) jwt(r *http.Request) string {
	now := s.nowLocked()
	part := func(v any) string {
		b, _ := json.Marshal(v) // maps of strings and numbers always marshal
		return base64.RawURLEncoding.EncodeToString(b)
	}
	issuer := s.settings.TokenIssuer
	if issuer == "" {
		issuer = s.baseURL(r)
	}
	var tenant any = s.cfg.TenantID
	if number := json.Number(s.cfg.TenantID); s.settings.TenantIDNumber && json.Valid([]byte(number)) {
		tenant = number
	}
	signed := part(map[string]any{"alg": "HS256", "typ": "JWT"}) + "." + part(map[string]any{
		"iss": issuer, "sub": s.cfg.AccessKeyID, "tenantId": tenant, "jti": rand.Text(),
		"iat": now.Unix(), "exp": now.Unix() + int64(s.settings.TokenSeconds),
	})
	mac := hmac.New(sha256.New, s.jwtKey)
	mac.Write([]byte(signed))
	return signed + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func tokenForm(r *http.Request, grant string) (url.Values, *answer) {
	fail := func(code, description string) *answer {
		a := oauthError(http.StatusBadRequest, code, description)
		return &a
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return nil, fail("invalid_request", "the body must be application/x-www-form-urlencoded")
	}
	body, refusal := readBody(r)
	if refusal != nil {
		return nil, refusal
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, fail("invalid_request", "the body is no valid form")
	}
	for name, values := range form {
		if len(values) > 1 { // RFC 6749 §3.2
			return nil, fail("invalid_request", "the parameter "+name+" stands there twice")
		}
	}
	if form.Get("grant_type") != grant {
		return nil, fail("unsupported_grant_type", "grant_type must be "+grant)
	}
	return form, nil
}

// basicMatches takes the credentials as they are (the published guide) and
// form-encoded (RFC 6749 §2.3.1, what OAuth libraries send).
func basicMatches(r *http.Request, id, secret string) bool {
	gotID, gotSecret, ok := r.BasicAuth()
	if !ok {
		return false
	}
	if same(gotID, id) && same(gotSecret, secret) {
		return true
	}
	plainID, errID := url.QueryUnescape(gotID)
	plainSecret, errSecret := url.QueryUnescape(gotSecret)
	return errID == nil && errSecret == nil && same(plainID, id) && same(plainSecret, secret)
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
