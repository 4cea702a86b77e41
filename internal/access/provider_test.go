package access

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

// testProvider is an OpenID Connect provider over HTTP: discovery, keys,
// authorize and token, strict about PKCE, redirect and client, with codes that
// work once. The fields marked "bends" make it misbehave.
type testProvider struct {
	*httptest.Server
	t     *testing.T
	clock *clock
	key   *ecdsa.PrivateKey

	mu    sync.Mutex
	codes map[string]grant
	calls map[string]int

	claims     map[string]any                                           // bends: laid over the ID token's
	sign       func(claims []byte) string                               // bends: how the ID token is signed
	issuer     string                                                   // bends: what discovery says
	exchanging func(w http.ResponseWriter, r *http.Request) (done bool) // bends: the token endpoint
	reusable   bool                                                     // bends: codes work for ever
	padding    string                                                   // bends: comes before every answer
}

// grant is what the person at the provider agreed to.
type grant struct {
	nonce, challenge, redirect string
}

const (
	testClient = "cxseal-test"
	testSecret = "client-secret-of-the-test"
	testReturn = "http://localhost:8080/login/sso/acme/callback"
)

func newProvider(t *testing.T, c *clock) *testProvider {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p := &testProvider{t: t, clock: c, key: key, codes: map[string]grant{}, calls: map[string]int{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /tenant/.well-known/openid-configuration", p.discovery)
	mux.HandleFunc("GET /tenant/keys", p.keys)
	mux.HandleFunc("GET /tenant/authorize", p.authorize)
	mux.HandleFunc("POST /tenant/token", p.token)
	mux.HandleFunc("/tenant/elsewhere", func(http.ResponseWriter, *http.Request) { p.count("elsewhere") })
	p.Server = httptest.NewServer(mux)
	p.issuer = p.URL + "/tenant"
	p.sign = p.signWith(key, "k1", jose.ES256)
	t.Cleanup(p.Close)
	return p
}

func (p *testProvider) count(call string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls[call]++
}

func (p *testProvider) discovery(w http.ResponseWriter, _ *http.Request) {
	p.count("discovery")
	base := p.URL + "/tenant"
	p.answer(w, 200, map[string]any{
		"issuer": p.issuer, "authorization_endpoint": base + "/authorize", "token_endpoint": base + "/token", "jwks_uri": base + "/keys",
		"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"},
		// It claims to support the weak ones: the console must not take its word.
		"id_token_signing_alg_values_supported": []string{"ES256", "HS256", "none"},
	})
}

func (p *testProvider) keys(w http.ResponseWriter, _ *http.Request) {
	p.count("keys")
	p.answer(w, 200, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: p.key.Public(), KeyID: "k1", Algorithm: "ES256", Use: "sig"}}})
}

func (p *testProvider) authorize(w http.ResponseWriter, r *http.Request) {
	p.count("authorize")
	q := r.URL.Query()
	if q.Get("client_id") != testClient || q.Get("redirect_uri") != testReturn || q.Get("response_type") != "code" ||
		q.Get("code_challenge_method") != "S256" || q.Get("code_challenge") == "" || q.Get("nonce") == "" ||
		!strings.Contains(" "+q.Get("scope")+" ", " openid ") {
		http.Error(w, "bad request: "+r.URL.RawQuery, http.StatusBadRequest)
		return
	}
	code := rand.Text()
	p.mu.Lock()
	p.codes[code] = grant{q.Get("nonce"), q.Get("code_challenge"), q.Get("redirect_uri")}
	p.mu.Unlock()
	back := url.Values{"code": {code}, "state": {q.Get("state")}, "iss": {p.issuer}}
	http.Redirect(w, r, testReturn+"?"+back.Encode(), http.StatusFound)
}

func (p *testProvider) token(w http.ResponseWriter, r *http.Request) {
	p.count("token")
	if p.exchanging != nil && p.exchanging(w, r) {
		return
	}
	id, secret, _ := r.BasicAuth()
	code := r.PostFormValue("code")
	p.mu.Lock()
	g, ok := p.codes[code]
	if !p.reusable {
		delete(p.codes, code)
	}
	p.mu.Unlock()
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	switch {
	case id != testClient || secret != testSecret:
		p.answer(w, 401, map[string]any{"error": "invalid_client"})
		return
	case !ok || r.PostFormValue("redirect_uri") != g.redirect || base64.RawURLEncoding.EncodeToString(sum[:]) != g.challenge:
		p.answer(w, 400, map[string]any{"error": "invalid_grant", "error_description": "refused: " + secret})
		return
	}
	now := p.clock.Now()
	claims := map[string]any{
		"iss": p.URL + "/tenant", "aud": testClient, "sub": "subject-1", "nonce": g.nonce,
		"iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(),
		"preferred_username": "olga@acme", "groups": []string{"staff", "auditors"},
	}
	maps.Copy(claims, p.claims)
	body, err := json.Marshal(claims)
	if err != nil {
		p.t.Error(err)
	}
	p.answer(w, 200, map[string]any{"access_token": "at", "token_type": "Bearer", "expires_in": 300, "id_token": p.sign(body)})
}

func (p *testProvider) answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, p.padding)
	if err := json.NewEncoder(w).Encode(v); err != nil {
		p.t.Log(err)
	}
}

func (p *testProvider) signWith(key any, kid string, alg jose.SignatureAlgorithm) func([]byte) string {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, (&jose.SignerOptions{}).WithHeader("kid", kid))
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

// unsigned is a token of "alg":"none".
func unsigned(claims []byte) string {
	b := base64.RawURLEncoding
	return fmt.Sprintf("%s.%s.", b.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`)), b.EncodeToString(claims))
}

// browse goes to the address as a browser would and returns the query with
// which it comes back.
func (p *testProvider) browse(address string) url.Values {
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

func (p *testProvider) config() ProviderConfig {
	return ProviderConfig{
		ID: "acme", Label: "Acme", Issuer: p.URL + "/tenant", ClientID: testClient, ClientSecret: testSecret, RedirectURL: testReturn,
		Roles: map[string]Role{"auditors": Officer, "watchers": Viewer, "keyholders": Admin},
	}
}

func (p *testProvider) open() *OIDC {
	p.t.Helper()
	o, err := NewOIDC(p.config(), p.Client().Transport, p.clock.Now)
	if err != nil {
		p.t.Fatal(err)
	}
	return o
}
