package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"cxseal/cxone/sandbox"
)

// TestADemoIsUsableFromTheFirstMinute does in a real browser what somebody does
// who tries the demo: signs in, encrypts a column and watches it, finds the
// record, looks again as an officer, and does it all without JavaScript.
func TestADemoIsUsableFromTheFirstMinute(t *testing.T) {
	chromium := startBrowser(t)
	began := time.Now()
	demo := launchProcess(t, nil, "demo", "--addr", "127.0.0.1:0")
	base := demo.address()
	t.Logf("from exec to serving: %.2f s", time.Since(began).Seconds())
	tenant := addressForm.FindString(demo.says("simulated CXone tenant"))
	if resp, err := http.Get(base); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("the address does not open: %v %v", resp, err)
	}

	t.Run("an admin encrypts a column and watches", func(t *testing.T) {
		tab := openTab(t, chromium)
		tab.signIn(base, "admin", "demo admin password")
		tab.do(chromedp.Click(`nav a[href="/datastores"]`), chromedp.Click(`a[href*="tbl-contacts"]`),
			chromedp.Click(`input[name=columns][value=credit_card]`), chromedp.Click(`input[name=columns][value=medical_record_number]`))
		tab.await(`document.querySelector("#preflight-encrypt").textContent.includes("2 columns of Contacts")`)
		for _, text := range []string{"7.14", "21.43", "AES-256-GCM", "nextRotationEpoch"} {
			tab.await(fmt.Sprintf(`document.querySelector("#preflight-encrypt").textContent.includes(%q)`, text))
		}

		slowDown(t, tenant)
		tab.do(chromedp.Click(`#preflight-encrypt button[type=submit]`), chromedp.WaitReady(`[sse-connect]`))
		tab.await(`location.pathname.startsWith("/runs/")`)
		tab.evaluate(`window.stillThisPage = true`)
		tab.await(`document.querySelector("main").textContent.includes("Confirmed by the KMS by signed callback")`)
		tab.await(`window.stillThisPage === true`) // it came by itself
		tab.await(`document.querySelector("#verdict") !== null`)
		run := path.Base(tab.location())

		tab.do(chromedp.Navigate(base + "/audit?run_id=" + run + "&operation=COLUMN_ENCRYPTION"))
		tab.await(`document.querySelectorAll('a[href^="/audit/0"]').length > 0`)
		tab.do(chromedp.Click(`a[href^="/audit/0"]`))
		tab.await(`document.querySelector("main").textContent.includes("3 of 14 columns")`)
		csv := tab.evaluate(`fetch("/audit.csv?run_id=` + run + `").then(r => r.text())`)
		if !strings.Contains(csv, ",COLUMN_ENCRYPTION,SUCCESS,admin,admin,127.0.0.1,default,ds-customers,tbl-contacts,credit_card;medical_record_number,"+run+",") {
			t.Errorf("the CSV lacks the record:\n%s", csv)
		}
	})

	t.Run("an officer reads, and may not launch", func(t *testing.T) {
		tab := openTab(t, chromium)
		tab.signIn(base, "officer", "demo officer password")
		tab.do(chromedp.Navigate(base + "/datastores/ds-customers/tables/tbl-contacts?connection=default"))
		tab.await(`document.querySelector("main").textContent.includes("Only administrators launch runs")`)
		tab.await(`document.querySelector('form[action="/runs"][method=post]') === null`)
		status := tab.evaluate(`fetch("/runs", {method: "POST", body: new URLSearchParams({connection: "default", datastore_id: "ds-customers",
			table_id: "tbl-contacts", columns: "notes", interval_days: "90", csrf_token: document.querySelector('[name=csrf_token]').value})}).then(r => String(r.status))`)
		if status != "403" {
			t.Errorf("POST /runs answers the officer %s", status)
		}
		tab.noise.expect("403")
		tab.do(chromedp.Navigate(base + "/audit?actor=officer&operation=RUN_REQUESTED&outcome=DENIED"))
		tab.await(`document.querySelectorAll('a[href^="/audit/0"]').length === 1`)
	})

	t.Run("without JavaScript the job is done too", func(t *testing.T) {
		tab := openTab(t, chromium)
		if _, err := chromedp.Call(tab.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
			t.Fatal(err)
		}
		tab.signIn(base, "admin", "demo admin password")
		tab.do(chromedp.Navigate(base+"/datastores/ds-customers/tables/tbl-contacts?connection=default"),
			chromedp.Click(`input[name=columns][value=city]`), chromedp.Click(`#encrypt .cx-check button`),
			chromedp.WaitReady(`#encrypt .cx-plan`), chromedp.Click(`#preflight-encrypt button[type=submit]`))
		eventually(t, "the run's page", func() bool { return strings.HasPrefix(tab.location(), base+"/runs/") })
		run := tab.location()
		eventually(t, "the run to be verified", func() bool {
			tab.do(chromedp.Navigate(run))
			text, err := chromedp.Run(tab.ctx, chromedp.TextContent(`main`))
			if err != nil {
				t.Fatal(err)
			}
			return strings.Contains(text, "Confirmed by the KMS")
		})
	})
}

