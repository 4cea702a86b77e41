package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"cxseal/cxone/sandbox"
	"cxseal/internal/audit"
	"cxseal/internal/console/consoletest"
)

// hold is a point at which requests wait until the test lets them go on.
type hold struct {
	reached chan struct{} // closed when the first request stands here
	open    chan struct{} // closed to let them all go
	once    sync.Once
	drop    bool // they are cut off instead
}

func newHold() *hold { return &hold{reached: make(chan struct{}), open: make(chan struct{})} }

// stand waits; false means that the request is to be cut off.
func (h *hold) stand() bool {
	if h == nil {
		return true
	}
	h.once.Do(func() { close(h.reached) })
	<-h.open
	return !h.drop
}

func (h *hold) await(t *testing.T, what string) {
	t.Helper()
	select {
	case <-h.reached:
	case <-time.After(patience):
		t.Fatalf("waited %s for %s", patience, what)
	}
}

// crash is one console that is going to be killed, and the tenant that stays.
type crash struct {
	t      *testing.T
	tenant *sandbox.Sandbox
	url    string
	db     string
	addr   string
	proc   *process
	admin  *consoletest.Browser // signed in at first, and as long as the session lives

	rotates int64 // the key version that launch rotates; 0: it encrypts

	mu           sync.Mutex
	table        *hold // before a table is read
	before       *hold // before the PATCH reaches the tenant
	after        *hold // after its commit, before the answer
	callback     *hold // before a callback is sent
	retry        *hold // before one is sent again
	callbackSent func()
}

func (c *crash) set(point **hold, h *hold) *hold {
	c.mu.Lock()
	defer c.mu.Unlock()
	*point = h
	return h
}

func (c *crash) at(point **hold) *hold {
	c.mu.Lock()
	defer c.mu.Unlock()
	return *point
}

// ServeHTTP stands before the tenant and holds what is to be held.
func (c *crash) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method == http.MethodPatch:
		if !c.at(&c.before).stand() {
			panic(http.ErrAbortHandler)
		}
		kept := httptest.NewRecorder()
		c.tenant.ServeHTTP(kept, r)
		c.at(&c.after).stand()
		for name, values := range kept.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(kept.Code)
		_, _ = w.Write(kept.Body.Bytes())
		return
	case strings.Contains(r.URL.Path, "/tables/"):
		c.at(&c.table).stand()
	}
	c.tenant.ServeHTTP(w, r)
}

// RoundTrip stands between the tenant and the console's callback URL.
func (c *crash) RoundTrip(r *http.Request) (*http.Response, error) {
	c.at(&c.callback).stand()
	c.mu.Lock()
	sent := c.callbackSent
	c.callbackSent = nil
	c.mu.Unlock()
	if sent != nil {
		r = r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
			WroteRequest: func(httptrace.WroteRequestInfo) { sent() }}))
	}
	return http.DefaultTransport.RoundTrip(r)
}

func newCrash(t *testing.T, inline bool) *crash {
	t.Helper()
	c := &crash{t: t, db: filepath.Join(t.TempDir(), "cxseal.db"), addr: freeAddress(t)}
	c.tenant = sandbox.New(sandbox.Config{Tables: 2, Inline: inline, Callbacks: &http.Client{Transport: c},
		After: func(time.Duration) <-chan time.Time {
			c.at(&c.retry).stand()
			return time.After(20 * time.Millisecond)
		}})
	api := httptest.NewServer(c)
	c.url = api.URL
	t.Cleanup(api.Close)
	t.Cleanup(c.tenant.Close)
	t.Cleanup(func() { // what still stands goes on, so that the two above can end
		for _, point := range []**hold{&c.table, &c.before, &c.after, &c.callback, &c.retry} {
			if h := c.at(point); h != nil {
				c.release(h)
			}
		}
	})
	c.start()
	c.admin = signIn(t, "http://"+c.addr, "admin", adminPassword)
	return c
}

func (c *crash) release(h *hold) {
	select {
	case <-h.open:
	default:
		close(h.open)
	}
}

