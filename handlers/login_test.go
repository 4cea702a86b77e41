package handlers_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"cxseal/cxone/sandbox"
	"cxseal/handlers"
	"cxseal/internal/access"
	"cxseal/internal/audit"
)

func TestSignInLeadsBackToWhereThePersonWasGoing(t *testing.T) {
	h := newHouse(t)
	b := h.browser()
	a := b.get("/audit?outcome=FAILURE")
	if a.status != http.StatusSeeOther || a.header.Get("Location") != "/login?next=%2Faudit%3Foutcome%3DFAILURE" {
		t.Fatalf("%d %q", a.status, a.header.Get("Location"))
	}
	form := url.Values{"username": {"officer-1"}, "password": {password}, "next": {"/audit?outcome=FAILURE"}}
	a = b.submit(a.header.Get("Location"), "/login", form)
	if a.status != http.StatusSeeOther || a.header.Get("Location") != "/audit?outcome=FAILURE" {
		t.Fatalf("%d %q", a.status, a.header.Get("Location"))
	}
	if a := b.get("/audit"); a.status != http.StatusOK || !strings.Contains(a.body, "officer-1") {
		t.Errorf("/audit after sign-in: %d", a.status)
	}
	cookie := findCookie(t, a.header, "cxseal_session")
	if !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Secure || cookie.Path != "/" {
		t.Errorf("session cookie %v", cookie)
	}
	if a := b.get("/login"); a.status != http.StatusOK {
		t.Errorf("/login for who is signed in: %d", a.status)
	}
	if a := b.submit("/", "/logout", nil); a.status != http.StatusSeeOther || a.header.Get("Location") != "/login" {
		t.Errorf("sign-out: %d %q", a.status, a.header.Get("Location"))
	}
	if a := b.get("/"); a.status != http.StatusSeeOther {
		t.Errorf("the dashboard after sign-out: %d", a.status)
	}
	for _, op := range []audit.Operation{audit.Login, audit.Logout} {
		if n := len(h.records(audit.Filter{Operation: string(op), Actor: "officer-1"})); n != 1 {
			t.Errorf("%d records of %s", n, op)
		}
	}
}

