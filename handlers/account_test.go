package handlers_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/console/consoletest"
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
	h := consoletest.Start(t)
	b := h.As(access.Officer)
	if a := b.Submit("/account", "/account/factor/begin", url.Values{"present": {"a thief's guess"}}); a.Status != 422 || seedShown.MatchString(a.Body) {
		t.Fatalf("a factor was begun without the password: %d", a.Status)
	}
	a := b.Submit("/account", "/account/factor/begin", url.Values{"present": {password}})
	if a.Status != 200 || !strings.Contains(a.Body, `role="img"`) || !strings.Contains(a.Body, "otpauth://totp/") {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	seed := first(t, seedShown, a.Body)
	code := func() url.Values {
		c, err := totp.GenerateCode(seed, h.Now())
		must(t, err)
		return url.Values{"code": {c}}
	}
	if a := b.Submit("/account", "/account/factor/confirm", url.Values{"code": {"000000"}}); a.Status != 422 || !strings.Contains(a.Body, "The code is not right") {
		t.Fatalf("a wrong first code: %d", a.Status)
	}
	a = b.Submit("/account", "/account/factor/confirm", code())
	recovery := codeShown.FindAllStringSubmatch(a.Body, -1)
	if a.Status != 200 || len(recovery) != 10 {
		t.Fatalf("%d, %d recovery codes", a.Status, len(recovery))
	}
	if a := b.Get("/account"); strings.Contains(a.Body, seed) || codeShown.MatchString(a.Body) {
		t.Error("the seed or a recovery code is shown again")
	}

	login := func() *consoletest.Browser {
		t.Helper()
		b := h.Browser()
		a := b.Submit("/login?next=/audit", "/login", url.Values{"username": {"officer-1"}, "password": {password}, "next": {"/audit"}})
		if a.Status != 303 || a.Header.Get("Location") != "/login/code" {
			t.Fatalf("%d %q", a.Status, a.Header.Get("Location"))
		}
		if a := b.Get("/audit"); a.Status != 303 || a.Header.Get("Location") == "/audit" {
			t.Fatalf("the password alone opened the log: %d", a.Status)
		}
		return b
	}
	b = login()
	if a := b.Submit("/login/code", "/login/code", url.Values{"code": {"123456"}}); a.Status != 401 {
		t.Errorf("a wrong code: %d", a.Status)
	}
	h.Advance(time.Minute)
	right := code()
	if a := b.Submit("/login/code", "/login/code", right); a.Status != 303 || a.Header.Get("Location") != "/audit" {
		t.Fatalf("%d %q", a.Status, a.Header.Get("Location"))
	}
	if a := b.Get("/audit"); a.Status != 200 {
		t.Errorf("%d", a.Status)
	}
	if a := login().Submit("/login/code", "/login/code", url.Values{"code": {recovery[0][1]}}); a.Status != 303 {
		t.Errorf("a recovery code: %d", a.Status)
	}
	if a := login().Submit("/login/code", "/login/code", url.Values{"code": {recovery[0][1]}}); a.Status != 401 {
		t.Errorf("a recovery code twice: %d", a.Status)
	}
	if a := login().Submit("/login/code", "/login/code", right); a.Status != 401 {
		t.Errorf("a code twice: %d", a.Status)
	}
	late := login()
	h.Advance(6 * time.Minute)
	if a := late.Submit("/login/code", "/login/code", code()); a.Status != 401 {
		t.Errorf("a code after six minutes: %d", a.Status)
	}
	if n := len(h.Records(audit.Filter{Operation: string(audit.Login), Outcome: string(audit.Failure), Actor: "officer-1"})); n != 3 {
		t.Errorf("%d failures on record", n)
	}
	if a := b.Submit("/account", "/account/factor/off", url.Values{"code": {recovery[1][1]}}); a.Status != 303 {
		t.Errorf("turning it off: %d %s", a.Status, a.Body)
	}
	h.As(access.Officer)
}