func (c *crash) settings() []string {
	return []string{"CXSEAL_ADMIN_PASSWORD=" + adminPassword, "CXONE_BASE_URL=" + c.url,
		"CXONE_CLIENT_ID=" + sandbox.DefaultClientID, "CXONE_CLIENT_SECRET=" + sandbox.DefaultClientSecret,
		"CXONE_REALM=" + sandbox.DefaultRealm, "CXONE_RATE=0"}
}

func (c *crash) start() {
	c.t.Helper()
	c.proc = launchProcess(c.t, c.settings(), "serve", "--addr", c.addr, "--db", c.db)
	c.proc.says("serving on")
}

func (c *crash) launch(more url.Values) string {
	c.t.Helper()
	if c.rotates != 0 {
		rotation := url.Values{"operation": {string(audit.KeyRotation)}}
		maps.Copy(rotation, more)
		more = rotation
	}
	return launchRun(c.admin, "ds-customers", "tbl-contacts", more, "ssn", "credit_card")
}

// encryptFirst has the columns encrypted by a run that nothing disturbs, so that
// the next launch is a rotation of their key.
func (c *crash) encryptFirst() {
	c.t.Helper()
	c.awaitState(c.launch(nil), "verified")
	versions := c.keyVersions()
	if versions["ssn"] == 0 || versions["ssn"] != versions["credit_card"] {
		c.t.Fatalf("the key versions before the rotation: %v", versions)
	}
	c.rotates = versions["ssn"]
}

// keyVersions are the tenant's own, whatever it shows of them.
func (c *crash) keyVersions() map[string]int64 {
	c.t.Helper()
	table, _, ok := c.tenant.Table("ds-customers", "tbl-contacts")
	if !ok {
		c.t.Fatal("the tenant has lost its table")
	}
	versions := map[string]int64{}
	for _, column := range table.Columns {
		if column.Encrypted {
			versions[column.Name] = column.KeyVersion()
		}
	}
	return versions
}

func (c *crash) state(run string) string {
	c.t.Helper()
	return ask[string](c.t, c.db, `SELECT state FROM runs WHERE id = ?`, run)
}

func (c *crash) awaitState(run, want string) {
	c.t.Helper()
	eventually(c.t, "the run to be "+want, func() bool {
		now := c.state(run)
		if now != want && (now == "failed" || now == "rejected" || now == "unconfirmed") {
			c.t.Fatalf("the run is %s: %s", now, ask[string](c.t, c.db, `SELECT error_message FROM runs WHERE id = ?`, run))
		}
		return now == want
	})
}

// mustBe makes sure that the kill struck where it was meant to.
func (c *crash) mustBe(run, state string) {
	c.t.Helper()
	if now := c.state(run); now != state {
		c.t.Fatalf("the run was %s when the console was killed, the test wants %s", now, state)
	}
}

