// Package browsertest looks at pages in a real browser for tests: it starts
// Chromium, opens tabs with cookies of their own, collects what the browser
// complains about, and holds a page to be accessible (axe-core) and to fit.
package browsertest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// patience is how long a tab may be open, and how long a test waits for a condition. The machine may be busy.
const patience = 60 * time.Second

// Start starts Chromium, or skips the test where there is none and in short
// runs. On CI its absence is a failure.
func Start(t testing.TB) context.Context {
	t.Helper()
	if testing.Short() {
		t.Skip("a real browser takes its time")
	}
	var exe string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			exe = found
			break
		}
	}
	switch {
	case exe == "" && os.Getenv("CI") == "true":
		t.Fatal("Chromium is not installed, and CI needs it to look at the pages")
	case exe == "":
		t.Skip("Chromium is not installed: nobody looked at the pages")
	}
	alloc, stopAlloc := chromedp.NewExecAllocator(context.Background(),
		chromedp.ExecPath(exe), chromedp.UserDataDir(t.TempDir()), chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck,
		chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("headless", "new"), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("hide-scrollbars", true), chromedp.Flag("disable-dev-shm-usage", true))
	ctx, stop := chromedp.NewContext(alloc)
	t.Cleanup(func() { stop(); stopAlloc() })
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start Chromium: %v", err)
	}
	return ctx
}

// Tab is one person's browser: cookies of its own, and a record of what the
// browser complains about.
type Tab struct {
	T     testing.TB
	Ctx   context.Context
	Noise *Complaints
}

// Open opens a tab in the light theme, 1280 px wide, for a minute at most. What the
// browser has complained about by the end of the test fails it, unless it was
// expected.
func Open(t testing.TB, browser context.Context) *Tab {
	t.Helper()
	own, closeTab := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	t.Cleanup(closeTab)
	if err := chromedp.Do(own); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(own, patience)
	t.Cleanup(cancel)
	w := &Tab{T: t, Ctx: ctx, Noise: &Complaints{}}
	if err := w.Noise.Listen(ctx); err != nil {
		t.Fatal(err)
	}
	light := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "light"}}}
	if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, light); err != nil {
		t.Fatal(err)
	}
	w.Do(chromedp.EmulateViewport(1280, 900))
	t.Cleanup(func() {
		for _, s := range w.Noise.Take() {
			t.Errorf("the browser says: %s", s)
		}
	})
	return w
}

// In is the same tab in a part of the test.
func (w *Tab) In(t testing.TB) *Tab { return &Tab{T: t, Ctx: w.Ctx, Noise: w.Noise} }

// ForbidScripts makes the tab one that runs no script.
func (w *Tab) ForbidScripts() {
	w.T.Helper()
	if _, err := chromedp.Call(w.Ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		w.T.Fatal(err)
	}
}

// Do does one step after the other.
func (w *Tab) Do(steps ...chromedp.Action[chromedp.Void]) {
	w.T.Helper()
	if err := chromedp.Do(w.Ctx, steps...); err != nil {
		w.T.Fatalf("%v at %s", err, w.Location())
	}
}

// Await asks the page again until a condition holds. A page that is on its way
// to the next one has no answer yet.
func (w *Tab) Await(condition string) {
	w.T.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		holds, err := chromedp.Run(w.Ctx, chromedp.Evaluate[bool](condition))
		if w.Ctx.Err() != nil {
			w.T.Fatalf("%s: %v", condition, w.Ctx.Err())
		}
		if err == nil && holds {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			w.T.Fatalf("waited %s for %s", patience, condition)
		}
	}
}

// Evaluate returns what an expression, or the promise that it makes, comes to.
func (w *Tab) Evaluate(expression string) string {
	w.T.Helper()
	v, err := chromedp.Run(w.Ctx, chromedp.Evaluate[any](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		w.T.Fatalf("%s: %v", expression, err)
	}
	return fmt.Sprint(v)
}

// Location is the address of the page.
func (w *Tab) Location() string {
	where, err := chromedp.Run(w.Ctx, chromedp.Location())
	if err != nil {
		return err.Error()
	}
	return where
}

// SignIn opens the console's first page, signs in on the form that it leads to,
// and expects to come back to the first page.
func (w *Tab) SignIn(base, name, password string) {
	w.T.Helper()
	w.Do(chromedp.Navigate(base+"/"), chromedp.SendKeys(`#username`, name), chromedp.SendKeys(`#password`, password),
		chromedp.Click(`form[action="/login"] button`), chromedp.WaitReady(`form[action="/logout"]`))
	if at := w.Location(); at != base+"/" {
		w.T.Fatalf("signing in leads to %s", at)
	}
}
