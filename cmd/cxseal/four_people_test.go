package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"cxseal/cxone/sandbox"
	"cxseal/web/browsertest"
)

// TestFourPeopleDoWhatTheyMayAndNothingElse begins with an empty database and
// the link on the terminal: an admin makes accounts and asks for a run, a
// person whom the operator added approves it, an officer exports the record, and a viewer
// sees the dashboard and no more.
func TestFourPeopleDoWhatTheyMayAndNothingElse(t *testing.T) {
	chromium := browsertest.Start(t)
	tenant := launchProcess(t, nil, "sandbox", "--addr", "127.0.0.1:0", "--tables", "2").address()
	db := filepath.Join(t.TempDir(), "cxseal.db")
	console := launchProcess(t, []string{"CXONE_BASE_URL=" + tenant, "CXONE_CLIENT_ID=" + sandbox.DefaultClientID, "CXONE_RATE=0",
		"CXONE_CLIENT_SECRET=" + sandbox.DefaultClientSecret, "CXONE_REALM=" + sandbox.DefaultRealm, "CXONE_FOUR_EYES=true"},
		"serve", "--addr", "127.0.0.1:0", "--db", db)
	link := strings.TrimSpace(console.says("/setup?token="))
	base := console.address()
	const secret = "a long and quiet password"

	admin := browsertest.Open(t, chromium)
	admin.Do(chromedp.Navigate(link), chromedp.SendKeys(`#f-password`, secret), chromedp.SendKeys(`#f-again`, secret),
		chromedp.Click(`form[action="/setup"] button`), chromedp.WaitReady(`form[action="/logout"]`))
	second := browsertest.Open(t, chromium)
	second.Do(chromedp.Navigate(link))
	second.Await(`document.querySelector("main").textContent.includes("This setup link is not valid")`)
	second.Noise.Expect("404")
	// The admin cannot approve with an account that they made, so the operator makes the approver's.
	add := exec.Command("cxseal", "user", "add", "the-approver", "--role", "approver", "--db", db)
	add.Env, add.Stdin = environment(), strings.NewReader(secret+"\n")
	if out, err := add.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, role := range []string{"officer", "viewer"} {
		admin.Do(chromedp.Navigate(base+"/people"), chromedp.SendKeys(`#f-name`, "the-"+role), chromedp.SendKeys(`#f-new-password`, secret))
		admin.Evaluate(fmt.Sprintf(`document.querySelector("#f-role").value = %q`, role))
		admin.Do(chromedp.Click(`form[action="/people"] button`))
		admin.Await(fmt.Sprintf(`document.querySelector("#flash").textContent.includes("the-%s is made")`, role))
	}

	admin.Do(chromedp.Navigate(base+"/datastores/ds-customers/tables/tbl-contacts"), chromedp.Click(`input[name=columns][value=credit_card]`))
	admin.Await(`document.querySelector("#preflight-encrypt").textContent.includes("1 column of Contacts")`)
	admin.Do(chromedp.Click(`#preflight-encrypt button[type=submit]`))
	admin.Await(`location.pathname.startsWith("/runs/") && document.querySelector("#approval") !== null`)
	admin.Await(`document.querySelector("main").textContent.includes("another person must approve it") && document.querySelector("#approve") === null`)
	run := admin.Location()

	approver := browsertest.Open(t, chromium)
	approver.SignIn(base, "the-approver", secret)
	approver.Do(chromedp.Navigate(run), chromedp.Click(`#approve`))
	approver.Await(`document.querySelector("main").textContent.includes("Confirmed by the KMS")`)
	approver.Await(`document.querySelector("main").textContent.includes("Approved by")`)
	approver.Await(`document.querySelector('a[href="/people"]') === null`)

	officer := browsertest.Open(t, chromium)
	officer.SignIn(base, "the-officer", secret)
	csv := officer.Evaluate(`fetch("/audit.csv").then(r => r.text())`)
	for _, want := range []string{",RUN_APPROVED,SUCCESS,the-approver,approver,", ",COLUMN_ENCRYPTION,SUCCESS,admin,admin,", "Approved by the-approver."} {
		if !strings.Contains(csv, want) {
			t.Errorf("the export lacks %q:\n%s", want, csv)
		}
	}

	admin.Do(chromedp.Navigate(base+"/connections/new"), chromedp.SendKeys(`#f-name`, "second"), chromedp.SendKeys(`#f-client_id`, "id"),
		chromedp.SendKeys(`#f-client_secret`, secret), chromedp.Click(`form[action="/connections"] button`))
	admin.Await(`location.pathname === "/connections/second"`)
	before, err := os.ReadFile(db + ".seal-key")
	if err != nil {
		t.Fatal(err)
	}
	admin.Do(chromedp.Navigate(base+"/system"), chromedp.Click(`form[action="/system/seal-key"] button`))
	admin.Await(`document.querySelector("#flash").textContent.includes("1 secret was sealed anew")`)
	after, err := os.ReadFile(db + ".seal-key")
	if err != nil || bytes.Equal(before, after) {
		t.Errorf("the key file is as it was: %v", err)
	}

	viewer := browsertest.Open(t, chromium)
	viewer.SignIn(base, "the-viewer", secret)
	if links := viewer.Evaluate(`Array.from(document.querySelectorAll(".cx-nav a")).map(a => a.getAttribute("href")).join(" ")`); strings.Contains(links, "/audit") || !strings.Contains(links, "/") {
		t.Errorf("the viewer is shown %s", links)
	}
	for _, path := range []string{"/audit", "/audit.csv", "/runs", "/people", "/connections", strings.TrimPrefix(run, base)} {
		if status := viewer.Evaluate(fmt.Sprintf(`fetch(%q).then(r => String(r.status))`, path)); status != "403" {
			t.Errorf("%s answers the viewer %s", path, status)
		}
		viewer.Noise.Expect("403")
	}
}
