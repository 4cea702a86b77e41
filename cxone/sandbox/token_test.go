package sandbox_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"cxseal/cxone/sandbox"
)

func TestATokenIsRefusedToAWrongClient(t *testing.T) {
	tn := start(t, sandbox.Config{})
	cases := []struct {
		name   string
		damage func(*http.Request)
		status int
		code   string
	}{
		{"wrong secret", func(r *http.Request) { r.SetBasicAuth(sandbox.DefaultClientID, "no") }, 401, "invalid_client"},
		{"wrong id", func(r *http.Request) { r.SetBasicAuth("no", sandbox.DefaultClientSecret) }, 401, "invalid_client"},
		{"no credentials", func(r *http.Request) { r.Header.Del("Authorization") }, 401, "invalid_client"},
		{"wrong realm", func(r *http.Request) { r.Header.Set("realm", "other") }, 401, "realm"},
		{"no realm", func(r *http.Request) { r.Header.Del("realm") }, 401, "realm"},
		{"JSON body", func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }, 400, "invalid_request"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			req := tn.tokenRequest(allScope)
			c.damage(req)
			g := tn.do(req)
			contains(t, g, c.status, c.code)
			if body := g.json(t); body["error"] == nil || body["error_description"] == nil {
				t.Fatalf("no OAuth error body: %s", g.body)
			}
		})
	}
	form := func(body string) got {
		req := tn.request("POST", "/oauth/token", body)
		req.Header = tn.tokenRequest(allScope).Header
		return tn.do(req)
	}
	contains(t, form("grant_type=password"), 400, "unsupported_grant_type")
	contains(t, form("grant_type=client_credentials&grant_type=client_credentials"), 400, "invalid_request", "twice")
	contains(t, form("grant_type=client_credentials&scope=data_management:all"), 400, "invalid_scope", "data_management:all")
	contains(t, form(strings.Repeat("a", 1<<20+1)), 413)
}

// The guide sends id and secret as they are, OAuth libraries form-encode them.
func TestASecretOfOddCharactersWorksInBothSpellings(t *testing.T) {
	const odd = "s&cr t:+%/ü"
	tn := start(t, sandbox.Config{ClientSecret: odd}) // its first token: as it is
	req := tn.tokenRequest(allScope)
	req.SetBasicAuth(url.QueryEscape(sandbox.DefaultClientID), url.QueryEscape(odd))
	contains(t, tn.do(req), 200)
}

func TestTokensAreOpaqueAndDiffer(t *testing.T) {
	tn := start(t, sandbox.Config{})
	g := tn.do(tn.tokenRequest(allScope))
	body := g.json(t)
	if body["expires_in"] != 3600.0 || body["token_type"] != "Bearer" || body["scope"] != allScope {
		t.Fatalf("token answer: %s", g.body)
	}
	if body["access_token"] == tn.token {
		t.Fatal("two tokens are the same")
	}
	if g.header.Get("Cache-Control") != "no-store" {
		t.Fatal("a token may be cached")
	}
}

func TestATokenEndsByTheTenantsClock(t *testing.T) {
	tn := start(t, sandbox.Config{})
	tn.Advance(3599 * time.Second)
	contains(t, tn.get(contacts), 200)
	tn.Advance(time.Second)
	contains(t, tn.get(contacts), 401, "expired")
	tn.token = tn.newToken(allScope)
	contains(t, tn.get(contacts), 200)
	tn.RevokeTokens()
	contains(t, tn.get(contacts), 401, "unknown")
	tn.token = ""
	contains(t, tn.get(contacts), 401, "bearer")
}

func TestAMissingScopeIsNamed(t *testing.T) {
	tn := start(t, sandbox.Config{Inline: true})
	body := encode(t, asking(unheard, "ssn"))
	for _, c := range []struct{ has, missing string }{
		{"data_management:read", sandbox.ScopeWrite},
		{"data_management:read data_management:write", sandbox.ScopeEncrypt},
		{"data_management:encrypt", sandbox.ScopeWrite},
	} {
		tn.token = tn.newToken(c.has)
		contains(t, tn.patch("k", body), 403, c.missing)
	}
	tn.token = tn.newToken("data_management:write data_management:encrypt")
	for _, path := range []string{contacts, contacts + "/indexes", "/api/v2/datastores", "/api/v2/datastores/ds-customers/tables"} {
		contains(t, tn.get(path), 403, sandbox.ScopeRead)
	}
	if tn.commits() != 0 {
		t.Fatal("a refused call changed the table")
	}

	// A client that may have less than it asks for is told so in the answer.
	if err := tn.Configure(func(s *sandbox.Settings) { s.Scopes = []string{sandbox.ScopeRead} }); err != nil {
		t.Fatal(err)
	}
	if got := tn.do(tn.tokenRequest(allScope)).json(t)["scope"]; got != sandbox.ScopeRead {
		t.Fatalf("granted %q", got)
	}
}

func TestTheAccessKeyFlowIsFoundByItsDocuments(t *testing.T) {
	tn := start(t, sandbox.Config{})
	endpoint := tn.do(tn.request("GET", "/.well-known/openid-configuration", "")).json(t)["token_endpoint"].(string)
	if !strings.HasPrefix(endpoint, tn.base+"/") {
		t.Fatalf("the token endpoint %s lies outside the mount %s", endpoint, tn.base)
	}
	ask := func(password string) got {
		form := url.Values{"grant_type": {"password"}, "username": {sandbox.DefaultAccessKeyID}, "password": {password}}
		req := tn.request("POST", strings.TrimPrefix(endpoint, tn.base), form.Encode())
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
		req.SetBasicAuth(sandbox.DefaultClientID, sandbox.DefaultClientSecret)
		return tn.do(req)
	}
	contains(t, ask("wrong"), 401, "invalid_grant")
	tn.token = ask(sandbox.DefaultAccessKeySecret).json(t)["access_token"].(string)

	parts := strings.Split(tn.token, ".")
	if len(parts) != 3 {
		t.Fatalf("no JWT: %s", tn.token)
	}
	claims, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var claim struct {
		TenantID string `json:"tenantId"`
		Exp      int64
	}
	if err := json.Unmarshal(claims, &claim); err != nil || claim.TenantID == "" || claim.Exp != noon.Unix()+3600 {
		t.Fatalf("claims %s: %v", claims, err)
	}
	g := tn.do(tn.request("GET", "/.well-known/cxone-configuration?tenantId="+claim.TenantID, ""))
	if api := g.json(t)["api_endpoint"]; api != tn.base {
		t.Fatalf("api_endpoint %v, want %s", api, tn.base)
	}
	contains(t, tn.do(tn.request("GET", "/.well-known/cxone-configuration?tenantId=other", "")), 404)
	contains(t, tn.get(contacts), 200)
}

func TestABaseURLReplacesTheHostInTheDocuments(t *testing.T) {
	tn := start(t, sandbox.Config{BaseURL: "https://tenant.example/x/"})
	g := tn.do(tn.request("GET", "/.well-known/openid-configuration", ""))
	contains(t, g, 200, `"https://tenant.example/x/auth/token"`)
}
