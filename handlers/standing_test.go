package handlers_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"cxseal/cxone/sandbox"
	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/campaign"
	"cxseal/internal/console/consoletest"
	"cxseal/internal/encryption"
)

// lost is how soon a permission that is taken away is lost everywhere.
const lost = 5 * time.Second

// within polls until ok, for lost at most.
func within(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(lost)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("after %s: %s", lost, what)
		}
	}
}

// also makes another account as the operator does, and returns a browser in which its person is signed in.
func also(t *testing.T, h *consoletest.Console, name string, role access.Role) *consoletest.Browser {
	t.Helper()
	_, err := h.Accounts.Create(t.Context(), access.Caller{Name: "cli:root", Role: access.System}, name, consoletest.Password, role)
	must(t, err)
	b := h.Browser()
	b.SignIn(name, consoletest.Password)
	return b
}

// Mutation: without HoldStranded in Runner.supervise the runs stay queued; without the standing of a campaign's
// requester it goes on launching (mutants.txt: "a disabled person's campaign goes on").
func TestACampaignStopsWithItsPersonAndGoesOnInAnothersName(t *testing.T) {
	h := consoletest.Start(t, func(cfg *consoletest.Config) {
		cfg.Sandbox.Tables, cfg.Sandbox.Latency, cfg.Concurrency = 300, 20*time.Millisecond, 1 // to be caught in the middle
	})
	admin, zoe := h.As(access.Admin), also(t, h, "zoe", access.Admin)
	must(t, h.Inventory.Sync(t.Context(), "default", 0))
	path := admin.Submit("/campaigns", "/campaigns",
		url.Values{"connection": {"default"}, "datastore_id": {"ds-healthcare"}, "target": {"sensitive"}}).Header.Get("Location")
	id := strings.TrimPrefix(path, "/campaigns/")
	now := func() campaign.Campaign {
		t.Helper()
		c, err := h.Store.Campaign(t.Context(), id)
		must(t, err)
		return c
	}
	within(t, "no run of the campaign is queued", func() bool {
		queued, err := h.Store.RunsIn(t.Context(), id, encryption.Queued)
		must(t, err)
		return len(queued) > 0
	})
	if a := zoe.Submit("/people", personPath(t, h, "admin-1", "disable"), nil); a.Status != 303 {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	within(t, "work goes on in the name of a disabled person", func() bool {
		waiting, err := h.Store.RunsIn(t.Context(), id, encryption.Awaiting, encryption.Queued, encryption.Checking)
		must(t, err)
		return now().State == campaign.Paused && len(waiting) == 0
	})
	page := zoe.Get(path)
	if !strings.Contains(page.Body, "The account admin-1 is disabled.") {
		t.Error("the campaign's page does not say why it stands still")
	}
	held, err := h.Store.RunsIn(t.Context(), id, encryption.Held)
	must(t, err)
	if len(held) == 0 {
		t.Fatal("no run is held")
	}
	if page := zoe.Get("/runs/" + held[0]); !strings.Contains(page.Body, "The account admin-1 is disabled.") || !strings.Contains(page.Body, held[0]+"/take") {
		t.Error("a held run's page does not say why, or does not offer to take it over")
	}
	if n := len(h.Records(audit.Filter{RunID: held[0], Operation: string(audit.RunHeld)})); n != 1 {
		t.Errorf("%d records of the hold", n)
	}

	if a := zoe.Submit(path, path+"/resume", nil); a.Status != 303 {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	if c := now(); c.TakenBy != "zoe" || c.RequestedBy.Name != "admin-1" {
		t.Errorf("taken by %q from %q", c.TakenBy, c.RequestedBy.Name)
	}
	within(t, "the held run does not go on", func() bool {
		run, err := h.Store.Run(t.Context(), held[0])
		must(t, err)
		return run.State != encryption.Held && run.AnswersFor() == "zoe"
	})
	if list := h.Records(audit.Filter{RunID: held[0], Operation: string(audit.RunTakenOver)}); len(list) != 1 || list[0].Record.Actor.Name != "zoe" {
		t.Errorf("%+v", list)
	}
	zoe.Submit(path, path+"/cancel", nil)
}

// Mutation: without the approver in Service.standing, a run that a disabled person approved is sent.
func TestARunStopsWithWhoAskedForItAndWithWhoApprovedIt(t *testing.T) {
	h := consoletest.Start(t, withFourEyes)
	admin, zoe := h.As(access.Admin), also(t, h, "zoe", access.Admin)
	later := func(column string) string {
		form := consoletest.RunForm(column)
		form.Set("start_at", h.Now().Add(time.Hour).UTC().Format(time.RFC3339))
		return admin.LaunchForm(form)
	}
	do := func(name, change string, form url.Values) {
		t.Helper()
		if a := zoe.Submit("/people", personPath(t, h, name, change), form); a.Status != 303 {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
	}

	approved := later("ssn")
	if status, body := approve(t, h.As(access.Approver), approved); status != 303 {
		t.Fatalf("%d %s", status, body)
	}
	h.WaitFor(approved, encryption.Queued)
	do("approver-1", "disable", nil)
	within(t, "a run is queued that a disabled person approved", func() bool { return state(t, h, approved) == encryption.Held })

	asked := later("credit_card")
	do("admin-1", "role", url.Values{"role": {"officer"}})
	within(t, "a run waits that was asked for by somebody who may no longer", func() bool { return state(t, h, asked) == encryption.Held })
	if page := zoe.Get(asked); !strings.Contains(page.Body, "admin-1 has the role officer now and may not launch runs.") {
		t.Error("the page does not say why")
	}
	for who, b := range map[string]*consoletest.Browser{"who asked": admin, "an officer": h.As(access.Officer)} {
		if a := b.Submit("/account", asked+"/take", nil); a.Status != 403 {
			t.Errorf("%s took it over: %d", who, a.Status)
		}
	}
	if a := zoe.Submit(asked, asked+"/take", nil); a.Status != 303 {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	if run := h.WaitFor(asked, encryption.Awaiting); run.AnswersFor() != "zoe" || run.RequestedBy.Name != "admin-1" {
		t.Errorf("%+v", run)
	}
	if a := zoe.Submit(asked, asked+"/approve", url.Values{"fingerprint": {"0"}}); a.Status != 403 {
		t.Errorf("who took it over approved it: %d", a.Status)
	}
	if status, body := approve(t, also(t, h, "second", access.Approver), asked); status != 303 {
		t.Errorf("%d %s", status, body)
	}
	h.WaitFor(asked, encryption.Queued)
	if a := zoe.Submit(approved, approved+"/cancel", nil); a.Status != 303 {
		t.Errorf("a held run cannot be cancelled: %d", a.Status)
	}
	if n := h.Tenant.Stats().Commits[sandbox.ContactsDataStore+"/"+tableID]; n != 0 {
		t.Errorf("%d changes were sent", n)
	}
}

func state(t *testing.T, h *consoletest.Console, path string) encryption.State {
	t.Helper()
	run, err := h.Store.Run(t.Context(), strings.TrimPrefix(path, "/runs/"))
	must(t, err)
	return run.State
}
