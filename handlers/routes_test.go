package handlers_test

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"cxseal/handlers"
	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/console/consoletest"
	"cxseal/internal/fault"
)

// walk is every route of the console, with who may have it and what they get.
// Roles that are not named are denied.
var walk = []struct {
	method, path string
	page         bool // a person without a session is led to /login
	allowed      []access.Role
	want         int // for who may; the tokens of the forms are wrong on purpose below
}{
	{"GET", "/", true, everyRole, 200},
	{"POST", "/logout", false, everyRole, 403},
	{"GET", "/account", true, everyRole, 200},
	{"POST", "/account/password", false, everyRole, 403},
	{"POST", "/account/sessions/end", false, everyRole, 403},
	{"POST", "/account/sessions/no-such-session/end", false, everyRole, 403},
	{"POST", "/account/factor/begin", false, everyRole, 403},
	{"POST", "/account/factor/confirm", false, everyRole, 403},
	{"POST", "/account/factor/codes", false, everyRole, 403},
	{"POST", "/account/factor/off", false, everyRole, 403},
	{"POST", "/account/tokens", false, everyRole, 403},
	{"POST", "/account/tokens/1/remove", false, everyRole, 403},
	{"GET", "/kept", true, everyRole, 200},
	{"POST", "/kept/discard", false, everyRole, 403},
	{"GET", "/people", true, admins, 200},
	{"POST", "/people", false, admins, 403},
	{"POST", "/people/1/role", false, admins, 403},
	{"POST", "/people/1/password", false, admins, 403},
	{"POST", "/people/1/link", false, admins, 403},
	{"POST", "/people/1/lift", false, admins, 403},
	{"POST", "/people/1/end", false, admins, 403},
	{"POST", "/people/1/tokens/1/remove", false, admins, 403},
	{"POST", "/people/1/feed/revoke", false, admins, 403},
	{"POST", "/people/1/disable", false, admins, 403},
	{"POST", "/people/1/enable", false, admins, 403},
	{"POST", "/people/1/factor/remove", false, admins, 403},
	{"POST", "/people/1/sessions/end", false, admins, 403},
	{"GET", "/connections", true, admins, 200},
	{"POST", "/connections", false, admins, 403},
	{"GET", "/connections/new", true, admins, 200},
	{"GET", "/connections/default", true, admins, 200},
	{"GET", "/connections/no-such-connection", true, admins, 404},
	{"POST", "/connections/default", false, admins, 403},
	{"POST", "/connections/default/test", false, admins, 403},
	{"POST", "/connections/default/disable", false, admins, 403},
	{"POST", "/connections/default/enable", false, admins, 403},
	{"POST", "/connections/default/callback-secret", false, admins, 403},
	{"POST", "/connections/default/callback-secret/drop", false, admins, 403},
	{"POST", "/runs/no-such-run/approve", false, []access.Role{access.Approver, access.Admin}, 403},
	{"POST", "/runs/no-such-run/decline", false, []access.Role{access.Approver, access.Admin}, 403},
	{"POST", "/system/seal-key", false, admins, 403},
	{"GET", "/datastores", true, readers, 200},
	{"POST", "/datastores/sync", false, readers, 403},
	{"GET", "/datastores/open?datastore_id=a%2Fb&table_id=c", true, readers, 303},
	{"GET", "/datastores/ds-customers/tables/tbl-contacts", true, readers, 200},
	{"GET", "/datastores/ds-customers/tables/tbl-contacts/preflight", true, readers, 303},
	{"POST", "/datastores/ds-customers/tables/tbl-contacts/preflight", false, []access.Role{access.Admin}, 403},
	{"GET", "/runs", true, readers, 200},
	{"POST", "/runs", false, []access.Role{access.Admin}, 403},
	{"GET", "/runs/no-such-run", true, readers, 404},
	{"GET", "/runs/no-such-run/events", false, readers, 404},
	{"POST", "/runs/no-such-run/take", false, []access.Role{access.Admin}, 403},
	{"POST", "/runs/no-such-run/cancel", false, []access.Role{access.Admin}, 403},
	{"GET", "/audit", true, readers, 200},
	{"GET", "/audit.csv", false, exporters, 200},
	{"GET", "/audit.jsonl", false, exporters, 200},
	{"GET", "/audit/evidence.zip", false, exporters, 200},
	{"GET", "/audit/checkpoint", false, readers, 200},
	{"GET", "/audit/no-such-record", true, readers, 404},
	{"GET", "/audit/no-such-record/proof", false, readers, 404},
	{"POST", "/audit/views", false, readers, 403},
	{"POST", "/audit/views/1/delete", false, readers, 403},
	{"GET", "/reviews", true, readers, 200},
	{"POST", "/reviews", false, []access.Role{access.Officer}, 403},
	{"GET", "/charts", true, everyRole, 200},
	{"GET", "/charts/coverage.csv", false, everyRole, 200},
	{"GET", "/charts/latency.csv", false, everyRole, 200},
	{"GET", "/attention", true, readers, 200},
	{"POST", "/attention/acknowledge", false, exporters, 403},
	{"GET", "/help/glossary", true, everyRole, 200},
	{"GET", "/sensitivity", true, readers, 200},
	{"POST", "/sensitivity", false, deciders, 403},
	{"GET", "/sensitivity/decisions", true, readers, 200},
	{"GET", "/sensitivity/requests/no-such-request", true, readers, 404},
	{"POST", "/sensitivity/requests/no-such-request/approve", false, []access.Role{access.Approver, access.Admin}, 403},
	{"POST", "/sensitivity/requests/no-such-request/decline", false, []access.Role{access.Approver, access.Admin}, 403},
	{"POST", "/sensitivity/requests/no-such-request/withdraw", false, deciders, 403},
	{"GET", "/approvals", true, readers, 200},
	{"GET", "/campaigns", true, readers, 200},
	{"POST", "/campaigns", false, admins, 403},
	{"GET", "/campaigns/preflight", true, readers, 303},
	{"POST", "/campaigns/preflight", false, admins, 403},
	{"GET", "/campaigns/no-such-campaign", true, readers, 404},
	{"GET", "/campaigns/no-such-campaign/progress", true, readers, 404},
	{"GET", "/campaigns/no-such-campaign/export.csv", false, exporters, 404},
	{"POST", "/campaigns/no-such-campaign/pause", false, admins, 403},
	{"POST", "/campaigns/no-such-campaign/resume", false, admins, 403},
	{"POST", "/campaigns/no-such-campaign/cancel", false, admins, 403},
	{"GET", "/verifications", true, readers, 200},
	{"GET", "/rotations", true, readers, 200},
	{"GET", "/rotations/month", true, readers, 200},
	{"GET", "/rotations/timeline", true, readers, 200},
	{"POST", "/rotations/rotate", false, []access.Role{access.Admin}, 403},
	{"GET", "/rotations/policies", true, readers, 200},
	{"POST", "/rotations/policies", false, []access.Role{access.Admin}, 403},
	{"POST", "/rotations/policies/1/delete", false, []access.Role{access.Admin}, 403},
	{"POST", "/rotations/feed", false, exporters, 403},
	{"POST", "/rotations/feed/revoke", false, exporters, 403},
	{"GET", "/alarms", true, readers, 200},
	{"POST", "/alarms/routes", false, []access.Role{access.Admin}, 403},
	{"POST", "/alarms/routes/1/test", false, []access.Role{access.Admin}, 403},
	{"POST", "/alarms/routes/1/delete", false, []access.Role{access.Admin}, 403},
	{"GET", "/jobs", true, readers, 200},
	{"GET", "/system", true, readers, 200},
}

