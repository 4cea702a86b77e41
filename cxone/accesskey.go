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
	tenant := tenantID(grant.AccessToken)
	if tenant == "" {
		tenant = tenantID(grant.IDToken)
	}
	if tenant == "" {
		return Token{}, &AuthError{Message: "the token names no tenantId, so the API's address cannot be found: use the mode client-credentials with a base URL"}
	}
	base, err := p.discover(ctx, p.cfg.Issuer+"/.well-known/cxone-configuration?tenantId="+url.QueryEscape(tenant), "api_endpoint")
	if err != nil {
		return Token{}, err
	}
	p.mu.Lock()
	p.apiBaseURL = base
	p.mu.Unlock()
	return token, nil
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
		return "", &DecodeError{Method: http.MethodGet, Path: path, Err: err}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.endpoints[documentURL] = discovered{url: found, until: p.authority.now().Add(discoveryLifetime)}
	return found, nil
}

func (p *accessKey) readEndpoint(ans *answer, field string) (string, error) {
	var document map[string]json.RawMessage
	var address string
	if json.Unmarshal(ans.body, &document) != nil {
		return "", errors.New("it is not a JSON object")
	}
	if json.Unmarshal(document[field], &address) != nil || address == "" {
		return "", fmt.Errorf("it holds no %s", field)
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

// tenantID reads the claim tenantId of a JWT without verifying the signature:
// we are the token's bearer, not its audience, and the claim only says which
// public document to fetch. It is "" when there is none.
func tenantID(jwt string) string {
	parts := strings.Split(jwt, ".")
	if len(parts) != 3 {
		return ""
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return ""
	}
	var claims struct {
		TenantID string `json:"tenantId"`
	}
	if json.Unmarshal(payload, &claims) != nil {
		return ""
	}
	return claims.TenantID
}
