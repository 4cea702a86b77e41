package handlers

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"cxseal/internal/access"
	"cxseal/web"
)

// kind says how a route is guarded and answered.
type kind int

const (
	page    kind = iota // a document for a browser: without a session, a redirect to /login
	form                // changes something, or checks a form: POST with a csrf_token
	file                // a download or a text: without a session, 401
	stream              // like file, and open for long
	machine             // for programs without a session: probes, the KMS
)

// everyone marks a route that needs no permission.
const everyone access.Permission = "everyone"

// route is one line of the table below.
type route struct {
	method string
	path   string // echo's pattern; also the name in logs and metrics
	kind   kind
	needs  access.Permission
	handle echo.HandlerFunc

	// denied records the refusal of a caller without the permission, in place
	// of the ACCESS_DENIED record of a POST.
	denied func(c echo.Context, caller access.Caller) error
}

// routes is the one table of what the console answers and who may ask.
func (h *Console) routes() []route {
	const get, post = http.MethodGet, http.MethodPost
	const tablePath = "/datastores/:datastore/tables/:table"
	return []route{
		{get, "/healthz", machine, everyone, h.healthz, nil},
		{get, "/readyz", machine, everyone, h.readyz, nil},
		{get, "/metrics", machine, everyone, h.metrics.handler, nil},
		{get, "/static/*", machine, everyone, echo.WrapHandler(web.StaticHandler()), nil},
		{post, "/kms/callback/:token", machine, everyone, h.kmsCallback, nil},

		{get, "/login", page, everyone, h.loginPage, nil},
		{post, "/login", form, everyone, h.login, nil},
		{post, "/logout", form, access.PermOwnAccount, h.logout, nil},

		{get, "/", page, access.PermViewDashboard, h.dashboard, nil},

		{get, "/datastores", page, access.PermViewAll, h.datastores, nil},
		{post, "/datastores/sync", form, access.PermViewAll, h.syncDatastores, nil},
		{get, "/datastores/open", page, access.PermViewAll, h.openTable, nil},
		{get, tablePath, page, access.PermViewAll, h.table, nil},
		{get, tablePath + "/preflight", page, access.PermViewAll, h.backToTable, nil},
		{post, tablePath + "/preflight", form, access.PermLaunchRun, h.preflight, nil},

		{get, "/runs", page, access.PermViewAll, h.runs, nil},
		{post, "/runs", form, access.PermLaunchRun, h.launch, h.launchDenied},
		{get, "/runs/:run", page, access.PermViewAll, h.run, nil},
		{get, "/runs/:run/events", stream, access.PermViewAll, h.runEvents, nil},
		{post, "/runs/:run/cancel", form, access.PermCancelRun, h.cancelRun, nil},

		{get, "/audit", page, access.PermViewAll, h.audit, nil},
		{get, "/audit.csv", stream, access.PermExport, h.exportCSV, h.exportDenied("CSV")},
		{get, "/audit.jsonl", stream, access.PermExport, h.exportJSONL, h.exportDenied("JSONL")},
		{get, "/audit/evidence.zip", stream, access.PermExport, h.exportPack, h.exportDenied("Evidence pack")},
		{get, "/audit/checkpoint", file, access.PermViewAll, h.checkpoint, nil},
		{get, "/audit/:audit", page, access.PermViewAll, h.auditRecord, nil},
		{get, "/audit/:audit/proof", file, access.PermViewAll, h.proof, nil},

		{post, "/audit/views", form, access.PermViewAll, h.saveView, nil},
		{post, "/audit/views/:view/delete", form, access.PermViewAll, h.deleteView, nil},
		{get, "/reviews", page, access.PermViewAll, h.reviews, nil},
		{post, "/reviews", form, access.PermReview, h.markReviewed, h.reviewDenied},

		{get, "/charts", page, access.PermViewDashboard, h.charts, nil},
		{get, "/charts/coverage.csv", stream, access.PermViewDashboard, h.coverageCSV, nil},
		{get, "/charts/latency.csv", stream, access.PermViewDashboard, h.latencyCSV, nil},

		{get, "/sensitivity", page, access.PermViewAll, h.sensitivity, nil},
		{post, "/sensitivity", form, access.PermManageSettings, h.decideSensitivity, nil},

		{get, "/verifications", page, access.PermViewAll, h.verifications, nil},
		{get, "/rotations", page, access.PermViewAll, h.rotations, nil},
		{get, "/rotations/month", page, access.PermViewAll, h.rotationMonth, nil},
		{get, "/rotations/timeline", page, access.PermViewAll, h.rotationTimeline, nil},
		{post, "/rotations/rotate", form, access.PermLaunchRun, h.rotateKeys, nil},
		{get, "/rotations/policies", page, access.PermViewAll, h.policies, nil},
		{post, "/rotations/policies", form, access.PermManageSettings, h.savePolicy, nil},
		{post, "/rotations/policies/:policy/delete", form, access.PermManageSettings, h.deletePolicy, nil},
		{post, "/rotations/feed", form, access.PermExport, h.newFeed, nil},
		{post, "/rotations/feed/revoke", form, access.PermExport, h.revokeFeed, nil},
		{get, "/rotations.ics", machine, everyone, h.rotationFeed, nil}, // the token in the address says who asks

		{get, "/alarms", page, access.PermViewAll, h.alarms, nil},
		{post, "/alarms/routes", form, access.PermManageSettings, h.addRoute, nil},
		{post, "/alarms/routes/:route/test", form, access.PermManageSettings, h.testRoute, nil},
		{post, "/alarms/routes/:route/delete", form, access.PermManageSettings, h.deleteRoute, nil},
		{get, "/jobs", page, access.PermViewAll, h.jobs, nil},

		{get, "/system", page, access.PermViewAll, h.system, nil},
	}
}

// requestTime bounds what a page or a form may take.
const requestTime = 30 * time.Second

// mount registers the table, GET routes for HEAD too (echo answers 405
// otherwise). It refuses a route that names no permission or an unknown one.
func (h *Console) mount(table []route) error {
	for _, rt := range table {
		if rt.needs != everyone && !slices.Contains(access.Permissions(), rt.needs) {
			return fmt.Errorf("handlers: %s %s needs a permission and names %q", rt.method, rt.path, rt.needs)
		}
		methods := []string{rt.method}
		if rt.method == http.MethodGet {
			methods = append(methods, http.MethodHead)
		}
		h.echo.Match(methods, rt.path, rt.handle, h.bounded(rt), h.guard(rt))
	}
	return nil
}