func findCookie(t *testing.T, header http.Header, name string) *http.Cookie {
	t.Helper()
	for _, c := range (&http.Response{Header: header}).Cookies() {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("no cookie %s in %v", name, header["Set-Cookie"])
	return nil
}

func TestAStolenCookieFromBeforeSignInIsWorthNothing(t *testing.T) {
	h := newHouse(t)
	b := h.as(access.Officer)
	before := sessionOf(b)
	a := b.submit("/login", "/login", url.Values{"username": {"officer-1"}, "password": {password}})
	if a.status != http.StatusSeeOther || sessionOf(b) == before {
		t.Fatalf("signing in again (%d) kept the session's token", a.status)
	}
	thief := h.browser()
	if a := thief.get("/", "Cookie", "cxseal_session="+before); a.status != http.StatusSeeOther {
		t.Errorf("the old token still opens the dashboard: %d", a.status)
	}
}

func sessionOf(b *browser) string {
	u, _ := url.Parse(b.h.server.URL)
	for _, c := range b.client.Jar.Cookies(u) {
		if c.Name == "cxseal_session" {
			return c.Value
		}
	}
	return ""
}

func TestWrongPasswordIsASentenceAndGuessingIsSlowedDown(t *testing.T) {
	h := newHouse(t)
	b := h.browser()
	wrong := url.Values{"username": {`<b>admin-1`}, "password": {"nope"}}
	a := b.submit("/login", "/login", wrong)
	if a.status != http.StatusUnauthorized || !strings.Contains(a.body, "The name or the password is not right.") ||
		!strings.Contains(a.body, `value="&lt;b&gt;admin-1"`) {
		t.Fatalf("%d %s", a.status, a.body)
	}
	for range 5 {
		b.submit("/login", "/login", url.Values{"username": {"admin-1"}, "password": {"nope"}})
	}
	a = b.submit("/login", "/login", url.Values{"username": {"admin-1"}, "password": {"nope"}})
	if a.status != http.StatusTooManyRequests {
		a = b.submit("/login", "/login", url.Values{"username": {"admin-1"}, "password": {"nope"}})
	}
	if a.status != http.StatusTooManyRequests || a.header.Get("Retry-After") == "" {
		t.Errorf("%d, Retry-After %q", a.status, a.header.Get("Retry-After"))
	}
}

// Mutation: this test fails when safeNext no longer looks for a backslash, and
// when it looks neither for // nor for a host (each alone stops the other's
// cases); tried once each.
func TestSignInCannotLeadToAnotherHost(t *testing.T) {
	h := newHouse(t)
	for _, next := range []string{"//evil.example", "https://evil.example", `/\evil.example`, `\\evil.example`, "/\t/evil.example",
		"/\n/evil.example", "javascript:alert(1)", "evil.example", "///evil.example", "/login", "/logout?x", "http:evil.example", "\x00/", ""} {
		b := h.browser()
		a := b.submit("/login?next="+url.QueryEscape(next), "/login",
			url.Values{"username": {"viewer-1"}, "password": {password}, "next": {next}})
		if a.status != http.StatusSeeOther || a.header.Get("Location") != "/" {
			t.Errorf("next %q leads to %q (%d)", next, a.header.Get("Location"), a.status)
		}
	}
}

// Mutation: this test fails when checkCSRF always agrees, and when the guard
// leaves out the check of the request's origin; tried once each.
func TestAFormWithoutItsTokenChangesNothing(t *testing.T) {
	h := newHouse(t)
	admin, stranger := h.as(access.Admin), h.browser()
	good := admin.token(tablePath())
	foreign := h.as(access.Admin).token("/")
	for name, token := range map[string]string{"none": "", "garbage": "xyz", "another session's": foreign, "cut": good[:len(good)-4]} {
		form := runForm("ssn")
		form.Set("csrf_token", token)
		if a := admin.post("/runs", form); a.status != http.StatusForbidden || !strings.Contains(a.body, "was not sent from a page of this console") {
			t.Errorf("%s token: %d", name, a.status)
		}
	}
	form := runForm("ssn")
	form.Set("csrf_token", good)
	if a := admin.post("/runs", form, "Sec-Fetch-Site", "cross-site"); a.status != http.StatusForbidden {
		t.Errorf("sent from another site: %d", a.status)
	}
	if a := admin.post("/runs", form, "Origin", "https://evil.example"); a.status != http.StatusForbidden {
		t.Errorf("sent from another origin: %d", a.status)
	}
	if a := admin.post("/runs?csrf_token="+url.QueryEscape(good), runForm("ssn")); a.status != http.StatusForbidden {
		t.Errorf("token in the address: %d", a.status)
	}
	if a := stranger.post("/login", url.Values{"username": {"admin-1"}, "password": {password}}); a.status != http.StatusForbidden {
		t.Errorf("sign-in without a token: %d", a.status)
	}
	if runs := h.records(audit.Filter{Operation: string(audit.RunRequested)}); len(runs) != 0 {
		t.Errorf("%d runs were asked for", len(runs))
	}
}

func TestSessionsEndByThemselves(t *testing.T) {
	h := newHouse(t)
	b := h.as(access.Officer)
	for range 3 { // activity keeps it open
		h.advance(20 * time.Minute)
		if a := b.get("/"); a.status != http.StatusOK {
			t.Fatalf("after activity: %d", a.status)
		}
	}
	h.advance(31 * time.Minute)
	if a := b.get("/"); a.status != http.StatusSeeOther {
		t.Errorf("after half an hour of nothing: %d", a.status)
	}
	b = h.as(access.Officer)
	for range 37 {
		h.advance(20 * time.Minute)
		if a := b.get("/"); a.status == http.StatusSeeOther {
			return
		}
	}
	t.Error("after twelve hours of activity the session is still open")
}

func TestADisabledAccountIsOutAtOnce(t *testing.T) {
	h := newHouse(t)
	b := h.as(access.Officer)
	u, err := h.db.UserByName(t.Context(), "officer-1")
	must(t, err)
	must(t, h.accounts.SetDisabled(t.Context(), access.Caller{Name: "cli", Role: access.System}, u.ID, true))
	if a := b.get("/audit"); a.status != http.StatusSeeOther {
		t.Errorf("%d", a.status)
	}
}

func TestHTTPSMakesCookiesSecureAndAsksForHTTPS(t *testing.T) {
	h := newHouse(t, func(c *handlers.Config, _ *sandbox.Config) { c.PublicURL = "https://seal.example" })
	b := h.browser()
	a := b.get("/login", "Host", "seal.example")
	if c := findCookie(t, a.header, "__Host-cxseal_csrf"); !c.Secure || !c.HttpOnly {
		t.Errorf("%v", c)
	}
	if a.header.Get("Strict-Transport-Security") == "" {
		t.Error("no HSTS")
	}
}
