package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"cxseal/cxone/sandbox"
	"cxseal/web/browsertest"
)

// pageContent is what a page is for: each selector must match something that
// can be seen, once the page's folds are open, where no script runs.
var pageContent = map[string][]string{
	"help-glossary":         {"main h2"},
	"approvals":             {`h2#waiting-decisions`, `a[href^="/sensitivity/requests/"]`},
	"sensitivity-decisions": {"main tbody tr:nth-child(5)", `a[href^="/audit/"]`},
	"sensitivity-request":   {"main tbody code", "#withdraw", "[data-effect]"},
	"people":                {"main table tbody tr:nth-child(4)", `form[action="/people"] button`, `main details form[action$="/role"] button`},
	"connections":           {`main table a[href="/connections/default"]`, `a[href="/connections/new"]`},
	"connection":            {"main dl code", `form[action="/connections/default/test"] button`},
	"run-verified":          {"#verdict", "main dl", "main table tbody tr"},
	"run-rejected":          {"main dl", "main .cx-notice"},
	"campaign":              {"main progress", "main table tbody tr", `main a[href$="/export.csv"]`},
	"campaign-new":          {"#campaign input[name=table_id]", `#campaign button[formaction="/campaigns/preflight"]`, "main progress"},
	"audit-record":          {"main dl", "main code"},
	"table":                 {"#encrypt input[name=columns]", "#encrypt .cx-check button", "#rotate .cx-check button"},
	"open-columns":          {"main tbody input[name=column]", "main button[name=decision]", ".cx-filter button"},
	"dashboard":             {"main .cx-stats dd a", "figure svg path[d^=M]", "figure tbody tr:nth-child(30) td", `main a[href^="/runs/"]`},
	"trends":                {"#coverage-history svg path[d^=M]", "#coverage-history tbody tr:nth-child(30) td", "#coverage-history tbody a", ".cx-pair figure svg .cx-plot-line", ".cx-filter button"},
	"attention":             {`main table a[href^="/runs/"]`, "main form input[name=item]", ".cx-filter button"},
	"account":               {`form[action="/account/password"] button`, `form[action="/account/tokens"] button`, "main table tbody tr"},
	"datastores":            {`main table a[href*="tbl-contacts"]`, ".cx-filter button"},
	"sensitivity":           {"main tbody input[name=column]", "main button[name=decision]", ".cx-filter button"},
	"runs":                  {`main table a[href^="/runs/"]`, ".cx-filter button"},
	"campaigns":             {"main table progress", `form[action="/campaigns"] select[name=datastore_id]`},
	"rotations":             {"main tbody input[name=column]", `form[action="/rotations/rotate"] button`, ".cx-filter button"},
	"rotations-month":       {".cx-month tbody tr:nth-child(4) time", "a[rel=next]", "a[rel=prev]"},
	"rotations-timeline":    {"main tbody tr:nth-child(4) th", "main tbody progress", `main tbody a[href*="from="]`},
	"rotations-policies":    {"section[aria-labelledby=policies] p", "main form button", `main nav a[href="/rotations/policies"]`},
	"alarms":                {"main form button"},
	"jobs":                  {"main table tbody tr:nth-child(2) td"},
	"audit":                 {`main table a[href^="/audit/"]`, ".cx-filter button", `main a[href*=".csv"]`},
	"reviews":               {"section[aria-labelledby=newest-review] p", "section[aria-label=Reviews]"},
	"verifications":         {"main table tbody tr", ".cx-filter button"},
	"system":                {"main table tbody tr", "main dl"},
	"nothing-here":          {"main a[href]"},
}

