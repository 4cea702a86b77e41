package handlers_test

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/connection"
	"cxseal/internal/console/consoletest"
	"cxseal/internal/encryption"
)

var approvalField = regexp.MustCompile(`name="fingerprint" value="([0-9a-f]{64})"`)

// withFourEyes has the connection "default" ask for a second person.
func withFourEyes(cfg *consoletest.Config) {
	cfg.EditEnvironment = func(s *connection.Settings) { s.FourEyes, s.ApprovalLife = true, 24*time.Hour }
}

// approve sends the form of a run's page that approves it, and returns the answer's status.
func approve(t *testing.T, b *consoletest.Browser, run string) (status int, body string) {
	t.Helper()
	a := b.Submit(run, run+"/approve", url.Values{"fingerprint": {first(t, approvalField, b.Get(run).Body)}})
	return a.Status, a.Body
}

// personPath is the address of a change of the person's account.
func personPath(t *testing.T, h *consoletest.Console, name, change string) string {
	t.Helper()
	u, err := h.Store.UserByName(t.Context(), name)
	must(t, err)
	return "/people/" + itoa(u.ID) + "/" + change
}

const otherPassword = "another quiet password"

// Mutation: without the call of SecondPerson in access.Approval.Approve, the admin approves their own run as
// somebody whose password they have set (mutants.txt: "an admin approves with an account whose password they set").
func TestAnAdminCannotApproveWithAnAccountThatTheyTouched(t *testing.T) {
	h := consoletest.Start(t, withFourEyes)
	admin := h.As(access.Admin)
	path := func(name, change string) string { return personPath(t, h, name, change) }
	do := func(b *consoletest.Browser, path string, form url.Values) {
		t.Helper()
		if a := b.Submit("/people", path, form); a.Status != 303 {
			t.Fatalf("%s: %d %s", path, a.Status, a.Body)
		}
	}
	as := func(name, password string) *consoletest.Browser {
		b := h.Browser()
		b.SignIn(name, password)
		return b
	}
	refused := func(who string, b *consoletest.Browser, run string) {
		t.Helper()
		status, body := approve(t, b, run)
		if status != 403 || !strings.Contains(body, "hand of one person") {
			t.Errorf("%s: %d", who, status)
		}
	}

	run := admin.Launch("ssn")
	do(admin, path("approver-1", "password"), url.Values{"password": {otherPassword}})
	refused("the approver whose password the requester set", as("approver-1", otherPassword), run)
	do(admin, "/people", url.Values{"name": {"puppet"}, "role": {"approver"}, "password": {otherPassword}})
	refused("an approver whom the requester made", as("puppet", otherPassword), run)
	do(admin, path("officer-1", "role"), url.Values{"role": {"approver"}})
	refused("an officer whom the requester made an approver", h.As(access.Officer), run)
	do(admin, "/people", url.Values{"name": {"deputy"}, "role": {"admin"}, "password": {otherPassword}})
	do(as("deputy", otherPassword), path("viewer-1", "role"), url.Values{"role": {"approver"}})
	refused("an approver made by an admin whom the requester made", h.As(access.Viewer), run)
	deputys := as("deputy", otherPassword).Launch("credit_card")
	refused("who made the requester", admin, deputys)
	refused("two accounts of one maker", as("puppet", otherPassword), deputys)
	if h.WaitFor(run, encryption.Awaiting).State != encryption.Awaiting {
		t.Fatal("the run does not wait any more")
	}
	var denials int
	for _, e := range h.Records(audit.Filter{Operation: string(audit.RunApproved)}) {
		if e.Record.Outcome == audit.Denied && strings.Contains(e.Record.Detail, "hand of one person") {
			denials++
		}
	}
	if denials != 6 {
		t.Errorf("%d denials are on record", denials)
	}

	// Another admin lifts it on the record; whoever did it, or was made by them, cannot.
	lift := path("approver-1", "lift")
	for who, b := range map[string]*consoletest.Browser{"who set the password": admin, "their creature": as("deputy", otherPassword)} {
		if a := b.Submit("/people", lift, nil); a.Status != 403 {
			t.Errorf("%s lifted it: %d", who, a.Status)
		}
	}
	_, err := h.Accounts.Create(t.Context(), access.Caller{Name: "cli:root", Role: access.System}, "zoe", consoletest.Password, access.Admin)
	must(t, err)
	zoe := as("zoe", consoletest.Password)
	if page := zoe.Get("/people"); !strings.Contains(page.Body, "approver-1 was given a password by admin-1") {
		t.Error("the page of people does not say what counts against four eyes")
	}
	do(zoe, lift, nil)
	found := false
	for _, e := range h.Records(audit.Filter{Operation: string(audit.UserChanged), Actor: "zoe"}) {
		found = found || strings.Contains(e.Record.Detail, "was given a password by admin-1")
	}
	if !found {
		t.Error("the lifting is not on record")
	}
	if status, body := approve(t, as("approver-1", otherPassword), run); status != 303 {
		t.Fatalf("after it was lifted: %d %s", status, body)
	}
	h.WaitFor(run, encryption.Verified)
}

// Mutation: in access.SecondPerson, without the operator among the hands of whoever asks.
func TestAResetOnTheMachineCountsForEveryRequester(t *testing.T) {
	h := consoletest.Start(t, withFourEyes)
	run := h.As(access.Admin).Launch("ssn")
	u, err := h.Store.UserByName(t.Context(), "approver-1")
	must(t, err)
	must(t, h.Accounts.ChangePassword(t.Context(), access.Caller{Name: "cli:root", Role: access.System}, u.ID, otherPassword))
	b := h.Browser()
	b.SignIn("approver-1", otherPassword)
	if status, body := approve(t, b, run); status != 403 || !strings.Contains(body, "operator of the machine") {
		t.Errorf("%d %s", status, body)
	}
}

// Mutation: without rotation.Scanner.authors among whom the run is behind (mutants.txt: "the author of a policy
// approves its runs").
func TestWhoSetAPolicyCannotApproveItsRuns(t *testing.T) {
	h := consoletest.Start(t, withFourEyes)
	admin := h.As(access.Admin)
	first := admin.Launch("ssn")
	if status, body := approve(t, h.As(access.Approver), first); status != 303 {
		t.Fatalf("%d %s", status, body)
	}
	h.WaitFor(first, encryption.Verified)
	form := url.Values{"strategy": {"MANUAL"}, "interval_days": {"30"}, "grace_days": {"0"}, "auto_rotate": {"1"}}
	if a := admin.Submit("/rotations/policies", "/rotations/policies", form); a.Status != 303 {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	h.Advance(100 * 24 * time.Hour)
	must(t, h.Rotations.Tick(t.Context()))
	h.Advance(-100 * 24 * time.Hour) // or every session would be over
	runs, err := h.Store.AwaitingRuns(t.Context())
	must(t, err)
	if len(runs) != 1 || runs[0].RequestedBy.Name != "scheduler" {
		t.Fatalf("%+v", runs)
	}
	path := "/runs/" + runs[0].ID
	page := admin.Get(path)
	if strings.Contains(page.Body, path+"/approve") || !strings.Contains(page.Body, "scheduler, as set by admin-1") {
		t.Error("the page offers the author of the policy to approve, or does not name them")
	}
	if a := admin.Submit(path, path+"/approve", url.Values{"fingerprint": {runs[0].Approval.Fingerprint}}); a.Status != 403 {
		t.Errorf("the author of the policy approved its run: %d", a.Status)
	}
	if status, body := approve(t, h.As(access.Approver), path); status != 303 {
		t.Errorf("%d %s", status, body)
	}
}
