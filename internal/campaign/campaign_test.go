package campaign_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"go.uber.org/goleak"

	"cxseal/cxone/sandbox"
	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/campaign"
	"cxseal/internal/console/consoletest"
	"cxseal/internal/encryption"
	"cxseal/internal/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var admin = access.Caller{UserID: 1, Name: "admin", Role: access.Admin, IP: "127.0.0.1"}

// open is a console that does not work yet, with a tenant that calls back at
// once.
func open(t testing.TB, tenant sandbox.Config, options ...consoletest.Option) *consoletest.Console {
	t.Helper()
	tenant.After = func(time.Duration) <-chan time.Time { return time.After(time.Millisecond) }
	return consoletest.Open(t, append([]consoletest.Option{func(c *consoletest.Config) {
		c.Sandbox, c.Concurrency, c.People = tenant, 8, false
	}}, options...)...)
}

func until(h *consoletest.Console, id string, within time.Duration, ok func(campaign.Campaign) bool) campaign.Campaign {
	h.T.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(within)
	for {
		c, err := h.Store.Campaign(h.T.Context(), id)
		if err != nil {
			h.T.Fatal(err)
		}
		if ok(c) {
			return c
		}
		select {
		case <-tick.C:
		case <-deadline:
			h.T.Fatalf("the campaign is %s: %+v", c.State, c.Progress)
		}
	}
}

func in(state campaign.State) func(campaign.Campaign) bool {
	return func(c campaign.Campaign) bool { return c.State == state }
}

const store1 = "ds-healthcare"

func sync(h *consoletest.Console) {
	h.T.Helper()
	if err := h.Inventory.Sync(h.T.Context(), "default", 0); err != nil {
		h.T.Fatal(err)
	}
}

func launch(h *consoletest.Console, r campaign.Request) campaign.Campaign {
	h.T.Helper()
	r.Connection = "default"
	c, err := h.Campaigns.Launch(h.T.Context(), admin, r)
	if err != nil {
		h.T.Fatal(err)
	}
	return c
}

