package rotation_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"cxseal/internal/access"
	"cxseal/internal/alarm"
	"cxseal/internal/audit"
	"cxseal/internal/connection"
	"cxseal/internal/console"
	"cxseal/internal/encryption"
	"cxseal/internal/inventory"
	"cxseal/internal/rotation"
	"cxseal/store"
)

// childDir is set in the process that is killed: the folder it works in.
const childDir = "CXSEAL_TEST_ROTATION_DIR"

// childTenant is the address of the tenant, for that process.
const childTenant = "CXSEAL_TEST_ROTATION_TENANT"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		if err := work(context.Background(), dir, os.Getenv(childTenant)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// tomorrow is when the keys of the crash test are overdue.
var tomorrow = start.Add(98 * day)

func at98() time.Time { return tomorrow }

// openConsole puts a console together on a database of the folder, at a fixed
// time. Its tenant refuses every request.
func openConsole(ctx context.Context, dir, tenant string) (*console.Console, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	env := &console.Tenant{Settings: connection.Defaults(), Secrets: connection.Secrets{ClientSecret: "secret"}}
	env.BaseURL, env.ClientID, env.Realm, env.Rate = tenant, "client", "realm", 0
	return console.New(ctx, console.Config{DB: filepath.Join(dir, "cxseal.db"), Listener: listener, Tenant: env, NoJobs: true,
		Now: at98, Logger: slog.New(slog.DiscardHandler)})
}

// work is a console's background work, once: scan, runs, deliveries. It says
// when it begins.
func work(ctx context.Context, dir, tenant string) error {
	c, err := openConsole(ctx, dir, tenant)
	if err != nil {
		return err
	}
	fmt.Println("at work")
	for _, step := range []func(context.Context) error{c.Rotations.Tick, c.Alarms.ReadLedger, c.Alarms.Deliver} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return c.Close()
}

const (
	crashTables  = 120 / scale
	crashColumns = 10
)

// prepare makes a database with overdue keys that are ours to rotate, and a
// route for their alarms.
func prepare(t *testing.T, dir, tenant, hook string) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	c, err := openConsole(t.Context(), dir, tenant)
	must(err)
	for i := range crashTables {
		var columns []inventory.Column
		for n := range crashColumns {
			columns = append(columns, inventory.Column{Name: fmt.Sprint("c", n), Type: "string", Encrypted: true, KeyVersion: 1})
		}
		must(c.Store.SaveTable(t.Context(), start, inventory.Table{Connection: "default", DatastoreID: "ds", TableID: fmt.Sprint("t", i), Total: crashColumns, Encrypted: crashColumns, ReadAt: start}, columns))
	}
	rule := rotation.DefaultRule
	rule.AutoRotate = true
	must(c.Store.SavePolicy(t.Context(), rotation.Policy{Rule: rule, UpdatedAt: start}))
	must(c.Alarms.AddRoute(t.Context(), access.Caller{UserID: 1, Name: "admin", Role: access.Admin}, alarm.Route{Name: "hook"},
		alarm.Address{Way: alarm.Webhook, URL: hook, Secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}))
	must(c.Close())
}

// The process is killed (SIGKILL) at random moments of the scan, of launching
// rotation runs and of delivering alarms, and started again until it is
// through.
func TestAKilledConsoleFiresNothingTwiceAndSkipsNothing(t *testing.T) {
	var mu sync.Mutex
	ids := map[string]int{}
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		ids[r.Header.Get("webhook-id")]++
	}))
	defer hook.Close()
	tenant := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }))
	defer tenant.Close()
	dir := t.TempDir()
	prepare(t, dir, tenant.URL, hook.URL)

	kills := 0
	for round := 0; ; round++ {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$") //nolint:gosec // G204: this very test
		cmd.Env = append(os.Environ(), childDir+"="+dir, childTenant+"="+tenant.URL)
		cmd.Stderr = t.Output()
		said, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		_, _ = said.Read(make([]byte, 1)) // until it is at work; an error is Wait's to tell
		killed := make(chan bool, 1)
		timer := time.AfterFunc(time.Duration(5+rand.IntN(150))*time.Millisecond, func() { //nolint:gosec // G404: when to kill is no secret
			killed <- round < 12 && cmd.Process.Kill() == nil
		})
		err = cmd.Wait()
		if !timer.Stop() && <-killed && err != nil {
			kills++
			continue
		}
		if err != nil {
			t.Fatalf("the work failed by itself: %v", err)
		}
		break
	}
	t.Logf("killed %d times", kills)
	if kills == 0 {
		t.Fatal("it was never killed: the test proves nothing")
	}
	again := 0
	for _, n := range ids {
		again += n - 1
	}
	if again > kills {
		t.Errorf("%d messages were repeated after %d kills: at most one is on its way at a time", again, kills)
	}
	compareAfterKills(t, dir, ids)
}

func compareAfterKills(t *testing.T, dir string, ids map[string]int) {
	t.Helper()
	s, err := store.Open(t.Context(), filepath.Join(dir, "cxseal.db"), store.Options{Now: at98})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	y := &organisation{t: t, store: s}
	for key, n := range y.records(audit.RotationOverdue) {
		if n != 1 {
			t.Errorf("%v is on record as overdue %d times", key, n)
		}
	}
	alarms, err := s.Alarms(t.Context(), alarm.RotationOverdue, 0, 1000)
	y.must(err)
	raised := map[string]int{}
	var alarmIDs []int64
	for _, a := range alarms {
		alarmIDs = append(alarmIDs, a.ID)
		for _, c := range a.Columns {
			raised[a.TableID+"."+c]++
		}
	}
	deliveries, err := s.Deliveries(t.Context(), alarmIDs)
	y.must(err)
	for _, d := range deliveries {
		if d.State != alarm.Sent || ids[d.MessageID] == 0 {
			t.Errorf("delivery %d is %s and was received %d times", d.ID, d.State, ids[d.MessageID])
		}
	}
	if len(ids) != len(alarms) || len(deliveries) != len(alarms) {
		t.Errorf("%d alarms, %d deliveries, %d different messages received", len(alarms), len(deliveries), len(ids))
	}
	runs, err := s.Runs(t.Context(), encryption.RunFilter{}, 0, 1000)
	y.must(err)
	rotated := map[string]int{}
	for _, r := range runs {
		for _, c := range r.Columns {
			rotated[r.TableID+"."+c]++
		}
	}
	if len(raised) != crashTables*crashColumns || len(rotated) != crashTables*crashColumns {
		t.Errorf("%d columns with an alarm and %d with a run, want %d", len(raised), len(rotated), crashTables*crashColumns)
	}
	for column, n := range rotated {
		if n != 1 || raised[column] != 1 {
			t.Errorf("%s: %d runs, %d alarms", column, n, raised[column])
		}
	}
}
