package handlers_test

import (
	"crypto/rand"
	"html"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"cxseal/handlers/frame"
	"cxseal/internal/access"
	"cxseal/internal/access/oidctest"
	"cxseal/internal/audit"
	"cxseal/internal/console/consoletest"
)

var hiddenField = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)"`)

// shownForm returns the hidden fields of the first form of a page, which sends what was kept.
func shownForm(page string) url.Values {
	form := url.Values{}
	page, _, _ = strings.Cut(page, `action="/kept/discard"`)
	for _, m := range hiddenField.FindAllStringSubmatch(page[strings.Index(page, "<form"):], -1) {
		form.Add(m[1], html.UnescapeString(m[2]))
	}
	return form
}

// sendLate sends a form from a page whose session has ended by then, and returns the answer.
func sendLate(t *testing.T, h *consoletest.Console, b *consoletest.Browser, path string, form url.Values) consoletest.Answer {
	t.Helper()
	form.Set("csrf_token", b.Token("/account"))
	h.Advance(31 * time.Minute)
	return b.Post(path, form)
}

// TestAFormSentAfterTheSessionsEndIsSentOnceThePersonConfirmsIt fails when signInAgain does not keep the
// form, when openKept takes one that has expired, and when the guard does not have the browser forget a form
// that was sent.
func TestAFormSentAfterTheSessionsEndIsSentOnceThePersonConfirmsIt(t *testing.T) {
	h := consoletest.Start(t)
	b := h.As(access.Admin)
	b.Get(consoletest.TablePath)
	a := sendLate(t, h, b, "/runs", consoletest.RunForm("ssn", "credit_card"))
	if a.Status != http.StatusUnauthorized || !strings.Contains(a.Body, `href="/login?next=%2Fkept"`) {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	b.Submit("/login?next=%2Fkept", "/login", url.Values{"username": {"admin-1"}, "password": {password}, "next": {"/kept"}})
	a = b.Get("/kept")
	form := shownForm(a.Body)
	if a.Status != http.StatusOK || !strings.Contains(a.Body, `action="/runs"`) || len(form["columns"]) != 2 || form.Get("interval_days") != "90" {
		t.Fatalf("%d %v %s", a.Status, form, a.Body)
	}
	if runs := h.Records(audit.Filter{Operation: string(audit.RunRequested)}); len(runs) != 0 {
		t.Fatal("it was sent before it was confirmed")
	}
	a = b.Post("/runs", form)
	if a.Status != http.StatusSeeOther || !strings.HasPrefix(a.Header.Get("Location"), "/runs/") {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	if a := b.Get("/kept"); a.Status != http.StatusOK || strings.Contains(a.Body, `action="/runs"`) {
		t.Errorf("it is still kept after it was sent: %d", a.Status)
	}
}

func TestAKeptFormIsItsPersonsAndNotForLong(t *testing.T) {
	h := consoletest.Start(t)
	b := h.As(access.Admin)
	kept := func() {
		t.Helper()
		if a := sendLate(t, h, b, "/runs", consoletest.RunForm("ssn")); !strings.Contains(a.Body, "next=%2Fkept") {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
	}
	kept()
	b.SignIn("officer-1", password)
	if a := b.Get("/kept"); a.Status != http.StatusOK || strings.Contains(a.Body, `action="/runs"`) {
		t.Errorf("somebody else sees it: %d", a.Status)
	}
	b.SignIn("admin-1", password)
	if a := b.Get("/kept"); !strings.Contains(a.Body, `action="/runs"`) {
		t.Errorf("its person does not: %d", a.Status)
	}
	h.Advance(29 * time.Minute)
	if a := b.Get("/kept"); !strings.Contains(a.Body, `action="/runs"`) {
		t.Errorf("within half an hour: %d", a.Status)
	}
	h.Advance(2 * time.Minute)
	if a := b.Get("/kept"); a.Status != http.StatusOK || strings.Contains(a.Body, `action="/runs"`) {
		t.Errorf("after half an hour: %d", a.Status)
	}
	b.SignIn("admin-1", password)
	kept()
	b.SignIn("admin-1", password)
	if a := b.Submit("/kept", "/kept/discard", nil); a.Status != http.StatusSeeOther {
		t.Errorf("discard: %d", a.Status)
	}
	if a := b.Get("/kept"); a.Status != http.StatusOK || strings.Contains(a.Body, `action="/runs"`) {
		t.Errorf("after it was discarded: %d", a.Status)
	}
	if a := b.Get("/kept", "Cookie", "cxseal_kept=bm90IG91cnM"); a.Status != http.StatusOK || strings.Contains(a.Body, `action="/runs"`) {
		t.Errorf("a cookie of somebody's making: %d", a.Status)
	}
}

func TestAKeptFormSurvivesTheWayThroughAProvider(t *testing.T) {
	p := oidctest.New(t, time.Now)
	h := startWith(t, p)
	p.Now = h.Now
	b := h.Browser()
	b.Get(through(b, "/sso/acme/begin"))
	review := url.Values{"from": {"2026-01-01"}, "to": {"2026-01-31"}, "up_to": {"1"}, "note": {"read <all> of it"}}
	if a := sendLate(t, h, b, "/reviews", review); a.Status != http.StatusUnauthorized {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	if a := b.Get(through(b, "/sso/acme/begin?next=%2Fkept")); a.Header.Get("Location") != "/kept" {
		t.Fatalf("%d %q", a.Status, a.Header.Get("Location"))
	}
	if form := shownForm(b.Get("/kept").Body); form.Get("note") != "read <all> of it" {
		t.Errorf("%v", form)
	}
}

// TestAFormWithASecretOrTooLongIsNotKept fails when keep does not look for secrets, and when the route of
// alarms is not marked.
func TestAFormWithASecretOrTooLongIsNotKept(t *testing.T) {
	h := consoletest.Start(t)
	for path, form := range map[string]url.Values{
		"/people":           {"name": {"vera"}, "role": {"viewer"}, "password": {"three grey geese"}},
		"/account/password": {"present": {"a"}, "password": {"b"}, "again": {"b"}},
		"/alarms/routes":    {"name": {"x"}, "url": {"slack://token@channel"}},
		"/runs":             consoletest.RunForm(randomNames(400)...),
	} {
		b := h.As(access.Admin)
		a := sendLate(t, h, b, path, form)
		if a.Status != http.StatusUnauthorized || strings.Contains(a.Body, "next=%2Fkept") || !strings.Contains(a.Body, "kept.") {
			t.Errorf("%s: %d %s", path, a.Status, a.Body)
		}
		if cookies := strings.Join(a.Header["Set-Cookie"], "\n"); strings.Contains(cookies, "cxseal_kept=") {
			t.Errorf("%s: %s", path, cookies)
		}
	}
	if a := h.Browser().Post("/runs", consoletest.RunForm("ssn"), "Accept", "application/json"); a.Status != http.StatusUnauthorized ||
		!strings.HasPrefix(a.Body, "{") {
		t.Errorf("a program: %d %s", a.Status, a.Body)
	}
	if a := h.Browser().Post("/runs", consoletest.RunForm("ssn"), "Sec-Fetch-Site", "cross-site"); a.Status != http.StatusForbidden ||
		strings.Contains(strings.Join(a.Header["Set-Cookie"], ""), "cxseal_kept=") {
		t.Errorf("from another site: %d", a.Status)
	}
}

// randomNames are names that do not compress.
func randomNames(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = rand.Text()
	}
	return names
}

// A form of a tab from before the person signed in again in another one.
func TestAFormOfAnOlderSessionIsConfirmedToo(t *testing.T) {
	h := consoletest.Start(t)
	b := h.As(access.Admin)
	b.Get(consoletest.TablePath)
	form := consoletest.RunForm("ssn")
	form.Set("csrf_token", b.Token("/account"))
	h.Advance(31 * time.Minute)
	b.SignIn("admin-1", password)
	if a := b.Post("/runs", form); a.Status != http.StatusForbidden {
		t.Errorf("without the browser's word where it comes from: %d", a.Status)
	}
	a := b.Post("/runs", form, "Sec-Fetch-Site", "same-origin")
	if a.Status != http.StatusSeeOther || a.Header.Get("Location") != "/kept" {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	if runs := h.Records(audit.Filter{Operation: string(audit.RunRequested)}); len(runs) != 0 {
		t.Error("it was sent before it was confirmed")
	}
	if a := b.Post("/runs", shownForm(b.Get("/kept").Body)); !strings.HasPrefix(a.Header.Get("Location"), "/runs/") {
		t.Errorf("%d %s", a.Status, a.Body)
	}
}

var (
	inputTag  = regexp.MustCompile(`<input [^>]*type="password"[^>]*>`)
	inputName = regexp.MustCompile(`name="([^"]+)"`)
)

// A field that browsers hide must be known as a secret by its name, or its route be marked.
func TestEveryHiddenFieldIsKnownAsASecret(t *testing.T) {
	files, err := filepath.Glob("../web/*.templ")
	must(t, err)
	found := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		must(t, err)
		for _, tag := range inputTag.FindAllString(string(text), -1) {
			m := inputName.FindStringSubmatch(tag)
			if m == nil {
				continue // named by its caller, as newPassword and connectionSecret are
			}
			found++
			if !frame.HoldsSecret(m[1]) && m[1] != "url" { // of an alarm's route, which is marked
				t.Errorf("%s: the field %q may hold a secret and would be kept", file, m[1])
			}
		}
	}
	if found < 6 {
		t.Errorf("only %d hidden fields found", found)
	}
}
