package web

import (
	"context"
	"cxseal/web/browsertest"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// visit opens a sample page in a tab of its own.
func visit(t *testing.T, browser context.Context, url string) *browsertest.Tab {
	t.Helper()
	tab := browsertest.Open(t, browser)
	tab.Do(chromedp.Navigate(url))
	return tab
}

func TestPagesComeAliveInABrowser(t *testing.T) {
	root := browsertest.Start(t)
	srv, release := samplesServer(t)

	t.Run("ticking a column shows what would happen", func(t *testing.T) {
		tab := visit(t, root, srv.URL+"/sample/table-fresh")
		tab.Do(chromedp.Click(`#` + columnID(false, "ssn")))
		tab.Await(`document.querySelector("#preflight-encrypt").textContent.includes("encrypt 1 column of Contacts (ssn)")`)
		if got := tab.Evaluate(`document.querySelector("#fingerprint-encrypt").value`); got != "f00d" {
			t.Errorf("the form approves the plan %q", got)
		}
		tab.Do(chromedp.Evaluate[chromedp.Void](`document.querySelector("#preflight-encrypt").replaceChildren()`), chromedp.Click(`.cx-launch .cx-check button`))
		tab.Await(`document.querySelector("#preflight-encrypt").textContent.includes("(ssn)")`)
		if got := tab.Evaluate(`location.pathname`); got != "/sample/table-fresh" {
			t.Errorf("Check leaves the page for %s", got)
		}
		tab.Do(chromedp.Click(`[data-select-all]`))
		tab.Await(`document.querySelector("#` + findingID(false, "iban") + `").textContent.includes("read-only index idx_iban")`)
		if tab.Evaluate(`document.querySelector("#preflight-encrypt .btn-primary").disabled`) != "true" {
			t.Error("a blocked plan can be sent")
		}
		tab.Do(chromedp.Click(`[data-select-all]`))
		tab.Await(`document.querySelector("#` + findingID(false, "iban") + `").textContent.trim() === ""`)
	})

	t.Run("a run's progress arrives by itself and what was unfolded stays so", func(t *testing.T) {
		tab := visit(t, root, srv.URL+"/sample/run-live")
		tab.Do(chromedp.Evaluate[chromedp.Void](`document.addEventListener("htmx:sseClose", () => { window.streamClosed = true })`), chromedp.Click(`#request > summary`))
		release()
		tab.Await(`document.querySelector(".cx-steps li:last-child").classList.contains("cx-step-done")`)
		tab.Await(`document.querySelector("#verdict").closest("section").textContent.includes("Accepted")`)
		tab.Await(`document.querySelector("#request").open`)
		tab.Await(`window.streamClosed === true`)
	})

	t.Run("keys lead to places and can be turned off", func(t *testing.T) {
		tab := visit(t, root, srv.URL+"/sample/audit")
		tab.Do(chromedp.KeyEvent("/"))
		if got := tab.Evaluate(`document.activeElement.id`); got != "search" {
			t.Errorf("/ leads to %q", got)
		}
		tab.Do(chromedp.Evaluate[chromedp.Void](`document.activeElement.blur()`), chromedp.KeyEvent("?"))
		tab.Await(`document.querySelector("#shortcuts").open`)
		tab.Do(chromedp.Click(`#shortcuts-on`), chromedp.Click(`#shortcuts button`), chromedp.KeyEvent("/"))
		if got := tab.Evaluate(`document.activeElement.id`); got == "search" {
			t.Error("the keys are still listened for")
		}
		tab.Do(chromedp.Evaluate[chromedp.Void](`localStorage.clear()`), chromedp.Reload(), chromedp.KeyEvent("g"), chromedp.KeyEvent("r"))
		tab.Do(chromedp.WaitReady(`#arrived`))
	})

	t.Run("times switch to the person's zone and say so", func(t *testing.T) {
		tab := visit(t, root, srv.URL+"/sample/audit-record")
		if _, err := chromedp.Call(tab.Ctx, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "Europe/Athens"}); err != nil {
			t.Fatal(err)
		}
		const first = `document.querySelector("dl time[data-precise]").textContent`
		if got := tab.Evaluate(first); got != "23 Nov 2026, 03:16:12 UTC" {
			t.Errorf("served as %q", got)
		}
		tab.Do(chromedp.Click(`#zone`))
		if got := tab.Evaluate(first); got != "23 Nov 2026, 05:16:12 GMT+2" && got != "23 Nov 2026, 05:16:12 EET" {
			t.Errorf("switched to %q", got)
		}
		tab.Do(chromedp.Click(`#zone`))
		if got := tab.Evaluate(first); got != "23 Nov 2026, 03:16:12 UTC" {
			t.Errorf("switched back to %q", got)
		}
	})

	t.Run("the theme is remembered", func(t *testing.T) {
		tab := visit(t, root, srv.URL+"/sample/runs")
		before := tab.Evaluate(`document.documentElement.dataset.bsTheme`)
		tab.Do(chromedp.Click(`#theme`))
		tab.Do(chromedp.Reload())
		if after := tab.Evaluate(`document.documentElement.dataset.bsTheme`); after == before {
			t.Errorf("still %s after the switch", after)
		}
		tab.Do(chromedp.Evaluate[chromedp.Void](`localStorage.clear()`))
	})

	t.Run("without scripts the check is a page of its own", func(t *testing.T) {
		tab := visit(t, root, srv.URL+"/sample/error")
		tab.ForbidScripts()
		tab.Noise.Expect("favicon.ico") // the samples answer with a bare fragment
		tab.Do(chromedp.Navigate(srv.URL+"/sample/table-fresh"), chromedp.Click(`#`+columnID(false, "ssn")), chromedp.Click(`.cx-launch .cx-check button`),
			chromedp.WaitReady(`.cx-plan`))
		where := tab.Location()
		if want := srv.URL + "/datastores/ds-customers/tables/tbl-contacts/preflight?connection=default"; where != want {
			t.Errorf("the check leads to %s", where)
		}
	})
}
