package access

import (
	"cmp"
	"context"
	"crypto/subtle"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"cxseal/internal/fault"
)

// ProviderConfig is one OpenID Connect provider: an organisation's single sign-on.
type ProviderConfig struct {
	ID           string // short, for URLs: lower-case letters, digits, dashes
	Label        string // on the button: "Sign in with …"
	Issuer       string // with or without the slash at its end; https, or http on loopback
	ClientID     string
	ClientSecret string
	RedirectURL  string   // the console's callback page, as registered with the provider
	Scopes       []string // besides openid; profile and email when empty
	NameClaim    string   // names new accounts; preferred_username when empty. A name or a path, see claimAt
	GroupsClaim  string   // a list of strings; groups when empty. A name or a path too

	// Roles gives each group its role. A person in several groups has the most trusted of their roles; a
	// person in none is refused.
	Roles map[string]Role
}

// Check is nil when the configuration can work.
func (p ProviderConfig) Check() error {
	bad := func(why string) error { return fault.New(fault.Invalid, "The sign-in provider %q: %s", p.ID, why) }
	odd := func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' }
	if p.ID == "" || len(p.ID) > 32 || strings.ContainsFunc(p.ID, odd) {
		return bad("its id must be 1 to 32 lower-case letters, digits and dashes.")
	}
	for name, raw := range map[string]string{"issuer": p.Issuer, "redirect address": p.RedirectURL} {
		if !safeEndpoint(raw) {
			return bad("its " + name + " must be a whole https:// address.")
		}
	}
	if p.ClientID == "" || p.Label == "" {
		return bad("it needs a client id and a label.")
	}
	if len(p.Roles) == 0 {
		return bad("give at least one group a role, or nobody can sign in.")
	}
	for group, role := range p.Roles {
		if !role.Valid() || group == "" {
			return bad("each group needs one of the roles viewer, officer, approver and admin.")
		}
	}
	return nil
}

// safeEndpoint reports whether secrets may be sent to the address: https anywhere, http on loopback for
// tests and demos.
func safeEndpoint(raw string) bool {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	loopback := u.Hostname() == "localhost" || (ip != nil && ip.IsLoopback())
	return u.Scheme == "https" || (u.Scheme == "http" && loopback)
}

// Identity is what a provider said about a person, after every check.
type Identity struct {
	Provider string // ProviderConfig.ID
	Issuer   string
	Subject  string // with Issuer, the only thing that never changes hands
	Name     string // for a new account; may be empty
	Groups   []string
	Role     Role // by the groups; empty when there is none

	noRole error // why Role is empty, for the person and the log
	noName error // why Name is empty
}

const (
	flowLife     = 10 * time.Minute // from the button to the way back
	maxFlows     = 10_000
	oidcTimeout  = 10 * time.Second
	maxOIDCBytes = 1 << 20 // of any answer of a provider
	maxGroups    = 1000
)

// signingAlgs are the accepted signature algorithms, all of which need a private key: not "none", and not
// the HMACs, with which a public key could be misused as the secret.
var signingAlgs = []string{oidc.RS256, oidc.RS384, oidc.RS512, oidc.PS256, oidc.PS384, oidc.PS512,
	oidc.ES256, oidc.ES384, oidc.ES512, oidc.EdDSA}

// OIDC is the client of one provider: authorization code flow with PKCE, state and nonce (OpenID Connect
// Core 1.0 §3.1, RFC 7636, RFC 9700).
type OIDC struct {
	config ProviderConfig
	client *http.Client
	now    func() time.Time

	mu       sync.Mutex
	provider *oidc.Provider       // discovered at first use
	issuer   string               // as the provider writes it, once it is discovered
	spent    map[string]time.Time // states whose callback came, by when they were begun
}

// flow is a login that was begun and not yet ended by the provider's callback. It is used once, and is kept by the
// browser that began it, sealed: nothing is stored for a stranger's begin.
type flow struct {
	state    string
	nonce    string
	verifier string
	started  time.Time
}

// String is the flow as one text, which AuthCodeURL returns and Exchange needs.
func (f flow) String() string {
	return strings.Join([]string{f.state, f.nonce, f.verifier, strconv.FormatInt(f.started.UnixNano(), 36)}, ".")
}

func parseFlow(s string) (f flow, ok bool) {
	parts := strings.Split(s, ".")
	if len(parts) != 4 || parts[0] == "" {
		return flow{}, false
	}
	at, err := strconv.ParseInt(parts[3], 36, 64)
	return flow{state: parts[0], nonce: parts[1], verifier: parts[2], started: time.Unix(0, at)}, err == nil
}

