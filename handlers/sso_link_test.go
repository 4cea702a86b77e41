package handlers_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"cxseal/internal/access"
	"cxseal/internal/access/oidctest"
	"cxseal/internal/audit"
	"cxseal/internal/console/consoletest"
)

// startWithSameName starts a console whose provider calls its person like the account officer-1.
func startWithSameName(t *testing.T) (*consoletest.Console, access.User) {
	t.Helper()
	p := oidctest.New(t, time.Now)
	p.Claims = claimsOf{"preferred_username": "Officer-1"}
	h := startWith(t, p)
	p.Now = h.Now
	u, err := h.Store.UserByName(t.Context(), "officer-1")
	must(t, err)
	return h, u
}

// permit has an admin permit linking the account.
func permit(h *consoletest.Console, u access.User) consoletest.Answer {
	return h.As(access.Admin).Submit("/people", fmt.Sprintf("/people/%d/link", u.ID), url.Values{"provider": {"acme"}})
}

// TestAnAccountIsLinkedOnlyWithAllItsProofs fails when Link does not prove the password and when holds does
// not compare the time.
func TestAnAccountIsLinkedOnlyWithAllItsProofs(t *testing.T) {
	h, u := startWithSameName(t)
	b := h.Browser()
	a := b.Get(through(b, "/sso/acme/begin"))
	if a.Status != http.StatusForbidden || !strings.Contains(a.Body, "ask an admin to permit linking it") {
		t.Fatalf("without an admin: %d %s", a.Status, a.Body)
	}
	if a := permit(h, u); a.Status != http.StatusSeeOther {
		t.Fatalf("permit: %d %s", a.Status, a.Body)
	}
	if a := h.As(access.Admin).Get("/people"); !strings.Contains(a.Body, "may be linked until") {
		t.Error("the page of people does not show the permit")
	}
	must(t, h.Store.PermitLink(t.Context(), access.LinkPermit{UserID: u.ID, Provider: "acme", ExpiresAt: h.Now()}, access.Touch{}))
	if a := b.Get(through(b, "/sso/acme/begin")); a.Status != http.StatusForbidden {
		t.Errorf("after the permit's end: %d %s", a.Status, a.Header.Get("Location"))
	}
	permit(h, u)

	a = b.Get(through(b, "/sso/acme/begin?next=%2Faudit"))
	if a.Status != http.StatusSeeOther || a.Header.Get("Location") != "/sso/link" {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	if a := b.Get("/"); a.Status != http.StatusSeeOther {
		t.Errorf("signed in before the password: %d", a.Status)
	}
	if a := b.Submit("/sso/link", "/sso/link", url.Values{"password": {"wrong"}}); a.Status != http.StatusUnauthorized {
		t.Errorf("a wrong password: %d", a.Status)
	}
	stranger := h.Browser()
	if a := stranger.Get("/sso/link"); a.Status != http.StatusSeeOther || a.Header.Get("Location") != "/login" {
		t.Errorf("a browser that did not come through the provider: %d", a.Status)
	}
	a = b.Submit("/sso/link", "/sso/link", url.Values{"password": {password}})
	if a.Status != http.StatusSeeOther || a.Header.Get("Location") != "/audit" {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	if a := b.Get("/account"); !strings.Contains(a.Body, "officer-1") {
		t.Error("another account is signed in")
	}
	again := h.Browser()
	if a := again.Get(through(again, "/sso/acme/begin")); a.Status != http.StatusSeeOther || a.Header.Get("Location") != "/" {
		t.Errorf("the next time: %d %s", a.Status, a.Body)
	}
	if permits, err := h.Store.LinkPermits(t.Context()); err != nil || len(permits) != 0 {
		t.Errorf("the permit is not spent: %v, %v", permits, err)
	}
	if a := permit(h, u); a.Status != http.StatusUnprocessableEntity || !strings.Contains(a.Body, "linked with Acme already") {
		t.Errorf("linking twice: %d", a.Status)
	}
	var details []string
	for _, e := range h.Records(audit.Filter{}) {
		details = append(details, string(e.Record.Outcome)+" "+e.Record.Actor.Name+": "+e.Record.Detail)
	}
	for _, want := range []string{
		"SUCCESS officer-1: Account officer-1 linked with its person's identity at acme (subject-1), as an admin had permitted.",
		"FAILURE officer-1: Through acme, to link the account: wrong password or code.",
		"SUCCESS officer-1: Through acme.",
	} {
		if !slices.Contains(details, want) {
			t.Errorf("the ledger lacks %q:\n%s", want, strings.Join(details, "\n"))
		}
	}
}

// TestLinkingAsksForTheSecondFactorToo fails when proveLink does not ask for the code.
func TestLinkingAsksForTheSecondFactorToo(t *testing.T) {
	h, u := startWithSameName(t)
	owner := h.As(access.Officer)
	seed := first(t, seedShown, owner.Submit("/account", "/account/factor/begin", url.Values{"present": {password}}).Body)
	code := func() string {
		c, err := totp.GenerateCode(seed, h.Now())
		must(t, err)
		return c
	}
	owner.Submit("/account", "/account/factor/confirm", url.Values{"code": {code()}})
	h.Advance(time.Minute)
	permit(h, u)
	b := h.Browser()
	b.Get(through(b, "/sso/acme/begin"))
	if a := b.Submit("/sso/link", "/sso/link", url.Values{"password": {password}}); a.Status != http.StatusUnauthorized {
		t.Errorf("without a code: %d %s", a.Status, a.Header.Get("Location"))
	}
	a := b.Submit("/sso/link", "/sso/link", url.Values{"password": {password}, "code": {code()}})
	if a.Status != http.StatusSeeOther || a.Header.Get("Location") != "/" {
		t.Errorf("%d %s", a.Status, a.Body)
	}
}
