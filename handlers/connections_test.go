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
	"cxseal/internal/encryption"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// connectionForm is a managed connection to the house's tenant.
func (h *house) connectionForm(name string) url.Values {
	return url.Values{"name": {name}, "mode": {"client-credentials"}, "client_id": {sandbox.DefaultClientID}, "client_secret": {sandbox.DefaultClientSecret},
		"realm": {sandbox.DefaultRealm}, "base_url": {h.tenantURL}, "path_prefix": {"/api/v2"}, "rate": {"0"}, "concurrency": {"2"},
		"callback_deadline": {"10m"}, "callback_url": {h.server.URL + "/kms/callback"}, "approval_life": {"24h"}}
}

func onConnection(name string, columns ...string) url.Values {
	form := runForm(columns...)
	form.Set("connection", name)
	return form
}

func TestAConnectionIsAddedTestedUsedAndDisabledWhileServing(t *testing.T) {
	h := newHouse(t)
	admin := h.as(access.Admin)
	form := h.connectionForm("eu")
	form.Set("base_url", "http://tenant.example")
	if a := admin.submit("/connections/new", "/connections", form); a.status != 422 || !strings.Contains(a.body, "must be a whole https:// address") {
		t.Fatalf("a secret over plain http: %d", a.status)
	}
	if a := admin.submit("/connections/new", "/connections", h.connectionForm("eu")); a.status != 303 || a.header.Get("Location") != "/connections/eu" {
		t.Fatalf("%d %s", a.status, a.body)
	}
	a := admin.submit("/connections/eu", "/connections/eu/test", nil)
	if a.status != 200 || !strings.Contains(a.body, "issued a token") || !strings.Contains(a.body, "callback signature") {
		t.Fatalf("%d %s", a.status, a.body)
	}
	a = admin.submit(tablePath()+"?connection=eu", "/runs", onConnection("eu", "ssn"))
	if a.status != 303 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	h.waitFor(a.header.Get("Location"), encryption.Verified)

	page := admin.get("/connections/eu")
	version := first(t, regexp.MustCompile(`name="version" value="(\d+)"`), page.body)
	edit := h.connectionForm("eu")
	edit.Set("version", version)
	edit.Set("client_secret", "")
	edit.Set("base_url", "https://evil.example")
	if a := admin.submit("/connections/eu", "/connections/eu", edit); a.status != 422 || !strings.Contains(a.body, "enter them again") {
		t.Errorf("a stored secret was sent to another host: %d", a.status)
	}
	edit.Set("base_url", h.tenantURL)
	edit.Set("concurrency", "3")
	if a := admin.submit("/connections/eu", "/connections/eu", edit); a.status != 303 {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := admin.submit("/connections/eu", "/connections/eu", edit); a.status != 422 || !strings.Contains(a.body, "Somebody else has changed") {
		t.Errorf("an edit of an older version: %d", a.status)
	}
	if a := admin.submit("/connections/eu", "/connections/eu/disable", nil); a.status != 303 {
		t.Errorf("%d", a.status)
	}
	if a := admin.submit("/runs", "/runs", onConnection("eu", "credit_card")); a.status == 303 {
		t.Error("a run was taken on a disabled connection")
	}
	if a := admin.submit("/connections/default", "/connections/default/disable", nil); a.status != 409 || !strings.Contains(a.body, "comes from the environment") {
		t.Errorf("the environment's connection: %d", a.status)
	}
	for _, e := range h.records(audit.Filter{Operation: string(audit.SettingsChanged), Connection: "eu"}) {
		if strings.Contains(e.Record.Detail, sandbox.DefaultClientSecret) || e.Record.Actor.Name != "admin-1" {
			t.Errorf("%+v", e.Record)
		}
	}
	if n := len(h.records(audit.Filter{Operation: string(audit.SettingsChanged), Connection: "eu"})); n != 3 {
		t.Errorf("%d changes on record", n)
	}
}

func TestTwoCallbackSecretsLiveAtOnceWhileOneIsReplaced(t *testing.T) {
	h := newHouse(t)
	admin := h.as(access.Admin)
	admin.submit("/connections/new", "/connections", h.connectionForm("eu"))
	shown := regexp.MustCompile(`<code>(whsec_[A-Za-z0-9+/=]+)</code>`)
	var secrets []string
	for range 3 {
		a := admin.submit("/connections/eu", "/connections/eu/callback-secret", nil)
		secrets = append(secrets, first(t, shown, strings.ReplaceAll(a.body, "&#43;", "+")))
	}
	c, err := h.directory.Connection("eu")
	must(t, err)
	if len(c.KMSSecrets) != 2 || c.KMSSecrets[0] != secrets[2] || c.KMSSecrets[1] != secrets[1] {
		t.Errorf("%d live", len(c.KMSSecrets))
	}
	if a := admin.get("/connections/eu"); strings.Contains(a.body, secrets[2]) {
		t.Error("the secret is shown again")
	}
	if a := admin.submit("/connections/eu", "/connections/eu/callback-secret/drop", nil); a.status != 303 {
		t.Errorf("%d", a.status)
	}
	if c, _ := h.directory.Connection("eu"); len(c.KMSSecrets) != 1 || c.KMSSecrets[0] != secrets[2] {
		t.Error("the older secret is still accepted")
	}
}

// Mutation: see internal/encryption/approve_test.go; here the page and the
// routes.
func TestFourEyesOverThePages(t *testing.T) {
	h := newHouse(t)
	admin := h.as(access.Admin)
	form := h.connectionForm("eyes")
	form.Set("four_eyes", "1")
	if a := admin.submit("/connections/new", "/connections", form); a.status != 303 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	a := admin.submit(tablePath()+"?connection=eyes", "/runs", onConnection("eyes", "ssn"))
	run := a.header.Get("Location")
	if a.status != 303 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	page := admin.get(run)
	if !strings.Contains(page.body, "another person must approve it") || strings.Contains(page.body, run+"/approve") {
		t.Error("who asked is offered to approve")
	}
	approver := h.as(access.Approver)
	page = approver.get(run)
	fingerprint := first(t, regexp.MustCompile(`name="fingerprint" value="([0-9a-f]{64})"`), page.body)
	if a := admin.submit(run, run+"/approve", url.Values{"fingerprint": {fingerprint}}); a.status != 403 {
		t.Errorf("their own approval: %d", a.status)
	}
	if a := approver.submit(run, run+"/approve", url.Values{"fingerprint": {"0"}}); a.status != 409 {
		t.Errorf("another plan's approval: %d", a.status)
	}
	if a := approver.submit(run, run+"/approve", url.Values{"fingerprint": {fingerprint}}); a.status != 303 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	h.waitFor(run, encryption.Verified)
	page = h.as(access.Officer).get(run)
	for _, want := range []string{"Approved by", "approver-1", "Asked for by", "admin-1"} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the dossier lacks %q", want)
		}
	}
}
