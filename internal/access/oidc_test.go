package access

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"cxseal/internal/access/oidctest"
	"cxseal/internal/audit"
	"cxseal/internal/fault"
)

// login begins a login, follows it through the provider and ends it.
func login(t *testing.T, p *oidctest.Provider, o *OIDC) (Identity, error) {
	t.Helper()
	address, state, err := o.AuthCodeURL(t.Context())
	if err != nil {
		return Identity{}, err
	}
	return o.Exchange(t.Context(), state, p.Browse(address))
}

func TestAPersonSignsInThroughTheirOrganisation(t *testing.T) {
	c := newClock()
	p := newProvider(t, c)
	o := open(t, p)
	for range 2 {
		id, err := login(t, p, o)
		if err != nil {
			t.Fatal(err)
		}
		if id.Subject != "subject-1" || id.Issuer != p.Issuer || id.Name != "olga@acme" || id.Role != Officer || len(id.Groups) != 2 {
			t.Errorf("%+v", id)
		}
	}
	if p.Calls("discovery") != 1 {
		t.Errorf("%d discoveries for two logins", p.Calls("discovery"))
	}
	if o.Config().ClientSecret != "" {
		t.Error("Config gives the client secret away")
	}
}

// Each case is one defence. Beside it stands the change of oidc.go that lets it through; each was tried
// once, and failed this test.
func TestAForgedAnswerOfTheProviderIsRefused(t *testing.T) {
	now := newClock().Now()
	for name, change := range map[string]func(*oidctest.Provider){
		// leave out the comparison of id.Nonce
		"wrong nonce": func(p *oidctest.Provider) { p.Claims = map[string]any{"nonce": "of another login"} },
		"no nonce":    func(p *oidctest.Provider) { p.Claims = map[string]any{"nonce": ""} },
		// SkipIssuerCheck: true
		"wrong issuer": func(p *oidctest.Provider) { p.Claims = map[string]any{"iss": "https://evil.example"} },
		// SkipExpiryCheck: true
		"expired": func(p *oidctest.Provider) { p.Claims = map[string]any{"exp": now.Add(-time.Second).Unix()} },
		// SkipClientIDCheck: true (and no comparison of azp)
		"other audience": func(p *oidctest.Provider) { p.Claims = map[string]any{"aud": "another-client"} },
		// leave out the comparison of azp
		"for another party": func(p *oidctest.Provider) {
			p.Claims = map[string]any{"aud": []string{oidctest.ClientID, "another-client"}, "azp": "another-client"}
		},
		"several audiences, no party": func(p *oidctest.Provider) {
			p.Claims = map[string]any{"aud": []string{oidctest.ClientID, "another-client"}}
		},
		// InsecureSkipSignatureCheck: true
		"unsigned": func(p *oidctest.Provider) { p.Sign = oidctest.Unsigned },
		"signed with another key": func(p *oidctest.Provider) {
			key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			p.Sign = p.SignWith(key, "k1", jose.ES256)
		},
		"signed with the client's secret": func(p *oidctest.Provider) {
			p.Sign = p.SignWith([]byte(strings.Repeat(oidctest.ClientSecret, 2)), "k1", jose.HS256)
		},
		// leave out VerifyAccessToken
		"another access token": func(p *oidctest.Provider) { p.Claims = map[string]any{"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"} },
		"no subject":           func(p *oidctest.Provider) { p.Claims = map[string]any{"sub": ""} },
		"no ID token": func(p *oidctest.Provider) {
			p.Exchanging = func(w http.ResponseWriter, _ *http.Request) bool {
				p.Answer(w, 200, map[string]any{"access_token": "at", "token_type": "Bearer"})
				return true
			}
		},
		"discovery of another issuer": func(p *oidctest.Provider) { p.Discovered = "https://evil.example" },
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t, newClock())
			change(p)
			id, err := login(t, p, open(t, p))
			wantCode(t, err, fault.Unauthenticated)
			if id.Subject != "" {
				t.Errorf("refused, and yet %+v", id)
			}
			if strings.Contains(err.Error(), oidctest.ClientSecret) {
				t.Errorf("the error repeats the secret: %v", err)
			}
		})
	}
}