// moments are the states of a run in which the console is killed. Each brings
// its run there, kills, and starts the console again.
var moments = []struct {
	name          string
	async, inline bool // for which kinds of tenants there is such a moment
	rotation      bool // a rotation is killed there too
	kill          func(c *crash) (run string)
}{
	{"queued", true, true, false, func(c *crash) string {
		run := c.launch(url.Values{"start_at": {time.Now().Add(2 * time.Second).UTC().Format(time.RFC3339Nano)}})
		c.proc.kill()
		c.mustBe(run, "queued")
		c.start()
		return run
	}},
	{"checking", true, true, false, func(c *crash) string {
		h := c.set(&c.table, newHold())
		run := c.launch(nil)
		c.awaitState(run, "checking")
		c.proc.kill()
		c.mustBe(run, "checking")
		c.release(h)
		c.start()
		return run
	}},
	{"patching, the request is lost", true, true, true, func(c *crash) string {
		h := c.set(&c.before, newHold())
		h.drop = true
		run := c.launch(nil)
		h.await(c.t, "the PATCH")
		c.proc.kill()
		c.mustBe(run, "patching")
		c.set(&c.before, nil)
		c.release(h)
		c.start()
		return run
	}},
	{"patching, the tenant is at work", true, true, false, func(c *crash) string {
		c.tenant.Fail(sandbox.Fault{Kind: sandbox.FaultLatency, Endpoint: sandbox.EndpointEncrypt, LatencyMs: 3000})
		run := c.launch(nil)
		eventually(c.t, "the tenant to be at work", func() bool { return c.tenant.Stats().UnderWay == 1 })
		c.proc.kill()
		c.mustBe(run, "patching")
		if c.tenant.Stats().Commits["ds-customers/tbl-contacts"] != 0 {
			c.t.Fatal("the tenant had committed already")
		}
		c.start()
		return run
	}},
	{"patching, committed, the answer is lost", true, true, true, func(c *crash) string {
		answer, callback := c.set(&c.after, newHold()), c.set(&c.callback, newHold())
		run := c.launch(nil)
		answer.await(c.t, "the commit")
		c.proc.kill()
		c.mustBe(run, "patching")
		c.set(&c.after, nil)
		c.release(answer)
		c.start()
		c.release(callback)
		return run
	}},
	{"patching, the callback was faster than the answer", true, false, false, func(c *crash) string {
		answer := c.set(&c.after, newHold())
		run := c.launch(nil)
		answer.await(c.t, "the commit")
		eventually(c.t, "the callback to be kept", func() bool {
			return ask[int](c.t, c.db, `SELECT count(*) FROM verifications WHERE run_id = ?`, run) == 1
		})
		c.proc.kill()
		c.mustBe(run, "patching")
		c.set(&c.after, nil)
		c.release(answer)
		c.start()
		return run
	}},
	{"verifying, the callback comes after the restart", true, false, true, func(c *crash) string {
		callback := c.set(&c.callback, newHold())
		run := c.launch(nil)
		c.awaitState(run, "verifying")
		c.proc.kill()
		c.mustBe(run, "verifying")
		c.start()
		c.release(callback)
		return run
	}},
	{"verifying, the tenant makes the change after the restart", true, false, true, func(c *crash) string {
		c.tenant.Fail(sandbox.Fault{Kind: sandbox.FaultAccepted, LatencyMs: 3000})
		before := c.tenant.Stats().Commits["ds-customers/tbl-contacts"]
		run := c.launch(nil)
		c.awaitState(run, "verifying")
		c.proc.kill()
		c.mustBe(run, "verifying")
		if c.tenant.Stats().Commits["ds-customers/tbl-contacts"] != before {
			c.t.Fatal("the tenant had committed already")
		}
		c.start()
		return run
	}},
	{"verifying, the callback comes while nobody listens", true, false, false, func(c *crash) string {
		callback, retry := c.set(&c.callback, newHold()), c.set(&c.retry, newHold())
		run := c.launch(nil)
		c.awaitState(run, "verifying")
		c.proc.kill()
		c.mustBe(run, "verifying")
		c.release(callback)
		retry.await(c.t, "the callback to fail")
		c.start()
		c.release(retry)
		return run
	}},
}

// twice is a rotation on a tenant where only a callback tells that it was made,
// killed a second time: when the tenant was asked again, and made the change.
func twice(c *crash) string {
	lost, callback := c.set(&c.before, newHold()), c.set(&c.callback, newHold())
	lost.drop = true
	run := c.launch(nil)
	lost.await(c.t, "the PATCH")
	c.proc.kill()
	c.mustBe(run, "patching")
	c.set(&c.before, nil)
	answer := c.set(&c.after, newHold())
	c.release(lost)
	c.start()
	answer.await(c.t, "the commit")
	c.proc.kill()
	c.mustBe(run, "verifying")
	c.set(&c.after, nil)
	c.release(answer)
	c.start()
	c.release(callback)
	return run
}

// killed is what is going on when the console is killed. Where a key is
// rotated, the columns are encrypted before and after: only the key version
// tells whether it was done; where that is hidden the idempotency key; and where
// the tenant forgets that, the callback.
var killed = []struct {
	name                            string
	inline, rotates, hidden, forget bool
}{
	{name: "async"},
	{name: "inline", inline: true},
	{name: "async rotation", rotates: true},
	{name: "inline rotation", inline: true, rotates: true},
	{name: "async rotation, the key version is hidden", rotates: true, hidden: true},
	{name: "async rotation, only the callback tells", rotates: true, hidden: true, forget: true},
}

