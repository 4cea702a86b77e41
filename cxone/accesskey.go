package cxone

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// DefaultIssuer is CXone's public identity provider.
const DefaultIssuer = "https://cxone.niceincontact.com"

// Issuer is one of CXone's identity providers.
type Issuer struct {
	Name string
	URL  string
}

// Issuers lists the identity providers that are known (contract §1), the
// default first.
func Issuers() []Issuer {
	return []Issuer{
		{"CXone", DefaultIssuer},
		{"FedRAMP (United States government)", "https://cxone-gov.niceincontact.com"},
		{"Sovereign cloud, Australia", "https://nicecxone-sov1.au"},
		{"Sovereign cloud, Europe", "https://nicecxone-sov1.eu"},
	}
}

// discoveryLifetime is how long a discovered address is believed.
const discoveryLifetime = time.Hour

// AccessKeyConfig is what CXone's public access-key flow needs.
type AccessKeyConfig struct {
	Issuer          string // default DefaultIssuer
	ClientID        string // of the registered application
	ClientSecret    string
	AccessKeyID     string // of the user
	AccessKeySecret string
	Scopes          []string // needed, if the answer names scopes; the flow asks for none. Default: not checked

	HTTPClient *http.Client     // only its Transport is used; default: a pooled one
	Now        func() time.Time // default time.Now
}

type accessKey struct {
	cfg AccessKeyConfig
	*authority
	tokenCache

	mu         sync.Mutex
	endpoints  map[string]discovered // by the document's URL
	apiBaseURL string
}

type discovered struct {
	url   string
	until time.Time
}

// AccessKey returns a provider for CXone's access-key flow, which also
// discovers the API's base URL. What is wrong with the configuration is told
// by New, or by the first call.
func AccessKey(cfg AccessKeyConfig) TokenProvider {
	if cfg.Issuer == "" {
		cfg.Issuer = DefaultIssuer
	}
	cfg.Issuer = strings.TrimRight(cfg.Issuer, "/")
	p := &accessKey{
		cfg:       cfg,
		authority: newAuthority(cfg.HTTPClient, cfg.Now, cfg.ClientID, cfg.ClientSecret, cfg.AccessKeySecret),
		endpoints: map[string]discovered{},
	}
	p.tokenCache = tokenCache{now: p.authority.now, fetch: p.fetchToken}
	return p
}

func (p *accessKey) validate() error {
	if _, err := parseBase("the issuer", p.cfg.Issuer); err != nil {
		return err
	}
	return validateSecrets([][2]string{
		{"client id", p.cfg.ClientID}, {"client secret", p.cfg.ClientSecret},
		{"access key id", p.cfg.AccessKeyID}, {"access key secret", p.cfg.AccessKeySecret},
	}, "")
}

