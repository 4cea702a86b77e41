package cxone

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

const patched = `{"tableId":"t","columns":[{"name":"ssn","type":"string","encrypted":true}]}`

func TestEncryptSendsExactlyTheBytesUnderTheKey(t *testing.T) {
	tn := newTenant(t)
	var got []string
	tn.mux.HandleFunc("PATCH /datastores/d/tables/t/columns", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = append(got, string(body), r.Header.Get("X-Idempotency-Key"), r.Header.Get("Authorization"), r.Header.Get("Content-Type"))
		status(200, patched, "Idempotent-Replayed", "True")(w, r)
	})
	body := "{ \"tableId\" : \"t\",\n\"x\":1.0}\n"
	result, err := tn.client(t).Encrypt(t.Context(), "d", "t", "run-1", []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{body, "run-1", "Bearer token-number-1", "application/json"}, got); diff != "" {
		t.Error(diff)
	}
	want := &EncryptResult{Status: 200, Body: []byte(patched), Replayed: true, Columns: []Column{{Name: "ssn", Type: "string", Encrypted: true}}}
	if diff := cmp.Diff(want, result); diff != "" {
		t.Error(diff)
	}
}

func TestAHugeAnswerToAChangeIsStillASuccess(t *testing.T) {
	tn := newTenant(t)
	tn.script("/", status(201, `{"filler":"`+strings.Repeat("x", 10<<20)+`"}`))
	result, err := tn.client(t).Encrypt(t.Context(), "d", "t", "k", []byte(`{}`))
	if err != nil || result.Status != 201 || len(result.Body) != maxRead || result.Columns != nil {
		t.Errorf("%v", err)
	}
}

func TestAnAnswerToAChangeIsNotMistaken(t *testing.T) {
	for _, test := range []struct {
		status   int
		body     string
		underWay bool
		problem  string
	}{
		{200, patched, false, ""},
		{202, "", true, ""},
		{202, `{"status":"ACCEPTED"}`, true, ""},
		{200, `{"status":"in progress"}`, true, ""},
		{200, `{"data":{"status":"Pending"}}`, true, ""},
		{200, `{"status":"COMPLETED"}`, false, ""},
		{200, `{"error":{"message":"the key is disabled","code":"E7"}}`, false, "the key is disabled"},
		{200, `{"success":"false","message":"no"}`, false, "no"},
		{200, `{"status":"FAILED"}`, false, "no reason is named"},
		{200, `{"status":422,"title":"Invalid","detail":"intervalDays"}`, false, "Invalid: intervalDays"},
		{200, `{"errors":[],"error":null,"status":200}`, false, ""},
		{200, `{"error":false}`, false, ""},
	} {
		tn := newTenant(t)
		tn.script("/", status(test.status, test.body))
		got, err := tn.client(t).Encrypt(t.Context(), "d", "t", "k", []byte(`{}`))
		if err != nil || got.UnderWay != test.underWay || got.Problem != test.problem {
			t.Errorf("%d %s: %+v, %v", test.status, test.body, got, err)
		}
	}
}

// A callback URL is a secret: who knows it can post to it.
func TestATenantThatRepeatsTheCallbackURLDoesNotSpreadIt(t *testing.T) {
	const token = "k3y-of-the-callback%2Furl"
	body := `{"externalKmsSync":{"callbackUrl":"https://console.example/kms/callback/` + token + `/?sig=0123456789abcdef"}}`
	tn := newTenant(t)
	tn.script("PATCH /datastores/d/tables/t/columns", status(400, `{"message":"no answer from https://console.example/kms/callback/`+token+`/?sig=0123456789abcdef (k3y-of-the-callback/url)"}`))
	tn.script("GET /datastores/d/tables/t", status(400, token))
	c := tn.client(t)
	_, err := c.Encrypt(t.Context(), "d", "t", "k", []byte(body))
	_, later := c.Table(t.Context(), "d", "t")
	for _, err := range []error{err, later} {
		if err == nil || strings.Contains(err.Error(), "k3y-of") || strings.Contains(err.Error(), "0123456789abcdef") || !strings.Contains(err.Error(), redacted) {
			t.Errorf("err = %v", err)
		}
	}
}