// TestTheClientSecretFollowsNoRedirect fails when CheckRedirect lets the request go on.
func TestTheClientSecretFollowsNoRedirect(t *testing.T) {
	p := newProvider(t, newClock())
	p.Exchanging = func(w http.ResponseWriter, r *http.Request) bool {
		http.Redirect(w, r, "/tenant/elsewhere", http.StatusTemporaryRedirect)
		return true
	}
	_, err := login(t, p, open(t, p))
	wantCode(t, err, fault.Unauthenticated)
	if p.Calls("elsewhere") != 0 {
		t.Error("the code and the secret went elsewhere")
	}
}

// TestAnEndlessAnswerIsNotReadToItsEnd fails when cappedTransport reads on.
func TestAnEndlessAnswerIsNotReadToItsEnd(t *testing.T) {
	p := newProvider(t, newClock())
	p.Padding = strings.Repeat(" ", 2*maxOIDCBytes)
	_, _, err := open(t, p).AuthCodeURL(t.Context())
	wantCode(t, err, fault.Unauthenticated)
}

// TestACallbackThatIsSentAgainIsRefused fails when Exchange does not note the flow as spent (tried: the provider
// here would take the code again).
func TestACallbackThatIsSentAgainIsRefused(t *testing.T) {
	p := newProvider(t, newClock())
	p.Reusable = true
	o := open(t, p)
	address, state, err := o.AuthCodeURL(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	back := p.Browse(address)
	if _, err := o.Exchange(t.Context(), state, back); err != nil {
		t.Fatal(err)
	}
	_, err = o.Exchange(t.Context(), state, back)
	wantCode(t, err, fault.Unauthenticated)
	if p.Calls("token") != 1 {
		t.Errorf("the code was sent %d times", p.Calls("token"))
	}
}

// The code of one login in the callback of another does not match its PKCE challenge. Fails when
// oauth2.S256ChallengeOption is left out (tried: this provider refuses to begin then, as it does without a
// challenge).
func TestACodeOfAnotherLoginIsRefused(t *testing.T) {
	p := newProvider(t, newClock())
	o := open(t, p)
	stolen, _, err := o.AuthCodeURL(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	address, state, err := o.AuthCodeURL(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	back := p.Browse(address)
	back.Set("code", p.Browse(stolen).Get("code"))
	_, err = o.Exchange(t.Context(), state, back)
	wantCode(t, err, fault.Unauthenticated)
	if strings.Contains(err.Error(), oidctest.ClientSecret) || !strings.Contains(err.Error(), "invalid_grant") {
		t.Errorf("the log would say %q", err)
	}
}

// TestACallbackMustBelongToThisBrowserAndThisProvider fails when Exchange does not compare the state with the
// session's, does not look at iss, at error, or at the flow's age.
func TestACallbackMustBelongToThisBrowserAndThisProvider(t *testing.T) {
	c := newClock()
	p := newProvider(t, c)
	o := open(t, p)
	for name, change := range map[string]func(state *string, back url.Values){
		"another browser's session": func(s *string, _ url.Values) { *s = "other" },
		"no session":                func(s *string, b url.Values) { *s = ""; b.Del("state") },
		"an unknown state":          func(s *string, b url.Values) { *s = "made-up"; b.Set("state", "made-up") },
		"another issuer":            func(_ *string, b url.Values) { b.Set("iss", "https://evil.example") },
		"an error beside the code":  func(_ *string, b url.Values) { b.Set("error", "access_denied") },
		"too late":                  func(*string, url.Values) { c.Add(flowLife) },
	} {
		address, state, err := o.AuthCodeURL(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		back := p.Browse(address)
		change(&state, back)
		if _, err := o.Exchange(t.Context(), state, back); fault.CodeOf(err) != fault.Unauthenticated {
			t.Errorf("%s: %v", name, err)
		}
	}
	if p.Calls("token") != 0 {
		t.Errorf("%d codes were sent on", p.Calls("token"))
	}
}

// A begin stores nothing, however many there are, and what was spent is bounded.
func TestBegunLoginsAreKeptByTheirBrowsers(t *testing.T) {
	c := newClock()
	p := newProvider(t, c)
	o := open(t, p)
	address, first, err := o.AuthCodeURL(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range maxFlows + 50 {
		if _, _, err := o.AuthCodeURL(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if len(o.spent) != 0 {
		t.Errorf("%d are stored", len(o.spent))
	}
	if _, err := o.Exchange(t.Context(), first, p.Browse(address)); err != nil {
		t.Errorf("a sign-in under way was evicted: %v", err)
	}
	for i := range maxFlows + 50 {
		o.spend(flow{state: strconv.Itoa(i), started: c.Now()})
	}
	if len(o.spent) > maxFlows {
		t.Errorf("%d are noted as spent", len(o.spent))
	}
}

func TestGroupsGiveTheMostTrustedRole(t *testing.T) {
	for name, c := range map[string]struct {
		groups any
		want   Role
	}{
		"several": {[]string{"watchers", "keyholders", "auditors"}, Admin}, "one": {[]string{"watchers"}, Viewer},
		"a string": {"auditors", Officer}, "none": {[]string{"staff"}, ""}, "empty": {[]string{}, ""},
		"other shape": {map[string]any{"auditors": true}, ""}, "numbers": {[]int{1}, ""}, "case": {[]string{"AUDITORS"}, ""},
	} {
		p := newProvider(t, newClock())
		p.Claims = map[string]any{"groups": c.groups}
		if id, err := login(t, p, open(t, p)); err != nil || id.Role != c.want {
			t.Errorf("%s: role %q, %v", name, id.Role, err)
		}
	}
}

func TestAProviderThatIsDownIsAskedAgain(t *testing.T) {
	c := newClock()
	p := newProvider(t, c)
	right := p.Discovered
	p.Discovered = "https://evil.example"
	o := open(t, p) // nothing is asked yet
	_, _, err := o.AuthCodeURL(t.Context())
	wantCode(t, err, fault.Unauthenticated)
	p.Discovered = right
	if _, err := login(t, p, o); err != nil {
		t.Error(err)
	}
}

func TestAProviderThatCannotWorkIsRefusedAtOnce(t *testing.T) {
	good := configOf(newProvider(t, newClock()))
	for name, change := range map[string]func(*ProviderConfig){
		"id": func(p *ProviderConfig) { p.ID = "../x" }, "no id": func(p *ProviderConfig) { p.ID = "" },
		"plain http": func(p *ProviderConfig) { p.Issuer = "http://idp.example" },
		"redirect":   func(p *ProviderConfig) { p.RedirectURL = "/callback" },
		"client":     func(p *ProviderConfig) { p.ClientID = "" },
		"no roles":   func(p *ProviderConfig) { p.Roles = nil },
		"system":     func(p *ProviderConfig) { p.Roles = map[string]Role{"g": System} },
	} {
		c := good
		change(&c)
		if _, err := NewOIDC(c, nil, newClock().Now); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// memIdentities is an IdentityStore in memory.
type memIdentities struct {
	users   *memStore
	links   []LinkedIdentity
	permits []LinkPermit
}

func (m *memIdentities) UserByIdentity(ctx context.Context, issuer, subject string) (User, error) {
	for _, l := range m.links {
		if l.Issuer == issuer && l.Subject == subject {
			return m.users.UserByID(ctx, l.UserID)
		}
	}
	return User{}, fault.New(fault.NotFound, "nobody")
}

func (m *memIdentities) AddLinkedUser(ctx context.Context, u User, link LinkedIdentity, records ...audit.Record) (User, error) {
	u, err := m.users.AddUser(ctx, u, Touch{}, records...)
	if err == nil {
		link.UserID = u.ID
		m.links = append(m.links, link)
	}
	return u, err
}

func (m *memIdentities) TouchIdentity(_ context.Context, issuer, subject string, at time.Time) error {
	for i, l := range m.links {
		if l.Issuer == issuer && l.Subject == subject {
			m.links[i].LastLoginAt = at
			return nil
		}
	}
	return errors.New("nobody")
}

func (m *memIdentities) ListIdentities(context.Context) ([]LinkedIdentity, error) {
	return m.links, nil
}

func (m *memIdentities) PermitLink(ctx context.Context, p LinkPermit, _ Touch, records ...audit.Record) error {
	m.permits = append(m.permits, p)
	return m.users.AppendRecords(ctx, records...)
}

func (m *memIdentities) LinkPermits(context.Context) ([]LinkPermit, error) { return m.permits, nil }

func (m *memIdentities) LinkIdentity(ctx context.Context, link LinkedIdentity, provider string, records ...audit.Record) error {
	held := func(p LinkPermit) bool { return p.holds(link.UserID, provider, link.LastLoginAt) }
	if !slices.ContainsFunc(m.permits, held) {
		return fault.New(fault.Conflict, "no permit")
	}
	m.permits = slices.DeleteFunc(m.permits, held)
	m.links = append(m.links, link)
	return m.users.AppendRecords(ctx, records...)
}

func TestAccountsFollowTheOrganisation(t *testing.T) {
	a, s, c := newAccounts(t)
	p := newProvider(t, c)
	m := &memIdentities{users: s}
	sso, err := NewSSO(m, a, open(t, p))
	if err != nil {
		t.Fatal(err)
	}
	signIn := func(claims map[string]any) (Caller, error) {
		t.Helper()
		p.Claims = claims
		address, state, err := sso.Begin(t.Context(), "acme", "10.0.0.7")
		if err != nil {
			t.Fatal(err)
		}
		return sso.Finish(t.Context(), "acme", state, p.Browse(address), "10.0.0.7")
	}
	wantCode(t, sso.MaySwitchOffPasswords(t.Context()), fault.Conflict)

	first, err := signIn(nil)
	if err != nil || first.Name != "olga@acme" || first.Role != Officer || first.IP != "10.0.0.7" {
		t.Fatal(first, err)
	}
	_, err = a.Authenticate(t.Context(), "olga@acme", "", "") // no password came with it
	wantCode(t, err, fault.Unauthenticated)

	// A new name and other groups: the same account, another role.
	again, err := signIn(map[string]any{"preferred_username": "olga.new@acme", "groups": []string{"keyholders"}})
	if err != nil || again.UserID != first.UserID || again.Role != Admin || again.Name != "olga@acme" {
		t.Fatal(again, err)
	}
	if err := sso.MaySwitchOffPasswords(t.Context()); err != nil {
		t.Error(err)
	}

	// Somebody else who calls themselves like a local admin gets nothing.
	_, err = signIn(map[string]any{"sub": "mallory", "preferred_username": "ADA", "groups": []string{"keyholders"}})
	wantCode(t, err, fault.Denied)
	_, err = signIn(map[string]any{"sub": "mallory", "preferred_username": "scheduler"})
	wantCode(t, err, fault.Denied)
	_, err = signIn(map[string]any{"groups": []string{"staff"}})
	wantCode(t, err, fault.Denied)
	if err := a.SetDisabled(t.Context(), ada, first.UserID, true); err != nil {
		t.Fatal(err)
	}
	_, err = signIn(nil)
	wantCode(t, err, fault.Denied)
	p.Sign = oidctest.Unsigned
	_, err = signIn(nil)
	wantCode(t, err, fault.Unauthenticated)
	_, _, err = sso.Begin(t.Context(), "other", "10.0.0.7")
	wantCode(t, err, fault.NotFound)

	want := []string{
		"USER_CHANGED SUCCESS console: Account olga@acme created as officer at its first sign-in through acme.",
		"LOGIN SUCCESS olga@acme: Through acme.",
		"USER_CHANGED SUCCESS console: Role of olga@acme changed from officer to admin by the groups of acme.",
		"LOGIN DENIED ADA: Through acme: Another account has your name here. If it is yours, ask an admin to permit " +
			"linking it under People, then sign in this way again.",
		"LOGIN DENIED olga@acme: Through acme: None of your groups has a role here. Ask an admin.",
		"LOGIN DENIED olga@acme: Through acme: Your account is disabled. Ask an admin.",
		"LOGIN FAILURE anonymous: Through acme: the provider's answer was refused.",
	}
	for _, w := range want {
		if !slices.Contains(s.log(), w) {
			t.Errorf("the ledger lacks %q:\n%s", w, strings.Join(s.log(), "\n"))
		}
	}
	if len(s.users) != 3 {
		t.Errorf("%d accounts", len(s.users))
	}
	if _, err := NewSSO(m, a, open(t, p), open(t, p)); fault.CodeOf(err) != fault.Invalid {
		t.Error(err)
	}
}
