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

// house is the pipeline with its real parts: a database file, the sandbox over
// HTTP and a callback URL that the sandbox can reach.
type house struct {
	*encryption.Service
	t       *testing.T
	store   *store.Store
	tenant  *sandbox.Sandbox
	conn    *encryption.Connection
	runner  *encryption.Runner
	options encryption.RunnerOptions
	hook    string // the callback URL's setting
	skew    atomic.Int64
}

func (h *house) now() time.Time { return time.Now().Add(time.Duration(h.skew.Load())) }

func (h *house) Connection(name string) (*encryption.Connection, error) {
	if name != "default" {
		return nil, fault.New(fault.NotFound, "There is no connection %q.", name)
	}
	return h.conn, nil
}

func (h *house) Names() []string { return []string{"default"} }

func newHouse(t *testing.T, cfg sandbox.Config) *house {
	t.Helper()
	h := &house{t: t, options: encryption.RunnerOptions{Backoff: time.Millisecond, Poll: 20 * time.Millisecond, Grace: 50 * time.Millisecond, Look: 10 * time.Millisecond}}
	if cfg.After == nil {
		cfg.After = func(time.Duration) <-chan time.Time { return time.After(time.Millisecond) }
	}
	cfg.Now = h.now
	var err error
	h.store, err = store.Open(t.Context(), filepath.Join(t.TempDir(), "cxseal.db"), store.Options{Now: h.now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.store.Close(); err != nil {
			t.Error(err)
		}
	})
	h.tenant = sandbox.New(cfg)
	api := httptest.NewServer(http.StripPrefix("/tenant", h.tenant))
	t.Cleanup(api.Close)
	t.Cleanup(h.tenant.Close)

	client, err := cxone.New(cxone.ClientCredentials(cxone.ClientCredentialsConfig{
		BaseURL: api.URL + "/tenant", ClientID: sandbox.DefaultClientID, ClientSecret: sandbox.DefaultClientSecret, Realm: sandbox.DefaultRealm,
	}), cxone.WithBackoff(time.Millisecond, 2*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	callbacks := httptest.NewServer(http.HandlerFunc(h.callback))
	t.Cleanup(callbacks.Close)
	h.hook = callbacks.URL + "/kms/callback"
	h.conn = &encryption.Connection{Name: "default", Tenant: client, CallbackURL: h.hook,
		CallbackDeadline: time.Minute, Concurrency: 4, Redact: client.Redact}
	if cfg.KMSSecret != "" {
		h.conn.KMSSecrets = []string{cfg.KMSSecret}
	}
	h.Service = h.newService()
	return h
}

func (h *house) newService() *encryption.Service {
	return encryption.NewService(h.store, h, h.now, slog.New(slog.NewTextHandler(h.t.Output(), nil)))
}

// callback is what handlers do with a callback, in four lines.
func (h *house) callback(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(io.LimitReader(r.Body, encryption.MaxCallbackBody+1))
	answer, err := h.Confirm(r.Context(), encryption.CallbackRequest{
		Token: filepath.Base(r.URL.Path), ID: r.Header.Get("webhook-id"), Timestamp: r.Header.Get("webhook-timestamp"),
		Signature: r.Header.Get("webhook-signature"), Body: body, Oversized: len(body) > encryption.MaxCallbackBody, RemoteIP: "127.0.0.1",
	})
	if errors.Is(err, context.Canceled) {
		return // the tenant has ended with its test, and hung up
	}
	if err != nil {
		h.t.Errorf("callback: %v", err)
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.WriteHeader(answer.Status)
	w.Write(answer.Body)
}

func (h *house) start() {
	h.t.Helper()
	h.runner = encryption.NewRunner(h.Service, h.options)
	if err := h.runner.Start(context.Background()); err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(h.stop)
}

func (h *house) stop() {
	if h.runner == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := h.runner.Stop(ctx); err != nil {
		h.t.Error(err)
	}
	h.runner = nil
}

const confirmation = `{"tableId":"tbl-contacts","columns":["ssn"],"keyVersion":1,"complianceCheck":{"algorithm":"AES-256-GCM"}}`

// confirm sends a good confirmation of a run on ssn, signed when there is a
// secret.
func (h *house) confirm(run encryption.Run) encryption.CallbackAnswer {
	h.t.Helper()
	return h.send(run, "msg_1", confirmation)
}

// confirmVersion is confirm for a run that brought this key version.
func (h *house) confirmVersion(run encryption.Run, version int64) encryption.CallbackAnswer {
	h.t.Helper()
	return h.send(run, "msg_1", strings.Replace(confirmation, `"keyVersion":1`, fmt.Sprintf(`"keyVersion":%d`, version), 1))
}

func (h *house) send(run encryption.Run, id, body string) encryption.CallbackAnswer {
	h.t.Helper()
	request := encryption.CallbackRequest{Token: run.CallbackToken, Body: []byte(body)}
	if len(h.conn.KMSSecrets) > 0 {
		hook, err := standardwebhooks.NewWebhook(h.conn.KMSSecrets[0])
		if err != nil {
			h.t.Fatal(err)
		}
		request.ID, request.Timestamp = id, strconv.FormatInt(h.now().Unix(), 10)
		if request.Signature, err = hook.Sign(request.ID, h.now(), request.Body); err != nil {
			h.t.Fatal(err)
		}
	}
	answer, err := h.Confirm(h.t.Context(), request)
	if err != nil {
		h.t.Fatal(err)
	}
	return answer
}

func wish(columns ...string) encryption.Request {
	return encryption.Request{Connection: "default", DatastoreID: "ds-customers", TableID: "tbl-contacts", Columns: columns}
}

func (h *house) launch(r encryption.Request) encryption.Run {
	h.t.Helper()
	run, err := h.Launch(h.t.Context(), admin, r)
	if err != nil {
		h.t.Fatal(err)
	}
	return run
}

// until waits for the run to satisfy the condition, told by the service and
// looking now and then.
func (h *house) until(id, what string, ok func(encryption.Run) bool) encryption.Run {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), 15*time.Second)
	defer cancel()
	moved, stop := h.Watch(id)
	defer stop()
	for {
		run, err := h.store.Run(ctx, id)
		if err != nil {
			h.t.Fatalf("waiting for %s: %v", what, err)
		}
		if ok(run) {
			return run
		}
		select {
		case <-moved:
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			h.t.Fatalf("run is %s (%s), waited for %s", run.State, run.ErrorMessage, what)
		}
	}
}

func (h *house) ended(id string) encryption.Run {
	h.t.Helper()
	return h.until(id, "its end", func(r encryption.Run) bool { return r.State.Ended() })
}

func (h *house) in(id string, state encryption.State) encryption.Run {
	h.t.Helper()
	return h.until(id, string(state), func(r encryption.Run) bool { return r.State == state })
}

// records returns the ledger, oldest first.
func (h *house) records() []audit.Record {
	h.t.Helper()
	var buf recordLines
	if _, err := h.store.ExportJSONL(h.t.Context(), audit.Filter{}, &buf); err != nil {
		h.t.Fatal(err)
	}
	return buf.records(h.t)
}

type recordLines struct{ data []byte }

func (b *recordLines) Write(p []byte) (int, error) { b.data = append(b.data, p...); return len(p), nil }

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

// final returns the one record that ends the run, and fails unless there is
// exactly one.
func (h *house) final(run encryption.Run) audit.Record {
	h.t.Helper()
	var found []audit.Record
	for _, r := range h.records() {
		if r.RunID == run.ID && r.Operation == run.Operation {
			found = append(found, r)
		}
	}
	if len(found) != 1 {
		h.t.Fatalf("%d records end the run, want 1: %+v", len(found), found)
	}
	return found[0]
}

// commits is how many changes the tenant made to the table.
func (h *house) commits() int { return h.tenant.Stats().Commits["ds-customers/tbl-contacts"] }

// Tenant is the connection for the inventory.
func (h *house) Tenant(string) (inventory.Tenant, error) {
	return h.conn.Tenant.(inventory.Tenant), nil
}

func (h *house) inventory() *inventory.Service {
	return inventory.NewService(h.store, h, h.now, slog.New(slog.NewTextHandler(h.t.Output(), nil)))
}

// nobodyElse reads the table as the inventory does, and fails if the ledger
// blames anybody for what a run did.
func (h *house) nobodyElse() {
	h.t.Helper()
	if err := h.inventory().Observe(h.t.Context(), "default", "ds-customers", "tbl-contacts"); err != nil {
		h.t.Fatal(err)
	}
	for _, r := range h.records() {
		if r.Operation == audit.DriftDetected || r.Outcome == audit.Failure {
			h.t.Errorf("the ledger says %s %s: %s", r.Operation, r.Outcome, r.Detail)
		}
	}
}
