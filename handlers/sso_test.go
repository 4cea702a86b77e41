package handlers_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"cxseal/handlers"
	"cxseal/internal/access"
	"cxseal/internal/access/oidctest"
	"cxseal/internal/audit"
	"cxseal/internal/console/consoletest"
)

// startWith starts a console whose people may come through the provider.
func startWith(t *testing.T, p *oidctest.Provider, changes ...func(*access.ProviderConfig)) *consoletest.Console {
	t.Helper()
	provider := access.ProviderConfig{
		ID: "acme", Label: "Acme", Issuer: p.Issuer, ClientID: oidctest.ClientID, ClientSecret: oidctest.ClientSecret,
		Roles: map[string]access.Role{"auditors": access.Officer},
	}
	for _, change := range changes {
		change(&provider)
	}
	h := consoletest.Start(t, func(c *consoletest.Config) { c.SSO = []access.ProviderConfig{provider} })
	p.Redirect = h.URL + handlers.SSOCallbackPath
	return h
}

// through goes from the button to the way back, and returns the address there.
func through(b *consoletest.Browser, begin string) string {
	b.T.Helper()
	a := b.Get(begin)
	if a.Status != http.StatusSeeOther {
		b.T.Fatalf("%s: %d %s", begin, a.Status, a.Body)
	}
	req, err := http.NewRequestWithContext(b.T.Context(), http.MethodGet, a.Header.Get("Location"), nil)
	must(b.T, err)
	resp, err := b.Client.Do(req)
	must(b.T, err)
	must(b.T, resp.Body.Close())
	back, err := resp.Location()
	must(b.T, err)
	return back.RequestURI()
}

func TestSigningInThroughTheOrganisation(t *testing.T) {
	p := oidctest.New(t, time.Now)
	h := startWith(t, p)
	b := h.Browser()
	if a := b.Get("/login?next=/audit"); !strings.Contains(a.Body, `href="/sso/acme/begin?next=%2Faudit"`) {
		t.Fatalf("no button: %s", a.Body)
	}
	back := through(b, "/sso/acme/begin?next=%2Faudit")
	if a := h.Browser().Get(back); a.Status != http.StatusUnauthorized {
		t.Errorf("another browser came back with it: %d", a.Status)
	}
	a := b.Get(back)
	if a.Status != http.StatusSeeOther || a.Header.Get("Location") != "/audit" {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	if a := b.Get("/audit"); a.Status != 200 || !strings.Contains(a.Body, "olga@acme") {
		t.Errorf("%d", a.Status)
	}
	if a := b.Get(back); a.Status != http.StatusUnauthorized {
		t.Errorf("the same consoletest.Answer worked twice: %d", a.Status)
	}
	if a := h.Browser().Get("/sso/nobody/begin"); a.Status != http.StatusNotFound {
		t.Errorf("an unknown provider: %d", a.Status)
	}
	for _, next := range []string{"//evil.example", "https://evil.example"} {
		b := h.Browser()
		if a := b.Get(through(b, "/sso/acme/begin?next="+url.QueryEscape(next))); a.Header.Get("Location") != "/" {
			t.Errorf("next %q leads to %q", next, a.Header.Get("Location"))
		}
	}
	if list := h.Records(audit.Filter{Operation: string(audit.Login), Outcome: string(audit.Success), Actor: "olga@acme"}); len(list) != 3 {
		t.Errorf("%d sign-ins on record", len(list))
	}
}

// Each of these is refused by one check of access.OIDC; internal/access holds
// that the test fails when that check is taken out.
func TestAProvidersBentAnswerSignsNobodyIn(t *testing.T) {
	for name, bend := range map[string]func(*oidctest.Provider){
		"wrong nonce":    func(p *oidctest.Provider) { p.Claims = map[string]any{"nonce": "of somebody else"} },
		"wrong issuer":   func(p *oidctest.Provider) { p.Claims = map[string]any{"iss": "https://evil.example"} },
		"expired":        func(p *oidctest.Provider) { p.Claims = map[string]any{"exp": time.Now().Add(-time.Hour).Unix()} },
		"other audience": func(p *oidctest.Provider) { p.Claims = map[string]any{"aud": "other"} },
		"no group of ours": func(p *oidctest.Provider) {
			p.Claims = map[string]any{"groups": []string{"cleaners"}}
		},
		"unsigned": func(p *oidctest.Provider) { p.Sign = oidctest.Unsigned },
	} {
		t.Run(name, func(t *testing.T) {
			p := oidctest.New(t, time.Now)
			bend(p)
			h := startWith(t, p)
			b := h.Browser()
			a := b.Get(through(b, "/sso/acme/begin"))
			if a.Status != http.StatusUnauthorized && a.Status != http.StatusForbidden {
				t.Errorf("%d %q", a.Status, a.Header.Get("Location"))
			}
			if a := b.Get("/"); a.Status != http.StatusSeeOther {
				t.Errorf("the dashboard opened: %d", a.Status)
			}
			if _, err := h.Store.UserByName(t.Context(), "olga@acme"); err == nil {
				t.Error("an account was made")
			}
		})
	}
}