func TestEveryRequestCarriesACorrelationIDAndTheAnswersIsKept(t *testing.T) {
	tn := newTenant(t)
	sent := map[string]bool{}
	record := func(w http.ResponseWriter, r *http.Request) string {
		id := r.Header.Get("CorrelationId")
		if _, err := uuid.Parse(id); err != nil || sent[id] {
			t.Errorf("CorrelationId %q, new: %v", id, !sent[id])
		}
		sent[id] = true
		return id
	}
	tn.grant = func(w http.ResponseWriter, r *http.Request, _ int) {
		record(w, r)
		status(200, `{"access_token":"tok"}`)(w, r)
	}
	var last string
	tn.script("/", func(w http.ResponseWriter, r *http.Request) {
		record(w, r)
		w.Header().Set("CorrelationId", "theirs-1")
		w.WriteHeader(503)
	}, func(w http.ResponseWriter, r *http.Request) { last = record(w, r); w.WriteHeader(503) },
		func(w http.ResponseWriter, r *http.Request) {
			record(w, r)
			w.Header().Set("CorrelationId", "theirs-3")
			w.WriteHeader(404)
		})
	var kept []string
	ctx := WithTrace(t.Context(), &Trace{AttemptDone: func(a Attempt) { kept = append(kept, a.CorrelationID) }})
	_, err := tn.client(t).Table(ctx, "d", "t")
	var api *APIError
	if !errors.As(err, &api) || api.RequestID != "theirs-3" {
		t.Errorf("err = %#v", err)
	}
	if diff := cmp.Diff([]string{"theirs-1", last, "theirs-3"}, kept); diff != "" || len(sent) != 4 {
		t.Errorf("%d sent, %s", len(sent), diff)
	}
}

// A change is sent twice only where the first certainly was not acted on.
func TestAChangeThatMayHaveBeenMadeIsNeverSentAgain(t *testing.T) {
	for _, test := range []struct {
		name      string
		fault     http.HandlerFunc
		ambiguous bool
		status    int // of the APIError, 0: none
	}{
		{"500", status(500, `{"message":"index idx_ssn is read-only"}`), true, 500},
		{"502", status(502, ""), true, 502},
		{"503", status(503, "", "Retry-After", "1"), true, 503},
		{"504", status(504, ""), true, 504},
		{"connection lost", hangUp, true, 0},
		{"answer broken off", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte(`{"columns":`))
		}, true, 0},
		{"400", status(400, ""), false, 400},
		{"403", status(403, ""), false, 403},
		{"404", status(404, ""), false, 404},
		{"409", status(409, ""), false, 409},
		{"422", status(422, ""), false, 422},
	} {
		t.Run(test.name, func(t *testing.T) {
			tn := newTenant(t)
			tn.script("GET /datastores/d/tables/t", status(200, goodTable))
			tn.script("PATCH /datastores/d/tables/t/columns", test.fault)
			c := tn.client(t)
			// A connection that has been used before: net/http would resend on it.
			if _, err := c.Table(t.Context(), "d", "t"); err != nil {
				t.Fatal(err)
			}
			_, err := c.Encrypt(t.Context(), "d", "t", "k", []byte(`{"tableId":"t"}`))
			var ambiguous *AmbiguousError
			var api *APIError
			if errors.As(err, &ambiguous) != test.ambiguous {
				t.Errorf("ambiguous: %v", err)
			}
			if errors.As(err, &api) != (test.status != 0) || (api != nil && api.Status != test.status) {
				t.Errorf("err = %v", err)
			}
			if errors.Is(err, ErrInFlight) != (test.status == 409) {
				t.Errorf("in flight: %v", err)
			}
			if calls := tn.apiCalls(); len(calls) != 2 {
				t.Errorf("calls %v", calls)
			}
		})
	}
}

