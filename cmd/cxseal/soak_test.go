package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"cxseal/cxone"
	"cxseal/cxone/sandbox"
	"cxseal/internal/console/consoletest"
)

// A soak's runs, and the requests a second that its tenant takes.
const (
	soakRuns = 1000
	soakRate = 50
)

func soak(t *testing.T) {
	t.Helper()
	if os.Getenv("CXSEAL_SOAK") == "" {
		t.Skip("a thousand runs under a rate limit take minutes, and are measured on a quiet machine: set CXSEAL_SOAK=1")
	}
}

// TestManyRunsUseTheTenantsLimitAndNotMore makes 1,000 runs on 1,000 tables of a
// tenant that takes 50 requests a second, launched one by one as a script would
// and as one campaign, and holds the console to the limit: no storm of 429, and
// no time given away either.
func TestManyRunsUseTheTenantsLimitAndNotMore(t *testing.T) {
	soak(t)
	for _, burst := range []int{0, 1} { // one after the other: they measure time
		t.Run(fmt.Sprintf("a script, burst %d", burst), func(t *testing.T) { byScript(t, burst) })
		t.Run(fmt.Sprintf("a campaign, burst %d", burst), func(t *testing.T) { byCampaign(t, burst) })
	}
}

func byScript(t *testing.T, burst int) {
	h := soakConsole{t: t, db: filepath.Join(t.TempDir(), "cxseal.db")}
	h.tenant = soakTenant(t, soakRuns+50, soakRate, burst)
	admin := h.serve(soakRate)
	targets := openColumns(t, soakRuns)
	h.measure(`SELECT count(*) FROM runs WHERE finished_at IS NOT NULL`, soakRuns, func() {
		for _, target := range targets {
			launchRun(admin, target.ref.DatastoreID, target.ref.ID, nil, target.column)
		}
	})
}

// byCampaign encrypts every sensitive column of one data store. The tenant
// spreads its tables over eight, and the console has read them all before.
func byCampaign(t *testing.T, burst int) {
	h := soakConsole{t: t, db: filepath.Join(t.TempDir(), "cxseal.db")}
	h.tenant = soakTenant(t, 8*soakRuns, 0, 0)
	h.serve(0)
	h.awaitSync()
	h.process.stop()
	h.limitTenant(soakRate, burst)
	admin := h.serve(soakRate)
	h.measure(`SELECT count(*) FROM campaigns WHERE state = 'done'`, 1, func() {
		form := url.Values{"connection": {"default"}, "datastore_id": {"ds-retail"}, "target": {"sensitive"}, "interval_days": {"90"}}
		if a := admin.Submit("/account", "/campaigns", form); a.Status != http.StatusSeeOther {
			t.Fatalf("POST /campaigns answered %d:\n%.2000s", a.Status, a.Body)
		}
	})
}

// soakConsole is a console and its tenant, each a process of its own.
type soakConsole struct {
	t       *testing.T
	tenant  string // its address
	db      string
	process *process
}

func soakTenant(t *testing.T, tables int, rate float64, burst int) string {
	return launchProcess(t, nil, "sandbox", "--addr", "127.0.0.1:0", "--tables", fmt.Sprint(tables), "--seed", "3",
		"--rate", fmt.Sprint(rate), "--burst", fmt.Sprint(burst)).address()
}

// serve starts the console, sends the tenant so many requests a second at the
// most (0: no limit), and returns an admin's browser.
func (h *soakConsole) serve(rate float64) (admin *consoletest.Browser) {
	h.t.Helper()
	h.process = launchProcess(h.t, []string{"CXSEAL_ADMIN_PASSWORD=" + adminPassword, "CXONE_BASE_URL=" + h.tenant,
		"CXONE_CLIENT_ID=" + sandbox.DefaultClientID, "CXONE_CLIENT_SECRET=" + sandbox.DefaultClientSecret,
		"CXONE_REALM=" + sandbox.DefaultRealm, fmt.Sprintf("CXONE_RATE=%g", rate)},
		"serve", "--addr", "127.0.0.1:0", "--db", h.db)
	return signIn(h.t, h.process.address(), "admin", adminPassword)
}

// awaitSync waits until every table was read once.
func (h *soakConsole) awaitSync() {
	h.t.Helper()
	h.await(5*time.Minute, `SELECT count(*) FROM jobs WHERE name = 'inventory' AND finished_at IS NOT NULL`, 1)
}

// await waits until the query answers n. It asks seldom: what is measured
// needs the processors.
func (h *soakConsole) await(most time.Duration, query string, n int) {
	h.t.Helper()
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for began := time.Now(); ask[int](h.t, h.db, query) < n; {
		if <-tick.C; time.Since(began) > most {
			h.t.Fatalf("%s: not %d within %s", query, n, most)
		}
	}
}

func (h *soakConsole) limitTenant(rate float64, burst int) {
	h.t.Helper()
	body := strings.NewReader(fmt.Sprintf(`{"rate": %g, "burst": %d}`, rate, burst))
	resp, err := http.Post(h.tenant+"/_sandbox/settings", "application/json", body)
	if err != nil || resp.StatusCode != http.StatusOK {
		h.t.Fatalf("limiting the tenant: %v %v", resp, err)
	}
	resp.Body.Close() //nolint:errcheck // not read
}

