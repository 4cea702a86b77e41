package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/encryption"
	"cxseal/web/browsertest"
)

// walkStops are the console's pages, each with what it needs to be open.
type walkStop struct {
	name, path string
	adminOnly  bool
}

func (d *demo) stops(ctx context.Context, t *testing.T) []walkStop {
	t.Helper()
	runIn := func(state encryption.State) string {
		runs, err := d.console.Store.Runs(ctx, encryption.RunFilter{State: string(state)}, 0, 1)
		if err != nil || len(runs) == 0 {
			t.Fatalf("the demo has no run that is %s: %v", state, err)
		}
		return "/runs/" + runs[0].ID
	}
	entries, err := d.console.Store.AuditPage(ctx, audit.Filter{}, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	campaigns, err := d.console.Store.Campaigns(ctx, 0, 1)
	if err != nil || len(campaigns) == 0 {
		t.Fatalf("the demo has no campaign: %v", err)
	}
	stops := []walkStop{
		{name: "people", path: "/people", adminOnly: true}, {name: "connections", path: "/connections", adminOnly: true},
		{name: "connection", path: "/connections/default", adminOnly: true},
		{name: "run-verified", path: runIn(encryption.Verified)}, {name: "run-rejected", path: runIn(encryption.Rejected)},
		{name: "campaign", path: "/campaigns/" + campaigns[0].ID}, {name: "audit-record", path: "/audit/" + entries[0].Record.AuditID},
		{name: "table", path: "/datastores/ds-customers/tables/tbl-contacts"}, {name: "campaign-new", path: "/campaigns?datastore_id=ds-retail"},
		{name: "open-columns", path: "/sensitivity?state=sensitive&protection=unprotected"}, {name: "dashboard", path: "/"}, {name: "trends", path: "/charts"},
	}
	requests, err := d.console.Store.OpenSensitivityRequests(ctx, "")
	if err != nil || len(requests) == 0 {
		t.Fatalf("in the demo no decision waits for a second person: %v", err)
	}
	stops = append(stops, walkStop{name: "sensitivity-request", path: "/sensitivity/requests/" + requests[0].ID})
	for _, path := range []string{"account", "approvals", "sensitivity/decisions", "datastores", "sensitivity", "runs", "campaigns", "rotations", "rotations/month", "rotations/timeline",
		"rotations/policies", "alarms", "jobs", "audit", "reviews", "verifications", "system", "help/glossary", "attention", "nothing-here"} {
		stops = append(stops, walkStop{name: strings.ReplaceAll(path, "/", "-"), path: "/" + path})
	}
	return stops
}

// liveDemo is a demo that has lived its half year, in this process.
func liveDemo(t *testing.T) *demo {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	a := &app{ctx: ctx, stdin: strings.NewReader(""), stdout: io.Discard, stderr: io.Discard, getenv: func(string) string { return "" }}
	cmd := &demoCmd{Addr: "127.0.0.1:0", Days: 180}
	d, err := cmd.open(a, filepath.Join(t.TempDir(), "cxseal.db"))
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	running := make(chan error, 1)
	go func() { running <- d.console.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-running; err != nil {
			t.Error(err)
		}
		d.close()
	})
	if err := d.people(ctx); err != nil {
		t.Fatal(err)
	}
	if err := d.liveHistory(ctx, cmd.Days, io.Discard); err != nil {
		t.Fatal(err)
	}
	d.clock.catchUp()
	return d
}

// cutTables names the tables that are wider than their frame, and by how much.
// On a telephone they may be: they scroll.
const cutTables = `[...document.querySelectorAll(".table-responsive")].filter(f => f.scrollWidth > f.clientWidth + 1)
  .map(f => f.getAttribute("aria-label") + " by " + (f.scrollWidth - f.clientWidth) + " px").join(", ")`

// strayText is what stands on the page with a space before a punctuation mark, as a reader sees it.
const strayText = `document.body.innerText.split("\n").filter(l => /\s[;:,.!?)\]](\s|$)|[(\[]\s/.test(l)).join(" | ")`

