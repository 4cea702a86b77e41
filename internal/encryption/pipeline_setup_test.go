package encryption_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"cxseal/cxone"
	"cxseal/cxone/sandbox"
	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/encryption"
	"cxseal/internal/fault"
	"cxseal/internal/inventory"
	"cxseal/internal/rotation"
	"cxseal/store"
)

var ledgerFilter rotation.Filter // everything

var admin = access.Caller{UserID: 1, Name: "admin", Role: access.Admin, IP: "127.0.0.1"}

// pipeline is the service and its runner with real parts: a database file, the
// sandbox over HTTP and a callback URL that the sandbox can reach. It is less than
// a console so that a test can stop and start the runner, change the connection
// and set the runner's delays.
type pipeline struct {
	*encryption.Service
	t       *testing.T
	store   *store.Store
	tenant  *sandbox.Sandbox
	conn    *encryption.Connection
	runner  *encryption.Runner
	options encryption.RunnerOptions
	hook    string       // the callback URL's setting, without a token
	ahead   atomic.Int64 // nanoseconds by which the clock is ahead of real time
}

func (p *pipeline) now() time.Time { return time.Now().Add(time.Duration(p.ahead.Load())) }

func (p *pipeline) Connection(name string) (*encryption.Connection, error) {
	if name != "default" {
		return nil, fault.New(fault.NotFound, "There is no connection %q.", name)
	}
	return p.conn, nil
}

func (p *pipeline) Names() []string { return []string{"default"} }