// measure launches the runs, waits until the query answers n, and compares the
// time with what the tenant's limit makes of the requests that were sent.
func (h *soakConsole) measure(query string, n int, launch func()) {
	t := h.t
	t.Helper()
	before, began := tenantStats(t, h.tenant), time.Now()
	launch()
	h.await(5*time.Minute, query, n)
	took, after := time.Since(began), tenantStats(t, h.tenant)

	if n := ask[int](t, h.db, `SELECT count(*) FROM runs WHERE state = 'verified'`); n != soakRuns {
		t.Errorf("%d of %d runs are verified", n, soakRuns)
	}
	requests, throttled := after.limited()-before.limited(), after.Throttled-before.Throttled
	allowed := time.Duration(float64(requests) / soakRate * float64(time.Second))
	ratio := took.Seconds() / allowed.Seconds()
	t.Logf("%d runs, %d requests, %d throttled (%.2f %%): %.2f s, the limit allows %.2f s: %.3f ×", soakRuns, requests, throttled,
		100*float64(throttled)/float64(requests), took.Seconds(), allowed.Seconds(), ratio)
	if float64(throttled) >= 0.01*float64(requests) {
		t.Errorf("%d of %d requests were throttled, 1 %% is the most", throttled, requests)
	}
	if ratio > 1.08 {
		t.Errorf("took %.3f × what the limit allows, 1.08 is the most", ratio)
	}
	for table, n := range after.Commits {
		if n != 1 {
			t.Errorf("%d changes were committed on %s", n, table)
		}
	}
}

// TestManyRunsStartAsSoonAsAWorkerIsFree launches runs one by one, each when the
// one before has ended: none should wait for a poll. What is measured is from
// the request, before it is stored, to the run's first step in a worker's hands.
func TestManyRunsStartAsSoonAsAWorkerIsFree(t *testing.T) {
	soak(t)
	const runs = 500
	h := soakConsole{t: t, db: filepath.Join(t.TempDir(), "cxseal.db")}
	h.tenant = soakTenant(t, runs+50, 0, 0)
	admin := h.serve(0)
	h.awaitSync()
	for _, target := range openColumns(t, runs) {
		id := launchRun(admin, target.ref.DatastoreID, target.ref.ID, nil, target.column)
		eventually(t, "the run to end", func() bool {
			return ask[int](t, h.db, `SELECT count(*) FROM runs WHERE id = ? AND finished_at IS NOT NULL`, id) == 1
		})
	}
	waits := startWaits(t, h.db)
	if len(waits) != runs {
		t.Fatalf("%d of %d runs started", len(waits), runs)
	}
	at := func(share float64) time.Duration { return waits[int(share*float64(len(waits)-1))] }
	t.Logf("%d runs, from request to start: p50 %s, p95 %s, p99 %s, longest %s", runs, at(0.5), at(0.95), at(0.99), at(1))
	if at(0.99) > 20*time.Millisecond {
		t.Errorf("p99 is %s, 20 ms is the most", at(0.99))
	}
}

// startWaits are how long the runs waited from the request to their first
// step, shortest first.
func startWaits(t *testing.T, file string) (waits []time.Duration) {
	t.Helper()
	list := ask[string](t, file, `SELECT coalesce(group_concat(wait), '') FROM (SELECT e.at - r.requested_at AS wait
		FROM runs r JOIN run_events e ON e.run_id = r.id AND e.state = 'checking' ORDER BY wait)`)
	for text := range strings.SplitSeq(list, ",") {
		micros, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		waits = append(waits, time.Duration(micros)*time.Microsecond)
	}
	slices.Sort(waits)
	return waits
}

type target struct {
	ref    cxone.TableRef
	column string
}

// openColumns names a column that can be encrypted in each of n tables: the
// same seed makes the same tables here as in the other process.
func openColumns(t *testing.T, n int) []target {
	t.Helper()
	twin := sandbox.New(sandbox.Config{Tables: n + 50, Seed: 3})
	defer twin.Close()
	var found []target
	for _, ref := range twin.Tables() {
		table, indexes, _ := twin.Table(ref.DatastoreID, ref.ID)
		i := slices.IndexFunc(table.Columns, func(c cxone.Column) bool {
			return !c.Encrypted && c.Type == "string" && !slices.ContainsFunc(indexes, func(ix cxone.Index) bool { return slices.Contains(ix.Columns, c.Name) })
		})
		if i >= 0 && len(found) < n {
			found = append(found, target{ref, table.Columns[i].Name})
		}
	}
	if len(found) < n {
		t.Fatalf("only %d tables have a column to encrypt", len(found))
	}
	return found
}

type stats struct{ sandbox.Stats }

func tenantStats(t *testing.T, api string) (s stats) {
	t.Helper()
	resp, err := http.Get(api + "/_sandbox/stats")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // read only
	if err := json.NewDecoder(resp.Body).Decode(&s.Stats); err != nil {
		t.Fatal(err)
	}
	return s
}

// limited counts the requests that the limit counts: all but the token's.
func (s stats) limited() (n int) {
	for endpoint, count := range s.Requests {
		if endpoint != sandbox.EndpointToken {
			n += count
		}
	}
	return n
}
