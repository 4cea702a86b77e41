package handlers_test

import (
	"bytes"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/pquerna/otp/totp"

	"cxseal/internal/access"
	"cxseal/internal/console/consoletest"
	"cxseal/internal/encryption"
)

// Secrets are planted where they belong, and looked for everywhere else: every
// page as an admin sees it, every export, the log, the errors of a tenant that
// fails, the database's files and a copy of it. What is looked for is found
// where it is shown once, or the test would prove nothing.
//
// Mutation: with connection.Manager.seal storing what it was given, or with the
// client's secret logged in Directory.load, this test fails.
func TestPlantedSecretsAppearNowhere(t *testing.T) {
	h := consoletest.Start(t)
	admin := h.As(access.Admin)
	canaries := map[string]string{"client secret": "canary-client-7f3a9", "access key secret": "canary-accesskey-51bc2"}

	// A tenant that repeats what it was sent in its refusal.
	echoing := newEchoingTenant(t)
	form := connectionForm(h, "leaky")
	form.Set("base_url", echoing.URL)
	form.Set("client_secret", canaries["client secret"])
	if a := admin.Submit("/connections/new", "/connections", form); a.Status != 303 {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	form = connectionForm(h, "keyed")
	form.Set("mode", "access-key")
	form.Set("issuer", echoing.URL)
	form.Set("access_key_id", "key-1")
	form.Set("access_key_secret", canaries["access key secret"])
	if a := admin.Submit("/connections/new", "/connections", form); a.Status != 303 {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	shown := admin.Submit("/connections/leaky", "/connections/leaky/callback-secret", nil).Body
	canaries["callback secret"] = first(t, regexp.MustCompile(`<code>(whsec_[A-Za-z0-9+/=]+)</code>`), strings.ReplaceAll(shown, "&#43;", "+"))
	shown = admin.Submit("/account", "/account/factor/begin", url.Values{"present": {password}}).Body
	canaries["second factor's seed"] = first(t, seedShown, shown)
	code, err := totp.GenerateCode(canaries["second factor's seed"], h.Now())
	must(t, err)
	shown = admin.Submit("/account", "/account/factor/confirm", url.Values{"code": {code}}).Body
	canaries["recovery code"] = first(t, codeShown, shown)
	shown = admin.Submit("/account", "/account/tokens", url.Values{"present": {consoletest.Password}, "label": {"canary"}, "days": {"1"}, "scopes": {string(access.PermExport)}}).Body
	canaries["API token"] = first(t, tokenShown, shown)
	canaries["session"], canaries["password"] = sessionOf(admin), password

	// Work that fails and work that succeeds, with the secrets in play.
	var seen strings.Builder
	see := func(a consoletest.Answer) { seen.WriteString(a.Body); _ = a.Header.Write(&seen) }
	for _, name := range []string{"leaky", "keyed"} {
		see(admin.Submit("/connections/"+name, "/connections/"+name+"/test", nil))
		see(admin.Get(consoletest.TablePath + "?connection=" + name))
		a := admin.Submit("/runs", "/runs", onConnection(name, "ssn"))
		see(a)
		if a.Status == 303 {
			h.WaitFor(a.Header.Get("Location"), encryption.Failed)
			see(admin.Get(a.Header.Get("Location")))
		}
	}
	run := admin.Launch("ssn")
	canaries["callback token"] = h.WaitFor(run, encryption.Verified).CallbackToken
	see(admin.Get(run))
	for _, w := range walk {
		if w.method == http.MethodGet {
			see(admin.Get(w.path))
		}
	}
	for _, name := range []string{"leaky", "keyed"} {
		see(admin.Get("/connections/" + name))
	}

	copied := filepath.Join(t.TempDir(), "backup.db")
	must(t, h.Store.Backup(t.Context(), copied))
	for what, secret := range canaries {
		if strings.Contains(seen.String(), secret) || strings.Contains(seen.String(), url.QueryEscape(secret)) {
			t.Errorf("a page or an export holds the %s", what)
		}
		if strings.Contains(h.Logs.String(), secret) {
			t.Errorf("the log holds the %s", what)
		}
		if what == "callback token" {
			continue // the run's own URL, known to the tenant; see docs/threat-model.md
		}
		for _, file := range []string{h.DB, h.DB + "-wal", copied} {
			raw, err := os.ReadFile(file)
			must(t, err)
			if bytes.Contains(raw, []byte(secret)) {
				t.Errorf("%s holds the %s in the clear", filepath.Base(file), what)
			}
		}
	}

	// Once more with another sealing key: it opens as before, and still is not there.
	must(t, h.Sealer.Rotate(t.Context()))
	if n, err := h.Sealer.ResealAll(t.Context(), h.Store); n != 4+1 || err != nil {
		t.Errorf("%d sealed anew, %v", n, err)
	}
	must(t, h.Sealer.DropOldKeys(t.Context(), h.Store))
	if a := admin.Submit("/connections/leaky", "/connections/leaky/disable", nil); a.Status != 303 {
		t.Errorf("a connection does not open after the key was changed: %d", a.Status)
	}
}
