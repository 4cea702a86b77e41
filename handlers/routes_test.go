package handlers_test

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"cxseal/cxone/sandbox"
	"cxseal/handlers"
	"cxseal/internal/access"
	"cxseal/internal/audit"
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
	{"GET", "/people", true, admins, 200},
	{"POST", "/people", false, admins, 403},
	{"POST", "/people/1/role", false, admins, 403},
	{"POST", "/people/1/password", false, admins, 403},
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
	{"GET", "/sensitivity", true, readers, 200},
	{"POST", "/sensitivity", false, admins, 403},
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
)

func TestEveryRouteOpensToItsRolesAndToNobodyElse(t *testing.T) {
	h := newHouse(t)
	stranger := h.browser()
	for _, w := range walk {
		a := stranger.do(w.method, w.path, strings.NewReader(""), "Content-Type", "application/x-www-form-urlencoded")
		switch {
		case w.page && (a.status != 303 || a.header.Get("Location") != "/login?next="+url.QueryEscape(w.path)):
			t.Errorf("%s %s without a session: %d %q", w.method, w.path, a.status, a.header.Get("Location"))
		case !w.page && a.status != 401:
			t.Errorf("%s %s without a session: %d", w.method, w.path, a.status)
		}
		if w.page {
			if a := stranger.get(w.path, "HX-Request", "true"); a.status != 401 {
				t.Errorf("%s by htmx without a session: %d", w.path, a.status)
			}
		}
	}
	for _, role := range access.Roles() {
		b := h.as(role)
		for _, w := range walk {
			want, may := 403, slices.Contains(w.allowed, role)
			if may {
				want = w.want
			}
			a := b.do(w.method, w.path, strings.NewReader(""), "Content-Type", "application/x-www-form-urlencoded")
			if a.status != want {
				t.Errorf("%s %s as %s: %d, want %d: %s", w.method, w.path, role, a.status, want, a.body)
			}
			// Whoever may is stopped by the form's missing token, the rest before that.
			if forged := strings.Contains(a.body, "was not sent from a page of this console"); w.method == "POST" && forged != may {
				t.Errorf("%s %s as %s: allowed %v, and answered %s", w.method, w.path, role, may, a.body)
			}
			checkHeaders(t, w.method+" "+w.path, a)
		}
	}
}

// Mutation: a route that is added to the table and not to the walk fails here;
// one that is added without a permission fails TestARouteWithoutAPermissionCannotBeBuilt.
func TestTheWalkMissesNoRoute(t *testing.T) {
	h := newHouse(t)
	decisions, walked := h.console.Decisions(), map[string]bool{}
	for _, w := range walk {
		pattern := h.console.PatternOf(w.method, w.path)
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
	h := newHouse(t)
	run := h.as(access.Admin).launch("ssn")
	viewer := h.as(access.Viewer)
	there, made := viewer.get(run), viewer.get("/runs/no-such-run")
	strip := func(a answer) string { return stripVarying(a.body) }
	if there.status != 403 || made.status != 403 || strip(there) != strip(made) {
		t.Errorf("%d and %d differ", there.status, made.status)
	}
	officer := h.as(access.Officer)
	one := officer.submit("/runs", run+"/cancel", nil)
	other := officer.submit("/runs", "/runs/no-such-run/cancel", nil)
	if one.status != 403 || other.status != 403 || strip(one) != strip(other) {
		t.Errorf("cancel: %d and %d differ", one.status, other.status)
	}
}

var varying = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}|datetime="[^"]*"|\d\d:\d\d(:\d\d)?`)

// stripVarying takes out what differs from one page to the next.
func stripVarying(body string) string {
	body = tokenField.ReplaceAllString(body, "")
	return varying.ReplaceAllString(body, "")
}

func TestDenialsOfChangesAreOnRecord(t *testing.T) {
	h := newHouse(t)
	officer := h.as(access.Officer)
	if a := officer.submit("/runs", "/runs", runForm("ssn")); a.status != 403 {
		t.Fatalf("launch as officer: %d", a.status)
	}
	list := h.records(audit.Filter{Operation: string(audit.RunRequested), Outcome: string(audit.Denied), Actor: "officer-1"})
	if len(list) != 1 || list[0].Record.TableID != tableID || strings.Join(list[0].Record.Columns, ",") != "ssn" {
		t.Errorf("launch: %+v", list)
	}
	officer.submit("/runs", "/runs/x/cancel", nil)
	if n := len(h.records(audit.Filter{Operation: string(audit.AccessDenied), Actor: "officer-1"})); n != 1 {
		t.Errorf("cancel: %d records", n)
	}
	approver := h.as(access.Approver)
	if a := approver.get("/audit.csv"); a.status != 403 {
		t.Errorf("export as approver: %d", a.status)
	}
	if n := len(h.records(audit.Filter{Operation: string(audit.AuditExport), Outcome: string(audit.Denied), Actor: "approver-1"})); n != 1 {
		t.Errorf("export: %d records", n)
	}
}

