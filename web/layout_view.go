package web

import (
	"slices"
	"time"
)

// Nav is the entry of the main navigation that a page belongs to.
type Nav string

// The entries of the main navigation. NavNone marks a page outside it.
const (
	NavNone          Nav = ""
	NavDashboard     Nav = "dashboard"
	NavAttention     Nav = "attention"
	NavDatastores    Nav = "datastores"
	NavSensitivity   Nav = "sensitivity"
	NavRuns          Nav = "runs"
	NavCampaigns     Nav = "campaigns"
	NavApprovals     Nav = "approvals"
	NavTrends        Nav = "trends"
	NavRotations     Nav = "rotations"
	NavAudit         Nav = "audit"
	NavVerifications Nav = "verifications"
	NavConnections   Nav = "connections"
	NavPeople        Nav = "people"
	NavSystem        Nav = "system"
)

// Chrome is what every page shares: its title and place in the navigation, the reader, and the messages of the last
// action.
type Chrome struct {
	Title   string    // the page's heading and, with the product's name, its title
	Lead    string    // one sentence below the heading; may be empty
	Nav     Nav       // the entry of the navigation that is current
	Crumbs  []Link    // the way from the top to this page's parent, not the page itself
	User    User      // the zero value: nobody is signed in
	CSRF    string    // the session's token, for every form that changes something
	Flashes []Flash   // shown once, read aloud politely
	Version string    // the console's version, for the footer
	Health  Health    // whether the tenant can be reached, for the footer
	Now     time.Time // when the page was made
	Charts  bool      // the page has charts, which need scripts of their own
}

// Link is a place to go. An empty Href is shown as text.
type Link struct {
	Text string
	Href string
}

// User is who is signed in.
type User struct {
	Name string
	Role string // viewer, officer, approver, admin
}

// SignedIn reports whether the reader is signed in.
func (u User) SignedIn() bool { return u.Name != "" }

// Flash is one message about what was just done.
type Flash struct {
	Tone    Tone
	Message string
}

// Health is the state of the connections in a few words, for the footer. The
// zero value shows nothing.
type Health struct {
	Tone  Tone
	Label string // "default: reachable", "2 of 3 connections reachable"
}

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
	{NavAttention, "Attention", "/attention?state=open", "alert", "i"},
	{NavDatastores, "Data stores", "/datastores", "database", "d"},
	{NavSensitivity, "Sensitivity", "/sensitivity", "lock", "e"},
	{NavRuns, "Runs", "/runs", "runs", "r"},
	{NavCampaigns, "Campaigns", "/campaigns", "table", "c"},
	{NavApprovals, "Approvals", "/approvals", "check", "w"},
	{NavTrends, "Trends", "/charts", "trend", "t"},
	{NavRotations, "Rotations", "/rotations", "rotate", "o"},
	{NavAudit, "Audit", "/audit", "audit", "a"},
	{NavVerifications, "Verifications", "/verifications", "shield", "v"},
	{NavConnections, "Connections", "/connections", "world", "n"},
	{NavPeople, "People", "/people", "user", "p"},
	{NavSystem, "System", "/system", "settings", "s"},
}

// placesFor returns the entries of the navigation that the role may open.
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