var (
	everyRole = access.Roles()
	readers   = []access.Role{access.Officer, access.Approver, access.Admin}
	exporters = []access.Role{access.Officer, access.Admin}
	admins    = []access.Role{access.Admin}
	deciders  = []access.Role{access.Officer, access.Admin}
)

func TestEveryRouteOpensToItsRolesAndToNobodyElse(t *testing.T) {
	h := consoletest.Start(t)
	stranger := h.Browser()
	for _, w := range walk {
		a := stranger.Do(w.method, w.path, strings.NewReader(""), "Content-Type", "application/x-www-form-urlencoded")
		switch {
		case w.page && (a.Status != 303 || a.Header.Get("Location") != "/login?next="+url.QueryEscape(w.path)):
			t.Errorf("%s %s without a session: %d %q", w.method, w.path, a.Status, a.Header.Get("Location"))
		case !w.page && a.Status != 401:
			t.Errorf("%s %s without a session: %d", w.method, w.path, a.Status)
		}
		if w.page {
			if a := stranger.Get(w.path, "HX-Request", "true"); a.Status != 401 {
				t.Errorf("%s by htmx without a session: %d", w.path, a.Status)
			}
		}
	}
	for _, role := range access.Roles() {
		b := h.As(role)
		for _, w := range walk {
			want, may := 403, slices.Contains(w.allowed, role)
			if may {
				want = w.want
			}
			a := b.Do(w.method, w.path, strings.NewReader(""), "Content-Type", "application/x-www-form-urlencoded")
			if a.Status != want {
				t.Errorf("%s %s as %s: %d, want %d: %s", w.method, w.path, role, a.Status, want, a.Body)
			}
			// Whoever may is stopped by the form's missing token, the rest before that.
			if forged := strings.Contains(a.Body, "was not sent from a page of this console"); w.method == "POST" && forged != may {
				t.Errorf("%s %s as %s: allowed %v, and answered %s", w.method, w.path, role, may, a.Body)
			}
			checkHeaders(t, w.method+" "+w.path, a)
		}
	}
}

