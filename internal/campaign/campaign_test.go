package campaign_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"go.uber.org/goleak"

	"cxseal/cxone"
	"cxseal/cxone/sandbox"
	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/campaign"
	"cxseal/internal/encryption"
	"cxseal/internal/fault"
	"cxseal/internal/inventory"
	"cxseal/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var admin = access.Caller{UserID: 1, Name: "admin", Role: access.Admin, IP: "127.0.0.1"}

// house is campaigns with their real parts: a database file, the pipeline and a
// simulated tenant over HTTP.
type house struct {
	t        testing.TB
	db       *store.Store
	tenant   *sandbox.Sandbox
	client   *cxone.Client
	hook     string
	service  *encryption.Service
	inv      *inventory.Service
	campaign *campaign.Service
}

func (h *house) Names() []string { return []string{"default"} }

func (h *house) Connection(string) (*encryption.Connection, error) {
	return &encryption.Connection{Name: "default", Tenant: h.client, CallbackURL: h.hook + "/kms/callback",
		CallbackDeadline: time.Minute, Concurrency: 8, Redact: h.client.Redact}, nil
}

func (h *house) Tenant(string) (inventory.Tenant, error) { return h.client, nil }

func newHouse(t testing.TB, cfg sandbox.Config, options ...cxone.Option) *house {
	t.Helper()
	h := &house{t: t}
	var err error
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	h.db, err = store.Open(t.Context(), filepath.Join(t.TempDir(), "cxseal.db"), store.Options{})
	must(err)
	t.Cleanup(func() { must(h.db.Close()) })
	cfg.After = func(time.Duration) <-chan time.Time { return time.After(time.Millisecond) }
	h.tenant = sandbox.New(cfg)
	api := httptest.NewServer(h.tenant)
	t.Cleanup(api.Close)
	t.Cleanup(h.tenant.Close)
	options = append([]cxone.Option{cxone.WithBackoff(time.Millisecond, 2*time.Millisecond)}, options...)
	h.client, err = cxone.New(cxone.ClientCredentials(cxone.ClientCredentialsConfig{BaseURL: api.URL,
		ClientID: sandbox.DefaultClientID, ClientSecret: sandbox.DefaultClientSecret, Realm: sandbox.DefaultRealm}), options...)
	must(err)
	t.Cleanup(h.client.CloseIdleConnections)
	callbacks := httptest.NewServer(http.HandlerFunc(h.callback))
	t.Cleanup(callbacks.Close)
	h.hook = callbacks.URL
	logger := slog.New(slog.DiscardHandler)
	h.service = encryption.NewService(h.db, h, time.Now, logger)
	h.inv = inventory.NewService(h.db, h, time.Now, logger)
	h.campaign = campaign.NewService(h.db, h.service, h.inv, time.Now, logger)
	return h
}

func (h *house) callback(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(io.LimitReader(r.Body, encryption.MaxCallbackBody+1))
	answer, err := h.service.Confirm(r.Context(), encryption.CallbackRequest{Token: filepath.Base(r.URL.Path), Body: body, RemoteIP: "127.0.0.1"})
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.WriteHeader(answer.Status)
	_, _ = w.Write(answer.Body)
}

// work starts the runner and the campaigns until the test ends.
func (h *house) work() {
	h.t.Helper()
	runner := encryption.NewRunner(h.service, encryption.RunnerOptions{})
	if err := runner.Start(context.Background()); err != nil {
		h.t.Fatal(err)
	}
	h.campaign.Start(context.Background())
	h.t.Cleanup(func() {
		h.campaign.Stop()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := runner.Stop(ctx); err != nil {
			h.t.Error(err)
		}
	})
}

func (h *house) until(id string, within time.Duration, ok func(campaign.Campaign) bool) campaign.Campaign {
	h.t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(within)
	for {
		c, err := h.db.Campaign(h.t.Context(), id)
		if err != nil {
			h.t.Fatal(err)
		}
		if ok(c) {
			return c
		}
		select {
		case <-tick.C:
		case <-deadline:
			h.t.Fatalf("the campaign is %s: %+v", c.State, c.Progress)
		}
	}
}

func in(state campaign.State) func(campaign.Campaign) bool {
	return func(c campaign.Campaign) bool { return c.State == state }
}

const store1 = "ds-healthcare"