func TestAThrottledChangeIsSentAgainByTheClient(t *testing.T) {
	tn := newTenant(t)
	tn.script("PATCH /datastores/d/tables/t/columns", status(429, "", "Retry-After", "0"), status(429, ""), status(200, patched))
	result, err := tn.client(t).Encrypt(t.Context(), "d", "t", "k", []byte(`{}`))
	if err != nil || result.Status != 200 || len(tn.apiCalls()) != 3 {
		t.Errorf("%v after %v", err, tn.apiCalls())
	}
}

// refuser fails the first dials as a host that is not up yet does.
type refuser struct {
	http.RoundTripper
	left int
}

func (r *refuser) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method == http.MethodPatch && r.left > 0 {
		r.left--
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	}
	return r.RoundTripper.RoundTrip(req)
}

func TestAChangeThatNeverLeftIsSentAgain(t *testing.T) {
	tn := newTenant(t)
	tn.script("PATCH /datastores/d/tables/t/columns", status(429, ""), status(200, patched))
	down := &refuser{RoundTripper: tn.Client().Transport, left: 2}
	c := tn.client(t, WithHTTPClient(&http.Client{Transport: down}))
	if _, err := c.Encrypt(t.Context(), "d", "t", "k", []byte(`{}`)); err != nil {
		t.Fatal(err)
	}
	// Down for good: nothing was sent, so nothing is ambiguous.
	down.left = 1000
	_, err := c.Encrypt(t.Context(), "d", "t", "k", []byte(`{}`))
	var transport *TransportError
	if !errors.As(err, &transport) || transport.Sent || errors.As(err, new(*AmbiguousError)) {
		t.Errorf("err = %v", err)
	}
}

func TestAChangeIsAmbiguousWhenTheCallerStopsWaiting(t *testing.T) {
	tn := newTenant(t)
	ctx, cancel := context.WithCancel(t.Context())
	tn.script("/", func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body)
		cancel()
		<-r.Context().Done()
	})
	c := tn.client(t)
	_, err := c.Encrypt(ctx, "d", "t", "k", []byte(`{}`))
	if !errors.As(err, new(*AmbiguousError)) || !errors.Is(err, context.Canceled) {
		t.Errorf("in flight: %v", err)
	}
	// Cancelled before it was sent: certain.
	_, err = c.Encrypt(ctx, "d", "t", "k", []byte(`{}`))
	if errors.As(err, new(*AmbiguousError)) || !errors.Is(err, context.Canceled) || len(tn.apiCalls()) != 1 {
		t.Errorf("not sent: %v", err)
	}
}

func TestAChangeTimesOutAsAmbiguous(t *testing.T) {
	tn := newTenant(t)
	stop := make(chan struct{})
	t.Cleanup(func() { close(stop) })
	tn.script("/", func(_ http.ResponseWriter, r *http.Request) { _, _ = io.ReadAll(r.Body); <-stop })
	_, err := tn.client(t, WithEncryptTimeout(20*time.Millisecond)).Encrypt(t.Context(), "d", "t", "k", []byte(`{}`))
	if !errors.As(err, new(*AmbiguousError)) || !errors.Is(err, context.DeadlineExceeded) || len(tn.apiCalls()) != 1 {
		t.Errorf("err = %v", err)
	}
}

func TestAKeyThatAHeaderCannotHoldIsRefused(t *testing.T) {
	tn := newTenant(t)
	c := tn.client(t)
	for _, key := range []string{"", "a b", "a\r\nX: y", "schlüssel", strings.Repeat("k", 256)} {
		if _, err := c.Encrypt(t.Context(), "d", "t", key, []byte(`{}`)); err == nil {
			t.Errorf("key %q was sent", key)
		}
	}
	if _, err := c.Encrypt(t.Context(), "d", "t", "k", nil); err == nil || len(tn.apiCalls()) != 0 {
		t.Errorf("an empty change: %v", err)
	}
}