// Mutation: a route that is added to the table and not to the walk fails here;
// one that is added without a permission fails TestARouteWithoutAPermissionCannotBeBuilt.
func TestTheWalkMissesNoRoute(t *testing.T) {
	h := consoletest.Start(t)
	decisions, walked := h.Pages.Decisions(), map[string]bool{}
	for _, w := range walk {
		pattern := h.Pages.PatternOf(w.method, w.path)
		needs, ok := decisions[pattern]
		if !ok {
			t.Errorf("%s %s is answered by no guarded route (%s)", w.method, w.path, pattern)
		}
		for _, role := range access.Roles() {
			if access.Can(role, needs) != slices.Contains(w.allowed, role) {
				t.Errorf("%s %s: the walk and the table of permissions differ on %s", w.method, w.path, role)
			}
		}
		walked[pattern] = true
	}
	for pattern := range decisions {
		if !walked[pattern] {
			t.Errorf("%s is not walked", pattern)
		}
	}
}

func TestADenialSaysNothingOfWhatExists(t *testing.T) {
	h := consoletest.Start(t)
	run := h.As(access.Admin).Launch("ssn")
	viewer := h.As(access.Viewer)
	there, made := viewer.Get(run), viewer.Get("/runs/no-such-run")
	strip := func(a consoletest.Answer) string { return stripVarying(a.Body) }
	if there.Status != 403 || made.Status != 403 || strip(there) != strip(made) {
		t.Errorf("%d and %d differ", there.Status, made.Status)
	}
	officer := h.As(access.Officer)
	one := officer.Submit("/runs", run+"/cancel", nil)
	other := officer.Submit("/runs", "/runs/no-such-run/cancel", nil)
	if one.Status != 403 || other.Status != 403 || strip(one) != strip(other) {
		t.Errorf("cancel: %d and %d differ", one.Status, other.Status)
	}
}

var tokenValue = regexp.MustCompile(`name="csrf_token" value="[^"]+"`)

var varying = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}|datetime="[^"]*"|\d\d:\d\d(:\d\d)?`)

// stripVarying takes out what differs from one page to the next.
func stripVarying(body string) string {
	body = tokenValue.ReplaceAllString(body, "")
	return varying.ReplaceAllString(body, "")
}

func TestDenialsOfChangesAreOnRecord(t *testing.T) {
	h := consoletest.Start(t)
	officer := h.As(access.Officer)
	if a := officer.Submit("/runs", "/runs", consoletest.RunForm("ssn")); a.Status != 403 {
		t.Fatalf("launch as officer: %d", a.Status)
	}
	list := h.Records(audit.Filter{Operation: string(audit.RunRequested), Outcome: string(audit.Denied), Actor: "officer-1"})
	if len(list) != 1 || list[0].Record.TableID != tableID || strings.Join(list[0].Record.Columns, ",") != "ssn" {
		t.Errorf("launch: %+v", list)
	}
	for range 2 { // each has a record of its own: only reads are counted
		officer.Submit("/runs", "/runs/x/cancel", nil)
	}
	if n := len(h.Records(audit.Filter{Operation: string(audit.AccessDenied), Actor: "officer-1"})); n != 2 {
		t.Errorf("cancel twice: %d records", n)
	}
	approver := h.As(access.Approver)
	if a := approver.Get("/audit.csv"); a.Status != 403 {
		t.Errorf("export as approver: %d", a.Status)
	}
	if n := len(h.Records(audit.Filter{Operation: string(audit.AuditExport), Outcome: string(audit.Denied), Actor: "approver-1"})); n != 1 {
		t.Errorf("export: %d records", n)
	}
}

func checkHeaders(t *testing.T, what string, a consoletest.Answer) {
	t.Helper()
	for name, want := range map[string]string{
		"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
			"connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'",
		"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Cache-Control": "no-store",
		"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
	} {
		if got := a.Header.Get(name); got != want || len(a.Header[name]) != 1 {
			t.Errorf("%s: %s is %q", what, name, a.Header[name])
		}
	}
	if a.Header.Get("X-Request-Id") == "" {
		t.Errorf("%s has no request id", what)
	}
}

