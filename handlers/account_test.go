package handlers_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"cxseal/cxone/sandbox"
	"cxseal/handlers"
	"cxseal/internal/access"
	"cxseal/internal/audit"
)

var (
	seedShown  = regexp.MustCompile(`<code>([A-Z2-7]{32})</code>`)
	codeShown  = regexp.MustCompile(`<code>([a-z2-7]{6}(?:-[a-z2-7]{6}){3})</code>`)
	tokenShown = regexp.MustCompile(`<code>(cxs_[A-Za-z0-9_-]{43})</code>`)
)

func first(t *testing.T, re *regexp.Regexp, body string) string {
	t.Helper()
	m := re.FindStringSubmatch(body)
	if m == nil {
		t.Fatalf("no %s in %s", re, body)
	}
	return m[1]
}

func TestASecondFactorIsAskedForOnceItIsOn(t *testing.T) {
	h := newHouse(t)
	b := h.as(access.Officer)
	if a := b.submit("/account", "/account/factor/begin", url.Values{"present": {"a thief's guess"}}); a.status != 422 || seedShown.MatchString(a.body) {
		t.Fatalf("a factor was begun without the password: %d", a.status)
	}
	a := b.submit("/account", "/account/factor/begin", url.Values{"present": {password}})
	if a.status != 200 || !strings.Contains(a.body, `role="img"`) || !strings.Contains(a.body, "otpauth://totp/") {
		t.Fatalf("%d %s", a.status, a.body)
	}
	seed := first(t, seedShown, a.body)
	code := func() url.Values {
		c, err := totp.GenerateCode(seed, h.clock())
		must(t, err)
		return url.Values{"code": {c}}
	}
	if a := b.submit("/account", "/account/factor/confirm", url.Values{"code": {"000000"}}); a.status != 422 || !strings.Contains(a.body, "The code is not right") {
		t.Fatalf("a wrong first code: %d", a.status)
	}
	a = b.submit("/account", "/account/factor/confirm", code())
	recovery := codeShown.FindAllStringSubmatch(a.body, -1)
	if a.status != 200 || len(recovery) != 10 {
		t.Fatalf("%d, %d recovery codes", a.status, len(recovery))
	}
	if a := b.get("/account"); strings.Contains(a.body, seed) || codeShown.MatchString(a.body) {
		t.Error("the seed or a recovery code is shown again")
	}

	login := func() *browser {
		t.Helper()
		b := h.browser()
		a := b.submit("/login?next=/audit", "/login", url.Values{"username": {"officer-1"}, "password": {password}, "next": {"/audit"}})
		if a.status != 303 || a.header.Get("Location") != "/login/code" {
			t.Fatalf("%d %q", a.status, a.header.Get("Location"))
		}
		if a := b.get("/audit"); a.status != 303 || a.header.Get("Location") == "/audit" {
			t.Fatalf("the password alone opened the log: %d", a.status)
		}
		return b
	}
	b = login()
	if a := b.submit("/login/code", "/login/code", url.Values{"code": {"123456"}}); a.status != 401 {
		t.Errorf("a wrong code: %d", a.status)
	}
	h.advance(time.Minute)
	right := code()
	if a := b.submit("/login/code", "/login/code", right); a.status != 303 || a.header.Get("Location") != "/audit" {
		t.Fatalf("%d %q", a.status, a.header.Get("Location"))
	}
	if a := b.get("/audit"); a.status != 200 {
		t.Errorf("%d", a.status)
	}
	if a := login().submit("/login/code", "/login/code", url.Values{"code": {recovery[0][1]}}); a.status != 303 {
		t.Errorf("a recovery code: %d", a.status)
	}
	if a := login().submit("/login/code", "/login/code", url.Values{"code": {recovery[0][1]}}); a.status != 401 {
		t.Errorf("a recovery code twice: %d", a.status)
	}
	if a := login().submit("/login/code", "/login/code", right); a.status != 401 {
		t.Errorf("a code twice: %d", a.status)
	}
	late := login()
	h.advance(6 * time.Minute)
	if a := late.submit("/login/code", "/login/code", code()); a.status != 401 {
		t.Errorf("a code after six minutes: %d", a.status)
	}
	if n := len(h.records(audit.Filter{Operation: string(audit.Login), Outcome: string(audit.Failure), Actor: "officer-1"})); n != 3 {
		t.Errorf("%d failures on record", n)
	}
	if a := b.submit("/account", "/account/factor/off", url.Values{"code": {recovery[1][1]}}); a.status != 303 {
		t.Errorf("turning it off: %d %s", a.status, a.body)
	}
	h.as(access.Officer)
}

