package sandbox_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"cxseal/cxone/sandbox"
)

const whsec = "whsec_c2VjcmV0LW9mLXRoZS1zYW5kYm94LWttcw=="

// heard is one callback as the KMS received it.
type heard struct {
	header http.Header
	body   []byte
}

func (h heard) payload(t *testing.T) map[string]any {
	var v map[string]any
	if err := json.Unmarshal(h.body, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// kms is the other side of the callback.
type kms struct {
	*httptest.Server
	mu    sync.Mutex
	heard []heard
}

// startKMS answers the n-th callback, from 0, with what answer does.
func startKMS(t *testing.T, answer func(n int, w http.ResponseWriter)) *kms {
	k := &kms{}
	k.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		k.mu.Lock()
		n := len(k.heard)
		k.heard = append(k.heard, heard{r.Header.Clone(), body})
		k.mu.Unlock()
		answer(n, w)
	}))
	t.Cleanup(k.Close)
	return k
}

func verified(_ int, w http.ResponseWriter) { _, _ = io.WriteString(w, `{"status":"VERIFIED"}`) }

func (k *kms) all() []heard {
	k.mu.Lock()
	defer k.mu.Unlock()
	return append([]heard(nil), k.heard...)
}

// waits is a Config.After that lasts no time and remembers what was asked.
type waits struct {
	mu    sync.Mutex
	asked []time.Duration
}

func (w *waits) after(d time.Duration) <-chan time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = append(w.asked, d)
	c := make(chan time.Time, 1)
	c <- time.Time{}
	return c
}

func (tn *tenant) settle() sandbox.Stats {
	tn.t.Helper()
	if err := tn.WaitCallbacks(within(tn.t)); err != nil {
		tn.t.Fatal(err)
	}
	return tn.Stats()
}

func TestTheKMSHearsWhatWasEncrypted(t *testing.T) {
	k := startKMS(t, verified)
	tn := start(t, sandbox.Config{KMSSecret: whsec})
	g := tn.patch("k", encode(t, asking(k.URL, "ssn", "credit_card")))
	contains(t, g, 200)
	if _, inline := g.json(t)["externalKmsPayload"]; inline {
		t.Fatal("both inline and by callback")
	}
	st := tn.settle()
	calls := k.all()
	if len(calls) != 1 || st.Callbacks.Verified != 1 || st.Callbacks.Sent != 1 || st.Commits["ds-customers/tbl-contacts"] != 1 {
		t.Fatalf("%d calls, %+v", len(calls), st)
	}
	if got, want := string(calls[0].body),
		`{"tableId":"tbl-contacts","columns":["ssn","credit_card"],"keyVersion":1,"complianceCheck":{"algorithm":"AES-256-GCM"}}`; got != want {
		t.Fatalf("payload %s", got)
	}
	hook, err := standardwebhooks.NewWebhook(whsec)
	if err != nil {
		t.Fatal(err)
	}
	if err := hook.VerifyIgnoringTimestamp(calls[0].body, calls[0].header); err != nil {
		t.Fatal(err)
	}
	if ts := calls[0].header.Get("webhook-timestamp"); ts != strconv.FormatInt(noon.Unix(), 10) {
		t.Fatalf("signed at %s, not by the tenant's clock", ts)
	}
}

func TestWithoutASecretTheCallbackGoesUnsigned(t *testing.T) {
	k := startKMS(t, verified)
	tn := start(t, sandbox.Config{})
	tn.patch("k", encode(t, asking(k.URL, "ssn")))
	tn.settle()
	if h := k.all()[0].header; h.Get("webhook-signature") != "" || h.Get("webhook-id") != "" {
		t.Fatalf("headers %v", h)
	}
}

