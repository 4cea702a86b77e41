package handlers_test

import (
	"net/url"
	"regexp"
	"strings"
	"testing"

	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/console/consoletest"
)

var tokenInPage = regexp.MustCompile(`<code>(cxs_[A-Za-z0-9_-]{43})</code>|(cxs_[A-Za-z0-9_-]{43})`)

// lastingWays makes an API token and a calendar address for the person, and returns functions that say whether each is
// answered.
func lastingWays(t *testing.T, h *consoletest.Console, b *consoletest.Browser, password string) (token, feed func() bool) {
	t.Helper()
	secret := newToken(t, b, password, access.PermExport)
	address := feedAddress.FindString(b.Submit("/rotations", "/rotations/feed", url.Values{"present": {password}}).Body)
	if address == "" {
		t.Fatal("no calendar address")
	}
	anybody := h.Browser()
	token = func() bool { return anybody.Get("/audit.csv", "Authorization", "Bearer "+secret).Status == 200 }
	feed = func() bool { return anybody.Get(address).Status == 200 }
	if !token() || !feed() {
		t.Fatal("the token or the calendar address does not work")
	}
	return token, feed
}

// Mutation: without StepUp in access.Tokens.Create, or in rotation.Feeds.New (mutants.txt: "a token is made without a
// proof"), a stolen session becomes a token.
func TestALastingWayInNeedsAProofInTheSameForm(t *testing.T) {
	h := consoletest.Start(t)
	b := h.As(access.Officer) // signed in a moment ago, which is no proof
	for name, path := range map[string]string{"API token": "/account/tokens", "Calendar feed": "/rotations/feed"} {
		for _, proof := range []url.Values{{}, {"present": {""}}, {"present": {"wrong password"}}, {"code": {"123456"}}} {
			form := url.Values{"label": {"x"}, "days": {"1"}, "scopes": {string(access.PermExport)}}
			for k, v := range proof {
				form[k] = v
			}
			a := b.Submit("/account", path, form)
			if a.Status != 422 || strings.Contains(a.Body, "cxs_") && tokenInPage.MatchString(a.Body) || feedAddress.MatchString(a.Body) {
				t.Errorf("%s with %v: %d", path, proof, a.Status)
			}
		}
		failures := 0
		for _, e := range h.Records(audit.Filter{Operation: string(audit.UserChanged), Outcome: string(audit.Failure)}) {
			if strings.Contains(e.Record.Detail, name+" not made") {
				failures++
			}
		}
		if failures != 1 {
			t.Errorf("%s: %d wrong proofs on record", name, failures)
		}
	}
}

// Mutation: without removeKeys in store.SetDisabled, enabling an account brings its tokens back.
func TestACleanUpEndsEveryLastingWayIn(t *testing.T) {
	for what, clean := range map[string]func(h *consoletest.Console, own, admin *consoletest.Browser) consoletest.Answer{
		"a new password": func(_ *consoletest.Console, own, _ *consoletest.Browser) consoletest.Answer {
			return own.Submit("/account", "/account/password", url.Values{"present": {consoletest.Password}, "password": {otherPassword},
				"again": {otherPassword}, "remove_keys": {"1"}})
		},
		"the end of all other sessions": func(_ *consoletest.Console, own, _ *consoletest.Browser) consoletest.Answer {
			return own.Submit("/account", "/account/sessions/end", url.Values{"remove_keys": {"1"}})
		},
		"an admin's reset": func(h *consoletest.Console, _, admin *consoletest.Browser) consoletest.Answer {
			return admin.Submit("/people", personPath(t, h, "officer-1", "password"), url.Values{"password": {otherPassword}})
		},
		"an admin's end of everything": func(h *consoletest.Console, _, admin *consoletest.Browser) consoletest.Answer {
			return admin.Submit("/people", personPath(t, h, "officer-1", "end"), nil)
		},
		"disabling and enabling": func(h *consoletest.Console, _, admin *consoletest.Browser) consoletest.Answer {
			admin.Submit("/people", personPath(t, h, "officer-1", "disable"), nil)
			return admin.Submit("/people", personPath(t, h, "officer-1", "enable"), nil)
		},
	} {
		t.Run(what, func(t *testing.T) {
			h := consoletest.Start(t)
			own, admin := h.As(access.Officer), h.As(access.Admin)
			token, feed := lastingWays(t, h, own, consoletest.Password)
			if a := clean(h, own, admin); a.Status != 303 {
				t.Fatalf("%d %s", a.Status, a.Body)
			}
			if token() || feed() {
				t.Errorf("the token works: %v, the calendar address: %v", token(), feed())
			}
		})
	}
}

func TestAnAdminSeesAndRemovesOthersTokensAndFeeds(t *testing.T) {
	h := consoletest.Start(t)
	token, feed := lastingWays(t, h, h.As(access.Officer), consoletest.Password)
	admin := h.As(access.Admin)
	page := admin.Get("/people").Body
	removal := regexp.MustCompile(`/people/\d+/tokens/\d+/remove`).FindString(page)
	if removal == "" || !strings.Contains(page, "API token nightly (cxs_") || tokenInPage.MatchString(page) {
		t.Fatal("the page does not show the token, or its value")
	}
	if a := admin.Submit("/people", removal, nil); a.Status != 303 || token() {
		t.Errorf("%d, works: %v", a.Status, token())
	}
	if a := admin.Submit("/people", personPath(t, h, "officer-1", "feed/revoke"), nil); a.Status != 303 || feed() {
		t.Errorf("%d, works: %v", a.Status, feed())
	}
}

// tokenRemoval finds the address at which a person removes their token.
var tokenRemoval = regexp.MustCompile(`action="(/account/tokens/\d+/remove)"`)

// newToken makes an API token for the person.
func newToken(t *testing.T, b *consoletest.Browser, password string, scopes ...access.Permission) string {
	t.Helper()
	form := url.Values{"label": {"nightly"}, "days": {"30"}, "present": {password}}
	for _, s := range scopes {
		form.Add("scopes", string(s))
	}
	return regexp.MustCompile(`cxs_[A-Za-z0-9_-]{43}`).FindString(b.Submit("/account", "/account/tokens", form).Body)
}

// tokenOf makes an API token that reads everything.
func tokenOf(t *testing.T, b *consoletest.Browser) string {
	t.Helper()
	return newToken(t, b, consoletest.Password, access.PermViewAll, access.PermExport)
}
