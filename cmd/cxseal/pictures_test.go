package main

import (
	"context"
	"cxseal/web/browsertest"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// portrait is a picture in docs/pictures: a stop of the walk as the admin sees
// it on a wide screen. It shows the top of the page.
type portrait struct {
	file, stop, theme string
	height            int64
	tick              []string // what is clicked before
	until             string   // and what then has come true
}

// portraits are what somebody sees who has not started the demo yet.
var portraits = []portrait{
	{file: "dashboard-light.png", stop: "dashboard", theme: "light", height: 1240},
	{file: "dashboard-dark.png", stop: "dashboard", theme: "dark", height: 1240},
	{file: "trends.png", stop: "trends", theme: "light", height: 1545},
	{file: "table.png", stop: "table", theme: "light", height: 1130,
		tick:  []string{`input[name=columns][value=credit_card]`, `input[name=columns][value=medical_record_number]`},
		until: `document.querySelector("#preflight-encrypt").textContent.includes("2 columns of Contacts")`},
	{file: "run.png", stop: "run-verified", theme: "light", height: 1220},
	{file: "rotations.png", stop: "rotations", theme: "light", height: 960},
	{file: "audit.png", stop: "audit", theme: "light", height: 960},
}

// drawn holds when every chart of the page is there.
const drawn = `document.readyState === "complete" && [...document.querySelectorAll("[data-plot]")].every(p => p.querySelector("canvas"))`

// portray makes the pictures of a stop for docs/, where CXSEAL_DOCS names their
// folder. The walk has looked at the same page in the same way just before.
func portray(browser context.Context, t *testing.T, stop, address string) {
	t.Helper()
	dir := os.Getenv("CXSEAL_DOCS")
	if dir == "" {
		return
	}
	for _, p := range portraits {
		if p.stop != stop {
			continue
		}
		ctx, cancel := context.WithTimeout(browser, time.Minute)
		defer cancel()
		p.take(ctx, t, address, filepath.Join(dir, p.file))
	}
}

func (p portrait) take(ctx context.Context, t *testing.T, address, file string) {
	t.Helper()
	browsertest.SetTheme(ctx, t, p.theme)
	steps := []chromedp.Action[chromedp.Void]{chromedp.EmulateViewport(1280, p.height), chromedp.Navigate(address), chromedp.WaitReady(`#main`)}
	for _, selector := range p.tick {
		steps = append(steps, chromedp.Click(selector))
	}
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatal(err)
	}
	ready := drawn
	if p.until != "" {
		ready += " && " + p.until
	}
	if _, err := chromedp.Run(ctx, chromedp.Poll[bool](ready)); err != nil {
		t.Fatal(fmt.Errorf("%s: %w", p.file, err))
	}
	// A click leaves its mark: the box that was ticked last is not to stand out.
	if err := chromedp.Do(ctx, chromedp.Evaluate[chromedp.Void](`document.activeElement.blur(); window.scrollTo(0, 0)`)); err != nil {
		t.Fatal(err)
	}
	shot, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil { //nolint:gosec // G301: pictures for a README
		t.Fatal(err)
	}
	if err := os.WriteFile(file, shot, 0o644); err != nil { //nolint:gosec // G306: pictures for a README
		t.Fatal(err)
	}
}
