package handlers_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"cxseal/internal/access"
	"cxseal/internal/access/oidctest"
	"cxseal/internal/audit"
)

// claimsOf are claims of the ID token: nil takes one out that the provider sends otherwise.
type claimsOf = map[string]any

// TestGroupsAndNamesAreFoundWhereProvidersPutThem fails when lacks is always false (userinfo), when claimAt
// leaves out the whole name or the parts inside, and when discovered does not try the issuer that the
// provider names.
func TestGroupsAndNamesAreFoundWhereProvidersPutThem(t *testing.T) {
	auditors := []string{"staff", "auditors"}
	for name, c := range map[string]struct {
		provider func(*oidctest.Provider)
		config   func(*access.ProviderConfig)
	}{
		"groups at userinfo": {provider: func(p *oidctest.Provider) {
			p.Claims, p.UserInfo = claimsOf{"groups": nil}, claimsOf{"groups": auditors}
		}},
		"name at userinfo": {provider: func(p *oidctest.Provider) {
			p.Claims, p.UserInfo = claimsOf{"preferred_username": nil}, claimsOf{"preferred_username": "olga@acme"}
		}},
		"the ID token before userinfo": {provider: func(p *oidctest.Provider) {
			p.Claims, p.UserInfo = claimsOf{"preferred_username": nil}, claimsOf{"preferred_username": "olga@acme", "groups": "other"}
		}},
		"by a path": {
			provider: func(p *oidctest.Provider) {
				p.Claims = claimsOf{"groups": nil, "realm_access": claimsOf{"roles": auditors}}
			},
			config: func(c *access.ProviderConfig) { c.GroupsClaim = "realm_access.roles" },
		},
		"by a path through a name with dots": {
			provider: func(p *oidctest.Provider) {
				p.Claims = claimsOf{"groups": nil, "resource_access": claimsOf{"my.client": claimsOf{"roles": auditors}}}
			},
			config: func(c *access.ProviderConfig) { c.GroupsClaim = "resource_access.my.client.roles" },
		},
		"by a path at userinfo": {
			provider: func(p *oidctest.Provider) {
				p.Claims, p.UserInfo = claimsOf{"groups": nil}, claimsOf{"realm_access": claimsOf{"roles": auditors}}
			},
			config: func(c *access.ProviderConfig) { c.GroupsClaim = "realm_access.roles" },
		},
		"by a name with dots": {
			provider: func(p *oidctest.Provider) {
				p.Claims = claimsOf{"groups": nil, "https://acme.example/groups": auditors}
			},
			config: func(c *access.ProviderConfig) { c.GroupsClaim = "https://acme.example/groups" },
		},
		"by a name with dots, beside what its path would find": {
			provider: func(p *oidctest.Provider) {
				p.Claims = claimsOf{"groups": nil, "acme.roles": auditors, "acme": claimsOf{"roles": "other"}}
			},
			config: func(c *access.ProviderConfig) { c.GroupsClaim = "acme.roles" },
		},
		"an issuer with a slash more": {config: func(c *access.ProviderConfig) { c.Issuer += "/" }},
		"an issuer with a slash less": {
			provider: func(p *oidctest.Provider) { p.Issuer += "/"; p.Discovered = p.Issuer },
			config:   func(c *access.ProviderConfig) { c.Issuer = strings.TrimSuffix(c.Issuer, "/") },
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := oidctest.New(t, time.Now)
			if c.provider != nil {
				c.provider(p)
			}
			if c.config == nil {
				c.config = func(*access.ProviderConfig) {}
			}
			h := startWith(t, p, c.config)
			b := h.Browser()
			if a := b.Get(through(b, "/sso/acme/begin")); a.Status != http.StatusSeeOther {
				t.Fatalf("%d %s", a.Status, a.Body)
			}
			u, err := h.Store.UserByName(t.Context(), "olga@acme")
			if err != nil || u.Role != access.Officer {
				t.Errorf("%+v, %v", u, err)
			}
		})
	}
}

// TestARefusedSignInNamesWhatTheProviderDidNotSend fails when roleFrom answers an absent claim as it answers
// groups without a role, and when askUserinfo does not compare the subject.
func TestARefusedSignInNamesWhatTheProviderDidNotSend(t *testing.T) {
	for name, c := range map[string]struct {
		claims, userinfo claimsOf
		says             string
	}{
		"no groups":   {claims: claimsOf{"groups": nil}, says: `sent no claim "groups"`},
		"null groups": {claims: claimsOf{"groups": nil}, userinfo: claimsOf{"groups": nil}, says: `sent no claim "groups"`},
		"overage by name": {claims: claimsOf{"groups": nil, "_claim_names": claimsOf{"groups": "src1"},
			"_claim_sources": claimsOf{"src1": claimsOf{"endpoint": "https://graph.example/getMemberObjects"}}}, says: "You are in more groups than Acme"},
		"overage by flag":     {claims: claimsOf{"groups": nil, "hasgroups": true}, says: "You are in more groups than Acme"},
		"no list":             {claims: claimsOf{"groups": claimsOf{"auditors": true}}, says: `sent the claim "groups", but not as a list`},
		"about somebody else": {claims: claimsOf{"groups": nil}, userinfo: claimsOf{"sub": "subject-2", "groups": "auditors"}, says: "userinfo could not be read"},
		"no name":             {claims: claimsOf{"preferred_username": nil}, says: `sent no claim "preferred_username"`},
	} {
		t.Run(name, func(t *testing.T) {
			p := oidctest.New(t, time.Now)
			p.Claims, p.UserInfo = c.claims, c.userinfo
			h := startWith(t, p)
			b := h.Browser()
			a := b.Get(through(b, "/sso/acme/begin"))
			shown := strings.NewReplacer("&#34;", `"`, "&quot;", `"`).Replace(a.Body)
			if a.Status != http.StatusForbidden || !strings.Contains(shown, c.says) || strings.Contains(shown, "None of your groups") {
				t.Errorf("%d %s", a.Status, shown)
			}
			logged := strings.ReplaceAll(h.Logs.String(), `\"`, `"`)
			if !strings.Contains(logged, c.says) || !strings.Contains(logged, "the claims that were sent: ") {
				t.Errorf("the log says %s", logged)
			}
			list := h.Records(audit.Filter{Operation: string(audit.Login), Outcome: string(audit.Denied)})
			if len(list) != 1 || !strings.Contains(list[0].Record.Detail, c.says) {
				t.Errorf("on record: %+v", list)
			}
		})
	}
}
