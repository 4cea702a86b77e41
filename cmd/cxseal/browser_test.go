package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"cxseal/cxone/sandbox"
	"cxseal/web/browsertest"
)

// TestADemoIsUsableFromTheFirstMinute does in a real browser what somebody does
// who tries the demo: signs in, encrypts a column and watches it, finds the
// record, looks again as an officer, and does it all without JavaScript.
func TestADemoIsUsableFromTheFirstMinute(t *testing.T) {
	chromium := browsertest.Start(t)
	began := time.Now()
	demo := launchProcess(t, nil, "demo", "--addr", "127.0.0.1:0")
	base := demo.address()
	t.Logf("from exec to serving: %.2f s", time.Since(began).Seconds())
	tenant := addressForm.FindString(demo.says("simulated CXone tenant"))
	if resp, err := http.Get(base); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("the address does not open: %v %v", resp, err)
	}

	t.Run("an admin encrypts a column and watches", func(t *testing.T) {
		tab := browsertest.Open(t, chromium)
		tab.SignIn(base, "admin", "demo admin password")
		tab.Do(chromedp.Click(`nav a[href="/datastores"]`), chromedp.Click(`a[href*="tbl-contacts"]`),
			chromedp.Click(`input[name=columns][value=credit_card]`), chromedp.Click(`input[name=columns][value=medical_record_number]`))
		tab.Await(`document.querySelector("#preflight-encrypt").textContent.includes("2 columns of Contacts")`)
		for _, text := range []string{"7.14", "21.43", "AES-256-GCM", "nextRotationEpoch"} {
			tab.Await(fmt.Sprintf(`document.querySelector("#preflight-encrypt").textContent.includes(%q)`, text))
		}

		slowDown(t, tenant)
		tab.Do(chromedp.Click(`#preflight-encrypt button[type=submit]`), chromedp.WaitReady(`[sse-connect]`))
		tab.Await(`location.pathname.startsWith("/runs/")`)
		tab.Evaluate(`window.stillThisPage = true`)
		tab.Await(`document.querySelector("main").textContent.includes("Confirmed by the KMS by signed callback")`)
		tab.Await(`window.stillThisPage === true`) // it came by itself
		tab.Await(`document.querySelector("#verdict") !== null`)
		run := path.Base(tab.Location())

		tab.Do(chromedp.Navigate(base + "/audit?run_id=" + run + "&operation=COLUMN_ENCRYPTION"))
		tab.Await(`document.querySelectorAll('a[href^="/audit/0"]').length > 0`)
		tab.Do(chromedp.Click(`a[href^="/audit/0"]`))
		tab.Await(`document.querySelector("main").textContent.includes("3 of 14 columns")`)
		csv := tab.Evaluate(`fetch("/audit.csv?run_id=` + run + `").then(r => r.text())`)
		if !strings.Contains(csv, ",COLUMN_ENCRYPTION,SUCCESS,admin,admin,127.0.0.1,default,ds-customers,tbl-contacts,credit_card;medical_record_number,"+run+",") {
			t.Errorf("the CSV lacks the record:\n%s", csv)
		}
	})

	t.Run("an officer reads, and may not launch", func(t *testing.T) {
		tab := browsertest.Open(t, chromium)
		tab.SignIn(base, "officer", "demo officer password")
		tab.Do(chromedp.Navigate(base + "/datastores/ds-customers/tables/tbl-contacts?connection=default"))
		tab.Await(`document.querySelector("main").textContent.includes("Only administrators launch runs")`)
		tab.Await(`document.querySelector('form[action="/runs"][method=post]') === null`)
		status := tab.Evaluate(`fetch("/runs", {method: "POST", body: new URLSearchParams({connection: "default", datastore_id: "ds-customers",
			table_id: "tbl-contacts", columns: "notes", interval_days: "90", csrf_token: document.querySelector('[name=csrf_token]').value})}).then(r => String(r.status))`)
		if status != "403" {
			t.Errorf("POST /runs answers the officer %s", status)
		}
		tab.Noise.Expect("403")
		tab.Do(chromedp.Navigate(base + "/audit?actor=officer&operation=RUN_REQUESTED&outcome=DENIED"))
		tab.Await(`document.querySelectorAll('a[href^="/audit/0"]').length === 1`)
	})

	t.Run("without JavaScript the job is done too", func(t *testing.T) {
		tab := browsertest.Open(t, chromium)
		if _, err := chromedp.Call(tab.Ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
			t.Fatal(err)
		}
		tab.SignIn(base, "admin", "demo admin password")
		tab.Do(chromedp.Navigate(base+"/datastores/ds-customers/tables/tbl-contacts?connection=default"),
			chromedp.Click(`input[name=columns][value=city]`), chromedp.Click(`#encrypt .cx-check button`),
			chromedp.WaitReady(`#encrypt .cx-plan`), chromedp.Click(`#preflight-encrypt button[type=submit]`))
		eventually(t, "the run's page", func() bool { return strings.HasPrefix(tab.Location(), base+"/runs/") })
		run := tab.Location()
		eventually(t, "the run to be verified", func() bool {
			tab.Do(chromedp.Navigate(run))
			text, err := chromedp.Run(tab.Ctx, chromedp.TextContent(`main`))
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
