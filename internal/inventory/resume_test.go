package inventory_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cxseal/cxone"
	"cxseal/cxone/sandbox"
	"cxseal/internal/inventory"
	"cxseal/store"
)

// oneTenant is the only connection there is.
type oneTenant struct{ client *cxone.Client }

func (o oneTenant) Tenant(string) (inventory.Tenant, error) { return o.client, nil }
func (o oneTenant) Names() []string                         { return []string{"default"} }

// A tenant of 10,000 tables takes a quarter of an hour to read: a restart in
// the middle must not begin again.
func TestAnInterruptedPassGoesOnWhereItStopped(t *testing.T) {
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "cxseal.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	tenant := sandbox.New(sandbox.Config{Tables: 250, Seed: 5})
	t.Cleanup(tenant.Close)
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	reading := func(read func()) *inventory.Service {
		api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, id, ok := strings.Cut(r.URL.Path, "/tables/"); ok && !strings.Contains(id, "/") {
				read()
			}
			tenant.ServeHTTP(w, r)
		}))
		t.Cleanup(api.Close)
		client, err := cxone.New(cxone.ClientCredentials(cxone.ClientCredentialsConfig{BaseURL: api.URL,
			ClientID: sandbox.DefaultClientID, ClientSecret: sandbox.DefaultClientSecret, Realm: sandbox.DefaultRealm}))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(client.CloseIdleConnections)
		return inventory.NewService(db, oneTenant{client}, time.Now, slog.New(slog.DiscardHandler))
	}
	// Each pass has an address of its own: what the first one had sent when it
	// was interrupted may arrive while the second one counts.
	var first, second atomic.Int64
	interrupted := reading(func() {
		if first.Add(1) == 120 {
			interrupt()
		}
	})
	if err := interrupted.Sync(ctx, "default", time.Hour); !errors.Is(err, context.Canceled) {
		t.Fatalf("the interrupted pass ended with %v", err)
	}
	halfway, err := db.Totals(t.Context())
	if err != nil || halfway.Read < 80 || halfway.Read > 130 {
		t.Fatalf("%d tables were kept before the interruption, %v", halfway.Read, err)
	}
	if err := reading(func() { second.Add(1) }).Sync(t.Context(), "default", time.Hour); err != nil {
		t.Fatal(err)
	}
	whole, err := db.Totals(t.Context())
	if err != nil || whole.Read != whole.Tables || whole.Read < 250 {
		t.Errorf("%d of %d tables are read, %v", whole.Read, whole.Tables, err)
	}
	if again := int(second.Load()) - (whole.Read - halfway.Read); again != 0 {
		t.Errorf("%d tables were read a second time", again)
	}
}
