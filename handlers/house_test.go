package handlers_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"cxseal/cxone/sandbox"
	"cxseal/handlers"
	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/campaign"
	"cxseal/internal/connection"
	"cxseal/internal/encryption"
	"cxseal/internal/inventory"
	"cxseal/internal/review"
	"cxseal/internal/seal"
	"cxseal/internal/sensitivity"
	"cxseal/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	datastoreID = sandbox.ContactsDataStore
	tableID     = sandbox.ContactsTable
	password    = "correct horse battery"
)

// cheap keeps the tests from spending their time in argon2.
var cheap = access.HashCost{MemoryKiB: 64, Iterations: 1, Parallelism: 1}

// house is a console with its real parts: a database file, a simulated tenant
// over HTTP, the runner, and people.
type house struct {
	t        *testing.T
	db       *store.Store
	tenant   *sandbox.Sandbox
	console  *handlers.Console
	server   *httptest.Server
	accounts *access.Accounts
	logs     *lockedLog

	directory *connection.Directory
	managed   *connection.Manager
	sealer    *seal.Sealer
	tenantURL string
	path      string // of the database

	mu    sync.Mutex
	ahead time.Duration // of real time
}

// clock is real time plus what the test has added.
func (h *house) clock() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return time.Now().Add(h.ahead)
}

func (h *house) advance(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ahead += d
}

// option changes how the house is built.
type option func(*handlers.Config, *sandbox.Config)

func newHouse(t *testing.T, options ...option) *house {
	t.Helper()
	return newHouseOn(t, func(*http.Server) {}, options...)
}