func TestAPersonEndsTheirOtherSessions(t *testing.T) {
	h := newHouse(t)
	here, there := h.as(access.Officer), h.as(access.Officer)
	a := here.get("/account")
	id := first(t, regexp.MustCompile(`/account/sessions/([0-9a-f-]{36})/end`), a.body)
	if a := here.submit("/account", "/account/sessions/"+id+"/end", nil); a.status != 303 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if a := there.get("/"); a.status != 303 {
		t.Errorf("the ended session still opens the dashboard: %d", a.status)
	}
	if a := here.get("/"); a.status != 200 {
		t.Errorf("and the other one does not: %d", a.status)
	}
	viewer := h.as(access.Viewer)
	mine := first(t, regexp.MustCompile(`/account/sessions/([0-9a-f-]{36})/end`), func() string { h.as(access.Officer); return here.get("/account").body }())
	if a := viewer.submit("/account", "/account/sessions/"+mine+"/end", nil); a.status != 404 {
		t.Errorf("a viewer ended an officer's session: %d", a.status)
	}
	if a := here.submit("/account", "/account/sessions/end", nil); a.status != 303 {
		t.Errorf("%d", a.status)
	}
}

func TestANewPasswordPutsEverybodyElseOut(t *testing.T) {
	h := newHouse(t)
	here, thief := h.as(access.Officer), h.as(access.Officer)
	form := url.Values{"present": {"wrong"}, "password": {"a new long password"}, "again": {"a new long password"}}
	if a := here.submit("/account", "/account/password", form); a.status != 422 || !strings.Contains(a.body, "The present password is not right.") {
		t.Fatalf("%d", a.status)
	}
	form.Set("present", password)
	if a := here.submit("/account", "/account/password", form); a.status != 303 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if a := here.get("/account"); a.status != 200 {
		t.Errorf("who changed it was signed out: %d", a.status)
	}
	if a := thief.get("/account"); a.status != 303 {
		t.Errorf("the other session is still open: %d", a.status)
	}
}

func TestAProgramReadsWithItsToken(t *testing.T) {
	h := newHouse(t)
	b := h.as(access.Officer)
	a := b.submit("/account", "/account/tokens", url.Values{"label": {"nightly"}, "days": {"30"}, "scopes": {string(access.PermExport)}})
	secret := first(t, tokenShown, a.body)
	program := h.browser()
	bearer := []string{"Authorization", "Bearer " + secret}
	if a := program.get("/audit.csv", bearer...); a.status != 200 || !strings.HasPrefix(a.body, "seq,audit_id") {
		t.Errorf("export: %d %.80s", a.status, a.body)
	}
	for path, want := range map[string]int{"/audit": 403, "/": 403, "/account": 403, "/people": 403} {
		if a := program.get(path, bearer...); a.status != want {
			t.Errorf("%s beyond the token's scope: %d", path, a.status)
		}
	}
	if a := program.post("/account/tokens", url.Values{}, bearer...); a.status != 403 {
		t.Errorf("a change with a token: %d", a.status)
	}
	// A browser's session does not lend the program its rights.
	if a := b.get("/audit", bearer...); a.status != 403 {
		t.Errorf("token and session together: %d", a.status)
	}
	if a := program.get("/audit.csv", "Authorization", "Bearer cxs_"+strings.Repeat("a", 43)); a.status != 401 || !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Bearer") {
		t.Errorf("a wrong token: %d %q", a.status, a.header.Get("WWW-Authenticate"))
	}
	if a := b.get("/account"); !strings.Contains(a.body, "nightly") || strings.Contains(a.body, secret) {
		t.Error("the token is not listed, or shown again")
	}
	a = b.submit("/account", "/account/tokens", url.Values{"label": {"reader"}, "days": {"30"}, "scopes": {string(access.PermViewAll)}})
	run := h.as(access.Admin).launch("ssn")
	h.waitFor(run, "verified")
	a = program.get(run, "Authorization", "Bearer "+first(t, tokenShown, a.body), "Accept", "application/json")
	if a.status != 200 || !strings.Contains(a.body, `"state":"verified"`) || !strings.Contains(a.body, `"requestedBy":"admin-1"`) {
		t.Errorf("a run as JSON: %d %s", a.status, a.body)
	}
	id := first(t, regexp.MustCompile(`/account/tokens/(\d+)/remove`), b.get("/account").body)
	if a := h.as(access.Viewer).submit("/account", "/account/tokens/"+id+"/remove", nil); a.status != 404 {
		t.Errorf("a viewer removed an officer's token: %d", a.status)
	}
	if a := h.as(access.Viewer).submit("/account", "/account/tokens", url.Values{"label": {"x"}, "days": {"1"}, "scopes": {string(access.PermExport)}}); a.status != http.StatusForbidden {
		t.Errorf("a viewer made a token that exports: %d", a.status)
	}
	a = b.submit("/account", "/account/tokens", url.Values{"label": {"weekly"}, "days": {"30"}, "scopes": {string(access.PermExport)}})
	gone := first(t, tokenShown, a.body)
	weekly := first(t, regexp.MustCompile(`/account/tokens/(\d+)/remove`), a.body)
	if a := b.submit("/account", "/account/tokens/"+weekly+"/remove", nil); a.status != 303 {
		t.Errorf("%d", a.status)
	}
	if a := program.get("/audit.csv", "Authorization", "Bearer "+gone); a.status != 401 {
		t.Errorf("a removed token: %d", a.status)
	}
	h.advance(31 * 24 * time.Hour)
	if a := program.get("/audit.csv", bearer...); a.status != 401 {
		t.Errorf("an expired token: %d", a.status)
	}
}