func (h *house) sync() {
	h.t.Helper()
	if err := h.inv.Sync(h.t.Context(), "default", 0); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) launch(r campaign.Request) campaign.Campaign {
	h.t.Helper()
	r.Connection = "default"
	c, err := h.campaign.Launch(h.t.Context(), admin, r)
	if err != nil {
		h.t.Fatal(err)
	}
	return c
}

func TestACampaignGoesThroughEveryTableOnce(t *testing.T) {
	h := newHouse(t, sandbox.Config{Tables: 60, Seed: 3})
	h.sync()
	h.work()
	c := h.launch(campaign.Request{DatastoreID: store1, Target: campaign.Sensitive})
	done := h.until(c.ID, 20*time.Second, in(campaign.Done))
	p := done.Progress
	if p.Total < 5 || p.Ended[encryption.Verified]+p.Refused != p.Total || p.Ended[encryption.Verified] == 0 {
		t.Errorf("progress %+v", p)
	}
	items, err := h.db.CampaignItems(t.Context(), c.ID, -1, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range items {
		if i.RunID == "" && i.Refused == "" {
			t.Errorf("table %s was forgotten", i.TableID)
		}
		if commits := h.tenant.Stats().Commits[i.DatastoreID+"/"+i.TableID]; i.RunID != "" && commits != 1 {
			t.Errorf("table %s was changed %d times", i.TableID, commits)
		}
	}
}

func TestAPausedCampaignLaunchesNothingAndGoesOn(t *testing.T) {
	h := newHouse(t, sandbox.Config{Tables: 400, Seed: 3})
	h.sync()
	if err := h.tenant.Configure(func(s *sandbox.Settings) { s.LatencyMs = 20 }); err != nil {
		t.Fatal(err)
	}
	c := h.launch(campaign.Request{DatastoreID: store1, Target: campaign.Sensitive})
	h.work()
	h.until(c.ID, 10*time.Second, func(c campaign.Campaign) bool { return c.Progress.Pending < c.Progress.Total })
	if err := h.campaign.Pause(t.Context(), admin, c.ID); err != nil {
		t.Fatal(err)
	}
	calm := h.until(c.ID, 10*time.Second, func(c campaign.Campaign) bool { return c.Progress.Open == 0 })
	if calm.State != campaign.Paused || calm.Progress.Pending == 0 {
		t.Fatalf("%s with %+v: nothing was left to pause", calm.State, calm.Progress)
	}
	if err := h.campaign.Resume(t.Context(), admin, c.ID); err != nil {
		t.Fatal(err)
	}
	h.until(c.ID, 10*time.Second, func(c campaign.Campaign) bool { return c.Progress.Pending < calm.Progress.Pending })
	if err := h.campaign.Cancel(t.Context(), admin, c.ID); err != nil {
		t.Fatal(err)
	}
	over := h.until(c.ID, 10*time.Second, func(c campaign.Campaign) bool { return c.Progress.Open == 0 })
	if over.State != campaign.Cancelled || over.Progress.Pending == 0 {
		t.Errorf("%s with %+v", over.State, over.Progress)
	}
	if err := h.campaign.Resume(t.Context(), admin, c.ID); fault.CodeOf(err) != fault.Conflict {
		t.Errorf("a cancelled campaign is resumed: %v", err)
	}
}

// Between naming a run in its item and storing the run, a crash must neither
// lose the table nor encrypt it twice.
func TestATableWhoseLaunchWasCutShortIsLaunchedOnce(t *testing.T) {
	h := newHouse(t, sandbox.Config{Tables: 20, Seed: 3})
	h.sync()
	c := h.launch(campaign.Request{DatastoreID: store1, Target: campaign.Sensitive})
	items, err := h.db.CampaignItems(t.Context(), c.ID, -1, 10)
	if err != nil {
		t.Fatal(err)
	}
	cut := items[0]
	cut.RunID = "a-run-that-was-never-stored"
	if err := h.db.SetItem(t.Context(), c.ID, cut); err != nil {
		t.Fatal(err)
	}
	h.work()
	h.until(c.ID, 20*time.Second, in(campaign.Done))
	items, err = h.db.CampaignItems(t.Context(), c.ID, -1, 10)
	if err != nil {
		t.Fatal(err)
	}
	if items[0].RunState != encryption.Verified || items[0].RunID == cut.RunID {
		t.Errorf("the table that was cut short: %+v", items[0])
	}
	if n := h.tenant.Stats().Commits[cut.DatastoreID+"/"+cut.TableID]; n != 1 {
		t.Errorf("it was changed %d times", n)
	}
}

func TestATenantThatIsAwayPausesTheCampaignInsteadOfFailingEveryTable(t *testing.T) {
	h := newHouse(t, sandbox.Config{Tables: 40, Seed: 3}, cxone.WithRetries(0))
	h.sync()
	h.tenant.Fail(sandbox.Fault{Kind: sandbox.FaultStatus, Status: 503, Times: 10_000})
	c := h.launch(campaign.Request{DatastoreID: store1, Target: campaign.Sensitive})
	h.work()
	paused := h.until(c.ID, 20*time.Second, in(campaign.Paused))
	if paused.Reason == "" || paused.Progress.Refused > 0 || paused.Progress.Pending != paused.Progress.Total {
		t.Errorf("paused because of %q with %+v", paused.Reason, paused.Progress)
	}
	h.tenant.ClearFaults()
	if err := h.campaign.Resume(t.Context(), admin, c.ID); err != nil {
		t.Fatal(err)
	}
	h.until(c.ID, 30*time.Second, func(c campaign.Campaign) bool { return c.State == campaign.Done || c.State == campaign.Paused })
}

func TestOneBlockedColumnDoesNotKeepTheOthersFromBeingEncrypted(t *testing.T) {
	h := newHouse(t, sandbox.Config{Tables: 3, Seed: 1})
	if err := h.tenant.Mutate(sandbox.ContactsDataStore, sandbox.ContactsTable, sandbox.Mutation{Action: sandbox.AddIndex, Index: "ix_ssn", Columns: []string{"ssn"}, ReadOnly: true}); err != nil {
		t.Fatal(err)
	}
	r := campaign.Request{Connection: "default", DatastoreID: sandbox.ContactsDataStore, Target: campaign.Tables, TableIDs: []string{sandbox.ContactsTable}}
	preview, err := h.campaign.Preflight(t.Context(), admin, r)
	if err != nil {
		t.Fatal(err)
	}
	if i := preview.Items[0]; !i.Live || len(i.LeftOut) == 0 || len(i.Columns) == 0 || i.After.Encrypted != len(i.Columns) {
		t.Errorf("preview %+v", i)
	}
	h.work()
	c := h.launch(r)
	done := h.until(c.ID, 20*time.Second, in(campaign.Done))
	if done.Progress.Ended[encryption.Verified] != 1 {
		t.Errorf("progress %+v", done.Progress)
	}
}

func TestWhoMayNotLaunchIsRefusedOnRecord(t *testing.T) {
	h := newHouse(t, sandbox.Config{Tables: 3, Seed: 1})
	officer := access.Caller{UserID: 2, Name: "olga", Role: access.Officer}
	_, err := h.campaign.Launch(t.Context(), officer, campaign.Request{Connection: "default", DatastoreID: store1, Target: campaign.Sensitive})
	if fault.CodeOf(err) != fault.Denied {
		t.Errorf("an officer launches: %v", err)
	}
	entries, err := h.db.AuditPage(t.Context(), audit.Filter{Outcome: string(audit.Denied)}, 0, 10)
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
			h := newHouse(b, sandbox.Config{Tables: 1200, Seed: 3}, cxone.WithRate(limit))
			h.sync()
			if err := h.tenant.Configure(func(s *sandbox.Settings) { s.Rate, s.Burst = limit, burst }); err != nil {
				b.Fatal(err)
			}
			h.work()
			before, started := h.tenant.Stats(), time.Now()
			c := h.launch(campaign.Request{DatastoreID: store1, Target: campaign.Sensitive})
			done := h.until(c.ID, 10*time.Minute, in(campaign.Done))
			took, after := time.Since(started), h.tenant.Stats()
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
	h := newHouse(b, sandbox.Config{Tables: 10_000, Seed: 3}, cxone.WithRate(limit))
	var before, peak runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	started := time.Now()
	h.sync()
	took := time.Since(started)
	runtime.GC()
	runtime.ReadMemStats(&peak)
	requests := 0
	for _, n := range h.tenant.Stats().Requests {
		requests += n
	}
	totals, err := h.db.Totals(b.Context())
	if err != nil || totals.Read < 10_000 {
		b.Fatalf("%d tables read, %v", totals.Read, err)
	}
	b.ReportMetric(took.Seconds()/(float64(requests)/limit), "×limit")
	b.ReportMetric(float64(int64(peak.HeapAlloc)-int64(before.HeapAlloc))/(1<<20), "MiB-grown")
}
