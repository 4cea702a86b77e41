package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"cxseal/cxone"
	"cxseal/cxone/sandbox"
)

// TestManyRunsUseTheTenantsLimitAndNotMore launches 200 runs on 200 tables of a
// tenant that takes 50 requests a second, as a script would, and holds the
// console to the limit: no storm of 429, and no time given away either.
func TestManyRunsUseTheTenantsLimitAndNotMore(t *testing.T) {
	if os.Getenv("CXSEAL_SOAK") == "" {
		t.Skip("200 runs under 50 requests a second take half a minute each: set CXSEAL_SOAK=1")
	}
	for _, burst := range []int{0, 1} {
		t.Run(fmt.Sprintf("burst %d", burst), func(t *testing.T) { // one after the other: they measure time
			limited(t, burst, 200, 50)
		})
	}
}

func limited(t *testing.T, burst, runs int, rate float64) {
	tenant := launchProcess(t, nil, "sandbox", "--addr", "127.0.0.1:0", "--tables", fmt.Sprint(runs+50), "--seed", "3",
		"--rate", fmt.Sprint(rate), "--burst", fmt.Sprint(burst))
	api := tenant.address()
	db := filepath.Join(t.TempDir(), "cxseal.db")
	console := launchProcess(t, []string{"CXSEAL_ADMIN_PASSWORD=" + adminPassword, "CXONE_BASE_URL=" + api,
		"CXONE_CLIENT_ID=" + sandbox.DefaultClientID, "CXONE_CLIENT_SECRET=" + sandbox.DefaultClientSecret,
		"CXONE_REALM=" + sandbox.DefaultRealm, fmt.Sprintf("CXONE_RATE=%g", rate)},
		"serve", "--addr", "127.0.0.1:0", "--db", db)
	admin := signIn(t, console.address(), "admin", adminPassword)
	token := admin.csrf("/")
	targets := openColumns(t, runs)

	before, began := tenantStats(t, api), time.Now()
	for _, target := range targets {
		admin.launch(token, target.ref.DatastoreID, target.ref.ID, nil, target.column)
	}
	tick := time.NewTicker(250 * time.Millisecond) // seldom: what is measured needs the processors
	defer tick.Stop()
	for ask[int](t, db, `SELECT count(*) FROM runs WHERE finished_at IS NOT NULL`) < runs {
		if <-tick.C; time.Since(began) > 2*patience {
			t.Fatalf("the runs did not end within %s", 2*patience)
		}
	}
	took, after := time.Since(began), tenantStats(t, api)

	if n := ask[int](t, db, `SELECT count(*) FROM runs WHERE state = 'verified'`); n != runs {
		t.Errorf("%d of %d runs are verified", n, runs)
	}
	requests, throttled := after.limited()-before.limited(), after.Throttled-before.Throttled
	allowed := time.Duration(float64(requests) / rate * float64(time.Second))
	ratio := took.Seconds() / allowed.Seconds()
	t.Logf("%d runs, %d requests, %d throttled: %.2f s, the limit allows %.2f s: %.3f ×", runs, requests, throttled, took.Seconds(), allowed.Seconds(), ratio)
	if float64(throttled) >= 0.02*float64(requests) {
		t.Errorf("%d of %d requests were throttled, 2 %% is the most", throttled, requests)
	}
	// A tenant without any burst answers 429 to what a busy machine delivers a
	// millisecond early, and each answer asks everyone to pause for a second.
	if ratio > 1.15 && burst != 1 {
		t.Errorf("took %.3f × what the limit allows, 1.15 is the most", ratio)
	}
	for table, n := range after.Commits {
		if n != 1 {
			t.Errorf("%d changes were committed on %s", n, table)
		}
	}
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