func TestAnAdminManagesPeople(t *testing.T) {
	h := newHouse(t)
	admin := h.as(access.Admin)
	a := admin.submit("/people", "/people", url.Values{"name": {"nora"}, "role": {"viewer"}, "password": {"short"}})
	if a.status != 422 || !strings.Contains(a.body, "The password is too short") || !strings.Contains(a.body, `value="nora"`) {
		t.Fatalf("%d", a.status)
	}
	if a := admin.submit("/people", "/people", url.Values{"name": {"nora"}, "role": {"viewer"}, "password": {"a long first password"}}); a.status != 303 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	nora, err := h.db.UserByName(t.Context(), "nora")
	must(t, err)
	person := "/people/" + itoa(nora.ID)
	if a := admin.submit("/people", person+"/role", url.Values{"role": {"officer"}}); a.status != 303 {
		t.Errorf("%d %s", a.status, a.body)
	}
	b := h.browser()
	b.submit("/login", "/login", url.Values{"username": {"nora"}, "password": {"a long first password"}})
	if a := b.get("/audit"); a.status != 200 {
		t.Errorf("nora's new role does not count: %d", a.status)
	}
	if a := admin.submit("/people", person+"/sessions/end", nil); a.status != 303 {
		t.Errorf("%d", a.status)
	}
	if a := b.get("/audit"); a.status != 303 {
		t.Errorf("nora is still signed in: %d", a.status)
	}
	if a := admin.submit("/people", person+"/disable", nil); a.status != 303 {
		t.Errorf("%d", a.status)
	}
	self, err := h.db.UserByName(t.Context(), "admin-1")
	must(t, err)
	for _, change := range []string{"/disable", "/role"} {
		a := admin.submit("/people", "/people/"+itoa(self.ID)+change, url.Values{"role": {"viewer"}})
		if a.status != 422 || !strings.Contains(a.body, "last enabled admin") {
			t.Errorf("the last admin was taken away by %s: %d", change, a.status)
		}
	}
	if n := len(h.records(audit.Filter{Operation: string(audit.UserChanged), Actor: "admin-1"})); n != 4 {
		t.Errorf("%d changes on record", n)
	}
}

// Mutation: without lacksFactor in the guard this test fails.
func TestNothingOpensBeforeTheSecondFactorWhereItIsRequired(t *testing.T) {
	h := newHouse(t, func(c *handlers.Config, _ *sandbox.Config) { c.RequireFactor = true })
	b := h.as(access.Officer)
	if a := b.get("/audit"); a.status != 303 || a.header.Get("Location") != "/account" {
		t.Errorf("%d %q", a.status, a.header.Get("Location"))
	}
	if a := b.get("/audit.csv"); a.status != 403 {
		t.Errorf("an export: %d", a.status)
	}
	if a := b.submit("/account", "/account/tokens", url.Values{"label": {"x"}, "days": {"1"}, "scopes": {string(access.PermExport)}}); a.status != 422 || tokenShown.MatchString(a.body) {
		t.Errorf("a token: %d", a.status)
	}
	seed := first(t, seedShown, b.submit("/account", "/account/factor/begin", url.Values{"present": {password}}).body)
	code, err := totp.GenerateCode(seed, h.clock())
	must(t, err)
	b.submit("/account", "/account/factor/confirm", url.Values{"code": {code}})
	if a := b.get("/audit"); a.status != 200 {
		t.Errorf("after it was set up: %d", a.status)
	}
}
