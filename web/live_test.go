package web

import (
	"context"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// visit opens a sample page in a tab of its own.
func visit(parent context.Context, t *testing.T, url string) context.Context {
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
func await(ctx context.Context, t *testing.T, condition string) {
	t.Helper()
	if _, err := chromedp.Run(ctx, chromedp.Poll[bool](condition)); err != nil {
		t.Fatalf("%s: %v", condition, err)
	}
}

func value[T any](ctx context.Context, t *testing.T, expression string) T {
	t.Helper()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	return v
}

func do(ctx context.Context, t *testing.T, steps ...chromedp.Action[chromedp.Void]) {
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
		ctx := visit(root, t, srv.URL+"/sample/table-fresh")
		do(ctx, t, chromedp.Click(`#`+columnID(false, "ssn")))
		await(ctx, t, `document.querySelector("#preflight-encrypt").textContent.includes("encrypt 1 column of Contacts (ssn)")`)
		if got := value[string](ctx, t, `document.querySelector("#fingerprint-encrypt").value`); got != "f00d" {
			t.Errorf("the form approves the plan %q", got)
		}
		do(ctx, t, chromedp.Evaluate[chromedp.Void](`document.querySelector("#preflight-encrypt").replaceChildren()`), chromedp.Click(`.cx-launch .cx-check button`))
		await(ctx, t, `document.querySelector("#preflight-encrypt").textContent.includes("(ssn)")`)
		if got := value[string](ctx, t, `location.pathname`); got != "/sample/table-fresh" {
			t.Errorf("Check leaves the page for %s", got)
		}
		do(ctx, t, chromedp.Click(`[data-select-all]`))
		await(ctx, t, `document.querySelector("#`+findingID(false, "iban")+`").textContent.includes("read-only index idx_iban")`)
		if !value[bool](ctx, t, `document.querySelector("#preflight-encrypt .btn-primary").disabled`) {
			t.Error("a blocked plan can be sent")
		}
		do(ctx, t, chromedp.Click(`[data-select-all]`))
		await(ctx, t, `document.querySelector("#`+findingID(false, "iban")+`").textContent.trim() === ""`)
	})

	t.Run("a run's progress arrives by itself and what was unfolded stays so", func(t *testing.T) {
		ctx := visit(root, t, srv.URL+"/sample/run-live")
		do(ctx, t, chromedp.Evaluate[chromedp.Void](`document.addEventListener("htmx:sseClose", () => { window.streamClosed = true })`), chromedp.Click(`#request > summary`))
		release()
		await(ctx, t, `document.querySelector(".cx-steps li:last-child").classList.contains("cx-step-done")`)
		await(ctx, t, `document.querySelector("#verdict").closest("section").textContent.includes("Accepted")`)
		await(ctx, t, `document.querySelector("#request").open`)
		await(ctx, t, `window.streamClosed === true`)
	})

	t.Run("keys lead to places and can be turned off", func(t *testing.T) {
		ctx := visit(root, t, srv.URL+"/sample/audit")
		do(ctx, t, chromedp.KeyEvent("/"))
		if got := value[string](ctx, t, `document.activeElement.id`); got != "search" {
			t.Errorf("/ leads to %q", got)
		}
		do(ctx, t, chromedp.Evaluate[chromedp.Void](`document.activeElement.blur()`), chromedp.KeyEvent("?"))
		await(ctx, t, `document.querySelector("#shortcuts").open`)
		do(ctx, t, chromedp.Click(`#shortcuts-on`), chromedp.Click(`#shortcuts button`), chromedp.KeyEvent("/"))
		if got := value[string](ctx, t, `document.activeElement.id`); got == "search" {
			t.Error("the keys are still listened for")
		}
		do(ctx, t, chromedp.Evaluate[chromedp.Void](`localStorage.clear()`), chromedp.Reload(), chromedp.KeyEvent("g"), chromedp.KeyEvent("r"))
		do(ctx, t, chromedp.WaitReady(`#arrived`))
	})

	t.Run("times switch to the person's zone and say so", func(t *testing.T) {
		ctx := visit(root, t, srv.URL+"/sample/audit-record")
		if _, err := chromedp.Call(ctx, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "Europe/Athens"}); err != nil {
			t.Fatal(err)
		}
		const first = `document.querySelector("dl time[data-precise]").textContent`
		if got := value[string](ctx, t, first); got != "23 Nov 2026, 03:16:12 UTC" {
			t.Errorf("served as %q", got)
		}
		do(ctx, t, chromedp.Click(`#zone`))
		if got := value[string](ctx, t, first); got != "23 Nov 2026, 05:16:12 GMT+2" && got != "23 Nov 2026, 05:16:12 EET" {
			t.Errorf("switched to %q", got)
		}
		do(ctx, t, chromedp.Click(`#zone`))
		if got := value[string](ctx, t, first); got != "23 Nov 2026, 03:16:12 UTC" {
			t.Errorf("switched back to %q", got)
		}
	})

	t.Run("the theme is remembered", func(t *testing.T) {
		ctx := visit(root, t, srv.URL+"/sample/runs")
		before := value[string](ctx, t, `document.documentElement.dataset.bsTheme`)
		do(ctx, t, chromedp.Click(`#theme`))
		do(ctx, t, chromedp.Reload())
		if after := value[string](ctx, t, `document.documentElement.dataset.bsTheme`); after == before {
			t.Errorf("still %s after the switch", after)
		}
		do(ctx, t, chromedp.Evaluate[chromedp.Void](`localStorage.clear()`))
	})

	t.Run("without scripts the check is a page of its own", func(t *testing.T) {
		ctx := visit(root, t, srv.URL+"/sample/error")
		if _, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
			t.Fatal(err)
		}
		do(ctx, t, chromedp.Navigate(srv.URL+"/sample/table-fresh"), chromedp.Click(`#`+columnID(false, "ssn")), chromedp.Click(`.cx-launch .cx-check button`),
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
