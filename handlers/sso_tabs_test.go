package handlers_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"cxseal/internal/access/oidctest"
	"cxseal/internal/audit"
	"cxseal/internal/console/consoletest"
)

// TestASecondTabThatSignsInGoesOnToWhereItWanted fails when ssoBegin forgets what other tabs have begun, when
// welcome does, and when the guard does not ask the route that is signed in already.
func TestASecondTabThatSignsInGoesOnToWhereItWanted(t *testing.T) {
	p := oidctest.New(t, time.Now)
	h := startWith(t, p)
	b := h.Browser()
	first := through(b, "/sso/acme/begin?next=%2Faudit")
	second := through(b, "/sso/acme/begin?next=%2Fruns")
	typed := b.Token("/login?next=%2Frotations")
	for back, want := range map[string]string{first: "/audit", second: "/runs"} {
		if a := b.Get(back); a.Status != http.StatusSeeOther || a.Header.Get("Location") != want {
			t.Errorf("%d to %q, want %q", a.Status, a.Header.Get("Location"), want)
		}
	}
	session := sessionOf(b)
	third := through(b, "/sso/acme/begin")
	if a := b.Get(third); a.Status != http.StatusSeeOther {
		t.Errorf("%d", a.Status)
	}
	if a := b.Get("/account"); a.Status != http.StatusOK {
		t.Errorf("after a second tab the first is signed out (%d), its session was %s", a.Status, session)
	}
	if list := h.Records(audit.Filter{Operation: string(audit.Login), Actor: "olga@acme", Outcome: string(audit.Success)}); len(list) != 3 {
		t.Errorf("%d sign-ins on record", len(list))
	}

	// A form of the sign-in page from before the browser was signed in.
	form := url.Values{"csrf_token": {typed}, "username": {"admin-1"}, "password": {"wrong"}, "next": {"/rotations"}}
	if a := b.Post("/login", form); a.Status != http.StatusSeeOther || a.Header.Get("Location") != "/rotations" {
		t.Errorf("the sign-in form of another tab: %d to %q", a.Status, a.Header.Get("Location"))
	}
	form.Set("next", "https://evil.example")
	if a := b.Post("/login", form); a.Header.Get("Location") != "/" {
		t.Errorf("it leads to %q", a.Header.Get("Location"))
	}
	if list := h.Records(audit.Filter{Operation: string(audit.Login), Outcome: string(audit.Failure)}); len(list) != 0 {
		t.Errorf("its password was tried: %+v", list)
	}
}

// A form that was made before another tab signed in keeps its token while a further tab signs in.
func TestATabThatSignsInAgainLeavesOpenFormsUsable(t *testing.T) {
	p := oidctest.New(t, time.Now)
	h := startWith(t, p)
	b := h.Browser()
	a := b.Get(through(b, "/sso/acme/begin"))
	if a.Status != http.StatusSeeOther {
		t.Fatal(a.Status)
	}
	token := b.Token("/account")
	other := through(b, "/sso/acme/begin?next=%2Fruns")
	if a := b.Get(other); a.Status != http.StatusSeeOther || a.Header.Get("Location") != "/runs" {
		t.Fatalf("%d %q", a.Status, a.Header.Get("Location"))
	}
	if a := b.Post("/account/sessions/end", url.Values{"csrf_token": {token}}); a.Status != http.StatusSeeOther {
		t.Errorf("an open form is refused: %d", a.Status)
	}
}

// A second tab that is asked for its code is led on as well.
func TestTheCodePageOfASecondTabLeadsOn(t *testing.T) {
	h := consoletest.Start(t)
	b := h.Browser()
	token := b.Token("/login")
	b.SignIn("viewer-1", password)
	a := b.Post("/login/code", url.Values{"csrf_token": {token}, "code": {"000000"}, "next": {"/account"}})
	if a.Status != http.StatusSeeOther || a.Header.Get("Location") != "/account" {
		t.Errorf("%d to %q", a.Status, a.Header.Get("Location"))
	}
}
