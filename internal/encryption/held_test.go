package encryption_test

import (
	"testing"
	"time"

	"cxseal/cxone/sandbox"
	"cxseal/internal/access"
	"cxseal/internal/encryption"
	"cxseal/internal/fault"
)

// A worker asks by itself whether who asked may still: nobody sweeps here, as when an account was disabled a moment ago.
//
// Mutation: without holdMine in task.carry, or in task.check, this run is sent.
func TestAWorkerSendsNothingForSomebodyWhoMayNoLonger(t *testing.T) {
	p := newPipeline(t, sandbox.Config{Inline: true})
	u, err := p.store.AddUser(t.Context(), access.User{Name: "admin", Role: access.Admin, CreatedAt: p.now(), UpdatedAt: p.now()}, access.Touch{})
	if err != nil {
		t.Fatal(err)
	}
	for _, other := range []string{"zoe"} {
		if _, err := p.store.AddUser(t.Context(), access.User{Name: other, Role: access.Admin, CreatedAt: p.now(), UpdatedAt: p.now()}, access.Touch{}); err != nil {
			t.Fatal(err)
		}
	}
	run := p.launch(requestFor("ssn"))
	if err := p.store.SetRole(t.Context(), u.ID, access.Viewer, p.now(), access.Touch{}); err != nil {
		t.Fatal(err)
	}
	held, err := encryption.NewRunner(p.Service, p.options).RunOne(t.Context(), run.ID)
	if err != nil || held.State != encryption.Held || held.HeldWhy == "" || p.commits() != 0 {
		t.Fatalf("%v %s %q, %d commits", err, held.State, held.HeldWhy, p.commits())
	}
	wantFault(t, p.TakeOver(t.Context(), officer, run.ID), fault.Denied)
	zoe := access.Caller{UserID: 2, Name: "zoe", Role: access.Admin}
	if err := p.TakeOver(t.Context(), zoe, run.ID); err != nil {
		t.Fatal(err)
	}
	wantFault(t, p.TakeOver(t.Context(), zoe, run.ID), fault.Conflict)
	ended, err := encryption.NewRunner(p.Service, p.options).RunOne(t.Context(), run.ID)
	if err != nil || ended.State != encryption.Verified || ended.TakenBy != "zoe" || !ended.FinishedAt.Before(p.now().Add(time.Second)) {
		t.Fatalf("%v %s", err, ended.State)
	}
}
