package cxone

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

func jwt(claims string) string {
	enc := base64.RawURLEncoding.EncodeToString
	return enc([]byte(`{"alg":"none"}`)) + "." + enc([]byte(claims)) + ".c2ln"
}

// issuer is CXone's identity provider, mounted under a prefix.
type issuer struct {
	*httptest.Server
	openid, config string // the documents
	grant          http.HandlerFunc
	form           url.Values
	tenant         string
	discoveries    int
}

func newIssuer(t *testing.T, api string) *issuer {
	t.Helper()
	is := &issuer{grant: status(200, fmt.Sprintf(`{"access_token":%q,"expires_in":3600,"scope":"openid"}`, jwt(`{"tenantId":"te/n?&t"}`)))}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /idp/.well-known/openid-configuration", func(w http.ResponseWriter, r *http.Request) {
		is.discoveries++
		status(200, is.openid)(w, r)
	})
	mux.HandleFunc("GET /idp/.well-known/cxone-configuration", func(w http.ResponseWriter, r *http.Request) {
		is.tenant = r.URL.Query().Get("tenantId")
		status(200, is.config)(w, r)
	})
	mux.HandleFunc("POST /idp/auth/token", func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		is.form = r.PostForm
		is.form.Set("basic", strings.TrimPrefix(r.Header.Get("Authorization"), "Basic "))
		is.grant(w, r)
	})
	is.Server = httptest.NewServer(mux)
	t.Cleanup(is.Close)
	is.openid = fmt.Sprintf(`{"token_endpoint":%q}`, is.URL+"/idp/auth/token")
	is.config = fmt.Sprintf(`{"api_endpoint":%q}`, api)
	return is
}

func (is *issuer) provider(secret string) TokenProvider {
	p := AccessKey(AccessKeyConfig{
		Issuer: is.URL + "/idp/", ClientID: "app", ClientSecret: "appsecret",
		AccessKeyID: "key id", AccessKeySecret: secret, HTTPClient: is.Client(),
	}).(*accessKey)
	p.policy.base, p.policy.max = time.Millisecond, time.Millisecond
	return p
}

func TestAccessKeyFlowFindsTheTenantsAPI(t *testing.T) {
	tn := newTenant(t)
	tn.script("GET /datastores/d/tables/t", status(401, ""), status(200, goodTable))
	is := newIssuer(t, tn.base()+"/")
	c := newClient(t, is.provider("k&y=s"))
	if _, err := c.Table(t.Context(), "d", "t"); err != nil {
		t.Fatal(err)
	}
	if is.form.Get("grant_type") != "password" || is.form.Get("username") != "key id" || is.form.Get("password") != "k&y=s" ||
		is.form.Get("basic") != base64.StdEncoding.EncodeToString([]byte("app:appsecret")) {
		t.Errorf("token form %v", is.form)
	}
	if is.tenant != "te/n?&t" {
		t.Errorf("tenantId = %q", is.tenant)
	}
	if is.discoveries != 1 {
		t.Errorf("the addresses were discovered %d times for two tokens", is.discoveries)
	}
}