// newHouseOn is a house whose HTTP server has other settings.
func newHouseOn(t *testing.T, configure func(*http.Server), options ...option) *house {
	t.Helper()
	h := &house{t: t, logs: &lockedLog{}}
	logger := slog.New(slog.NewTextHandler(h.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))

	h.path = filepath.Join(t.TempDir(), "cxseal.db")
	db, err := store.Open(t.Context(), h.path, store.Options{Now: h.clock})
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	h.db = db
	sealer, err := seal.Open(t.Context(), seal.Source{File: filepath.Join(t.TempDir(), "seal-key"), MayCreate: true})
	must(t, err)
	sessions := db.Sessions(handlers.DescribeSession)
	factors := access.NewSecondFactor(db, sealer, h.clock)
	h.accounts = access.NewAccounts(db, h.clock, cheap, access.WithSessions(sessions), access.WithSecondFactor(factors))
	signedIn, err := access.NewSessions(sessions, h.accounts, access.DefaultSessionLimits)
	must(t, err)
	sso, err := access.NewSSO(db, h.accounts)
	must(t, err)

	// The server comes first: the tenant must know where to call back.
	var console http.Handler
	h.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { console.ServeHTTP(w, r) }))
	configure(h.server.Config)
	h.server.Start()

	log := newLog(t, db, h.clock)
	sandboxConfig := sandbox.Config{Tables: 3, Seed: 1}
	cfg := handlers.Config{
		Accounts: h.accounts, Sessions: sessions, SignedIn: signedIn, Factors: factors, SSO: sso,
		Tokens: access.NewTokens(db, h.accounts), WithFactor: db.FactorUsers,
		Reseal: func(ctx context.Context, _ access.Caller) (int, error) { return sealer.ResealAll(ctx, db) },
		Runs:   db, Verifications: db, Audit: db, Tables: db, Trends: db, Columns: db, Records: db,
		Sensitivity: sensitivity.NewService(db, h.clock),
		Facets:      db.AuditFacets,
		Log:         log, Pack: log, LogStatus: log.Status,
		Reviews: review.NewService(db, h.clock),
		Ready:   db.Ping,
		Version: "test", Now: h.clock, Logger: logger, Metrics: prometheus.NewRegistry(),
	}
	for _, o := range options {
		o(&cfg, &sandboxConfig)
	}
	h.tenant = sandbox.New(sandboxConfig)
	tenantServer := httptest.NewServer(h.tenant)
	h.directory = connection.NewDirectory("http://callbacks.invalid", "cxseal/test", h.clock, logger)
	settings := connection.Defaults()
	settings.BaseURL, settings.ClientID, settings.Realm = tenantServer.URL, sandbox.DefaultClientID, sandbox.DefaultRealm
	settings.CallbackURL, settings.CallbackDeadline, settings.Concurrency = h.server.URL+"/kms/callback", time.Minute, 2
	settings.Rate = 0
	secrets := connection.Secrets{ClientSecret: sandbox.DefaultClientSecret}
	if sandboxConfig.KMSSecret != "" {
		secrets.KMS = []string{sandboxConfig.KMSSecret}
	}
	must(t, h.directory.UseEnvironment(settings, secrets))
	h.managed = connection.NewManager(db, sealer, h.directory, h.clock)
	must(t, h.managed.Load(t.Context()))
	cfg.Managed = h.managed
	h.sealer, h.tenantURL = sealer, tenantServer.URL
	cfg.Connections = func() (list []handlers.Connection) {
		for _, k := range h.directory.All() {
			if !k.Disabled {
				list = append(list, handlers.Connection{Name: k.Settings.Name, BaseURL: k.Settings.BaseURL, Source: k.Source, Mode: k.Settings.Mode})
			}
		}
		return list
	}
	cfg.Service = encryption.NewService(db, h.directory, h.clock, logger)
	cfg.Inventory = inventory.NewService(db, h.directory, h.clock, logger)
	cfg.Campaign, cfg.Campaigns = campaign.NewService(db, cfg.Service, cfg.Inventory, h.clock, logger), db
	h.addRotations(&cfg)
	h.console, err = handlers.New(cfg)
	must(t, err)
	console = h.console

	runner := encryption.NewRunner(cfg.Service, encryption.RunnerOptions{Poll: 50 * time.Millisecond, Backoff: 10 * time.Millisecond})
	must(t, runner.Start(t.Context()))
	cfg.Campaign.Start(t.Context())
	t.Cleanup(func() {
		h.console.Close()
		cfg.Campaign.Stop()
		h.server.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		must(t, runner.Stop(ctx))
		h.tenant.Close()
		tenantServer.Close()
		h.directory.Close()
	})
	for _, role := range access.Roles() {
		_, err := h.accounts.Create(t.Context(), access.Caller{Name: "cli", Role: access.System}, string(role)+"-1", password, role)
		must(t, err)
	}
	return h
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// newLog is the ledger's log with a key of its own.
func newLog(t *testing.T, db *store.Store, now func() time.Time) *audit.Log {
	t.Helper()
	dir := t.TempDir()
	key, err := audit.LoadOrCreateKey(filepath.Join(dir, "log.key"), "cxseal/test")
	must(t, err)
	return audit.NewLog(db, key, now, dir)
}

// lockedLog collects log lines from many goroutines.
type lockedLog struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lockedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if os.Getenv("CXSEAL_TEST_LOG") != "" {
		_, _ = os.Stderr.Write(p)
	}
	return l.b.Write(p)
}

func (l *lockedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// until is the log once it holds the text: a line is written after its answer.
func (l *lockedLog) until(t *testing.T, text string) string {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(5 * time.Second)
	for !strings.Contains(l.String(), text) {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("the log has no %q", text)
		}
	}
	return l.String()
}

// browser keeps cookies and follows no redirect by itself.
type browser struct {
	h      *house
	client *http.Client
}

