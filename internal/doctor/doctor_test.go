package doctor_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"cxseal/cxone"
	"cxseal/cxone/sandbox"
	"cxseal/internal/doctor"
)

// ward is a tenant and a callback URL to examine.
type ward struct {
	tenant  *sandbox.Sandbox
	base    string
	callers *httptest.Server
}

func newWard(t *testing.T, cfg sandbox.Config) *ward {
	t.Helper()
	w := &ward{tenant: sandbox.New(cfg)}
	api := httptest.NewServer(w.tenant)
	t.Cleanup(api.Close)
	t.Cleanup(w.tenant.Close)
	w.base = api.URL
	w.callers = httptest.NewServer(http.NotFoundHandler()) // what a console says to a token of no run
	t.Cleanup(w.callers.Close)
	return w
}

func (w *ward) examine(t *testing.T, change func(*doctor.Target, *cxone.ClientCredentialsConfig)) map[string]doctor.Finding {
	t.Helper()
	cfg := cxone.ClientCredentialsConfig{BaseURL: w.base, ClientID: sandbox.DefaultClientID, ClientSecret: sandbox.DefaultClientSecret, Realm: sandbox.DefaultRealm}
	target := doctor.Target{BaseURL: w.base, CallbackURL: w.callers.URL + "/kms/callback", Signed: true,
		DatastoreID: "ds-customers", TableID: "tbl-contacts", HTTP: w.callers.Client()}
	if change != nil {
		change(&target, &cfg)
	}
	client, err := cxone.New(cxone.ClientCredentials(cfg), cxone.WithRetries(0))
	if err != nil {
		t.Fatal(err)
	}
	target.Patient = client
	findings := map[string]doctor.Finding{}
	list := doctor.Examine(t.Context(), target)
	bad := false
	for _, f := range list {
		findings[f.Name] = f
		bad = bad || f.Verdict == doctor.Bad
		if (f.Verdict == doctor.Bad || f.Verdict == doctor.Warning) == (f.Mend == "") {
			t.Errorf("%s is %s, and how to mend it is %q", f.Name, f.Verdict, f.Mend)
		}
	}
	if doctor.Healthy(list) == bad {
		t.Errorf("healthy: %v, with a problem: %v", doctor.Healthy(list), bad)
	}
	return findings
}

func TestAHealthyConnectionHasNothingToMend(t *testing.T) {
	for name, f := range newWard(t, sandbox.Config{}).examine(t, nil) {
		if f.Verdict != doctor.Good {
			t.Errorf("%s: %s %s", name, f.Verdict, f.Detail)
		}
	}
}

func TestEachTroubleIsFoundByItsName(t *testing.T) {
	ahead := func() time.Time { return time.Now().Add(3 * time.Minute) }
	for name, c := range map[string]struct {
		cfg     sandbox.Config
		change  func(*doctor.Target, *cxone.ClientCredentialsConfig)
		finding string
		verdict doctor.Verdict
		says    string
	}{
		"wrong secret": {change: func(_ *doctor.Target, c *cxone.ClientCredentialsConfig) { c.ClientSecret = "x" },
			finding: "token", verdict: doctor.Bad, says: "check the client credentials and the realm"},
		"missing scope": {cfg: sandbox.Config{Scopes: []string{cxone.ScopeRead, cxone.ScopeWrite}},
			finding: "token", verdict: doctor.Bad, says: cxone.ScopeEncrypt},
		"nothing answers": {change: func(_ *doctor.Target, c *cxone.ClientCredentialsConfig) {
			c.BaseURL, c.TokenURL = "http://127.0.0.1:1", ""
		},
			finding: "token", verdict: doctor.Bad, says: "could not be reached"},
		"clock": {cfg: sandbox.Config{Now: ahead}, finding: "clock", verdict: doctor.Warning, says: "differ by "},
		"unknown table": {change: func(d *doctor.Target, _ *cxone.ClientCredentialsConfig) { d.TableID = "nope" },
			finding: "table", verdict: doctor.Bad, says: "not found"},
		"no table named": {change: func(d *doctor.Target, _ *cxone.ClientCredentialsConfig) { d.TableID = "" },
			finding: "table", verdict: doctor.Skipped, says: "no table is named"},
		"callback that CXone cannot reach": {change: func(d *doctor.Target, _ *cxone.ClientCredentialsConfig) { d.BaseURL = "https://api.example" },
			finding: "callback URL", verdict: doctor.Bad, says: "cannot reach"},
		"callback that is no address": {change: func(d *doctor.Target, _ *cxone.ClientCredentialsConfig) { d.CallbackURL = "seal.example" },
			finding: "callback URL", verdict: doctor.Bad, says: "not an http or https address"},
		"somebody else's KMS": {change: func(d *doctor.Target, _ *cxone.ClientCredentialsConfig) { d.CallbackURL = "http://127.0.0.1:1/verify" },
			finding: "callback URL", verdict: doctor.Warning, says: "not this console's own"},
		"nobody at the callback": {change: func(d *doctor.Target, _ *cxone.ClientCredentialsConfig) {
			d.CallbackURL = "http://127.0.0.1:1/kms/callback"
		},
			finding: "callback URL", verdict: doctor.Warning, says: "nothing answers"},
		"unsigned": {change: func(d *doctor.Target, _ *cxone.ClientCredentialsConfig) { d.Signed = false },
			finding: "callback signature", verdict: doctor.Warning, says: "unguessable URL"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newWard(t, c.cfg).examine(t, c.change)[c.finding]
			if f.Verdict != c.verdict || !strings.Contains(f.Detail, c.says) {
				t.Errorf("%s: %s", f.Verdict, f.Detail)
			}
		})
	}
}