func newPipeline(t *testing.T, cfg sandbox.Config) *pipeline {
	t.Helper()
	p := &pipeline{t: t, options: encryption.RunnerOptions{Backoff: time.Millisecond, Poll: 20 * time.Millisecond, Grace: 50 * time.Millisecond, Look: 10 * time.Millisecond}}
	if cfg.After == nil {
		cfg.After = func(time.Duration) <-chan time.Time { return time.After(time.Millisecond) }
	}
	cfg.Now = p.now
	var err error
	p.store, err = store.Open(t.Context(), filepath.Join(t.TempDir(), "cxseal.db"), store.Options{Now: p.now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.store.Close(); err != nil {
			t.Error(err)
		}
	})
	p.tenant = sandbox.New(cfg)
	api := httptest.NewServer(http.StripPrefix("/tenant", p.tenant))
	t.Cleanup(api.Close)
	t.Cleanup(p.tenant.Close)

	client, err := cxone.New(cxone.ClientCredentials(cxone.ClientCredentialsConfig{
		BaseURL: api.URL + "/tenant", ClientID: sandbox.DefaultClientID, ClientSecret: sandbox.DefaultClientSecret, Realm: sandbox.DefaultRealm,
	}), cxone.WithBackoff(time.Millisecond, 2*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	callbacks := httptest.NewServer(http.HandlerFunc(p.callback))
	t.Cleanup(callbacks.Close)
	p.hook = callbacks.URL + "/kms/callback"
	p.conn = &encryption.Connection{Name: "default", Tenant: client, CallbackURL: p.hook,
		CallbackDeadline: time.Minute, Concurrency: 4, Redact: client.Redact}
	if cfg.KMSSecret != "" {
		p.conn.KMSSecrets = []string{cfg.KMSSecret}
	}
	p.Service = p.newService()
	return p
}

func (p *pipeline) newService() *encryption.Service {
	return encryption.NewService(p.store, p, p.now, slog.New(slog.NewTextHandler(p.t.Output(), nil)))
}

// callback answers the KMS: it reads a request and hands it to the service, as
// package handlers/runs does.
func (p *pipeline) callback(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(io.LimitReader(r.Body, encryption.MaxCallbackBody+1))
	answer, err := p.Confirm(r.Context(), encryption.CallbackRequest{
		Token: filepath.Base(r.URL.Path), ID: r.Header.Get("webhook-id"), Timestamp: r.Header.Get("webhook-timestamp"),
		Signature: r.Header.Get("webhook-signature"), Body: body, Oversized: len(body) > encryption.MaxCallbackBody, RemoteIP: "127.0.0.1",
	})
	if errors.Is(err, context.Canceled) {
		return // the tenant has ended with its test, and hung up
	}
	if err != nil {
		p.t.Errorf("callback: %v", err)
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.WriteHeader(answer.Status)
	w.Write(answer.Body)
}

func (p *pipeline) start() {
	p.t.Helper()
	p.runner = encryption.NewRunner(p.Service, p.options)
	if err := p.runner.Start(context.Background()); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(p.stop)
}

func (p *pipeline) stop() {
	if p.runner == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := p.runner.Stop(ctx); err != nil {
		p.t.Error(err)
	}
	p.runner = nil
}

const confirmation = `{"tableId":"tbl-contacts","columns":["ssn"],"keyVersion":1,"complianceCheck":{"algorithm":"AES-256-GCM"}}`

// confirm sends a good confirmation of a run on ssn, signed when there is a
// secret.
func (p *pipeline) confirm(run encryption.Run) encryption.CallbackAnswer {
	p.t.Helper()
	return p.send(run, "msg_1", confirmation)
}

// confirmVersion is confirm for a run that brought this key version.
func (p *pipeline) confirmVersion(run encryption.Run, version int64) encryption.CallbackAnswer {
	p.t.Helper()
	return p.send(run, "msg_1", strings.Replace(confirmation, `"keyVersion":1`, fmt.Sprintf(`"keyVersion":%d`, version), 1))
}

func (p *pipeline) send(run encryption.Run, id, body string) encryption.CallbackAnswer {
	p.t.Helper()
	request := encryption.CallbackRequest{Token: run.CallbackToken, ID: id, Body: []byte(body)}
	if len(p.conn.KMSSecrets) > 0 {
		hook, err := standardwebhooks.NewWebhook(p.conn.KMSSecrets[0])
		if err != nil {
			p.t.Fatal(err)
		}
		request.Timestamp = strconv.FormatInt(p.now().Unix(), 10)
		if request.Signature, err = hook.Sign(request.ID, p.now(), request.Body); err != nil {
			p.t.Fatal(err)
		}
	}
	answer, err := p.Confirm(p.t.Context(), request)
	if err != nil {
		p.t.Fatal(err)
	}
	return answer
}

func requestFor(columns ...string) encryption.Request {
	return encryption.Request{Connection: "default", DatastoreID: "ds-customers", TableID: "tbl-contacts", Columns: columns}
}

func (p *pipeline) launch(r encryption.Request) encryption.Run {
	p.t.Helper()
	run, err := p.Launch(p.t.Context(), admin, r)
	if err != nil {
		p.t.Fatal(err)
	}
	return run
}

// until waits for the run to satisfy the condition. It looks whenever the service
// says that the run has moved, and every 20 ms.
func (p *pipeline) until(id, what string, ok func(encryption.Run) bool) encryption.Run {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), 15*time.Second)
	defer cancel()
	moved, stop := p.Watch(id)
	defer stop()
	for {
		run, err := p.store.Run(ctx, id)
		if err != nil {
			p.t.Fatalf("waiting for %s: %v", what, err)
		}
		if ok(run) {
			return run
		}
		select {
		case <-moved:
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			p.t.Fatalf("run is %s (%s), waited for %s", run.State, run.ErrorMessage, what)
		}
	}
}

func (p *pipeline) ended(id string) encryption.Run {
	p.t.Helper()
	return p.until(id, "its end", func(r encryption.Run) bool { return r.State.Ended() })
}

func (p *pipeline) in(id string, state encryption.State) encryption.Run {
	p.t.Helper()
	return p.until(id, string(state), func(r encryption.Run) bool { return r.State == state })
}

// records returns the ledger, oldest first.
func (p *pipeline) records() []audit.Record {
	p.t.Helper()
	var buf recordLines
	if _, err := p.store.ExportJSONL(p.t.Context(), audit.Filter{}, &buf); err != nil {
		p.t.Fatal(err)
	}
	return buf.records(p.t)
}

type recordLines struct{ data []byte }

func (b *recordLines) Write(data []byte) (int, error) {
	b.data = append(b.data, data...)
	return len(data), nil
}

func (b *recordLines) records(t *testing.T) []audit.Record {
	t.Helper()
	var out []audit.Record
	for line := range splitLines(b.data) {
		var r audit.Record
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
	return out
}

// final returns the one audit record that ends the run, and fails unless there is
// exactly one.
func (p *pipeline) final(run encryption.Run) audit.Record {
	p.t.Helper()
	var found []audit.Record
	for _, r := range p.records() {
		if r.RunID == run.ID && r.Operation == run.Operation {
			found = append(found, r)
		}
	}
	if len(found) != 1 {
		p.t.Fatalf("%d records end the run, want 1: %+v", len(found), found)
	}
	return found[0]
}

// commits is how many changes the tenant made to the table.
func (p *pipeline) commits() int { return p.tenant.Stats().Commits["ds-customers/tbl-contacts"] }

// Tenant is the connection for the inventory.
func (p *pipeline) Tenant(string) (inventory.Tenant, error) {
	return p.conn.Tenant.(inventory.Tenant), nil
}

func (p *pipeline) inventory() *inventory.Service {
	return inventory.NewService(p.store, p, p.now, slog.New(slog.NewTextHandler(p.t.Output(), nil)))
}

// wantNoDrift reads the table as the inventory does, and fails if the ledger has a
// drift or a failure for what a run did.
func (p *pipeline) wantNoDrift() {
	p.t.Helper()
	if err := p.inventory().Observe(p.t.Context(), "default", "ds-customers", "tbl-contacts"); err != nil {
		p.t.Fatal(err)
	}
	for _, r := range p.records() {
		if r.Operation == audit.DriftDetected || r.Outcome == audit.Failure {
			p.t.Errorf("the ledger says %s %s: %s", r.Operation, r.Outcome, r.Detail)
		}
	}
}