func TestACallbackIsTriedAgainUntilItIsVerified(t *testing.T) {
	k := startKMS(t, func(n int, w http.ResponseWriter) {
		switch n {
		case 0:
			http.Error(w, "not now", http.StatusServiceUnavailable)
		case 1:
			_, _ = io.WriteString(w, `{"status":"PENDING"}`)
		default:
			verified(n, w)
		}
	})
	var w waits
	tn := start(t, sandbox.Config{KMSSecret: whsec, After: w.after})
	tn.patch("k", encode(t, asking(k.URL, "ssn")))
	st := tn.settle()
	calls := k.all()
	if len(calls) != 3 || st.Callbacks.Verified != 1 || st.Callbacks.Refused != 2 || st.Callbacks.GaveUp != 0 {
		t.Fatalf("%d calls, %+v", len(calls), st.Callbacks)
	}
	if id := calls[0].header.Get("webhook-id"); id == "" || calls[2].header.Get("webhook-id") != id {
		t.Fatal("the attempts of one event have different ids")
	}
	if len(w.asked) != 2 || w.asked[0] != 2*time.Second {
		t.Fatalf("waited %v", w.asked)
	}
	if a := st.Answers; len(a) != 3 || a[0].HTTPStatus != 503 || a[1].Status != "PENDING" || a[2].Attempt != 3 {
		t.Fatalf("answers %+v", a)
	}
}

func TestACallbackIsGivenUpAfterTheLastAttempt(t *testing.T) {
	elsewhere := startKMS(t, verified)
	k := startKMS(t, func(_ int, w http.ResponseWriter) {
		w.Header().Set("Location", elsewhere.URL)
		w.WriteHeader(http.StatusTemporaryRedirect)
	})
	var w waits
	tn := start(t, sandbox.Config{After: w.after})
	tn.patch("k", encode(t, asking(k.URL, "ssn")))
	st := tn.settle()
	if len(k.all()) != 3 || st.Callbacks.GaveUp != 1 || st.Callbacks.Verified != 0 {
		t.Fatalf("%d calls, %+v", len(k.all()), st.Callbacks)
	}
	if len(elsewhere.all()) != 0 {
		t.Fatal("a redirect was followed")
	}
	if !tn.columnOf("ssn").Encrypted {
		t.Fatal("a silent KMS undid the change")
	}
}

func TestCloseEndsACallbackThatWaits(t *testing.T) {
	k := startKMS(t, func(_ int, w http.ResponseWriter) { w.WriteHeader(500) })
	tn := start(t, sandbox.Config{After: func(time.Duration) <-chan time.Time { return nil }})
	tn.patch("k", encode(t, asking(k.URL, "ssn")))
	eventually(t, func() bool { return len(k.all()) == 1 })
	tn.Close() // goleak sees what is left
	if st := tn.Stats(); st.Callbacks.Pending != 0 {
		t.Fatalf("%+v", st.Callbacks)
	}
	contains(t, tn.patch("k2", encode(t, asking(k.URL, "ssn"))), 200)
	if len(k.all()) != 1 {
		t.Fatal("a closed sandbox still calls")
	}
}