// BegunState returns the state that the provider sends back for what AuthCodeURL returned to be kept.
func BegunState(kept string) string {
	state, _, _ := strings.Cut(kept, ".")
	return state
}

// NewOIDC returns the client of a provider. Nothing is asked of the provider yet: one that is down must not
// keep the console from starting. transport is http.DefaultTransport when nil.
func NewOIDC(config ProviderConfig, transport http.RoundTripper, now func() time.Time) (*OIDC, error) {
	if err := config.Check(); err != nil {
		return nil, err
	}
	if len(config.Scopes) == 0 {
		config.Scopes = []string{"profile", "email"}
	}
	if config.NameClaim == "" {
		config.NameClaim = "preferred_username"
	}
	if config.GroupsClaim == "" {
		config.GroupsClaim = "groups"
	}
	if transport == nil {
		transport = http.DefaultTransport
	}
	return &OIDC{
		config: config, now: now, spent: make(map[string]time.Time),
		client: &http.Client{
			Transport: cappedTransport{transport},
			Timeout:   oidcTimeout,
			// A token request carries the client's secret, so it follows no redirect.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// Config is the provider's configuration, without the client secret.
func (o *OIDC) Config() ProviderConfig {
	c := o.config
	c.ClientSecret = ""
	return c
}

func (o *OIDC) discovered(ctx context.Context) (*oidc.Provider, error) {
	o.mu.Lock()
	p := o.provider
	o.mu.Unlock()
	if p != nil {
		return p, nil
	}
	issuer := o.config.Issuer
	p, err := oidc.NewProvider(ctx, issuer) // checks that the document names this issuer
	var other *oidc.IssuerMismatchError
	if errors.As(err, &other) && sameIssuer(other.Discovered, issuer) {
		issuer = other.Discovered
		p, err = oidc.NewProvider(ctx, issuer)
	}
	if err != nil {
		return nil, o.unreachable(err)
	}
	if !safeEndpoint(p.Endpoint().AuthURL) || !safeEndpoint(p.Endpoint().TokenURL) {
		return nil, o.unreachable(errors.New("an endpoint of the discovery document is not https"))
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.provider, o.issuer = p, issuer
	return p, nil
}

// sameIssuer reports whether two issuers differ by no more than the slash at their end, which people leave
// out or add when they copy one. Both have their discovery document at the same address.
func sameIssuer(a, b string) bool {
	return strings.TrimSuffix(a, "/") == strings.TrimSuffix(b, "/")
}

// discoveredIssuer returns the issuer as the provider writes it, or as it is configured before that is known.
func (o *OIDC) discoveredIssuer() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return cmp.Or(o.issuer, o.config.Issuer)
}

func (o *OIDC) unreachable(err error) error {
	return fault.Wrap(err, fault.Unauthenticated,
		"%s cannot be reached or does not answer as it should. Try again later, or ask an admin.", o.config.Label)
}

func (o *OIDC) oauth(p *oidc.Provider) *oauth2.Config {
	// The style is set here because x/oauth2, left to detect it, sends a refused code twice. Without
	// token_endpoint_auth_methods_supported client_secret_basic applies (Discovery §3).
	var document struct {
		Methods []string `json:"token_endpoint_auth_methods_supported"`
	}
	endpoint := p.Endpoint()
	endpoint.AuthStyle = oauth2.AuthStyleInHeader
	if err := p.Claims(&document); o.config.ClientSecret == "" || err == nil && len(document.Methods) > 0 &&
		!slices.Contains(document.Methods, "client_secret_basic") {
		endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
	return &oauth2.Config{
		ClientID: o.config.ClientID, ClientSecret: o.config.ClientSecret, Endpoint: endpoint,
		RedirectURL: o.config.RedirectURL, Scopes: append([]string{oidc.ScopeOpenID}, o.config.Scopes...),
	}
}

// AuthCodeURL begins a login. Send the browser to the address and have that browser keep the other text, sealed:
// Exchange needs it.
func (o *OIDC) AuthCodeURL(ctx context.Context) (address, kept string, err error) {
	ctx = oidc.ClientContext(ctx, o.client)
	p, err := o.discovered(ctx)
	if err != nil {
		return "", "", err
	}
	f := flow{state: randomToken(), nonce: randomToken(), verifier: oauth2.GenerateVerifier(), started: o.now()}
	return o.oauth(p).AuthCodeURL(f.state, oidc.Nonce(f.nonce), oauth2.S256ChallengeOption(f.verifier)), f.String(), nil
}

// spend notes that the flow's callback came, and reports whether it is the first. The flows that are too old are
// forgotten, and the oldest one where that does not make room.
func (o *OIDC) spend(f flow) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, spent := o.spent[f.state]; spent {
		return false
	}
	if len(o.spent) >= maxFlows {
		oldest := ""
		for state, started := range o.spent {
			if o.now().Sub(started) >= flowLife {
				delete(o.spent, state)
			} else if oldest == "" || started.Before(o.spent[oldest]) {
				oldest = state
			}
		}
		if len(o.spent) >= maxFlows {
			delete(o.spent, oldest)
		}
	}
	o.spent[f.state] = f.started
	return true
}

// Exchange ends a login: sessionState is the state that the browser's session kept, params are the query of
// the callback. Every defect is fault.Unauthenticated, with its cause for the log. The first try spends the
// state, so a callback that is sent again is refused.
func (o *OIDC) Exchange(ctx context.Context, sessionState string, params url.Values) (Identity, error) {
	f, ok := parseFlow(sessionState)
	if !ok || subtle.ConstantTimeCompare([]byte(params.Get("state")), []byte(f.state)) != 1 {
		return Identity{}, o.refused(errors.New("state is not the session's"))
	}
	if o.now().Sub(f.started) >= flowLife || !o.spend(f) {
		return Identity{}, o.refused(errors.New("state was used, or is too old"))
	}
	// RFC 9207: a provider that names itself must be this one.
	if iss := params.Get("iss"); iss != "" && iss != o.discoveredIssuer() {
		return Identity{}, o.refused(errors.New("the answer comes from another issuer"))
	}
	if code := params.Get("error"); code != "" {
		return Identity{}, o.refused(errors.New("the provider answered " + typedName(code)))
	}
	ctx = oidc.ClientContext(ctx, o.client)
	p, err := o.discovered(ctx)
	if err != nil {
		return Identity{}, err
	}
	token, err := o.oauth(p).Exchange(ctx, params.Get("code"), oauth2.VerifierOption(f.verifier))
	if err != nil {
		return Identity{}, o.refused(scrubbed(err))
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return Identity{}, o.refused(errors.New("the answer has no id_token"))
	}
	return o.verify(ctx, p, raw, token, f.nonce)
}

// verify checks the ID token by OpenID Connect Core §3.1.3.7.
func (o *OIDC) verify(ctx context.Context, p *oidc.Provider, raw string, token *oauth2.Token,
	nonce string) (Identity, error) {
	verifier := p.VerifierContext(ctx, &oidc.Config{ClientID: o.config.ClientID, SupportedSigningAlgs: signingAlgs, Now: o.now})
	id, err := verifier.Verify(ctx, raw) // signature, issuer, audience, expiry
	if err != nil {
		return Identity{}, o.refused(err)
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(nonce)) != 1 {
		return Identity{}, o.refused(errors.New("nonce is not the one that was sent"))
	}
	if id.AccessTokenHash != "" {
		if err := id.VerifyAccessToken(token.AccessToken); err != nil {
			return Identity{}, o.refused(err)
		}
	}
	var said claims
	if err := id.Claims(&said.token); err != nil {
		return Identity{}, o.refused(err)
	}
	azp, _ := said.token["azp"].(string)
	if azp != "" && azp != o.config.ClientID || azp == "" && len(id.Audience) > 1 {
		return Identity{}, o.refused(errors.New("the token was made for another client"))
	}
	if id.Subject == "" || len(id.Subject) > 255 {
		return Identity{}, o.refused(errors.New("the token names no subject"))
	}
	if o.lacks(said) && p.UserInfoEndpoint() != "" {
		said.userinfo, said.err = o.askUserinfo(ctx, p, token, id.Subject)
	}
	out := Identity{Provider: o.config.ID, Issuer: id.Issuer, Subject: id.Subject}
	out.Groups, out.Role, out.noRole = o.roleFrom(said)
	out.Name, out.noName = o.nameFrom(said)
	return out, nil
}

func (o *OIDC) refused(err error) error {
	return fault.Wrap(err, fault.Unauthenticated,
		"The sign-in through %s did not work. Begin again from the login page.", o.config.Label)
}

// scrubbed returns the error with the provider's error code and without its body, which may repeat the
// secrets that were sent.
func scrubbed(err error) error {
	var r *oauth2.RetrieveError
	if errors.As(err, &r) && r.Response != nil {
		return errors.New("the token endpoint answered " + r.Response.Status + " " + typedName(r.ErrorCode))
	}
	return err
}

// cappedTransport limits what is read of any answer to maxOIDCBytes.
type cappedTransport struct{ next http.RoundTripper }

func (t cappedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(r)
	if err == nil {
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(resp.Body, maxOIDCBytes), resp.Body}
	}
	return resp, err
}
