package doctor_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"cxseal/cxone"
	"cxseal/cxone/sandbox"
	"cxseal/internal/doctor"
	"cxseal/internal/encryption"
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
	w.callers = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { // what a console says to a token of no run
		rw.WriteHeader(http.StatusNotFound)
		_, _ = rw.Write([]byte(`{"status":"REJECTED","code":"unknown_run","message":"…"}`))
	}))
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
	target.Tenant = client
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
		"somebody else's 404": {change: func(d *doctor.Target, _ *cxone.ClientCredentialsConfig) {
			d.CallbackURL, d.HTTP = d.BaseURL+"/kms/callback", http.DefaultClient // the tenant says 404 too
		},
			finding: "callback URL", verdict: doctor.Warning, says: "not as this console does"},
		"callback at a private address": {change: func(d *doctor.Target, _ *cxone.ClientCredentialsConfig) {
			d.BaseURL, d.CallbackURL = "https://api.example", "https://10.1.2.3/kms/callback"
		},
			finding: "callback URL", verdict: doctor.Warning, says: "private address"},
		"callback in the clear": {change: func(d *doctor.Target, _ *cxone.ClientCredentialsConfig) {
			d.BaseURL, d.CallbackURL = "https://api.example", "http://seal.example/kms/callback"
		},
			finding: "callback URL", verdict: doctor.Warning, says: "without encryption"},
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

// A console at the callback URL is ours when it answers this very question as we
// would. Where nothing is at hand to tell it by, no more is said than is known.
func TestWhoseConsoleAnswersIsProvedOrNotClaimed(t *testing.T) {
	w := newWard(t, sandbox.Config{})
	console := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		var asked encryption.Challenge
		if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || len(asked.Challenge) != 64 {
			t.Errorf("asked %+v, %v", asked, err)
		}
		rw.WriteHeader(http.StatusNotFound)
		_, _ = rw.Write([]byte(`{"status":"REJECTED","code":"unknown_run","proof":"ours:` + asked.Challenge + `"}`))
	}))
	t.Cleanup(console.Close)
	for name, c := range map[string]struct {
		isOurs  func(challenge, answer string) bool
		verdict doctor.Verdict
		says    string
	}{
		"ours":            {func(challenge, answer string) bool { return answer == "ours:"+challenge }, doctor.Good, "this installation answers there"},
		"another's":       {func(challenge, answer string) bool { return answer == "other:"+challenge }, doctor.Warning, "does not prove"},
		"nothing to tell": {nil, doctor.Good, "was not proved"},
	} {
		f := w.examine(t, func(d *doctor.Target, _ *cxone.ClientCredentialsConfig) {
			d.CallbackURL, d.IsOurs = console.URL+"/kms/callback", c.isOurs
		})["callback URL"]
		if f.Verdict != c.verdict || !strings.Contains(f.Detail, c.says) {
			t.Errorf("%s: %s %s", name, f.Verdict, f.Detail)
		}
	}
}

// The advice fits the trouble, and the place where the setting lives.
func TestTheAdviceFitsTheTrouble(t *testing.T) {
	w := newWard(t, sandbox.Config{})
	f := w.examine(t, func(d *doctor.Target, c *cxone.ClientCredentialsConfig) {
		d.BaseURL, c.BaseURL, c.TokenURL, d.Managed, d.Signed = "api.example", "http://127.0.0.1:1", "", true, false
	})
	if mend := f["token"].Mend; !strings.Contains(mend, "write https://api.example") || strings.Contains(mend, "CXONE_") {
		t.Errorf("no scheme: %s", mend)
	}
	if mend := f["callback signature"].Mend; !strings.Contains(mend, "“New callback secret”") {
		t.Errorf("no secret: %s", mend)
	}
	for _, fault := range []sandbox.Fault{{Status: 404}, {Status: 200, Body: "<html>Sign in</html>"}, {Status: 302, Header: "Location: https://elsewhere.invalid/"}} {
		fault.Kind, fault.Endpoint = sandbox.FaultStatus, sandbox.EndpointToken
		w.tenant.Fail(fault)
		if mend := w.examine(t, nil)["token"].Mend; !strings.Contains(mend, "CXONE_TOKEN_URL") || strings.Contains(mend, "CLIENT") {
			t.Errorf("a token URL that answers %d: %s", fault.Status, mend)
		}
	}
	w.tenant.Fail(sandbox.Fault{Kind: sandbox.FaultReplace, Endpoint: sandbox.EndpointTable, Field: "encrypted", Value: `"perhaps"`})
	if table := w.examine(t, nil)["table"]; table.Verdict != doctor.Warning || !strings.Contains(table.Detail, `14 of the values in CXone's answer cannot be read, the first: columns[0].encrypted is "perhaps"`) {
		t.Errorf("a table that cannot be read clearly: %s %s", table.Verdict, table.Detail)
	}
	api := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/tables/tbl-contacts") {
			_, _ = rw.Write([]byte(`{"id":"tbl-contacts","columns":[{"name":"a","type":"string","encrypted":false},{"name":"a","type":"string","encrypted":true}]}`))
			return
		}
		w.tenant.ServeHTTP(rw, r)
	}))
	t.Cleanup(api.Close)
	f = w.examine(t, func(d *doctor.Target, c *cxone.ClientCredentialsConfig) { d.BaseURL, c.BaseURL = api.URL, api.URL })
	if table := f["table"]; table.Verdict != doctor.Bad || !strings.Contains(table.Mend, "mend the table") {
		t.Errorf("a column that is there twice: %s → %s", table.Detail, table.Mend)
	}
}
