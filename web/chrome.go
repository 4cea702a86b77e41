package web

import "time"

// Nav names the entry of the main navigation a page belongs to.
type Nav string

// The entries of the main navigation. NavNone marks a page outside it.
const (
	NavNone          Nav = ""
	NavDashboard     Nav = "dashboard"
	NavDatastores    Nav = "datastores"
	NavSensitivity   Nav = "sensitivity"
	NavRuns          Nav = "runs"
	NavCampaigns     Nav = "campaigns"
	NavTrends        Nav = "trends"
	NavRotations     Nav = "rotations"
	NavAudit         Nav = "audit"
	NavVerifications Nav = "verifications"
	NavConnections   Nav = "connections"
	NavPeople        Nav = "people"
	NavSystem        Nav = "system"
)

// Chrome is what every page shares: who looks at it, where it stands, and what
// the last action had to say.
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

// SignedIn reports whether there is anyone to show a menu for.
func (u User) SignedIn() bool { return u.Name != "" }

// Tone says how a message is meant. It is always accompanied by words or an
// icon, never shown by colour alone.
type Tone string

// The tones, calmest first.
const (
	ToneNone    Tone = ""
	ToneInfo    Tone = "info"
	ToneSuccess Tone = "success"
	ToneWarning Tone = "warning"
	ToneDanger  Tone = "danger"
)

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

// Pager leads through a list ordered newest first. An empty URL means there is
// nothing in that direction.
type Pager struct {
	Newer string // URL of the page with newer entries
	Older string // URL of the page with older entries
	Total string // "1,204" or "more than 10,000"; empty when it was not counted
}

// Option is one choice of a select box.
type Option struct {
	Value string
	Label string // Value when empty
}
