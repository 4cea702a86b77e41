package handlers

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"cxseal/internal/access"
	"cxseal/internal/campaign"
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
	feed                // like machine, and open for long
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
	const connectionPath = "/connections/:connection"
	return []route{
		{get, "/healthz", machine, everyone, h.healthz, nil},
		{get, "/readyz", machine, everyone, h.readyz, nil},
		{get, "/metrics", machine, everyone, h.metrics.handler, nil},
		{get, "/static/*", machine, everyone, echo.WrapHandler(web.StaticHandler()), nil},
		{post, "/kms/callback/:token", machine, everyone, h.kmsCallback, nil},
		{post, "/kms/callback/:token/", machine, everyone, h.kmsCallback, nil}, // some senders append a slash

		{get, "/login", page, everyone, h.loginPage, nil},
		{post, "/login", form, everyone, h.login, nil},
		{get, "/login/code", page, everyone, h.codePage, nil},
		{post, "/login/code", form, everyone, h.loginCode, nil},
		{get, "/setup", page, everyone, h.setupPage, nil},
		{post, "/setup", form, everyone, h.setup, nil},
		{get, "/sso/:provider/begin", page, everyone, h.ssoBegin, nil},
		{get, SSOCallbackPath, page, everyone, h.ssoCallback, nil},
		{post, "/logout", form, access.PermOwnAccount, h.logout, nil},

		{get, "/account", page, access.PermOwnAccount, h.account, nil},
		{post, "/account/password", form, access.PermOwnAccount, h.changePassword, nil},
		{post, "/account/sessions/end", form, access.PermOwnAccount, h.endOtherSessions, nil},
		{post, "/account/sessions/:session/end", form, access.PermOwnAccount, h.endSession, nil},
		{post, "/account/factor/begin", form, access.PermOwnAccount, h.factorBegin, nil},
		{post, "/account/factor/confirm", form, access.PermOwnAccount, h.factorConfirm, nil},
		{post, "/account/factor/codes", form, access.PermOwnAccount, h.factorCodes, nil},
		{post, "/account/factor/off", form, access.PermOwnAccount, h.factorOff, nil},
		{post, "/account/tokens", form, access.PermOwnAccount, h.addToken, nil},
		{post, "/account/tokens/:token/remove", form, access.PermOwnAccount, h.removeToken, nil},

		{get, "/people", page, access.PermManagePeople, h.people, nil},
		{post, "/people", form, access.PermManagePeople, h.addPerson, nil},
		{post, "/people/:person/role", form, access.PermManagePeople, h.changePerson("The role is changed.", h.personRole), nil},
		{post, "/people/:person/password", form, access.PermManagePeople,
			h.changePerson("The password is set, and the person signed out everywhere.", h.personPassword), nil},
		{post, "/people/:person/disable", form, access.PermManagePeople, h.changePerson("The account is disabled.", h.personDisabled(true)), nil},
		{post, "/people/:person/enable", form, access.PermManagePeople, h.changePerson("The account is enabled.", h.personDisabled(false)), nil},
		{post, "/people/:person/factor/remove", form, access.PermManagePeople, h.changePerson("The second factor is removed.", h.personFactor), nil},
		{post, "/people/:person/sessions/end", form, access.PermManagePeople, h.changePerson("The person is signed out everywhere.", h.personSessions), nil},

		{get, "/connections", page, access.PermManageConnections, h.connectionsPage, nil},
		{post, "/connections", form, access.PermManageConnections, h.addConnection, nil},
		{get, "/connections/new", page, access.PermManageConnections, h.newConnection, nil},
		{get, connectionPath, page, access.PermManageConnections, h.connectionPage, nil},
		{post, connectionPath, form, access.PermManageConnections, h.editConnection, nil},
		{post, connectionPath + "/test", form, access.PermManageConnections, h.testConnection, nil},
		{post, connectionPath + "/disable", form, access.PermManageConnections, h.connectionDisabled(true), nil},
		{post, connectionPath + "/enable", form, access.PermManageConnections, h.connectionDisabled(false), nil},
		{post, connectionPath + "/callback-secret", form, access.PermManageConnections, h.newCallbackSecret, nil},
		{post, connectionPath + "/callback-secret/drop", form, access.PermManageConnections, h.dropCallbackSecrets, nil},

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
		{post, "/runs/:run/approve", form, access.PermApproveRun, h.approveRun, nil},
		{post, "/runs/:run/decline", form, access.PermApproveRun, h.declineRun, nil},
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

		{get, "/campaigns", page, access.PermViewAll, h.campaigns, nil},
		{post, "/campaigns", form, access.PermLaunchRun, h.launchCampaign, h.launchCampaignDenied},
		{get, "/campaigns/preflight", page, access.PermViewAll, h.backToCampaigns, nil},
		{post, "/campaigns/preflight", form, access.PermLaunchRun, h.preflightCampaign, nil},
		{get, "/campaigns/:campaign", page, access.PermViewAll, h.campaign, nil},
		{get, "/campaigns/:campaign/progress", page, access.PermViewAll, h.campaignProgress, nil},
		{get, "/campaigns/:campaign/export.csv", file, access.PermExport, h.campaignCSV, h.exportDenied("Campaign")},
		{post, "/campaigns/:campaign/pause", form, access.PermLaunchRun, h.steerCampaign((*campaign.Service).Pause, "Paused. Runs that were launched go on."), nil},
		{post, "/campaigns/:campaign/resume", form, access.PermLaunchRun, h.steerCampaign((*campaign.Service).Resume, "Resumed."), nil},
		{post, "/campaigns/:campaign/cancel", form, access.PermCancelRun, h.steerCampaign((*campaign.Service).Cancel, "Cancelled. Runs at work go on to their end."), nil},

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
		{get, "/rotations.ics", feed, everyone, h.rotationFeed, nil}, // the token in the address says who asks

		{get, "/alarms", page, access.PermViewAll, h.alarms, nil},
		{post, "/alarms/routes", form, access.PermManageSettings, h.addRoute, nil},
		{post, "/alarms/routes/:route/test", form, access.PermManageSettings, h.testRoute, nil},
		{post, "/alarms/routes/:route/delete", form, access.PermManageSettings, h.deleteRoute, nil},
		{get, "/jobs", page, access.PermViewAll, h.jobs, nil},

		{get, "/system", page, access.PermViewAll, h.system, nil},
		{post, "/system/seal-key", form, access.PermManageSettings, h.reseal, nil},
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