func TestDiscoveryIsNotTrusted(t *testing.T) {
	for _, test := range []struct{ name, openid, config, token, want string }{
		{"not JSON", `<html>`, "", "", "GET /.well-known/openid-configuration cannot be used: it is a web page and not JSON: check the issuer"},
		{"a list", `[]`, "", "", "it is not a JSON object"},
		{"an error", `{"error":"unknown_realm"}`, "", "", "it holds no token_endpoint; it reports an error: unknown_realm"},
		{"no endpoint", `{}`, "", "", "it holds no token_endpoint"},
		{"file URL", `{"token_endpoint":"file:///etc/passwd"}`, "", "", "must begin with https://"},
		{"userinfo", `{"token_endpoint":"https://a:b@evil.example/t"}`, "", "", "must not hold a user name"},
		{"api with query", "", `{"api_endpoint":"https://evil.example/?x="}`, "", "must not have a query"},
		{"too large", `{"x":"` + strings.Repeat("x", 9<<20) + `"}`, "", "", "it is larger than"},
		{"opaque token", "", "", "not-a-jwt", "the token names no tenantId"},
		{"no claim", "", "", jwt(`{"sub":"x"}`), "the token names no tenantId"},
	} {
		t.Run(test.name, func(t *testing.T) {
			is := newIssuer(t, "https://unused.example")
			if test.openid != "" {
				is.openid = test.openid
			}
			if test.config != "" {
				is.config = test.config
			}
			if test.token != "" {
				is.grant = status(200, fmt.Sprintf(`{"access_token":%q}`, test.token))
			}
			err := newClient(t, is.provider("keysecret")).Check(t.Context())
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestHTTPSIssuerMayNotSendUsToHTTP(t *testing.T) {
	p := AccessKey(AccessKeyConfig{ClientID: "a", ClientSecret: "b", AccessKeyID: "c", AccessKeySecret: "d"}).(*accessKey)
	_, err := p.readEndpoint(&answer{body: []byte(`{"api_endpoint":"http://plain.example"}`)}, "api_endpoint")
	if err == nil || err.Error() != "api_endpoint is not https" {
		t.Errorf("err = %v", err)
	}
}

func TestWrongAccessKeyIsSaidAndNotQuoted(t *testing.T) {
	is := newIssuer(t, "https://unused.example")
	is.grant = func(w http.ResponseWriter, r *http.Request) {
		status(401, `{"error_description":"no such key `+is.form.Get("password")+`"}`)(w, r)
	}
	err := newClient(t, is.provider("very&secret")).Check(t.Context())
	var api *APIError
	if err == nil || err.Error() != "OAuth authentication failed: check the client credentials and the access key" ||
		!errors.As(err, &api) || strings.Contains(api.Message, "very&secret") {
		t.Errorf("err = %v, %+v", err, api)
	}
}

// The tenant's own region knows where its API is; the configured issuer may be
// another one.
func TestTheTokensIssuerIsAskedForTheAPI(t *testing.T) {
	tn := newTenant(t)
	tn.script("GET /datastores/d/tables/t", status(200, goodTable))
	region := newIssuer(t, tn.base())
	configured := newIssuer(t, "https://unused.example")
	token := func(claims string) {
		configured.grant = status(200, "\xef\xbb\xbf"+fmt.Sprintf(`{"access_token":%q}`, jwt(claims)))
	}

	token(`{"tenantId":12345678901234567890,"iss":"` + region.URL + `/idp/"}`)
	c := newClient(t, configured.provider("secret"))
	if _, err := c.Table(t.Context(), "d", "t"); err != nil {
		t.Fatal(err)
	}
	if region.tenant != "12345678901234567890" || configured.tenant != "" {
		t.Errorf("the region was asked for %q, the configured issuer for %q", region.tenant, configured.tenant)
	}

	// An issuer that is no address, or does not know the tenant, leaves the
	// configured one.
	configured.config = fmt.Sprintf(`{"api_endpoint":%q}`, tn.base())
	for _, iss := range []string{"cxone", "file:///etc", region.URL + "/nothing/here", ""} {
		configured.tenant = ""
		token(`{"tenantId":"te","iss":"` + iss + `"}`)
		if err := newClient(t, configured.provider("secret")).Check(t.Context()); err != nil || configured.tenant != "te" {
			t.Errorf("%q: %v, asked for %q", iss, err, configured.tenant)
		}
	}
}

func TestTheKnownIssuersAreAddresses(t *testing.T) {
	if len(Issuers()) != 4 || Issuers()[0].URL != DefaultIssuer {
		t.Errorf("issuers %v", Issuers())
	}
	for _, issuer := range Issuers() {
		if u, err := parseBase("issuer", issuer.URL); err != nil || u.Scheme != "https" || issuer.Name == "" {
			t.Errorf("%+v: %v", issuer, err)
		}
	}
}
