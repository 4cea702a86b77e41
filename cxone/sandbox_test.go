package cxone_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"cxseal/cxone"
	"cxseal/cxone/sandbox"
)

// under is the prefix under which the tenant stands, to catch absolute URLs.
const under = "/some/prefix"

func startSandbox(t testing.TB, cfg sandbox.Config) (*sandbox.Sandbox, *httptest.Server) {
	t.Helper()
	box := sandbox.New(cfg)
	server := httptest.NewServer(http.StripPrefix(under, box))
	t.Cleanup(func() { server.Close(); box.Close() })
	return box, server
}

func connect(t testing.TB, server *httptest.Server) *cxone.Client {
	t.Helper()
	return open(t, server, cxone.ClientCredentials(cxone.ClientCredentialsConfig{
		BaseURL: server.URL + under, ClientID: sandbox.DefaultClientID, ClientSecret: sandbox.DefaultClientSecret,
		Realm: sandbox.DefaultRealm, HTTPClient: server.Client(),
	}))
}

func open(t testing.TB, server *httptest.Server, tokens cxone.TokenProvider) *cxone.Client {
	t.Helper()
	client, err := cxone.New(tokens, cxone.WithHTTPClient(server.Client()), cxone.WithBackoff(time.Millisecond, 5*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// change is the contract's body for one column of a table.
func change(t testing.TB, tableID string, columns ...string) []byte {
	t.Helper()
	request := cxone.EncryptRequest{
		TableID: tableID,
		ExternalKMSSync: cxone.ExternalKMSSync{
			CallbackURL: "https://127.0.0.1:1/kms", SyncMode: "ASYNC",
			RetryPolicy: cxone.RetryPolicy{MaxAttempts: 1, BackoffMs: 1},
		},
	}
	for _, name := range columns {
		request.ColumnTargetMatrix = append(request.ColumnTargetMatrix, cxone.ColumnTarget{
			Name: name, Type: "string",
			EncryptionConfiguration: cxone.EncryptionConfiguration{
				Enabled: true, Algorithm: cxone.Algorithm, ComplianceMode: "GDPR",
				KeyRotationDirective: cxone.KeyRotationDirective{
					Strategy: "AUTOMATIC", IntervalDays: 90, NextRotationEpoch: time.Now().AddDate(0, 0, 90).Unix(),
				},
				IndexMaskingTrigger: true, DecryptionPermissionVerification: true,
			},
		})
	}
	body, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func TestAColumnIsEncryptedOnASandboxTenant(t *testing.T) {
	box, server := startSandbox(t, sandbox.Config{Tables: 3, Inline: true})
	client, ctx := connect(t, server), t.Context()

	tables := 0
	for store, err := range client.DataStores(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		for table, err := range client.Tables(ctx, store.ID) {
			if err != nil {
				t.Fatal(err)
			}
			if _, err := client.Table(ctx, store.ID, table.ID); err != nil {
				t.Errorf("%s: %v", table.ID, err)
			}
			if _, err := client.Indexes(ctx, store.ID, table.ID); err != nil {
				t.Errorf("indexes of %s: %v", table.ID, err)
			}
			tables++
		}
	}
	if want := len(box.Tables()); tables != want || tables < 4 {
		t.Errorf("%d tables listed, want %d", tables, want)
	}

	result, err := client.Encrypt(ctx, "ds-customers", "tbl-contacts", "run-1", change(t, "tbl-contacts", "ssn"))
	if err != nil {
		t.Fatal(err)
	}
	if result.KMSPayload == nil || result.Replayed {
		t.Errorf("result = %+v", result)
	}
	table, err := client.Table(ctx, "ds-customers", "tbl-contacts")
	if err != nil {
		t.Fatal(err)
	}
	for _, column := range table.Columns {
		if column.Name == "ssn" && (!column.Encrypted || column.KeyVersion() == 0) {
			t.Errorf("ssn = %+v", column)
		}
	}
}

func TestALostAnswerIsAmbiguousAndTheSameKeyChangesNothingTwice(t *testing.T) {
	for _, kind := range []sandbox.FaultKind{sandbox.FaultDropAfter, sandbox.FaultStatusAfter} {
		t.Run(string(kind), func(t *testing.T) {
			box, server := startSandbox(t, sandbox.Config{Inline: true})
			client, ctx := connect(t, server), t.Context()
			fault := sandbox.Fault{Kind: kind, Endpoint: sandbox.EndpointEncrypt}
			if kind == sandbox.FaultStatusAfter {
				fault.Status = http.StatusInternalServerError
			}
			box.Fail(fault)
			body := change(t, "tbl-contacts", "ssn")
			_, err := client.Encrypt(ctx, "ds-customers", "tbl-contacts", "run-1", body)
			var ambiguous *cxone.AmbiguousError
			if !errors.As(err, &ambiguous) {
				t.Fatalf("err = %v", err)
			}
			if n := box.Stats().Requests[sandbox.EndpointEncrypt]; n != 1 {
				t.Fatalf("the change was sent %d times", n)
			}
			result, err := client.Encrypt(ctx, "ds-customers", "tbl-contacts", "run-1", body)
			if err != nil || !result.Replayed {
				t.Fatalf("%+v, %v", result, err)
			}
			if n := box.Stats().Commits["ds-customers/tbl-contacts"]; n != 1 {
				t.Errorf("%d changes committed", n)
			}
		})
	}
}

func TestASandboxTenantRefusesInWords(t *testing.T) {
	_, server := startSandbox(t, sandbox.Config{})
	ctx := t.Context()
	client := connect(t, server)
	if _, err := client.Table(ctx, "ds-customers", "no-such-table"); !errors.Is(err, cxone.ErrNotFound) {
		t.Errorf("unknown table: %v", err)
	}
	var refused *cxone.APIError
	if _, err := client.Encrypt(ctx, "ds-customers", "tbl-contacts", "k", change(t, "tbl-contacts", "<script>")); !errors.As(err, &refused) ||
		refused.Status >= 500 || refused.Message == "" {
		t.Errorf("unknown column: %v", err)
	}
	wrong := open(t, server, cxone.ClientCredentials(cxone.ClientCredentialsConfig{
		BaseURL: server.URL + under, ClientID: sandbox.DefaultClientID, ClientSecret: "wrong", Realm: sandbox.DefaultRealm, HTTPClient: server.Client(),
	}))
	if err := wrong.Check(ctx); err == nil || err.Error() != "OAuth authentication failed: check the client credentials and the realm" {
		t.Errorf("wrong secret: %v", err)
	}

	_, narrow := startSandbox(t, sandbox.Config{Scopes: []string{cxone.ScopeRead}})
	var scope *cxone.ScopeError
	if err := connect(t, narrow).Check(ctx); !errors.As(err, &scope) || scope.Missing[0] != cxone.ScopeWrite {
		t.Errorf("missing scope: %v", err)
	}
}

func TestATenantWithoutListingsStillAnswersForATable(t *testing.T) {
	box, server := startSandbox(t, sandbox.Config{})
	if err := box.Configure(func(s *sandbox.Settings) { s.NoListings = true }); err != nil {
		t.Fatal(err)
	}
	client := connect(t, server)
	for _, err := range client.DataStores(t.Context()) {
		if !errors.Is(err, cxone.ErrNoListing) {
			t.Errorf("err = %v", err)
		}
	}
	if _, err := client.Table(t.Context(), "ds-customers", "tbl-contacts"); err != nil {
		t.Error(err)
	}
}

func TestAccessKeyModeWorksOnASandboxTenant(t *testing.T) {
	_, server := startSandbox(t, sandbox.Config{})
	client := open(t, server, cxone.AccessKey(cxone.AccessKeyConfig{
		Issuer: server.URL + under, ClientID: sandbox.DefaultClientID, ClientSecret: sandbox.DefaultClientSecret,
		AccessKeyID: sandbox.DefaultAccessKeyID, AccessKeySecret: sandbox.DefaultAccessKeySecret, HTTPClient: server.Client(),
	}))
	if _, err := client.Table(t.Context(), "ds-customers", "tbl-contacts"); err != nil {
		t.Fatal(err)
	}
}

func TestRevokedTokensAreReplacedOnceForAllCallers(t *testing.T) {
	box, server := startSandbox(t, sandbox.Config{})
	client := connect(t, server)
	read := func() {
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if _, err := client.Table(context.Background(), "ds-customers", "tbl-contacts"); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
	read()
	box.RevokeTokens()
	read()
	if n := box.Stats().Requests[sandbox.EndpointToken]; n != 2 {
		t.Errorf("%d token calls, want 2", n)
	}
}

func ExampleClient_Encrypt() {
	// A simulated tenant stands in for CXone.
	tenant := sandbox.New(sandbox.Config{Inline: true})
	defer tenant.Close()
	server := httptest.NewServer(tenant)
	defer server.Close()

	client, err := cxone.New(cxone.ClientCredentials(cxone.ClientCredentialsConfig{
		BaseURL:  server.URL, // https://api-us-01.nice-incontact.com
		ClientID: sandbox.DefaultClientID, ClientSecret: sandbox.DefaultClientSecret, Realm: sandbox.DefaultRealm,
	}), cxone.WithRate(50))
	if err != nil {
		log.Fatal(err)
	}
	defer client.CloseIdleConnections()

	ctx := cxone.WithTrace(context.Background(), &cxone.Trace{AttemptDone: func(a cxone.Attempt) {
		fmt.Println(a.Method, a.Path, a.Status)
	}})
	body := []byte(`{"tableId":"tbl-contacts","columnTargetMatrix":[{"name":"ssn","type":"string"}]}`)
	_, err = client.Encrypt(ctx, "ds-customers", "tbl-contacts", "change-1", body)
	var ambiguous *cxone.AmbiguousError
	var refused *cxone.APIError
	switch {
	case errors.As(err, &ambiguous):
		fmt.Println("read the table before anything else")
	case errors.As(err, &refused):
		fmt.Println("refused with", refused.Status)
	default:
		fmt.Println(err)
	}
	// Output:
	// PATCH /api/v2/datastores/ds-customers/tables/tbl-contacts/columns 400
	// refused with 400
}
