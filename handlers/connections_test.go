package handlers_test

import (
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"cxseal/cxone/sandbox"
	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/console/consoletest"
	"cxseal/internal/encryption"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// connectionForm is a managed connection to the console's tenant.
func connectionForm(h *consoletest.Console, name string) url.Values {
	return url.Values{"name": {name}, "mode": {"client-credentials"}, "client_id": {sandbox.DefaultClientID}, "client_secret": {sandbox.DefaultClientSecret},
		"realm": {sandbox.DefaultRealm}, "base_url": {h.TenantURL}, "path_prefix": {"/api/v2"}, "rate": {"0"}, "concurrency": {"2"},
		"callback_deadline": {"10m"}, "callback_url": {h.URL + "/kms/callback"}, "approval_life": {"24h"}}
}

func onConnection(name string, columns ...string) url.Values {
	form := consoletest.RunForm(columns...)
	form.Set("connection", name)
	return form
}

func TestAConnectionIsAddedTestedUsedAndDisabledWhileServing(t *testing.T) {
	h := consoletest.Start(t)
	admin := h.As(access.Admin)
	form := connectionForm(h, "eu")
	form.Set("base_url", "http://tenant.example")
	if a := admin.Submit("/connections/new", "/connections", form); a.Status != 422 || !strings.Contains(a.Body, "must be a whole https:// address") {
		t.Fatalf("a secret over plain http: %d", a.Status)
	}
	if a := admin.Submit("/connections/new", "/connections", connectionForm(h, "eu")); a.Status != 303 || a.Header.Get("Location") != "/connections/eu" {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	a := admin.Submit("/connections/eu", "/connections/eu/test", nil)
	if a.Status != 200 || !strings.Contains(a.Body, "issued a token") || !strings.Contains(a.Body, "callback signature") {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	a = admin.Submit(consoletest.TablePath+"?connection=eu", "/runs", onConnection("eu", "ssn"))
	if a.Status != 303 {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	h.WaitFor(a.Header.Get("Location"), encryption.Verified)

	page := admin.Get("/connections/eu")
	version := first(t, regexp.MustCompile(`name="version" value="(\d+)"`), page.Body)
	edit := connectionForm(h, "eu")
	edit.Set("version", version)
	edit.Set("client_secret", "")
	edit.Set("base_url", "https://evil.example")
	if a := admin.Submit("/connections/eu", "/connections/eu", edit); a.Status != 422 || !strings.Contains(a.Body, "enter them again") {
		t.Errorf("a stored secret was sent to another host: %d", a.Status)
	}
	edit.Set("base_url", h.TenantURL)
	edit.Set("concurrency", "3")
	if a := admin.Submit("/connections/eu", "/connections/eu", edit); a.Status != 303 {
		t.Errorf("%d %s", a.Status, a.Body)
	}
	if a := admin.Submit("/connections/eu", "/connections/eu", edit); a.Status != 422 || !strings.Contains(a.Body, "Somebody else has changed") {
		t.Errorf("an edit of an older version: %d", a.Status)
	}
	if a := admin.Submit("/connections/eu", "/connections/eu/disable", nil); a.Status != 303 {
		t.Errorf("%d", a.Status)
	}
	if a := admin.Submit("/runs", "/runs", onConnection("eu", "credit_card")); a.Status == 303 {
		t.Error("a run was taken on a disabled connection")
	}
	if a := admin.Submit("/connections/default", "/connections/default/disable", nil); a.Status != 409 || !strings.Contains(a.Body, "comes from the environment") {
		t.Errorf("the environment's connection: %d", a.Status)
	}
	for _, e := range h.Records(audit.Filter{Operation: string(audit.SettingsChanged), Connection: "eu"}) {
		if strings.Contains(e.Record.Detail, sandbox.DefaultClientSecret) || e.Record.Actor.Name != "admin-1" {
			t.Errorf("%+v", e.Record)
		}
	}
	if n := len(h.Records(audit.Filter{Operation: string(audit.SettingsChanged), Connection: "eu"})); n != 3 {
		t.Errorf("%d changes on record", n)
	}
}

func TestTwoCallbackSecretsLiveAtOnceWhileOneIsReplaced(t *testing.T) {
	h := consoletest.Start(t)
	admin := h.As(access.Admin)
	admin.Submit("/connections/new", "/connections", connectionForm(h, "eu"))
	shown := regexp.MustCompile(`<code>(whsec_[A-Za-z0-9+/=]+)</code>`)
	var secrets []string
	for range 3 {
		a := admin.Submit("/connections/eu", "/connections/eu/callback-secret", nil)
		secrets = append(secrets, first(t, shown, strings.ReplaceAll(a.Body, "&#43;", "+")))
	}
	c, err := h.Directory.Connection("eu")
	must(t, err)
	if len(c.KMSSecrets) != 2 || c.KMSSecrets[0] != secrets[2] || c.KMSSecrets[1] != secrets[1] {
		t.Errorf("%d live", len(c.KMSSecrets))
	}
	if a := admin.Get("/connections/eu"); strings.Contains(a.Body, secrets[2]) {
		t.Error("the secret is shown again")
	}
	if a := admin.Submit("/connections/eu", "/connections/eu/callback-secret/drop", nil); a.Status != 303 {
		t.Errorf("%d", a.Status)
	}
	if c, _ := h.Directory.Connection("eu"); len(c.KMSSecrets) != 1 || c.KMSSecrets[0] != secrets[2] {
		t.Error("the older secret is still accepted")
	}
}

// Mutation: see internal/encryption/approve_test.go; here the page and the
// routes.
func TestFourEyesOverThePages(t *testing.T) {
	h := consoletest.Start(t)
	admin := h.As(access.Admin)
	form := connectionForm(h, "eyes")
	form.Set("four_eyes", "1")
	if a := admin.Submit("/connections/new", "/connections", form); a.Status != 303 {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	a := admin.Submit(consoletest.TablePath+"?connection=eyes", "/runs", onConnection("eyes", "ssn"))
	run := a.Header.Get("Location")
	if a.Status != 303 {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	page := admin.Get(run)
	if !strings.Contains(page.Body, "another person must approve it") || strings.Contains(page.Body, run+"/approve") {
		t.Error("who asked is offered to approve")
	}
	approver := h.As(access.Approver)
	page = approver.Get(run)
	fingerprint := first(t, regexp.MustCompile(`name="fingerprint" value="([0-9a-f]{64})"`), page.Body)
	if a := admin.Submit(run, run+"/approve", url.Values{"fingerprint": {fingerprint}}); a.Status != 403 {
		t.Errorf("their own approval: %d", a.Status)
	}
	if a := approver.Submit(run, run+"/approve", url.Values{"fingerprint": {"0"}}); a.Status != 409 {
		t.Errorf("another plan's approval: %d", a.Status)
	}
	if a := approver.Submit(run, run+"/approve", url.Values{"fingerprint": {fingerprint}}); a.Status != 303 {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	h.WaitFor(run, encryption.Verified)
	page = h.As(access.Officer).Get(run)
	for _, want := range []string{"Approved by", "approver-1", "Asked for by", "admin-1"} {
		if !strings.Contains(page.Body, want) {
			t.Errorf("the dossier lacks %q", want)
		}
	}
}