// slowDown makes the demo's tenant slow enough to watch.
func slowDown(t *testing.T, tenant string) {
	t.Helper()
	for _, f := range []sandbox.Fault{
		{Kind: sandbox.FaultLatency, Endpoint: sandbox.EndpointEncrypt, LatencyMs: 500},
		{Kind: sandbox.FaultLatency, Endpoint: sandbox.EndpointCallback, LatencyMs: 500},
	} {
		body, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.Post(tenant+"/_sandbox/faults", "application/json", bytes.NewReader(body))
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("switching a fault on: %v %v", resp, err)
		}
		resp.Body.Close() //nolint:errcheck // not read
	}
}

// startBrowser starts Chromium, or skips the test where there is none. On CI
// its absence is a failure.
func startBrowser(t *testing.T) context.Context {
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
		t.Fatal("Chromium is not installed, and CI needs it to use the console")
	case exe == "":
		t.Skip("Chromium is not installed: nobody used the console")
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

// tab is one person's browser: cookies of its own, and an ear for what the
// browser complains about.
type tab struct {
	t     *testing.T
	ctx   context.Context
	noise *complaints
}

func openTab(t *testing.T, browser context.Context) *tab {
	t.Helper()
	own, closeTab := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	t.Cleanup(closeTab)
	if err := chromedp.Do(own); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(own, patience)
	t.Cleanup(cancel)
	w := &tab{t: t, ctx: ctx, noise: &complaints{}}
	if err := w.noise.listen(ctx); err != nil {
		t.Fatal(err)
	}
	light := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "light"}}}
	if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, light); err != nil {
		t.Fatal(err)
	}
	w.do(chromedp.EmulateViewport(1280, 900))
	t.Cleanup(func() {
		for _, s := range w.noise.left() {
			t.Errorf("the browser says: %s", s)
		}
	})
	return w
}

func (w *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	w.t.Helper()
	if err := chromedp.Do(w.ctx, steps...); err != nil {
		w.t.Fatalf("%v at %s", err, w.location())
	}
}

// await asks the page again until a condition holds. A page that is on its way
// to the next one has no answer yet.
func (w *tab) await(condition string) {
	w.t.Helper()
	eventually(w.t, condition, func() bool {
		holds, err := chromedp.Run(w.ctx, chromedp.Evaluate[bool](condition))
		if w.ctx.Err() != nil {
			w.t.Fatalf("%s: %v", condition, w.ctx.Err())
		}
		return err == nil && holds
	})
}

// evaluate returns what an expression, or the promise that it makes, comes to.
func (w *tab) evaluate(expression string) string {
	w.t.Helper()
	v, err := chromedp.Run(w.ctx, chromedp.Evaluate[any](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		w.t.Fatalf("%s: %v", expression, err)
	}
	return fmt.Sprint(v)
}

func (w *tab) location() string {
	where, err := chromedp.Run(w.ctx, chromedp.Location())
	if err != nil {
		return err.Error()
	}
	return where
}

// signIn comes from the front door: the console asks who it is and leads on.
func (w *tab) signIn(base, name, password string) {
	w.t.Helper()
	w.do(chromedp.Navigate(base+"/"), chromedp.SendKeys(`#username`, name), chromedp.SendKeys(`#password`, password),
		chromedp.Click(`form[action="/login"] button`), chromedp.WaitReady(`form[action="/logout"]`))
	if at := w.location(); at != base+"/" {
		w.t.Fatalf("signing in leads to %s", at)
	}
}

// complaints collects what the browser says on its console, reports of the
// Content-Security-Policy included.
type complaints struct {
	mu       sync.Mutex
	said     []string
	expected []string
}

func (c *complaints) listen(ctx context.Context) error {
	return chromedp.Listen(ctx, func(ev any) {
		switch e := ev.(type) {
		case *runtime.EventConsoleAPICalled:
			b, err := json.Marshal(e.Args)
			if err != nil {
				b = []byte(err.Error())
			}
			c.add("console: " + string(b))
		case *runtime.EventExceptionThrown:
			c.add("exception: " + e.ExceptionDetails.Text)
		case *log.EventEntryAdded:
			c.add("log: " + e.Entry.Text + " " + e.Entry.URL)
		}
	})
}

func (c *complaints) add(s string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.said = append(c.said, s)
}

// expect names what the browser may say: a refusal that the test provoked.
func (c *complaints) expect(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.expected = append(c.expected, text)
}

func (c *complaints) left() (list []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
next:
	for _, s := range c.said {
		for _, e := range c.expected {
			if strings.Contains(s, e) {
				continue next
			}
		}
		list = append(list, s)
	}
	return list
}