// An officer opens these pages every morning, on a wall screen and on a
// telephone, by day and by night: each must be readable, fit, and load without
// a complaint of the browser or its Content-Security-Policy.
//
// By default each page is looked at once, by the admin by day at a desk or by
// the officer by night at a telephone, in turns; with CXSEAL_WALK, which names
// a folder for the pictures, both look at every page in both themes and widths
// (CI does). With CXSEAL_DOCS it also makes the pictures of docs/ (make pictures).
func TestEveryPageOfTheDemoIsAccessibleAndFits(t *testing.T) {
	browser := browsertest.Start(t)
	d := liveDemo(t)
	stops := d.stops(t.Context(), t)
	for _, person := range []int{0, 1} { // admin, officer
		who := demoAccounts[person]
		tab, closeTab := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
		t.Cleanup(closeTab)
		if err := chromedp.Do(tab); err != nil {
			t.Fatal(err)
		}
		var noise browsertest.Complaints
		if err := noise.Listen(tab); err != nil {
			t.Fatal(err)
		}
		enter(tab, t, d, who.name, who.password)
		for i, stop := range stops {
			if stop.adminOnly && who.role != access.Admin {
				continue
			}
			if once := os.Getenv("CXSEAL_WALK")+os.Getenv("CXSEAL_DOCS") == ""; once && !stop.adminOnly && i%2 != person {
				continue
			}
			t.Run(who.name+"/"+stop.name, func(t *testing.T) {
				address := d.console.Address() + stop.path
				walk(tab, t, &noise, address, who.name+"-"+stop.name, looks(who.role))
				if who.role == access.Admin {
					portray(tab, t, stop.name, address)
				}
			})
		}
	}
}

func enter(ctx context.Context, t *testing.T, d *demo, name, password string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.Navigate(d.console.Address()+"/login"), chromedp.WaitReady(`input[name=username]`),
		chromedp.SendKeys(`input[name=username]`, name), chromedp.SendKeys(`input[name=password]`, password),
		chromedp.Click(`form[action^="/login"] button[type=submit]`), chromedp.WaitReady(`.cx-side`)); err != nil {
		t.Fatalf("sign in as %s: %v", name, err)
	}
}

// look is one way of looking at a page.
type look struct {
	theme string
	width int64
}

func looks(role access.Role) []look {
	if os.Getenv("CXSEAL_WALK") != "" {
		return []look{{"light", 1280}, {"light", 400}, {"dark", 1280}, {"dark", 400}}
	}
	if role == access.Admin {
		return []look{{"light", 1280}}
	}
	return []look{{"dark", 400}}
}

func walk(browser context.Context, t *testing.T, noise *browsertest.Complaints, address, name string, looks []look) {
	t.Helper()
	ctx, cancel := context.WithTimeout(browser, time.Minute)
	defer cancel()
	noise.Take()
	if strings.HasSuffix(address, "/nothing-here") {
		noise.Expect("404")
	}
	if err := chromedp.Do(ctx, chromedp.Navigate(address), chromedp.WaitReady(`#main`), browsertest.LoadAxe()); err != nil {
		t.Fatal(err)
	}
	stray, err := chromedp.Run(ctx, chromedp.Evaluate[string](strayText))
	if err != nil {
		t.Fatal(err)
	}
	if stray != "" {
		t.Errorf("a space stands before a punctuation mark: %s", stray)
	}
	for _, l := range looks {
		browsertest.Inspect(ctx, t, l.theme, l.width)
		if l.width >= 1280 {
			tablesFit(ctx, t)
		}
		if shots := os.Getenv("CXSEAL_WALK"); shots != "" {
			browsertest.Photograph(ctx, t, filepath.Join(shots, fmt.Sprintf("%s-%s-%d.png", name, l.theme, l.width)))
		}
	}
	for _, s := range noise.Take() {
		t.Errorf("the browser says: %s", s)
	}
}

// tablesFit holds that no table of the page is wider than its frame.
func tablesFit(ctx context.Context, t *testing.T) {
	t.Helper()
	cut, err := chromedp.Run(ctx, chromedp.Evaluate[string](cutTables))
	if err != nil {
		t.Fatal(err)
	}
	if cut != "" {
		t.Errorf("a desk has room for the whole table: %s", cut)
	}
}

// A chart is no use to who has no mouse unless the keys reach what it shows.
func TestAChartIsWalkedByKeyboardAndLeadsToItsRuns(t *testing.T) {
	browser := browsertest.Start(t)
	d := liveDemo(t)
	tab := browsertest.Open(t, browser)
	base := d.console.Address()
	tab.SignIn(base, "admin", "demo admin password")
	tab.Do(chromedp.Navigate(base + "/charts"))
	tab.Await(`document.querySelector("#coverage-history .cx-live-plot canvas") !== null`)
	tab.Evaluate(`document.querySelector("#coverage-history [data-plot]").focus()`)
	tab.Do(chromedp.KeyEvent(kb.ArrowLeft), chromedp.KeyEvent(kb.ArrowLeft))
	tab.Await(`/^\d{4}-\d\d-\d\d · Sensitive columns, verified \d/.test(document.querySelector("#coverage-history [data-says]").textContent)`)
	day := tab.Evaluate(`document.querySelector("#coverage-history [data-says]").textContent.slice(0, 10)`)
	tab.Do(chromedp.KeyEvent("+"), chromedp.KeyEvent(kb.Escape), chromedp.KeyEvent(kb.Enter))
	tab.Await(`location.pathname === "/runs"`)
	if at := tab.Location(); at != base+"/runs?from="+day+"&to="+day {
		t.Errorf("Enter on %s leads to %s", day, at)
	}
}