func TestACampaignGoesThroughEveryTableOnce(t *testing.T) {
	h := open(t, sandbox.Config{Tables: 60, Seed: 3})
	sync(h)
	h.Serve()
	c := launch(h, campaign.Request{DatastoreID: store1, Target: campaign.Sensitive})
	done := until(h, c.ID, 20*time.Second, in(campaign.Done))
	p := done.Progress
	if p.Total < 5 || p.Ended[encryption.Verified]+p.Refused != p.Total || p.Ended[encryption.Verified] == 0 {
		t.Errorf("progress %+v", p)
	}
	items, err := h.Store.CampaignItems(t.Context(), c.ID, -1, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range items {
		if i.RunID == "" && i.Refused == "" {
			t.Errorf("table %s was forgotten", i.TableID)
		}
		if commits := h.Tenant.Stats().Commits[i.DatastoreID+"/"+i.TableID]; i.RunID != "" && commits != 1 {
			t.Errorf("table %s was changed %d times", i.TableID, commits)
		}
	}
}

func TestAPausedCampaignLaunchesNothingAndGoesOn(t *testing.T) {
	h := open(t, sandbox.Config{Tables: 400, Seed: 3})
	sync(h)
	if err := h.Tenant.Configure(func(s *sandbox.Settings) { s.LatencyMs = 20 }); err != nil {
		t.Fatal(err)
	}
	c := launch(h, campaign.Request{DatastoreID: store1, Target: campaign.Sensitive})
	h.Serve()
	until(h, c.ID, 10*time.Second, func(c campaign.Campaign) bool { return c.Progress.Pending < c.Progress.Total })
	if err := h.Campaigns.Pause(t.Context(), admin, c.ID); err != nil {
		t.Fatal(err)
	}
	calm := until(h, c.ID, 10*time.Second, func(c campaign.Campaign) bool { return c.Progress.Open == 0 })
	if calm.State != campaign.Paused || calm.Progress.Pending == 0 {
		t.Fatalf("%s with %+v: nothing was left to pause", calm.State, calm.Progress)
	}
	if err := h.Campaigns.Resume(t.Context(), admin, c.ID); err != nil {
		t.Fatal(err)
	}
	until(h, c.ID, 10*time.Second, func(c campaign.Campaign) bool { return c.Progress.Pending < calm.Progress.Pending })
	if err := h.Campaigns.Cancel(t.Context(), admin, c.ID); err != nil {
		t.Fatal(err)
	}
	over := until(h, c.ID, 10*time.Second, func(c campaign.Campaign) bool { return c.Progress.Open == 0 })
	if over.State != campaign.Cancelled || over.Progress.Pending == 0 {
		t.Errorf("%s with %+v", over.State, over.Progress)
	}
	if err := h.Campaigns.Resume(t.Context(), admin, c.ID); fault.CodeOf(err) != fault.Conflict {
		t.Errorf("a cancelled campaign is resumed: %v", err)
	}
}

// Between naming a run in its item and storing the run, a crash must neither
// lose the table nor encrypt it twice.
func TestATableWhoseLaunchWasCutShortIsLaunchedOnce(t *testing.T) {
	h := open(t, sandbox.Config{Tables: 20, Seed: 3})
	sync(h)
	c := launch(h, campaign.Request{DatastoreID: store1, Target: campaign.Sensitive})
	items, err := h.Store.CampaignItems(t.Context(), c.ID, -1, 10)
	if err != nil {
		t.Fatal(err)
	}
	cut := items[0]
	cut.RunID = "a-run-that-was-never-stored"
	if err := h.Store.SetItem(t.Context(), c.ID, cut); err != nil {
		t.Fatal(err)
	}
	h.Serve()
	until(h, c.ID, 20*time.Second, in(campaign.Done))
	items, err = h.Store.CampaignItems(t.Context(), c.ID, -1, 10)
	if err != nil {
		t.Fatal(err)
	}
	if items[0].RunState != encryption.Verified || items[0].RunID == cut.RunID {
		t.Errorf("the table that was cut short: %+v", items[0])
	}
	if n := h.Tenant.Stats().Commits[cut.DatastoreID+"/"+cut.TableID]; n != 1 {
		t.Errorf("it was changed %d times", n)
	}
}

// A tenant that is away, or that no longer lets the client in, is the same for
// every table: the campaign pauses in place of refusing them all.
func TestATenantThatIsAwayPausesTheCampaignInsteadOfFailingEveryTable(t *testing.T) {
	for name, f := range map[string]sandbox.Fault{
		"down":                    {Kind: sandbox.FaultStatus, Status: 503},
		"refuses the credentials": {Kind: sandbox.FaultStatus, Status: 401},
		"takes the scope away":    {Kind: sandbox.FaultStatus, Status: 403, Endpoint: sandbox.EndpointTable},
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t, sandbox.Config{Tables: 40, Seed: 3})
			sync(h)
			f := f
			f.Times = 10_000
			h.Tenant.Fail(f)
			c := launch(h, campaign.Request{DatastoreID: store1, Target: campaign.Sensitive})
			h.Serve()
			paused := until(h, c.ID, 20*time.Second, in(campaign.Paused))
			if paused.Reason == "" || paused.Progress.Refused > 0 || paused.Progress.Pending != paused.Progress.Total {
				t.Errorf("paused because of %q with %+v", paused.Reason, paused.Progress)
			}
			h.Tenant.ClearFaults()
			if err := h.Campaigns.Resume(t.Context(), admin, c.ID); err != nil {
				t.Fatal(err)
			}
			// After an outage the client's circuit breaker may still be open, which pauses it again.
			until(h, c.ID, 30*time.Second, func(c campaign.Campaign) bool {
				return c.State == campaign.Done || f.Status == 503 && c.State == campaign.Paused && c.Reason != ""
			})
		})
	}
}