// unscripted opens every fold of a page by its summary, as a person would, and
// says what is wrong for somebody whose browser runs no script. A control that
// belongs to no form, or that submits none, does nothing there.
const unscripted = `(wanted => {
  const seen = el => el.checkVisibility({visibilityProperty: true, opacityProperty: true});
  const name = el => el.outerHTML.replace(/\s+/g, " ").slice(0, 120);
  const wrong = [];
  if (window.cxsealTheme || window.htmx) wrong.push("scripts ran");
  const status = performance.getEntriesByType("navigation")[0].responseStatus;
  if (status !== (location.pathname === "/nothing-here" ? 404 : 200)) wrong.push("the status is " + status);
  const heads = [...document.querySelectorAll("h1")].filter(seen);
  if (heads.length !== 1 || !heads[0].textContent.trim()) wrong.push(heads.length + " main headings");
  for (const fold of document.querySelectorAll("details:not([open])")) {
    const summary = fold.querySelector("summary");
    if (!summary || !seen(summary)) continue;
    summary.click();
    if (![...fold.children].some(el => el !== summary && seen(el))) wrong.push("a fold opens to nothing: " + name(fold));
  }
  for (const selector of wanted) {
    if (![...document.querySelectorAll(selector)].some(seen)) wrong.push("not to be seen: " + selector);
  }
  const said = document.body.innerText.match(/.*(java\s*script|\bscripts?\b|loading|please wait).*/i);
  if (said) wrong.push("it says: " + said[0]);
  for (const el of document.querySelectorAll("button, input, select, textarea, [role=button], [role=switch], [role=tab], [data-copy], [data-select-all], [contenteditable]")) {
    if (!seen(el)) continue;
    const buttonKind = el.tagName === "BUTTON" || ["button", "submit", "reset", "image"].includes(el.type);
    const sends = el.form && el.form.method !== "dialog" && el.form.hasAttribute("action");
    if (!sends || el.type === "button" || el.dataset.copy !== undefined || el.dataset.selectAll !== undefined) {
      wrong.push("a dead control: " + name(el));
    } else if (buttonKind && el.disabled && ![...el.form.elements].some(b => b.type === "submit" && !b.disabled)) {
      wrong.push("a button that nothing enables: " + name(el));
    } else if (!buttonKind && ![...el.form.elements].some(b => b.type === "submit" && !b.disabled && seen(b))) {
      wrong.push("a field that nothing sends: " + name(el));
    }
  }
  for (const a of document.querySelectorAll("a")) {
    const to = a.getAttribute("href");
    if (seen(a) && (!to || to === "#" || to.startsWith("javascript:") || (to.startsWith("#") && !document.getElementById(to.slice(1))))) wrong.push("a dead link: " + name(a));
  }
  return JSON.stringify(wrong);
})`

