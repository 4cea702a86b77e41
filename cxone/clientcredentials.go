package cxone

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Scopes of the Data Management API (contract §1).
const (
	ScopeRead    = "data_management:read"
	ScopeWrite   = "data_management:write"
	ScopeEncrypt = "data_management:encrypt"
)

// ClientCredentialsConfig is what the OAuth2 client credentials grant needs.
type ClientCredentialsConfig struct {
	BaseURL      string // of the API, such as https://api-us-01.nice-incontact.com
	TokenURL     string // default {BaseURL}/oauth/token
	ClientID     string
	ClientSecret string
	Realm        string   // sent as the header "realm"; not sent when empty
	Scopes       []string // asked for, and needed; default read, write and encrypt

	HTTPClient *http.Client     // only its Transport is used; default: a pooled one
	Now        func() time.Time // default time.Now
}

type clientCredentials struct {
	cfg ClientCredentialsConfig
	*authority
	tokenCache
}

// ClientCredentials returns a provider for the grant client_credentials. What
// is wrong with the configuration is told by New, or by the first call.
func ClientCredentials(cfg ClientCredentialsConfig) TokenProvider {
	if cfg.TokenURL == "" {
		cfg.TokenURL = strings.TrimRight(cfg.BaseURL, "/") + "/oauth/token"
	}
	if cfg.Scopes == nil {
		cfg.Scopes = []string{ScopeRead, ScopeWrite, ScopeEncrypt}
	}
	p := &clientCredentials{cfg: cfg, authority: newAuthority(cfg.HTTPClient, cfg.Now, cfg.ClientID, cfg.ClientSecret)}
	p.tokenCache = tokenCache{now: p.authority.now, fetch: p.fetchToken}
	return p
}

func (p *clientCredentials) validate() error {
	if _, err := parseBase("the base URL", p.cfg.BaseURL); err != nil {
		return err
	}
	if _, err := parseEndpoint("the token URL", p.cfg.TokenURL); err != nil {
		return err
	}
	return validateSecrets([][2]string{{"client id", p.cfg.ClientID}, {"client secret", p.cfg.ClientSecret}}, p.cfg.Realm)
}

func validateSecrets(required [][2]string, realm string) error {
	for _, r := range required {
		if r[1] == "" {
			return errors.New("the " + r[0] + " is missing")
		}
	}
	if strings.ContainsFunc(realm, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return errors.New("the realm holds a control character")
	}
	return nil
}

func (p *clientCredentials) BaseURL(context.Context) (string, error) { return p.cfg.BaseURL, nil }

func (p *clientCredentials) fetchToken(ctx context.Context) (Token, error) {
	if err := p.validate(); err != nil {
		return Token{}, &AuthError{Message: err.Error(), Err: err}
	}
	header := http.Header{}
	if p.cfg.Realm != "" {
		header.Set("realm", p.cfg.Realm)
	}
	form := url.Values{"grant_type": {"client_credentials"}}
	if len(p.cfg.Scopes) > 0 {
		form.Set("scope", strings.Join(p.cfg.Scopes, " "))
	}
	token, _, err := p.request(ctx, p.cfg.TokenURL, p.cfg.ClientID, p.cfg.ClientSecret, header, form, p.cfg.Scopes,
		"OAuth authentication failed: check the client credentials and the realm")
	return token, err
}
