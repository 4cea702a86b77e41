package access

import (
	"testing"

	"cxseal/internal/access/oidctest"
)

const testReturn = "http://localhost:8080/login/sso/acme/callback"

func newProvider(t *testing.T, c *clock) *oidctest.Provider {
	t.Helper()
	p := oidctest.New(t, c.Now)
	p.Redirect = testReturn
	return p
}

// configOf is the console's configuration of the provider.
func configOf(p *oidctest.Provider) ProviderConfig {
	return ProviderConfig{
		ID: "acme", Label: "Acme", Issuer: p.Issuer, ClientID: oidctest.ClientID, ClientSecret: oidctest.ClientSecret, RedirectURL: testReturn,
		Roles: map[string]Role{"auditors": Officer, "watchers": Viewer, "keyholders": Admin},
	}
}

func open(t *testing.T, p *oidctest.Provider) *OIDC {
	t.Helper()
	o, err := NewOIDC(configOf(p), p.Client().Transport, p.Now)
	if err != nil {
		t.Fatal(err)
	}
	return o
}