func TestAPersonEndsTheirOtherSessions(t *testing.T) {
	h := consoletest.Start(t)
	here, there := h.As(access.Officer), h.As(access.Officer)
	a := here.Get("/account")
	id := first(t, regexp.MustCompile(`/account/sessions/([0-9a-f-]{36})/end`), a.Body)
	if a := here.Submit("/account", "/account/sessions/"+id+"/end", nil); a.Status != 303 {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	if a := there.Get("/"); a.Status != 303 {
		t.Errorf("the ended session still opens the dashboard: %d", a.Status)
	}
	if a := here.Get("/"); a.Status != 200 {
		t.Errorf("and the other one does not: %d", a.Status)
	}
	viewer := h.As(access.Viewer)
	mine := first(t, regexp.MustCompile(`/account/sessions/([0-9a-f-]{36})/end`), func() string { h.As(access.Officer); return here.Get("/account").Body }())
	if a := viewer.Submit("/account", "/account/sessions/"+mine+"/end", nil); a.Status != 404 {
		t.Errorf("a viewer ended an officer's session: %d", a.Status)
	}
	if a := here.Submit("/account", "/account/sessions/end", nil); a.Status != 303 {
		t.Errorf("%d", a.Status)
	}
}

func TestANewPasswordPutsEverybodyElseOut(t *testing.T) {
	h := consoletest.Start(t)
	here, thief := h.As(access.Officer), h.As(access.Officer)
	form := url.Values{"present": {"wrong"}, "password": {"a new long password"}, "again": {"a new long password"}}
	if a := here.Submit("/account", "/account/password", form); a.Status != 422 || !strings.Contains(a.Body, "The present password is not right.") {
		t.Fatalf("%d", a.Status)
	}
	form.Set("present", password)
	if a := here.Submit("/account", "/account/password", form); a.Status != 303 {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	if a := here.Get("/account"); a.Status != 200 {
		t.Errorf("who changed it was signed out: %d", a.Status)
	}
	if a := thief.Get("/account"); a.Status != 303 {
		t.Errorf("the other session is still open: %d", a.Status)
	}
}

func TestAProgramReadsWithItsToken(t *testing.T) {
	h := consoletest.Start(t)
	b := h.As(access.Officer)
	a := b.Submit("/account", "/account/tokens", url.Values{"present": {consoletest.Password}, "label": {"nightly"}, "days": {"30"}, "scopes": {string(access.PermExport)}})
	secret := first(t, tokenShown, a.Body)
	program := h.Browser()
	bearer := []string{"Authorization", "Bearer " + secret}
	if a := program.Get("/audit.csv", bearer...); a.Status != 200 || !strings.HasPrefix(a.Body, "seq,audit_id") {
		t.Errorf("export: %d %.80s", a.Status, a.Body)
	}
	for path, want := range map[string]int{"/audit": 403, "/": 403, "/account": 403, "/people": 403} {
		if a := program.Get(path, bearer...); a.Status != want {
			t.Errorf("%s beyond the token's scope: %d", path, a.Status)
		}
	}
	if a := program.Post("/account/tokens", url.Values{}, bearer...); a.Status != 403 {
		t.Errorf("a change with a token: %d", a.Status)
	}
	// A browser's session does not lend the program its rights.
	if a := b.Get("/audit", bearer...); a.Status != 403 {
		t.Errorf("token and session together: %d", a.Status)
	}
	if a := program.Get("/audit.csv", "Authorization", "Bearer cxs_"+strings.Repeat("a", 43)); a.Status != 401 || !strings.HasPrefix(a.Header.Get("WWW-Authenticate"), "Bearer") {
		t.Errorf("a wrong token: %d %q", a.Status, a.Header.Get("WWW-Authenticate"))
	}
	if a := b.Get("/account"); !strings.Contains(a.Body, "nightly") || strings.Contains(a.Body, secret) {
		t.Error("the token is not listed, or shown again")
	}
	a = b.Submit("/account", "/account/tokens", url.Values{"present": {consoletest.Password}, "label": {"reader"}, "days": {"30"}, "scopes": {string(access.PermViewAll)}})
	run := h.As(access.Admin).Launch("ssn")
	h.WaitFor(run, "verified")
	a = program.Get(run, "Authorization", "Bearer "+first(t, tokenShown, a.Body), "Accept", "application/json")
	if a.Status != 200 || !strings.Contains(a.Body, `"state":"verified"`) || !strings.Contains(a.Body, `"requestedBy":"admin-1"`) {
		t.Errorf("a run as JSON: %d %s", a.Status, a.Body)
	}
	id := first(t, regexp.MustCompile(`/account/tokens/(\d+)/remove`), b.Get("/account").Body)
	if a := h.As(access.Viewer).Submit("/account", "/account/tokens/"+id+"/remove", nil); a.Status != 404 {
		t.Errorf("a viewer removed an officer's token: %d", a.Status)
	}
	if a := h.As(access.Viewer).Submit("/account", "/account/tokens", url.Values{"present": {consoletest.Password}, "label": {"x"}, "days": {"1"}, "scopes": {string(access.PermExport)}}); a.Status != http.StatusForbidden {
		t.Errorf("a viewer made a token that exports: %d", a.Status)
	}
	a = b.Submit("/account", "/account/tokens", url.Values{"present": {consoletest.Password}, "label": {"weekly"}, "days": {"30"}, "scopes": {string(access.PermExport)}})
	gone := first(t, tokenShown, a.Body)
	weekly := first(t, regexp.MustCompile(`/account/tokens/(\d+)/remove`), a.Body)
	if a := b.Submit("/account", "/account/tokens/"+weekly+"/remove", nil); a.Status != 303 {
		t.Errorf("%d", a.Status)
	}
	if a := program.Get("/audit.csv", "Authorization", "Bearer "+gone); a.Status != 401 {
		t.Errorf("a removed token: %d", a.Status)
	}
	h.Advance(31 * 24 * time.Hour)
	if a := program.Get("/audit.csv", bearer...); a.Status != 401 {
		t.Errorf("an expired token: %d", a.Status)
	}
}

func TestAnAdminManagesPeople(t *testing.T) {
	h := consoletest.Start(t)
	admin := h.As(access.Admin)
	a := admin.Submit("/people", "/people", url.Values{"name": {"nora"}, "role": {"viewer"}, "password": {"short"}})
	if a.Status != 422 || !strings.Contains(a.Body, "The password is too short") || !strings.Contains(a.Body, `value="nora"`) {
		t.Fatalf("%d", a.Status)
	}
	if a := admin.Submit("/people", "/people", url.Values{"name": {"nora"}, "role": {"viewer"}, "password": {"a long first password"}}); a.Status != 303 {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	nora, err := h.Store.UserByName(t.Context(), "nora")
	must(t, err)
	person := "/people/" + itoa(nora.ID)
	if a := admin.Submit("/people", person+"/role", url.Values{"role": {"officer"}}); a.Status != 303 {
		t.Errorf("%d %s", a.Status, a.Body)
	}
	b := h.Browser()
	b.Submit("/login", "/login", url.Values{"username": {"nora"}, "password": {"a long first password"}})
	if a := b.Get("/audit"); a.Status != 200 {
		t.Errorf("nora's new role does not count: %d", a.Status)
	}
	if a := admin.Submit("/people", person+"/sessions/end", nil); a.Status != 303 {
		t.Errorf("%d", a.Status)
	}
	if a := b.Get("/audit"); a.Status != 303 {
		t.Errorf("nora is still signed in: %d", a.Status)
	}
	if a := admin.Submit("/people", person+"/disable", nil); a.Status != 303 {
		t.Errorf("%d", a.Status)
	}
	self, err := h.Store.UserByName(t.Context(), "admin-1")
	must(t, err)
	for _, change := range []string{"/disable", "/role"} {
		a := admin.Submit("/people", "/people/"+itoa(self.ID)+change, url.Values{"role": {"viewer"}})
		if a.Status != 422 || !strings.Contains(a.Body, "last enabled admin") {
			t.Errorf("the last admin was taken away by %s: %d", change, a.Status)
		}
	}
	if n := len(h.Records(audit.Filter{Operation: string(audit.UserChanged), Actor: "admin-1"})); n != 4 {
		t.Errorf("%d changes on record", n)
	}
}

// Mutation: without lacksFactor in the guard this test fails.
func TestNothingOpensBeforeTheSecondFactorWhereItIsRequired(t *testing.T) {
	h := consoletest.Start(t, func(c *consoletest.Config) { c.RequireFactor = true })
	b := h.As(access.Officer)
	if a := b.Get("/audit"); a.Status != 303 || a.Header.Get("Location") != "/account" {
		t.Errorf("%d %q", a.Status, a.Header.Get("Location"))
	}
	if a := b.Get("/audit.csv"); a.Status != 403 {
		t.Errorf("an export: %d", a.Status)
	}
	if a := b.Submit("/account", "/account/tokens", url.Values{"present": {consoletest.Password}, "label": {"x"}, "days": {"1"}, "scopes": {string(access.PermExport)}}); a.Status != 422 || tokenShown.MatchString(a.Body) {
		t.Errorf("a token: %d", a.Status)
	}
	seed := first(t, seedShown, b.Submit("/account", "/account/factor/begin", url.Values{"present": {password}}).Body)
	code, err := totp.GenerateCode(seed, h.Now())
	must(t, err)
	b.Submit("/account", "/account/factor/confirm", url.Values{"code": {code}})
	if a := b.Get("/audit"); a.Status != 200 {
		t.Errorf("after it was set up: %d", a.Status)
	}
}

// TestAnAdminChangesTheirOwnWaysInOnlyWithAProof fails when ChangePassword or RemoveSecondFactor does not ask
// notOwn.
func TestAnAdminChangesTheirOwnWaysInOnlyWithAProof(t *testing.T) {
	h := consoletest.Start(t)
	b := h.As(access.Admin)
	own, err := h.Store.UserByName(t.Context(), "admin-1")
	must(t, err)
	seed := first(t, seedShown, b.Submit("/account", "/account/factor/begin", url.Values{"present": {password}}).Body)
	code, err := totp.GenerateCode(seed, h.Now())
	must(t, err)
	b.Submit("/account", "/account/factor/confirm", url.Values{"code": {code}})
	for change, form := range map[string]url.Values{"password": {"password": {"three grey geese"}}, "factor/remove": nil} {
		a := b.Submit("/people", fmt.Sprintf("/people/%d/%s", own.ID, change), form)
		if a.Status != 422 || !strings.Contains(a.Body, "This is your own account.") {
			t.Errorf("%s: %d", change, a.Status)
		}
	}
	if u, err := h.Store.UserByID(t.Context(), own.ID); err != nil || u.PasswordHash != own.PasswordHash {
		t.Errorf("the password was changed, %v", err)
	}
	if f, err := h.Store.Factor(t.Context(), own.ID); err != nil || !f.Confirmed {
		t.Errorf("the second factor was removed: %v", err)
	}
}
