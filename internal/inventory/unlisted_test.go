package inventory_test

import (
	"io"
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
	"cxseal/internal/fault"
	"cxseal/internal/inventory"
	"cxseal/store"
)

// One data store that cannot be listed stops neither the inventory of the others
// nor the coverage of what is known: it is named, with its age.
func TestOneStoreThatCannotBeListedStopsNothing(t *testing.T) {
	for name, c := range map[string]struct {
		status  int
		kind    string
		body    string
		listed  bool // an answer without a body is an empty list
		code    fault.Code
		whatFor string
	}{
		"403":  {status: 403, kind: "application/json", body: `{"message":"no"}`, code: fault.TenantScope, whatFor: "403"},
		"404":  {status: 404, kind: "application/json", body: `{}`, code: fault.TenantNotFound, whatFor: ""},
		"HTML": {status: 200, kind: "text/html", body: "<html><title>Sign in</title></html>", code: fault.TenantUnreadable, whatFor: "web page"},
		"204":  {status: 204, listed: true},
	} {
		t.Run(name, func(t *testing.T) {
			db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "cxseal.db"), store.Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := db.Close(); err != nil {
					t.Error(err)
				}
			})
			tenant := sandbox.New(sandbox.Config{Tables: 30, Seed: 5})
			t.Cleanup(tenant.Close)
			bad := tenant.Tables()[len(tenant.Tables())-1].DatastoreID
			var broken atomic.Bool
			api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if broken.Load() && strings.HasSuffix(r.URL.Path, "/datastores/"+bad+"/tables") {
					w.Header().Set("Content-Type", c.kind)
					w.WriteHeader(c.status)
					_, _ = io.WriteString(w, c.body)
					return
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
			clock := time.Now()
			service := inventory.NewService(db, oneTenant{client}, func() time.Time { return clock }, slog.New(slog.DiscardHandler))
			if err := service.Sync(t.Context(), "default", time.Hour); err != nil {
				t.Fatal(err)
			}
			first, err := db.Totals(t.Context())
			if err != nil || first.Read < 30 || first.Unlisted != 0 {
				t.Fatalf("%+v, %v", first, err)
			}

			broken.Store(true)
			before := clock
			clock = clock.Add(2 * time.Hour)
			if err := service.Sync(t.Context(), "default", time.Hour); err != nil {
				t.Fatalf("the inventory stopped: %v", err)
			}
			stores, err := db.Datastores(t.Context(), "default")
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range stores {
				if d.ID != bad {
					if d.ListError != "" || d.ListedAt.Before(clock.Add(-time.Minute)) || d.OldestRead.Before(clock.Add(-time.Minute)) {
						t.Errorf("another store: %+v", d)
					}
					continue
				}
				if c.listed {
					if d.ListError != "" || d.Tables != 0 {
						t.Errorf("an empty list: %+v", d)
					}
					continue
				}
				if d.ListError == "" || !strings.Contains(d.ListError, c.whatFor) || c.code != "" && d.ListCode != c.code {
					t.Errorf("the store that could not be listed: %+v", d)
				}
				if !d.ListedAt.Equal(before.Truncate(time.Microsecond)) || d.Tables == 0 || d.OldestRead.Before(clock.Add(-time.Minute)) {
					t.Errorf("its known tables are no longer read: %+v", d)
				}
			}
			again, err := db.Totals(t.Context())
			if err != nil || !c.listed && (again.Tables != first.Tables || again.Unlisted != 1) {
				t.Errorf("%+v, then %+v, %v", first, again, err)
			}
			syncs, err := db.Syncs(t.Context())
			if err != nil || len(syncs) != 1 || syncs[0].Error != "" {
				t.Errorf("%+v, %v", syncs, err)
			}

			broken.Store(false)
			clock = clock.Add(2 * time.Hour)
			if err := service.Sync(t.Context(), "default", time.Hour); err != nil {
				t.Fatal(err)
			}
			if healed, err := db.Totals(t.Context()); err != nil || healed.Unlisted != 0 || healed.Tables != first.Tables {
				t.Errorf("%+v, %v", healed, err)
			}
		})
	}
}