func TestOneBlockedColumnDoesNotKeepTheOthersFromBeingEncrypted(t *testing.T) {
	h := open(t, sandbox.Config{Tables: 3, Seed: 1})
	if err := h.Tenant.Mutate(sandbox.ContactsDataStore, sandbox.ContactsTable, sandbox.Mutation{Action: sandbox.AddIndex, Index: "ix_ssn", Columns: []string{"ssn"}, ReadOnly: true}); err != nil {
		t.Fatal(err)
	}
	r := campaign.Request{Connection: "default", DatastoreID: sandbox.ContactsDataStore, Target: campaign.Tables, TableIDs: []string{sandbox.ContactsTable}}
	preview, err := h.Campaigns.Preflight(t.Context(), admin, r)
	if err != nil {
		t.Fatal(err)
	}
	if i := preview.Items[0]; !i.Live || len(i.LeftOut) == 0 || len(i.Columns) == 0 || i.After.Encrypted != len(i.Columns) {
		t.Errorf("preview %+v", i)
	}
	h.Serve()
	c := launch(h, r)
	done := until(h, c.ID, 20*time.Second, in(campaign.Done))
	if done.Progress.Ended[encryption.Verified] != 1 {
		t.Errorf("progress %+v", done.Progress)
	}
}

func TestWhoMayNotLaunchIsRefusedOnRecord(t *testing.T) {
	h := open(t, sandbox.Config{Tables: 3, Seed: 1})
	officer := access.Caller{UserID: 2, Name: "olga", Role: access.Officer}
	_, err := h.Campaigns.Launch(t.Context(), officer, campaign.Request{Connection: "default", DatastoreID: store1, Target: campaign.Sensitive})
	if fault.CodeOf(err) != fault.Denied {
		t.Errorf("an officer launches: %v", err)
	}
	entries, err := h.Store.AuditPage(t.Context(), audit.Filter{Outcome: string(audit.Denied)}, 0, 10)
	if err != nil || len(entries) != 1 || entries[0].Record.Operation != audit.CampaignChanged {
		t.Errorf("%+v, %v", entries, err)
	}
}

// BenchmarkCampaign goes through a campaign under a limit of 50 requests a
// second and reports its time against the limit's own: the requests made over
// the rate. Run it with -benchtime 1x.
func BenchmarkCampaign(b *testing.B) {
	for _, burst := range []int{0, 1} {
		b.Run(fmt.Sprint("burst=", burst), func(b *testing.B) {
			const limit = 50
			h := open(b, sandbox.Config{Tables: 1200, Seed: 3}, func(c *consoletest.Config) { c.Rate = limit })
			sync(h)
			if err := h.Tenant.Configure(func(s *sandbox.Settings) { s.Rate, s.Burst = limit, burst }); err != nil {
				b.Fatal(err)
			}
			h.Serve()
			before, started := h.Tenant.Stats(), time.Now()
			c := launch(h, campaign.Request{DatastoreID: store1, Target: campaign.Sensitive})
			done := until(h, c.ID, 10*time.Minute, in(campaign.Done))
			took, after := time.Since(started), h.Tenant.Stats()
			requests := 0
			for endpoint, n := range after.Requests {
				requests += n - before.Requests[endpoint]
			}
			throttled := after.Throttled - before.Throttled
			b.ReportMetric(took.Seconds()/(float64(requests)/limit), "×limit")
			b.ReportMetric(100*float64(throttled)/float64(requests), "%throttled")
			b.ReportMetric(float64(done.Progress.Ended[encryption.Verified]), "verified")
		})
	}
}

// BenchmarkInventory reads 10,000 tables under a limit and reports the time
// against the limit's own and how much the heap grew on the way.
func BenchmarkInventory(b *testing.B) {
	const limit = 400
	h := open(b, sandbox.Config{Tables: 10_000, Seed: 3}, func(c *consoletest.Config) { c.Rate = limit })
	var before, peak runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	started := time.Now()
	sync(h)
	took := time.Since(started)
	runtime.GC()
	runtime.ReadMemStats(&peak)
	requests := 0
	for _, n := range h.Tenant.Stats().Requests {
		requests += n
	}
	totals, err := h.Store.Totals(b.Context())
	if err != nil || totals.Read < 10_000 {
		b.Fatalf("%d tables read, %v", totals.Read, err)
	}
	b.ReportMetric(took.Seconds()/(float64(requests)/limit), "×limit")
	b.ReportMetric(float64(int64(peak.HeapAlloc)-int64(before.HeapAlloc))/(1<<20), "MiB-grown")
}