func checkHeaders(t *testing.T, what string, a answer) {
	t.Helper()
	for name, want := range map[string]string{
		"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
			"connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'",
		"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Cache-Control": "no-store",
		"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
	} {
		if got := a.header.Get(name); got != want || len(a.header[name]) != 1 {
			t.Errorf("%s: %s is %q", what, name, a.header[name])
		}
	}
	if a.header.Get("X-Request-Id") == "" {
		t.Errorf("%s has no request id", what)
	}
}

func TestHEADWorksWhereverGETDoes(t *testing.T) {
	h := newHouse(t)
	b := h.as(access.Admin)
	paths := []string{"/healthz", "/readyz", "/metrics", "/login"}
	for _, w := range walk {
		if w.method == "GET" {
			paths = append(paths, w.path)
		}
	}
	before := len(h.records(audit.Filter{Operation: string(audit.AuditExport)}))
	for _, path := range paths {
		head := b.do(http.MethodHead, path, nil)
		if head.body != "" {
			t.Errorf("HEAD %s has a body", path)
		}
		if got := b.get(path); head.status != got.status || head.header.Get("Content-Type") != got.header.Get("Content-Type") {
			t.Errorf("HEAD %s: %d %q, GET: %d %q", path, head.status, head.header.Get("Content-Type"), got.status, got.header.Get("Content-Type"))
		}
	}
	if n := len(h.records(audit.Filter{Operation: string(audit.AuditExport)})) - before; n != 3 {
		t.Errorf("three exports and three HEADs left %d records", n)
	}
}

func TestUnknownAddressesAndMethods(t *testing.T) {
	h := newHouse(t)
	b := h.as(access.Officer)
	for _, path := range []string{"/nothing", "/runs/", "/audit/x/y", "/%2e%2e/etc/passwd", "/datastores/a/tables"} {
		if a := b.get(path); a.status != 404 {
			t.Errorf("%s: %d", path, a.status)
		}
	}
	for _, method := range []string{"PUT", "DELETE", "PATCH", "TRACE", "BREW"} {
		if a := b.do(method, "/runs", nil); a.status != 405 || a.header.Get("Allow") == "" {
			t.Errorf("%s /runs: %d, Allow %q", method, a.status, a.header.Get("Allow"))
		}
	}
	a := b.get("/nothing", "Accept", "application/json")
	if a.status != 404 || !strings.HasPrefix(a.body, `{"error":{"code":"not_found","message":`) {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestProbesNeedNoSession(t *testing.T) {
	h := newHouse(t)
	b := h.browser()
	if a := b.get("/healthz"); a.status != 200 {
		t.Errorf("healthz %d", a.status)
	}
	if a := b.get("/readyz"); a.status != 200 {
		t.Errorf("readyz %d %s", a.status, a.body)
	}
	b.get("/login")
	a := b.get("/metrics")
	for _, want := range []string{`cxseal_http_request_duration_seconds_count{method="GET",route="/login",status="200"} 1`, `cxseal_runs{state="verified"} 0`} {
		if !strings.Contains(a.body, want) {
			t.Errorf("/metrics lacks %s", want)
		}
	}
}

func TestAConsoleThatIsNotReadySaysWhy(t *testing.T) {
	h := newHouse(t, func(c *handlers.Config, _ *sandbox.Config) {
		c.Ready = func(context.Context) error {
			return fault.New(fault.Conflict, "Another console works on this database.")
		}
	})
	if a := h.browser().get("/readyz"); a.status != 503 || a.body != "Another console works on this database.\n" {
		t.Errorf("%d %q", a.status, a.body)
	}
}

func publicURL(url string) option {
	return func(c *handlers.Config, _ *sandbox.Config) { c.PublicURL = url }
}

func TestOtherHostNamesAreRefused(t *testing.T) {
	h := newHouse(t, publicURL("http://seal.example:8080"))
	b := h.browser()
	for host, want := range map[string]int{"seal.example:8080": 200, "SEAL.example:8080": 200, "seal.example": 421, "evil.example:8080": 421,
		"evil.example": 421, "127.0.0.1": 200, "localhost:1234": 200, "[::1]:80": 200, "10.0.0.1": 421} {
		if a := b.get("/login", "Host", host); a.status != want {
			t.Errorf("%s: %d, want %d", host, a.status, want)
		}
	}
	if a := b.get("/healthz", "Host", "10.0.0.1"); a.status != 200 {
		t.Errorf("a probe by address: %d", a.status)
	}
}

func TestSecretsStayOutOfTheLog(t *testing.T) {
	h := newHouse(t)
	admin := h.as(access.Admin)
	run := h.waitFor(admin.launch("ssn"), "verified")
	admin.get("/audit?q=secret-search")
	h.browser().do("POST", "/kms/callback/"+run.CallbackToken, strings.NewReader("{}"))
	log := h.logs.until(t, "/kms/callback/:token")
	for what, secret := range map[string]string{"callback token": run.CallbackToken, "password": password, "session": sessionOf(admin), "query": "secret-search"} {
		if strings.Contains(log, secret) {
			t.Errorf("the log holds a %s", what)
		}
	}
}