// TestKillLosesNothingAndDoesNothingTwice kills a real console with SIGKILL
// in every state of a run and starts it again.
func TestKillLosesNothingAndDoesNothingTwice(t *testing.T) {
	for _, k := range killed {
		for _, m := range moments {
			if k.inline && !m.inline || !k.inline && !m.async || k.rotates && !m.rotation {
				continue
			}
			t.Run(k.name+"/"+m.name, func(t *testing.T) {
				t.Parallel()
				c := newCrash(t, k.inline)
				c.configure(k.hidden, k.forget)
				if k.rotates {
					c.encryptFirst()
				}
				run := m.kill(c)
				c.awaitState(run, "verified")
				c.proc.stop()
				c.mustBeWhole("ds-customers/tbl-contacts", run)
			})
		}
	}
	t.Run("async rotation, only the callback tells/killed again when the tenant was asked again", func(t *testing.T) {
		t.Parallel()
		c := newCrash(t, false)
		c.configure(true, true)
		c.encryptFirst()
		run := twice(c)
		c.awaitState(run, "verified")
		c.proc.stop()
		c.mustBeWhole("ds-customers/tbl-contacts", run)
	})
}

// configure has the tenant hide its key versions, or forget idempotency keys.
func (c *crash) configure(hidden, forget bool) {
	c.t.Helper()
	if err := c.tenant.Configure(func(s *sandbox.Settings) { s.HideEncryption, s.NoReplay = hidden, forget }); err != nil {
		c.t.Fatal(err)
	}
}

func kindOf(inline bool) string {
	if inline {
		return "inline"
	}
	return "async"
}

// TestKillInTheFinalCommitLosesNothingAndDoesNothingTwice kills around the
// moment in which the verdict, the record and the state are committed: at
// several distances from the message that brings the verdict.
func TestKillInTheFinalCommitLosesNothingAndDoesNothingTwice(t *testing.T) {
	for _, inline := range []bool{false, true} {
		for _, distance := range []time.Duration{0, time.Millisecond, 2 * time.Millisecond, 4 * time.Millisecond} {
			t.Run(kindOf(inline)+"/"+distance.String(), func(t *testing.T) {
				t.Parallel()
				c := newCrash(t, inline)
				retry := c.set(&c.retry, newHold()) // the tenant waits longer than a restart takes
				strike := make(chan struct{})
				verdict := func() { time.AfterFunc(distance, func() { close(strike) }) }
				var answer *hold
				if inline {
					answer = c.set(&c.after, newHold())
				} else {
					c.mu.Lock()
					c.callbackSent = verdict
					c.mu.Unlock()
				}
				run := c.launch(nil)
				if inline {
					answer.await(t, "the commit")
					c.set(&c.after, nil)
					c.release(answer)
					verdict()
				}
				select {
				case <-strike:
				case <-time.After(patience):
					t.Fatal("no verdict was sent")
				}
				c.proc.kill()
				t.Logf("killed %s after the verdict was sent: the run was %s", distance, c.state(run))
				c.start()
				c.release(retry)
				c.awaitState(run, "verified")
				c.proc.stop()
				c.mustBeWhole("ds-customers/tbl-contacts", run)
			})
		}
	}
}

