// Package oidctest is an OpenID Connect provider for tests, over HTTP: discovery, keys, authorize and
// token. It is strict about PKCE, redirect and client, and its codes work once. A test can make it
// misbehave.
package oidctest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Provider is the provider. Set its fields before it is asked for the first time.
type Provider struct {
	*httptest.Server
	Issuer   string // as the provider names itself
	Now      func() time.Time
	Redirect string // where people are sent back to; empty: wherever is asked for

	t   testing.TB
	key *ecdsa.PrivateKey

	mu    sync.Mutex
	codes map[string]grant
	calls map[string]int

	// What follows makes the provider misbehave.

	Claims     map[string]any                                           // set over the ID token's own claims; nil takes one out
	Sign       func(claims []byte) string                               // how the ID token is signed
	Discovered string                                                   // the issuer that discovery names
	Exchanging func(w http.ResponseWriter, r *http.Request) (done bool) // answers in place of the token endpoint
	Reusable   bool                                                     // codes work more than once
	UserInfo   map[string]any                                           // what userinfo says; nil: there is no such endpoint
	Padding    string                                                   // comes before every answer
}

// grant is what a code stands for: the parameters of the authorize request that must fit the token request.
type grant struct {
	nonce, challenge, redirect string
}

// The one client that the provider knows.
const (
	ClientID     = "cxseal-test"
	ClientSecret = "client-secret-of-the-test"
)

// New starts a provider and ends it with the test. now dates its tokens.
func New(t testing.TB, now func() time.Time) *Provider {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p := &Provider{t: t, Now: now, key: key, codes: map[string]grant{}, calls: map[string]int{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /tenant/.well-known/openid-configuration", p.discovery)
	mux.HandleFunc("GET /tenant/keys", p.keys)
	mux.HandleFunc("GET /tenant/authorize", p.authorize)
	mux.HandleFunc("POST /tenant/token", p.token)
	mux.HandleFunc("GET /tenant/userinfo", p.userinfo)
	mux.HandleFunc("/tenant/elsewhere", func(http.ResponseWriter, *http.Request) { p.count("elsewhere") })
	p.Server = httptest.NewServer(mux)
	p.Issuer = p.URL + "/tenant"
	p.Discovered = p.Issuer
	p.Sign = p.SignWith(key, "k1", jose.ES256)
	t.Cleanup(p.Close)
	return p
}

// Calls returns how often an endpoint was requested: "discovery", "keys", "authorize", "token", or
// "elsewhere".
func (p *Provider) Calls(endpoint string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls[endpoint]
}

func (p *Provider) count(call string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls[call]++
}

func (p *Provider) discovery(w http.ResponseWriter, _ *http.Request) {
	p.count("discovery")
	base := p.URL + "/tenant"
	document := map[string]any{
		"issuer": p.Discovered, "jwks_uri": base + "/keys",
		"authorization_endpoint": base + "/authorize", "token_endpoint": base + "/token",
		"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"},
		// It claims to support the weak ones: the console must not take its word.
		"id_token_signing_alg_values_supported": []string{"ES256", "HS256", "none"},
	}
	if p.UserInfo != nil {
		document["userinfo_endpoint"] = base + "/userinfo"
	}
	p.Answer(w, 200, document)
}

// userinfo answers with UserInfo to the access token that the token endpoint gives out. A subject in it
// stands in place of the person's own.
func (p *Provider) userinfo(w http.ResponseWriter, r *http.Request) {
	p.count("userinfo")
	if r.Header.Get("Authorization") != "Bearer at" {
		p.Answer(w, 401, map[string]any{"error": "invalid_token"})
		return
	}
	said := map[string]any{"sub": "subject-1"}
	maps.Copy(said, p.UserInfo)
	p.Answer(w, 200, said)
}

func (p *Provider) keys(w http.ResponseWriter, _ *http.Request) {
	p.count("keys")
	p.Answer(w, 200, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: p.key.Public(), KeyID: "k1", Algorithm: "ES256", Use: "sig"}}})
}

func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	p.count("authorize")
	q := r.URL.Query()
	if q.Get("client_id") != ClientID || p.Redirect != "" && q.Get("redirect_uri") != p.Redirect ||
		q.Get("response_type") != "code" ||
		q.Get("code_challenge_method") != "S256" || q.Get("code_challenge") == "" || q.Get("nonce") == "" ||
		!strings.Contains(" "+q.Get("scope")+" ", " openid ") {
		http.Error(w, "bad request: "+r.URL.RawQuery, http.StatusBadRequest)
		return
	}
	code := rand.Text()
	p.mu.Lock()
	p.codes[code] = grant{q.Get("nonce"), q.Get("code_challenge"), q.Get("redirect_uri")}
	p.mu.Unlock()
	back := url.Values{"code": {code}, "state": {q.Get("state")}, "iss": {p.Issuer}}
	http.Redirect(w, r, q.Get("redirect_uri")+"?"+back.Encode(), http.StatusFound)
}

func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	p.count("token")
	if p.Exchanging != nil && p.Exchanging(w, r) {
		return
	}
	id, secret, _ := r.BasicAuth()
	code := r.PostFormValue("code")
	p.mu.Lock()
	g, ok := p.codes[code]
	if !p.Reusable {
		delete(p.codes, code)
	}
	p.mu.Unlock()
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	switch {
	case id != ClientID || secret != ClientSecret:
		p.Answer(w, 401, map[string]any{"error": "invalid_client"})
		return
	case !ok || r.PostFormValue("redirect_uri") != g.redirect || base64.RawURLEncoding.EncodeToString(sum[:]) != g.challenge:
		p.Answer(w, 400, map[string]any{"error": "invalid_grant", "error_description": "refused: " + secret})
		return
	}
	now := p.Now()
	claims := map[string]any{
		"iss": p.Issuer, "aud": ClientID, "sub": "subject-1", "nonce": g.nonce,
		"iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(),
		"preferred_username": "olga@acme", "groups": []string{"staff", "auditors"},
	}
	maps.Copy(claims, p.Claims)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	body, err := json.Marshal(claims)
	if err != nil {
		p.t.Error(err)
	}
	p.Answer(w, 200, map[string]any{
		"access_token": "at", "token_type": "Bearer", "expires_in": 300, "id_token": p.Sign(body),
	})
}

// Answer writes v as JSON.
func (p *Provider) Answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, p.Padding)
	if err := json.NewEncoder(w).Encode(v); err != nil {
		p.t.Log(err)
	}
}

// SignWith is a Sign that uses another key.
func (p *Provider) SignWith(key any, kid string, alg jose.SignatureAlgorithm) func([]byte) string {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key},
		(&jose.SignerOptions{}).WithHeader("kid", kid))
	if err != nil {
		p.t.Fatal(err)
	}
	return func(claims []byte) string {
		jws, err := signer.Sign(claims)
		if err != nil {
			p.t.Error(err)
			return ""
		}
		s, err := jws.CompactSerialize()
		if err != nil {
			p.t.Error(err)
		}
		return s
	}
}

// Unsigned is a Sign that makes a token of "alg":"none".
func Unsigned(claims []byte) string {
	b := base64.RawURLEncoding
	return fmt.Sprintf("%s.%s.", b.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`)), b.EncodeToString(claims))
}

// Browse goes to the address as a browser would and returns the query with which it comes back.
func (p *Provider) Browse(address string) url.Values {
	p.t.Helper()
	client := p.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := client.Get(address)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	back, err := resp.Location()
	if err != nil {
		p.t.Fatalf("the provider answered %s", resp.Status)
	}
	return back.Query()
}