// An organisation may forbid scripts, and a script may fail to arrive: the
// console must still show and do everything, except zoom and live progress.
//
// CXSEAL_WALK names a folder for pictures of every page.
func TestEveryPageOfTheDemoIsUsefulWithoutScripts(t *testing.T) {
	browser := browsertest.Start(t)
	d := liveDemo(t)
	base := d.console.Address()

	t.Run("every page", func(t *testing.T) {
		tab := openUnscripted(t, browser)
		tab.Noise.Expect("404")
		tab.SignIn(base, "admin", "demo admin password")
		for _, stop := range d.stops(t.Context(), t) {
			wanted, known := pageContent[stop.name]
			if !known {
				t.Errorf("%s: what is this page for?", stop.path)
			}
			tab.Do(chromedp.Navigate(base + stop.path))
			useful(tab, stop.path, wanted)
			if shots := os.Getenv("CXSEAL_WALK"); shots != "" {
				tab.Do(chromedp.Navigate(base + stop.path))
				browsertest.Photograph(tab.Ctx, t, filepath.Join(shots, "noscript-"+stop.name+".png"))
			}
		}
		tab.Do(chromedp.Navigate(base+"/"), chromedp.Click(`details.cx-menu > summary`), chromedp.Click(`form[action="/logout"] button`),
			chromedp.WaitReady(`#username`))
		useful(tab, "the sign-in page", []string{`form[action^="/login"] button`})
	})

	admin := openUnscripted(t, browser)
	admin.SignIn(base, "admin", "demo admin password")
	t.Run("a column is checked before it is encrypted", func(t *testing.T) {
		tab := admin.In(t)
		tab.Do(chromedp.Navigate(base + "/datastores/ds-customers/tables/tbl-contacts"))
		for _, panel := range []string{"#preflight-encrypt", "#preflight-rotate"} {
			tab.Await(fmt.Sprintf(`document.querySelector(%q).innerText.includes("before anything is sent. Press Check to see it.")`, panel))
		}
		tab.Do(chromedp.Click(`#encrypt input[name=columns][value=city]`), chromedp.Click(`#encrypt .cx-check button`), chromedp.WaitReady(`#encrypt .cx-plan`))
		useful(tab, "the checked table", []string{"#encrypt .cx-plan progress", "#encrypt input[value=city]:checked", "#preflight-encrypt button[type=submit]:enabled"})
	})

	t.Run("columns are decided in bulk", func(t *testing.T) {
		tab := admin.In(t)
		tab.Do(chromedp.Navigate(base + "/sensitivity?decided=no&encrypted=no&state=sensitive"))
		first := tab.Evaluate(`document.querySelectorAll("main tbody input[name=column]")[0].value`)
		second := tab.Evaluate(`document.querySelectorAll("main tbody input[name=column]")[1].value`)
		tab.Do(chromedp.Click(fmt.Sprintf(`input[name=column][value=%q]`, first)), chromedp.Click(fmt.Sprintf(`input[name=column][value=%q]`, second)),
			chromedp.Click(`button[name=decision][value=not_sensitive]`), chromedp.WaitReady(`#confirm`))
		tab.Await(`/raises coverage from [0-9.]+ to [0-9.]+ %/.test(document.querySelector("main").textContent)`)
		tab.Do(chromedp.SendKeys(`#f-reason`, "Not of persons."), chromedp.Click(`#confirm`))
		tab.Await(`document.querySelector("#flash").textContent.includes("2 columns")`)
		for _, key := range []string{first, second} {
			tab.Await(fmt.Sprintf(`document.querySelector('main input[name=column][value=%q]') === null`, key))
		}
		tab.Await(`location.search.includes("decided=no")`)
		tab.Do(chromedp.Navigate(base + "/sensitivity?decided=yes&state=not_sensitive"))
		tab.Await(`document.querySelectorAll("main tbody tr").length >= 2 && document.querySelector("main tbody").textContent.includes("admin")`)
	})

	t.Run("a person is added and given another role", func(t *testing.T) {
		tab := admin.In(t)
		tab.Do(chromedp.Navigate(base+"/people"), chromedp.SendKeys(`#f-name`, "grace"), chromedp.SendKeys(`#f-new-password`, "a first password of hers"),
			chromedp.Click(`form[action="/people"] button`))
		tab.Await(`document.querySelector('summary[aria-label="Change grace"]') !== null`)
		tab.Do(chromedp.Click(`summary[aria-label="Change grace"]`),
			chromedp.SetValue(`details:has(> summary[aria-label="Change grace"]) select[name=role]`, "officer"),
			chromedp.Click(`details:has(> summary[aria-label="Change grace"]) form[action$="/role"] button`))
		tab.Await(`[...document.querySelectorAll("main tbody tr")].some(r => r.textContent.includes("grace") && r.children[1].textContent.trim() === "Officer")`)
	})

	t.Run("a connection is tested, and a wrong one is refused with what was typed", func(t *testing.T) {
		tab := admin.In(t)
		tab.Do(chromedp.Navigate(base+"/connections/default"), chromedp.Click(`form[action="/connections/default/test"] button`), chromedp.WaitReady(`#findings`))
		useful(tab, "the tested connection", []string{`section[aria-labelledby=findings] tbody tr:nth-child(2)`})
		tab.Noise.Expect("422")
		tab.Do(chromedp.Navigate(base+"/connections/new"), chromedp.SendKeys(`#f-name`, "second"), chromedp.SetValue(`#f-base_url`, "ftp://nowhere"),
			chromedp.SendKeys(`#f-client_secret`, "secret"), chromedp.Click(`form[action="/connections"] button.btn-primary`), chromedp.WaitReady(`main .cx-notice`))
		tab.Await(`document.querySelector("#f-name").value === "second" && document.querySelector("#f-base_url").value === "ftp://nowhere"`)
	})

	t.Run("an officer marks a period as reviewed", func(t *testing.T) {
		tab := openUnscripted(t, browser)
		tab.SignIn(base, "officer", "demo officer password")
		tab.Do(chromedp.Navigate(base+"/reviews"), chromedp.SendKeys(`#note`, "Read without scripts."), chromedp.Click(`form[action="/reviews"] button`))
		tab.Await(`document.querySelector("section[aria-label=Reviews] tbody tr").textContent.includes("Read without scripts.")`)
	})

	t.Run("a token is made and a password changed", func(t *testing.T) {
		tab := openUnscripted(t, browser)
		tab.SignIn(base, "viewer", "demo viewer password")
		tab.Do(chromedp.Navigate(base+"/account"), chromedp.SendKeys(`#f-label`, "report"), chromedp.Click(`input[name=scopes]`), chromedp.SendKeys(`#token-present`, "demo viewer password"),
			chromedp.Click(`form[action="/account/tokens"] button`))
		tab.Await(`document.querySelector(".cx-copyline code").textContent.startsWith("cxs_")`)
		useful(tab, "the account with its token", []string{".cx-copyline code"})
		tab.Do(chromedp.Navigate(base+"/account"), chromedp.SendKeys(`#f-present`, "demo viewer password"),
			chromedp.SendKeys(`form[action="/account/password"] input[name=password]`, "another viewer password"),
			chromedp.SendKeys(`form[action="/account/password"] input[name=again]`, "another viewer password"),
			chromedp.Click(`form[action="/account/password"] button`))
		tab.Await(`document.querySelector("#flash").textContent.trim() !== ""`)
		other := openUnscripted(t, browser)
		other.SignIn(base, "viewer", "another viewer password")
	})

	t.Run("keys are rotated from the ledger", func(t *testing.T) {
		tab := admin.In(t)
		tab.Do(chromedp.Navigate(base+"/rotations"), chromedp.Click(`main tbody input[name=column]`), chromedp.Click(`form[action="/rotations/rotate"] .btn-primary`))
		tab.Await(`document.querySelector("#flash").textContent.trim() !== "" || location.pathname.startsWith("/runs/")`)
		useful(tab, "what a rotation leads to", nil)
	})

	t.Run("a campaign is checked, launched and followed", func(t *testing.T) {
		tab := admin.In(t)
		tab.Do(chromedp.Navigate(base+"/campaigns?datastore_id=ds-retail"),
			chromedp.Click(`#campaign button[formaction="/campaigns/preflight"]`), chromedp.WaitReady(`#campaign-preflight`))
		useful(tab, "the checked campaign", []string{"#campaign-preflight tbody tr", "#campaign button.btn-primary"})
		d.tenant.Fail(sandbox.Fault{Kind: sandbox.FaultLatency, Endpoint: sandbox.EndpointEncrypt, LatencyMs: 4000}) // time to look before it is through
		tab.Do(chromedp.Click(`#campaign button.btn-primary`))
		tab.Await(`location.pathname.startsWith("/campaigns/") && document.querySelector("#campaign-live progress") !== null`)
		useful(tab, "the campaign", []string{"#campaign-live progress", "main tbody tr", "noscript a"})
		reload := tab.Evaluate(`document.querySelector("noscript a").href`)
		const through = `String(document.querySelector("#campaign-live progress").value)`
		before := tab.Evaluate(through)
		eventually(t, "a reload that shows progress", func() bool {
			tab.Do(chromedp.Navigate(reload))
			return tab.Evaluate(through) != before
		})
	})
}

// openUnscripted is a person's browser that runs no script.
func openUnscripted(t *testing.T, browser context.Context) *browsertest.Tab {
	t.Helper()
	w := browsertest.Open(t, browser)
	w.ForbidScripts()
	return w
}

// useful holds the page that is open to what somebody without scripts needs.
func useful(w *browsertest.Tab, what string, wanted []string) {
	w.T.Helper()
	list, err := json.Marshal(append([]string{}, wanted...))
	if err != nil {
		w.T.Fatal(err)
	}
	w.Await(`document.readyState === "complete"`)
	var wrong []string
	if err := json.Unmarshal([]byte(w.Evaluate(unscripted+"("+string(list)+")")), &wrong); err != nil {
		w.T.Fatal(err)
	}
	if len(wrong) > 0 {
		w.T.Errorf("%s without scripts:\n  %s", what, strings.Join(wrong, "\n  "))
	}
}
