package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/encryption"
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
		{name: "open-columns", path: "/sensitivity?state=sensitive&encrypted=no"}, {name: "dashboard", path: "/"}, {name: "trends", path: "/charts"},
	}
	for _, path := range []string{"account", "datastores", "sensitivity", "runs", "campaigns", "rotations", "rotations/month", "rotations/timeline",
		"rotations/policies", "alarms", "jobs", "audit", "reviews", "verifications", "system", "nothing-here"} {
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

const axeWalk = `axe.run(document, {runOnly: {type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}})
  .then(r => JSON.stringify(r.violations.map(v => v.id + ": " + v.help + " — " + v.nodes.slice(0, 4).map(n => n.target.join(" ") + " " + (n.any[0] ? n.any[0].message : "")).join(" | "))))`

// cutTables names the tables that are wider than their frame, and by how much.
// On a telephone they may be: they scroll.
const cutTables = `[...document.querySelectorAll(".table-responsive")].filter(f => f.scrollWidth > f.clientWidth + 1)
  .map(f => f.getAttribute("aria-label") + " by " + (f.scrollWidth - f.clientWidth) + " px").join(", ")`

// An officer opens these pages every morning, on a wall screen and on a
// telephone, by day and by night: each must be readable, fit, and load without
// a complaint of the browser or its Content-Security-Policy.
//
// By default the admin looks by day at a desk and the officer by night at a
// telephone; with CXSEAL_WALK, which names a folder for the pictures, both look
// at every page in both themes and widths (CI does). With CXSEAL_DOCS it also
// makes the pictures of docs/ (make pictures).
func TestEveryPageOfTheDemoIsAccessibleAndFits(t *testing.T) {
	axe, err := os.ReadFile("../../web/testdata/axe.min.js")
	if err != nil {
		t.Fatal(err)
	}
	browser := startBrowser(t)
	d := liveDemo(t)
	stops := d.stops(t.Context(), t)
	for _, person := range []int{0, 1} { // admin, officer
		who := demoAccounts[person]
		tab, closeTab := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
		t.Cleanup(closeTab)
		if err := chromedp.Do(tab); err != nil {
			t.Fatal(err)
		}
		var noise complaints
		if err := noise.listen(tab); err != nil {
			t.Fatal(err)
		}
		enter(tab, t, d, who.name, who.password)
		for _, stop := range stops {
			if stop.adminOnly && who.role != access.Admin {
				continue
			}
			t.Run(who.name+"/"+stop.name, func(t *testing.T) {
				address := d.console.Address() + stop.path
				walk(tab, t, &noise, address, who.name+"-"+stop.name, string(axe), looks(who.role))
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

func walk(browser context.Context, t *testing.T, noise *complaints, address, name, axe string, looks []look) {
	t.Helper()
	ctx, cancel := context.WithTimeout(browser, time.Minute)
	defer cancel()
	before := len(noise.left())
	if strings.HasSuffix(address, "/nothing-here") {
		noise.expect("404")
	}
	if err := chromedp.Do(ctx, chromedp.Navigate(address), chromedp.WaitReady(`#main`), chromedp.Evaluate[chromedp.Void](axe)); err != nil {
		t.Fatal(err)
	}
	for _, l := range looks {
		inspect(ctx, t, l.theme, l.width)
		if shots := os.Getenv("CXSEAL_WALK"); shots != "" {
			picture(ctx, t, filepath.Join(shots, fmt.Sprintf("%s-%s-%d.png", name, l.theme, l.width)))
		}
	}
	for _, s := range noise.left()[before:] {
		t.Errorf("the browser says: %s", s)
	}
}

func inspect(ctx context.Context, t *testing.T, theme string, width int64) {
	t.Helper()
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}, {Name: "prefers-reduced-motion", Value: "reduce"}}}
	if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, media); err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, 900)); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Run(ctx, chromedp.Poll[bool](fmt.Sprintf(`document.documentElement.dataset.bsTheme === %q && window.innerWidth === %d`, theme, width))); err != nil {
		t.Fatal(err)
	}
	overflow, err := chromedp.Run(ctx, chromedp.Evaluate[int](`document.documentElement.scrollWidth - window.innerWidth`))
	if err != nil {
		t.Fatal(err)
	}
	if overflow > 0 {
		t.Errorf("%s, %d px: the page is %d px wider than its window", theme, width, overflow)
	}
	if width >= 1280 {
		cut, err := chromedp.Run(ctx, chromedp.Evaluate[string](cutTables))
		if err != nil {
			t.Fatal(err)
		}
		if cut != "" {
			t.Errorf("%s, %d px: a desk has room for the whole table: %s", theme, width, cut)
		}
	}
	found, err := chromedp.Run(ctx, chromedp.Evaluate[string](axeWalk, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatal(err)
	}
	var violations []string
	if err := json.Unmarshal([]byte(found), &violations); err != nil {
		t.Fatal(err)
	}
	for _, v := range violations {
		t.Errorf("%s, %d px: %s", theme, width, v)
	}
}

func picture(ctx context.Context, t *testing.T, file string) {
	t.Helper()
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, png, 0o600); err != nil {
		t.Fatal(err)
	}
}

// A chart is no use to who has no mouse unless the keys reach what it shows.
func TestAChartIsWalkedByKeyboardAndLeadsToItsRuns(t *testing.T) {
	browser := startBrowser(t)
	d := liveDemo(t)
	tab := openTab(t, browser)
	base := d.console.Address()
	tab.signIn(base, "admin", "demo admin password")
	tab.do(chromedp.Navigate(base + "/charts"))
	tab.await(`document.querySelector("#coverage-history .cx-live-plot canvas") !== null`)
	tab.evaluate(`document.querySelector("#coverage-history [data-plot]").focus()`)
	tab.do(chromedp.KeyEvent(kb.ArrowLeft), chromedp.KeyEvent(kb.ArrowLeft))
	tab.await(`/^\d{4}-\d\d-\d\d · Sensitive columns \d/.test(document.querySelector("#coverage-history [data-says]").textContent)`)
	day := tab.evaluate(`document.querySelector("#coverage-history [data-says]").textContent.slice(0, 10)`)
	tab.do(chromedp.KeyEvent("+"), chromedp.KeyEvent(kb.Escape), chromedp.KeyEvent(kb.Enter))
	tab.await(`location.pathname === "/runs"`)
	if at := tab.location(); at != base+"/runs?from="+day+"&to="+day {
		t.Errorf("Enter on %s leads to %s", day, at)
	}
}
