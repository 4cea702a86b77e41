package sandbox_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"cxseal/cxone"
	"cxseal/cxone/sandbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// noon is the frozen time of most tests.
var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func atNoon() time.Time { return noon }

const (
	contacts = "/api/v2/datastores/ds-customers/tables/tbl-contacts"
	allScope = "data_management:read data_management:write data_management:encrypt"
)

// tenant is a sandbox behind real HTTP, mounted under a prefix so that a URL
// that forgets the prefix shows.
type tenant struct {
	*sandbox.Sandbox
	t      *testing.T
	base   string
	secret string
	http   *http.Client
	token  string
}

func start(t *testing.T, cfg sandbox.Config) *tenant {
	t.Helper()
	if cfg.Now == nil {
		cfg.Now = atNoon
	}
	sb := sandbox.New(cfg)
	srv := httptest.NewServer(http.StripPrefix("/mount/cx", sb))
	t.Cleanup(func() {
		sb.Close() // first: it ends the waits the server would wait for
		srv.Close()
	})
	tn := &tenant{Sandbox: sb, t: t, base: srv.URL + "/mount/cx", http: srv.Client(), secret: sandbox.DefaultClientSecret}
	if cfg.ClientSecret != "" {
		tn.secret = cfg.ClientSecret
	}
	tn.token = tn.newToken(allScope)
	return tn
}

// got is an answer, read whole.
type got struct {
	status int
	header http.Header
	body   string
}

func (g got) json(t *testing.T) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(g.body), &v); err != nil {
		t.Fatalf("no JSON object: %v\n%s", err, g.body)
	}
	return v
}

func (tn *tenant) try(req *http.Request) (got, error) {
	resp, err := tn.http.Do(req)
	if err != nil {
		return got{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	return got{resp.StatusCode, resp.Header, string(body)}, err
}

func (tn *tenant) do(req *http.Request) got {
	tn.t.Helper()
	g, err := tn.try(req)
	if err != nil {
		tn.t.Fatal(err)
	}
	return g
}

func (tn *tenant) request(method, path, body string) *http.Request {
	req, err := http.NewRequestWithContext(tn.t.Context(), method, tn.base+path, strings.NewReader(body))
	if err != nil {
		tn.t.Fatal(err)
	}
	return req
}

func (tn *tenant) get(path string) got {
	tn.t.Helper()
	req := tn.request("GET", path, "")
	req.Header.Set("Authorization", "Bearer "+tn.token)
	return tn.do(req)
}

func (tn *tenant) control(method, path, body string) got {
	tn.t.Helper()
	return tn.do(tn.request(method, "/_sandbox"+path, body))
}

func (tn *tenant) tokenRequest(scope string) *http.Request {
	form := url.Values{"grant_type": {"client_credentials"}, "scope": {scope}}
	req := tn.request("POST", "/oauth/token", form.Encode())
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("realm", sandbox.DefaultRealm)
	req.SetBasicAuth(sandbox.DefaultClientID, tn.secret)
	return req
}

func (tn *tenant) newToken(scope string) string {
	tn.t.Helper()
	g := tn.do(tn.tokenRequest(scope))
	if g.status != 200 {
		tn.t.Fatalf("token: %d %s", g.status, g.body)
	}
	return g.json(tn.t)["access_token"].(string)
}

// target is one entry of the matrix, as the guide fills it.
func target(name, kind string) cxone.ColumnTarget {
	return cxone.ColumnTarget{Name: name, Type: kind, EncryptionConfiguration: cxone.EncryptionConfiguration{
		Enabled: true, Algorithm: "AES-256-GCM", ComplianceMode: "GDPR",
		KeyRotationDirective: cxone.KeyRotationDirective{
			Strategy: "AUTOMATIC", IntervalDays: 90, NextRotationEpoch: noon.Unix() + 90*86400,
		},
		IndexMaskingTrigger: true, DecryptionPermissionVerification: true,
	}}
}

// asking is a legal PATCH for string columns of tbl-contacts.
func asking(callback string, columns ...string) cxone.EncryptRequest {
	req := cxone.EncryptRequest{TableID: "tbl-contacts", ExternalKMSSync: cxone.ExternalKMSSync{
		CallbackURL: callback, SyncMode: "ASYNC", RetryPolicy: cxone.RetryPolicy{MaxAttempts: 3, BackoffMs: 2000},
	}}
	for _, c := range columns {
		req.ColumnTargetMatrix = append(req.ColumnTargetMatrix, target(c, "string"))
	}
	return req
}

func encode(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func (tn *tenant) patchRequest(table, key, body string) *http.Request {
	req := tn.request("PATCH", table+"/columns", body)
	req.Header.Set("Authorization", "Bearer "+tn.token)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Idempotency-Key", key)
	return req
}

func (tn *tenant) patch(key, body string) got {
	tn.t.Helper()
	return tn.do(tn.patchRequest(contacts, key, body))
}

// unheard is a callback URL where nobody listens; the sandbox is in inline
// mode wherever it is used.
const unheard = "http://127.0.0.1:1/kms"

// columnOf finds a column in the truth.
func (tn *tenant) columnOf(name string) cxone.Column {
	tn.t.Helper()
	table, _, ok := tn.Table("ds-customers", "tbl-contacts")
	if !ok {
		tn.t.Fatal("tbl-contacts is gone")
	}
	for _, c := range table.Columns {
		if c.Name == name {
			return c
		}
	}
	tn.t.Fatalf("no column %s", name)
	return cxone.Column{}
}

func (tn *tenant) commits() int { return tn.Stats().Commits["ds-customers/tbl-contacts"] }

// within bounds a wait for something another goroutine does.
func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func contains(t *testing.T, g got, status int, words ...string) {
	t.Helper()
	if g.status != status {
		t.Fatalf("status %d, want %d: %s", g.status, status, g.body)
	}
	for _, w := range words {
		if !bytes.Contains([]byte(g.body), []byte(w)) {
			t.Fatalf("the answer doesn't say %q: %s", w, g.body)
		}
	}
}

// eventually polls until ok, or fails the test at a deadline.
func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	ctx := within(t)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("it never came to pass")
		}
	}
}