// mustBeWhole holds a finished run against the promise: one change at the
// tenant, which moves the key one version on, one record of the request and one of
// the end, a log that verifies.
func (c *crash) mustBeWhole(table, run string) {
	c.t.Helper()
	commits, operation := 1, audit.ColumnEncryption
	want := map[string]int{"RUN_REQUESTED SUCCESS": 1}
	if c.rotates != 0 {
		commits, operation = 2, audit.KeyRotation
		want["ROTATION_OBSERVED SUCCESS"] = 2 // one for each column
	}
	want[string(operation)+" SUCCESS"] = 1
	if n := c.tenant.Stats().Commits[table]; n != commits {
		c.t.Errorf("the tenant committed %d changes of %s, want %d", n, table, commits)
	}
	if got, want := c.keyVersions(), map[string]int64{"ssn": c.rotates + 1, "credit_card": c.rotates + 1}; !maps.Equal(got, want) {
		c.t.Errorf("the tenant's key versions: %v, want %v", got, want)
	}
	if out := command(c.t, nil, "verify", "--db", c.db); out.code != 0 {
		c.t.Errorf("verify exits %d:\n%s%s", out.code, out.stdout, out.stderr)
	}
	out := command(c.t, nil, "export", "--format", "jsonl", "--run-id", run, "--db", c.db)
	if out.code != 0 {
		c.t.Fatalf("export exits %d: %s", out.code, out.stderr)
	}
	counts := map[string]int{}
	for line := range strings.Lines(out.stdout) {
		var r struct {
			Operation audit.Operation
			Outcome   audit.Outcome
			Metrics   *struct{ CoverageRate float64 }
			KMS       *struct{ KeyVersion int64 }
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			c.t.Fatal(err)
		}
		counts[string(r.Operation)+" "+string(r.Outcome)]++
		if r.Operation == operation && (r.Metrics == nil || r.Metrics.CoverageRate <= 0) {
			c.t.Errorf("the final record has no coverage: %s", line)
		}
		if r.Operation == operation && (r.KMS == nil || r.KMS.KeyVersion != c.rotates+1) {
			c.t.Errorf("the final record does not name the key version %d: %s", c.rotates+1, line)
		}
	}
	callbacks := counts["KMS_CALLBACK SUCCESS"]
	delete(counts, "KMS_CALLBACK SUCCESS")
	if fmt.Sprint(counts) != fmt.Sprint(want) {
		c.t.Errorf("records of the run: %v, want %v and callbacks", counts, want)
	}
	if inline := c.tenant.Settings().Inline; inline && callbacks != 0 || !inline && callbacks == 0 {
		c.t.Errorf("%d callbacks on record from a tenant with inline=%v", callbacks, inline)
	}
}

// TestAStopWhileStartingIsNotReportedAsAFailure stops consoles as soon as they
// serve: an exit code other than 0 would raise an alarm in a service manager.
func TestAStopWhileStartingIsNotReportedAsAFailure(t *testing.T) {
	for range 5 {
		p := launchProcess(t, nil, "serve", "--addr", "127.0.0.1:0", "--db", filepath.Join(t.TempDir(), "cxseal.db"))
		p.says("serving on")
		p.stop()
	}
}

// TestAnInterruptedCommandIsTakenUpByTheConsole presses Ctrl-C while encrypt has
// a change on its way, and starts a console on the same database.
func TestAnInterruptedCommandIsTakenUpByTheConsole(t *testing.T) {
	t.Parallel()
	c := newCrash(t, false)
	c.proc.stop()
	before := c.set(&c.before, newHold())
	before.drop = true
	encrypt := launchProcess(t, c.settings(), "encrypt", "--addr", c.addr, "--db", c.db,
		"--datastore", "ds-customers", "--table", "tbl-contacts", "--columns", "ssn,credit_card")
	before.await(t, "the PATCH")
	run := ask[string](t, c.db, `SELECT id FROM runs`)
	c.mustBe(run, "patching")
	if err := encrypt.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if said := encrypt.says("Interrupted"); !strings.Contains(said, run) || !strings.HasPrefix(said, `{"success":false`) {
		t.Errorf("encrypt says %s", said)
	}
	<-encrypt.done
	if code := encrypt.cmd.ProcessState.ExitCode(); code != exitFailed {
		t.Errorf("encrypt exits %d, want %d", code, exitFailed)
	}
	c.set(&c.before, nil)
	c.release(before)
	c.start()
	c.awaitState(run, "verified")
	c.proc.stop()
	c.mustBeWhole("ds-customers/tbl-contacts", run)
}
