package web

import (
	"context"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// visit opens a sample page in a tab of its own.
func visit(t *testing.T, parent context.Context, url string) context.Context {
	t.Helper()
	tab, closeTab := chromedp.NewContext(parent)
	t.Cleanup(closeTab)
	if err := chromedp.Do(tab); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(tab, 30*time.Second)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(1280, 900), chromedp.Navigate(url)); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// await polls a condition in the page until it holds or the context ends.
func await(t *testing.T, ctx context.Context, condition string) {
	t.Helper()
	if _, err := chromedp.Run(ctx, chromedp.Poll[bool](condition)); err != nil {
		t.Fatalf("%s: %v", condition, err)
	}
}

func value[T any](t *testing.T, ctx context.Context, expression string) T {
	t.Helper()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	return v
}

func do(t *testing.T, ctx context.Context, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

func TestPagesComeAliveInABrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a real browser")
	}
	root := browser(t)
	srv, release := samplesServer(t)

	t.Run("ticking a column shows what would happen", func(t *testing.T) {
		ctx := visit(t, root, srv.URL+"/sample/table-fresh")
		do(t, ctx, chromedp.Click(`#`+columnID(false, "ssn")))
		await(t, ctx, `document.querySelector("#preflight-encrypt").textContent.includes("encrypt 1 column of Contacts (ssn)")`)
		if got := value[string](t, ctx, `document.querySelector("#fingerprint-encrypt").value`); got != "f00d" {
			t.Errorf("the form approves the plan %q", got)
		}
		do(t, ctx, chromedp.Evaluate[chromedp.Void](`document.querySelector("#preflight-encrypt").replaceChildren()`), chromedp.Click(`.cx-launch .cx-check button`))
		await(t, ctx, `document.querySelector("#preflight-encrypt").textContent.includes("(ssn)")`)
		if got := value[string](t, ctx, `location.pathname`); got != "/sample/table-fresh" {
			t.Errorf("Check leaves the page for %s", got)
		}
		do(t, ctx, chromedp.Click(`[data-select-all]`))
		await(t, ctx, `document.querySelector("#`+findingID(false, "iban")+`").textContent.includes("read-only index idx_iban")`)
		if !value[bool](t, ctx, `document.querySelector("#preflight-encrypt .btn-primary").disabled`) {
			t.Error("a blocked plan can be sent")
		}
		do(t, ctx, chromedp.Click(`[data-select-all]`))
		await(t, ctx, `document.querySelector("#`+findingID(false, "iban")+`").textContent.trim() === ""`)
	})

	t.Run("a run's progress arrives by itself and what was unfolded stays so", func(t *testing.T) {
		ctx := visit(t, root, srv.URL+"/sample/run-live")
		do(t, ctx, chromedp.Evaluate[chromedp.Void](`document.addEventListener("htmx:sseClose", () => { window.streamClosed = true })`), chromedp.Click(`#request > summary`))
		release()
		await(t, ctx, `document.querySelector(".cx-steps li:last-child").classList.contains("cx-step-done")`)
		await(t, ctx, `document.querySelector("#verdict").closest("section").textContent.includes("Accepted")`)
		await(t, ctx, `document.querySelector("#request").open`)
		await(t, ctx, `window.streamClosed === true`)
	})

	t.Run("keys lead to places and can be turned off", func(t *testing.T) {
		ctx := visit(t, root, srv.URL+"/sample/audit")
		do(t, ctx, chromedp.KeyEvent("/"))
		if got := value[string](t, ctx, `document.activeElement.id`); got != "search" {
			t.Errorf("/ leads to %q", got)
		}
		do(t, ctx, chromedp.Evaluate[chromedp.Void](`document.activeElement.blur()`), chromedp.KeyEvent("?"))
		await(t, ctx, `document.querySelector("#shortcuts").open`)
		do(t, ctx, chromedp.Click(`#shortcuts-on`), chromedp.Click(`#shortcuts button`), chromedp.KeyEvent("/"))
		if got := value[string](t, ctx, `document.activeElement.id`); got == "search" {
			t.Error("the keys are still listened for")
		}
		do(t, ctx, chromedp.Evaluate[chromedp.Void](`localStorage.clear()`), chromedp.Reload(), chromedp.KeyEvent("g"), chromedp.KeyEvent("r"))
		do(t, ctx, chromedp.WaitReady(`#arrived`))
	})

	t.Run("times switch to the person's zone and say so", func(t *testing.T) {
		ctx := visit(t, root, srv.URL+"/sample/audit-record")
		if _, err := chromedp.Call(ctx, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "Europe/Athens"}); err != nil {
			t.Fatal(err)
		}
		const first = `document.querySelector("dl time[data-precise]").textContent`
		if got := value[string](t, ctx, first); got != "23 Nov 2026, 03:16:12 UTC" {
			t.Errorf("served as %q", got)
		}
		do(t, ctx, chromedp.Click(`#zone`))
		if got := value[string](t, ctx, first); got != "23 Nov 2026, 05:16:12 GMT+2" && got != "23 Nov 2026, 05:16:12 EET" {
			t.Errorf("switched to %q", got)
		}
		do(t, ctx, chromedp.Click(`#zone`))
		if got := value[string](t, ctx, first); got != "23 Nov 2026, 03:16:12 UTC" {
			t.Errorf("switched back to %q", got)
		}
	})

	t.Run("the theme is remembered", func(t *testing.T) {
		ctx := visit(t, root, srv.URL+"/sample/runs")
		before := value[string](t, ctx, `document.documentElement.dataset.bsTheme`)
		do(t, ctx, chromedp.Click(`#theme`))
		do(t, ctx, chromedp.Reload())
		if after := value[string](t, ctx, `document.documentElement.dataset.bsTheme`); after == before {
			t.Errorf("still %s after the switch", after)
		}
		do(t, ctx, chromedp.Evaluate[chromedp.Void](`localStorage.clear()`))
	})

	t.Run("without scripts the check is a page of its own", func(t *testing.T) {
		ctx := visit(t, root, srv.URL+"/sample/error")
		if _, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
			t.Fatal(err)
		}
		do(t, ctx, chromedp.Navigate(srv.URL+"/sample/table-fresh"), chromedp.Click(`#`+columnID(false, "ssn")), chromedp.Click(`.cx-launch .cx-check button`),
			chromedp.WaitReady(`.cx-plan`))
		where, err := chromedp.Run(ctx, chromedp.Location())
		if err != nil {
			t.Fatal(err)
		}
		if want := srv.URL + "/datastores/ds-customers/tables/tbl-contacts/preflight?connection=default"; where != want {
			t.Errorf("the check leads to %s", where)
		}
	})
}
