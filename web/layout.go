package web

import "slices"

// htmxConfig turns off what the Content-Security-Policy forbids anyway:
// injected styles and evaluated attributes. Answers with an error status are
// swapped in too, since they carry an ErrorFragment that says what is wrong.
const htmxConfig = `{"includeIndicatorStyles":false,"allowEval":false,"allowScriptTags":false,"selfRequestsOnly":true,"historyCacheSize":0,` +
	`"responseHandling":[{"code":"204","swap":false},{"code":"...","swap":true}]}`

// place is an entry of the main navigation; key follows g as its shortcut.
type place struct {
	nav                   Nav
	text, path, icon, key string
}

var navigation = []place{
	{NavDashboard, "Dashboard", "/", "dashboard", "h"},
	{NavDatastores, "Data stores", "/datastores", "database", "d"},
	{NavSensitivity, "Sensitivity", "/sensitivity", "lock", "e"},
	{NavRuns, "Runs", "/runs", "runs", "r"},
	{NavCampaigns, "Campaigns", "/campaigns", "table", "c"},
	{NavTrends, "Trends", "/charts", "trend", "t"},
	{NavRotations, "Rotations", "/rotations", "rotate", "o"},
	{NavAudit, "Audit", "/audit", "audit", "a"},
	{NavVerifications, "Verifications", "/verifications", "shield", "v"},
	{NavConnections, "Connections", "/connections", "world", "n"},
	{NavPeople, "People", "/people", "user", "p"},
	{NavSystem, "System", "/system", "settings", "s"},
}

// placesFor are the entries that the role may open.
func placesFor(role string) []place {
	return slices.DeleteFunc(slices.Clone(navigation), func(p place) bool {
		switch p.nav {
		case NavDashboard, NavTrends:
			return false
		case NavConnections, NavPeople:
			return role != "admin"
		}
		return role == "viewer"
	})
}