func (h *house) browser() *browser {
	jar, err := cookiejar.New(nil)
	must(h.t, err)
	transport := &http.Transport{}
	h.t.Cleanup(transport.CloseIdleConnections)
	return &browser{h, &http.Client{Jar: jar, Transport: transport, Timeout: 20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// as is a browser that is signed in with the role.
func (h *house) as(role access.Role) *browser {
	h.t.Helper()
	b := h.browser()
	if role == "" {
		return b
	}
	a := b.submit("/login", "/login", url.Values{"username": {string(role) + "-1"}, "password": {password}})
	if a.status != http.StatusSeeOther {
		h.t.Fatalf("sign-in as %s answered %d: %s", role, a.status, a.body)
	}
	return b
}

// answer is a response, read whole.
type answer struct {
	status int
	header http.Header
	body   string
}

func (b *browser) do(method, path string, body io.Reader, header ...string) answer {
	b.h.t.Helper()
	req, err := http.NewRequestWithContext(b.h.t.Context(), method, b.h.server.URL+path, body)
	must(b.h.t, err)
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "Host" {
			req.Host = header[i+1]
			continue
		}
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := b.client.Do(req)
	must(b.h.t, err)
	defer func() { must(b.h.t, resp.Body.Close()) }()
	raw, err := io.ReadAll(resp.Body)
	must(b.h.t, err)
	return answer{resp.StatusCode, resp.Header, string(raw)}
}

func (b *browser) get(path string, header ...string) answer {
	b.h.t.Helper()
	return b.do(http.MethodGet, path, nil, header...)
}

func (b *browser) post(path string, form url.Values, header ...string) answer {
	b.h.t.Helper()
	return b.do(http.MethodPost, path, strings.NewReader(form.Encode()), append([]string{"Content-Type", "application/x-www-form-urlencoded"}, header...)...)
}

var tokenField = regexp.MustCompile(`name="csrf_token" value="([^"]+)"`)

// token is the form token of a page.
func (b *browser) token(page string) string {
	b.h.t.Helper()
	a := b.get(page)
	m := tokenField.FindStringSubmatch(a.body)
	if m == nil {
		b.h.t.Fatalf("%s (%d) has no csrf_token", page, a.status)
	}
	return m[1]
}

// submit fills in a form as it stands on a page and sends it.
func (b *browser) submit(page, action string, form url.Values, header ...string) answer {
	b.h.t.Helper()
	if form == nil {
		form = url.Values{}
	}
	form.Set("csrf_token", b.token(page))
	return b.post(action, form, header...)
}

func tablePath() string { return "/datastores/" + datastoreID + "/tables/" + tableID }

func runForm(columns ...string) url.Values {
	return url.Values{"connection": {"default"}, "datastore_id": {datastoreID}, "table_id": {tableID},
		"columns": columns, "interval_days": {"90"}}
}

// launch launches a run from the form and returns the path of its dossier.
func (b *browser) launch(columns ...string) string {
	b.h.t.Helper()
	a := b.submit(tablePath(), "/runs", runForm(columns...))
	if a.status != http.StatusSeeOther || !strings.HasPrefix(a.header.Get("Location"), "/runs/") {
		b.h.t.Fatalf("launch answered %d %q: %s", a.status, a.header.Get("Location"), a.body)
	}
	return a.header.Get("Location")
}

// waitFor polls until the run is in the state.
func (h *house) waitFor(path string, want encryption.State) encryption.Run {
	h.t.Helper()
	id := strings.TrimPrefix(path, "/runs/")
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(15 * time.Second)
	for {
		run, err := h.db.Run(h.t.Context(), id)
		must(h.t, err)
		if run.State == want {
			return run
		}
		if run.State.Ended() {
			h.t.Fatalf("the run ended %s: %s", run.State, run.ErrorMessage)
		}
		select {
		case <-tick.C:
		case <-deadline:
			h.t.Fatalf("the run is still %s", run.State)
		}
	}
}

// records are the audit records that match, newest first.
func (h *house) records(f audit.Filter) []audit.Entry {
	h.t.Helper()
	list, err := h.db.AuditPage(h.t.Context(), f, 0, 100)
	must(h.t, err)
	return list
}