// BaseURL is the api_endpoint of the tenant that the token belongs to.
func (p *accessKey) BaseURL(ctx context.Context) (string, error) {
	p.mu.Lock()
	base := p.apiBaseURL
	p.mu.Unlock()
	if base != "" {
		return base, nil
	}
	if _, err := p.Token(ctx); err != nil {
		return "", err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.apiBaseURL, nil
}

func (p *accessKey) fetchToken(ctx context.Context) (Token, error) {
	if err := p.validate(); err != nil {
		return Token{}, &AuthError{Message: err.Error(), Err: err}
	}
	tokenURL, err := p.discover(ctx, p.cfg.Issuer+"/.well-known/openid-configuration", "token_endpoint")
	if err != nil {
		return Token{}, err
	}
	form := url.Values{"grant_type": {"password"}, "username": {p.cfg.AccessKeyID}, "password": {p.cfg.AccessKeySecret}}
	token, grant, err := p.request(ctx, tokenURL, p.cfg.ClientID, p.cfg.ClientSecret, http.Header{}, form, p.cfg.Scopes,
		"OAuth authentication failed: check the client credentials and the access key")
	if err != nil {
		return Token{}, err
	}
	claims := claimsOf(grant.accessToken)
	if claims.tenantID == "" {
		claims = claimsOf(grant.idToken)
	}
	if claims.tenantID == "" {
		return Token{}, &AuthError{Message: "the token names no tenantId, so the API's address cannot be found: " +
			"use the mode client-credentials with a base URL"}
	}
	base, err := p.apiEndpoint(ctx, claims)
	if err != nil {
		return Token{}, err
	}
	p.mu.Lock()
	p.apiBaseURL = base
	p.mu.Unlock()
	return token, nil
}

// apiEndpoint finds the API of the tenant at the issuer that the token names,
// which is the tenant's own region. The configured one serves where the token
// names none that could be asked, or one that does not know the tenant.
func (p *accessKey) apiEndpoint(ctx context.Context, claims claims) (string, error) {
	const document = "/.well-known/cxone-configuration?tenantId="
	tenant := url.QueryEscape(claims.tenantID)
	if issuer, ok := p.usableIssuer(claims.issuer); ok {
		if base, err := p.discover(ctx, issuer+document+tenant, "api_endpoint"); err == nil || ctx.Err() != nil {
			return base, err
		}
	}
	return p.discover(ctx, p.cfg.Issuer+document+tenant, "api_endpoint")
}

// usableIssuer reports whether the issuer of a token is another one than the
// configured one, and an address as trustworthy: https, or of its scheme.
func (p *accessKey) usableIssuer(issuer string) (string, bool) {
	issuer = strings.TrimRight(issuer, "/")
	u, err := parseBase("the token's issuer", issuer)
	if err != nil || issuer == p.cfg.Issuer || (u.Scheme != "https" && !strings.HasPrefix(p.cfg.Issuer, u.Scheme+"://")) {
		return "", false
	}
	return issuer, true
}

// discover reads one address from a discovery document. The document is not
// trusted: the address must be https, or of the issuer's own scheme (a sandbox
// on http), for credentials and tokens are sent there.
func (p *accessKey) discover(ctx context.Context, documentURL, field string) (string, error) {
	p.mu.Lock()
	known, ok := p.endpoints[documentURL]
	p.mu.Unlock()
	if ok && p.authority.now().Before(known.until) {
		return known.url, nil
	}
	ans, err := p.call(ctx, http.MethodGet, documentURL, http.Header{}, nil)
	if err != nil {
		return "", err
	}
	if ans.status < 200 || ans.status > 299 {
		return "", p.refused(http.MethodGet, documentURL, ans)
	}
	found, err := p.readEndpoint(ans, field)
	if err != nil {
		path, _, _ := strings.Cut(strings.TrimPrefix(documentURL, p.cfg.Issuer), "?")
		return "", &DecodeError{Method: http.MethodGet, Path: path, Err: errors.New(shorten(p.Redact(clean(err.Error())), maxMessage))}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.endpoints[documentURL] = discovered{url: found, until: p.authority.now().Add(discoveryLifetime)}
	return found, nil
}

func (p *accessKey) readEndpoint(ans *answer, field string) (string, error) {
	if looksLikeHTML(ans.body) {
		return "", errors.New("it is a web page and not JSON: check the issuer")
	}
	raw, err := checkJSON(ans.body)
	if err != nil {
		return "", err
	}
	document, ok := readFields(raw)
	if !ok || raw[0] != '{' {
		return "", errors.New("it is not a JSON object")
	}
	value, clear := document.get(field)
	address, ok := readString(value)
	if !ok || !clear || address == "" {
		return "", withReported(fmt.Errorf("it holds no %s", field), raw)
	}
	u, err := parseBase(field, address)
	if err != nil {
		return "", err
	}
	if u.Scheme != "https" && !strings.HasPrefix(p.cfg.Issuer, u.Scheme+"://") {
		return "", fmt.Errorf("%s is not https", field)
	}
	return u.String(), nil
}

// claims are what is read of a token.
type claims struct {
	tenantID  string
	issuer    string
	notBefore time.Time // zero: not named
}

// claimsOf reads the claims of a JWT without verifying the signature: we are
// the token's bearer, not its audience, and the claims only say which public
// document to fetch and when the token begins. They are zero where s is none.
func claimsOf(s string) claims {
	parts := strings.Split(s, ".")
	if len(parts) != 3 {
		return claims{}
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil || !json.Valid(payload) {
		return claims{}
	}
	in, ok := readFields(payload)
	if !ok {
		return claims{}
	}
	var c claims
	if raw, clear := in.get("tenantId"); clear {
		c.tenantID, _ = readID(raw)
	}
	if raw, clear := in.get("iss"); clear {
		c.issuer, _ = readString(raw)
	}
	for _, key := range []string{"nbf", "iat"} {
		raw, _ := in.get(key)
		if n, ok := readWhole(raw); ok && c.notBefore.IsZero() {
			c.notBefore = time.Unix(n, 0)
		}
	}
	return c
}