func TestAFaultInTheCallbackIsTheOneAskedFor(t *testing.T) {
	check := func(name string, v any) func(*testing.T, []heard) {
		return func(t *testing.T, calls []heard) {
			if got := encode(t, calls[0].payload(t)[name]); got != encode(t, v) {
				t.Fatalf("%s is %s", name, got)
			}
		}
	}
	hook, err := standardwebhooks.NewWebhook(whsec)
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		kind  sandbox.FaultKind
		calls int
		check func(*testing.T, []heard)
	}{
		{sandbox.FaultKMSWrongAlgorithm, 1, check("complianceCheck", map[string]string{"algorithm": "AES-128-CBC"})},
		{sandbox.FaultKMSWrongTable, 1, check("tableId", "tbl-contacts-other")},
		{sandbox.FaultKMSWrongColumns, 1, check("columns", []string{"ssn", "not_asked_for"})},
		{sandbox.FaultKMSWrongKeyVersion, 1, check("keyVersion", 0)},
		{sandbox.FaultKMSMissingCheck, 1, check("complianceCheck", nil)},
		{sandbox.FaultKMSColumnObjects, 1, check("columns", []map[string]string{{"name": "ssn"}})},
		{sandbox.FaultKMSNone, 0, func(*testing.T, []heard) {}},
		{sandbox.FaultKMSBadSignature, 1, func(t *testing.T, calls []heard) {
			if hook.VerifyIgnoringTimestamp(calls[0].body, calls[0].header) == nil {
				t.Fatal("the signature is good")
			}
		}},
		{sandbox.FaultKMSDuplicate, 2, func(t *testing.T, calls []heard) {
			if calls[0].header.Get("webhook-id") != calls[1].header.Get("webhook-id") || string(calls[0].body) != string(calls[1].body) {
				t.Fatal("the duplicate is another event")
			}
		}},
	}
	for _, c := range cases {
		t.Run(string(c.kind), func(t *testing.T) {
			k := startKMS(t, verified)
			tn := start(t, sandbox.Config{KMSSecret: whsec})
			contains(t, tn.control("POST", "/faults", `{"kind":"`+string(c.kind)+`"}`), 200, string(c.kind))
			contains(t, tn.patch("k", encode(t, asking(k.URL, "ssn"))), 200)
			tn.settle()
			calls := k.all()
			if len(calls) != c.calls {
				t.Fatalf("%d calls", len(calls))
			}
			c.check(t, calls)

			// It struck once; the next callback is honest.
			contains(t, tn.patch("k2", encode(t, asking(k.URL, "credit_card"))), 200)
			tn.settle()
			calls = k.all()[c.calls:]
			if len(calls) != 1 || hook.VerifyIgnoringTimestamp(calls[0].body, calls[0].header) != nil {
				t.Fatal("the fault struck twice")
			}
			check("columns", []string{"credit_card"})(t, calls)
		})
	}
}

func TestAFaultStrikesTheInlinePayloadToo(t *testing.T) {
	tn := start(t, sandbox.Config{})
	contains(t, tn.control("POST", "/settings", `{"inline":true}`), 200, `"inline":true`)
	tn.Fail(sandbox.Fault{Kind: sandbox.FaultKMSWrongTable})
	contains(t, tn.patch("k", encode(t, asking(unheard, "ssn"))), 200, "tbl-contacts-other")
	tn.Fail(sandbox.Fault{Kind: sandbox.FaultKMSNone, Endpoint: sandbox.EndpointCallback})
	if _, there := tn.patch("k2", encode(t, asking(unheard, "ssn"))).json(t)["externalKmsPayload"]; there {
		t.Fatal("a payload though there was to be none")
	}
	if st := tn.settle(); st.Callbacks.Sent != 0 {
		t.Fatal("inline, and called")
	}
}

func TestALateCallbackIsLate(t *testing.T) {
	k := startKMS(t, verified)
	tn := start(t, sandbox.Config{})
	tn.Fail(sandbox.Fault{Kind: sandbox.FaultLatency, Endpoint: sandbox.EndpointCallback, LatencyMs: 50})
	began := time.Now()
	contains(t, tn.patch("k", encode(t, asking(k.URL, "ssn"))), 200)
	tn.settle()
	if spent := time.Since(began); len(k.all()) != 1 || spent < 50*time.Millisecond {
		t.Fatalf("%d calls after %v", len(k.all()), spent)
	}
}

func TestASecretThatCannotSignIsFoundAtOnce(t *testing.T) {
	for _, secret := range []string{"whsec_", "whsec_not base64!"} {
		err := sandbox.CheckKMSSecret(secret)
		if err == nil {
			t.Fatalf("%q passes", secret)
		}
	}
	if err := sandbox.CheckKMSSecret(whsec); err != nil {
		t.Fatal(err)
	}
}