func TestHEADWorksWhereverGETDoes(t *testing.T) {
	h := consoletest.Start(t)
	b := h.As(access.Admin)
	paths := []string{"/healthz", "/readyz", "/metrics", "/login"}
	for _, w := range walk {
		if w.method == "GET" {
			paths = append(paths, w.path)
		}
	}
	before := len(h.Records(audit.Filter{Operation: string(audit.AuditExport)}))
	for _, path := range paths {
		head := b.Do(http.MethodHead, path, nil)
		if head.Body != "" {
			t.Errorf("HEAD %s has a body", path)
		}
		if got := b.Get(path); head.Status != got.Status || head.Header.Get("Content-Type") != got.Header.Get("Content-Type") {
			t.Errorf("HEAD %s: %d %q, GET: %d %q", path, head.Status, head.Header.Get("Content-Type"), got.Status, got.Header.Get("Content-Type"))
		}
	}
	if n := len(h.Records(audit.Filter{Operation: string(audit.AuditExport)})) - before; n != 6 {
		t.Errorf("six downloads (three exports, the checkpoint, two series) and six HEADs left %d records", n)
	}
}

func TestUnknownAddressesAndMethods(t *testing.T) {
	h := consoletest.Start(t)
	b := h.As(access.Officer)
	for _, path := range []string{"/nothing", "/runs/", "/audit/x/y", "/%2e%2e/etc/passwd", "/datastores/a/tables"} {
		if a := b.Get(path); a.Status != 404 {
			t.Errorf("%s: %d", path, a.Status)
		}
	}
	for _, method := range []string{"PUT", "DELETE", "PATCH", "TRACE", "BREW"} {
		if a := b.Do(method, "/runs", nil); a.Status != 405 || a.Header.Get("Allow") == "" {
			t.Errorf("%s /runs: %d, Allow %q", method, a.Status, a.Header.Get("Allow"))
		}
	}
	a := b.Get("/nothing", "Accept", "application/json")
	if a.Status != 404 || !strings.HasPrefix(a.Body, `{"error":{"code":"not_found","message":`) {
		t.Errorf("%d %s", a.Status, a.Body)
	}
}

func TestProbesNeedNoSession(t *testing.T) {
	h := consoletest.Start(t)
	b := h.Browser()
	if a := b.Get("/healthz"); a.Status != 200 {
		t.Errorf("healthz %d", a.Status)
	}
	if a := b.Get("/readyz"); a.Status != 200 {
		t.Errorf("readyz %d %s", a.Status, a.Body)
	}
	b.Get("/login")
	a := b.Get("/metrics")
	for _, want := range []string{`cxseal_http_request_duration_seconds_count{method="GET",route="/login",status="200"} 1`, `cxseal_runs{state="verified"} 0`} {
		if !strings.Contains(a.Body, want) {
			t.Errorf("/metrics lacks %s", want)
		}
	}
}

func TestAConsoleThatIsNotReadySaysWhy(t *testing.T) {
	h := withPages(consoletest.Start(t), func(c *handlers.Config) {
		c.Frame.Ready = func(context.Context) error {
			return fault.New(fault.Conflict, "Another console works on this database.")
		}
	})
	if a := h.Browser().Get("/readyz"); a.Status != 503 || a.Body != "Another console works on this database.\n" {
		t.Errorf("%d %q", a.Status, a.Body)
	}
}

func publicURL(url string) consoletest.Option {
	return func(c *consoletest.Config) { c.PublicURL = url }
}

func TestOtherHostNamesAreRefused(t *testing.T) {
	h := consoletest.Start(t, publicURL("http://seal.example:8080"))
	b := h.Browser()
	for host, want := range map[string]int{"seal.example:8080": 200, "SEAL.example:8080": 200, "seal.example": 421, "evil.example:8080": 421,
		"evil.example": 421, "127.0.0.1": 200, "localhost:1234": 200, "[::1]:80": 200, "10.0.0.1": 421} {
		if a := b.Get("/login", "Host", host); a.Status != want {
			t.Errorf("%s: %d, want %d", host, a.Status, want)
		}
	}
	if a := b.Get("/healthz", "Host", "10.0.0.1"); a.Status != 200 {
		t.Errorf("a probe by address: %d", a.Status)
	}
}

func TestSecretsStayOutOfTheLog(t *testing.T) {
	h := consoletest.Start(t)
	admin := h.As(access.Admin)
	run := h.WaitFor(admin.Launch("ssn"), "verified")
	admin.Get("/audit?q=secret-search")
	h.Browser().Do("POST", "/kms/callback/"+run.CallbackToken, strings.NewReader("{}"))
	log := h.Logs.Until(t, "/kms/callback/:token")
	for what, secret := range map[string]string{"callback token": run.CallbackToken, "password": password, "session": sessionOf(admin), "query": "secret-search"} {
		if strings.Contains(log, secret) {
			t.Errorf("the log holds a %s", what)
		}
	}
}
