package cxone

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// mount is the prefix under which every scripted tenant lives: a client that
// builds URLs from the host alone finds nothing there.
const mount = "/mounted/here"

// tenant is a server whose faults a test scripts. Sound behaviour is the
// sandbox's part (sandbox_test.go).
type tenant struct {
	*httptest.Server
	mux *http.ServeMux

	mu     sync.Mutex
	tokens int      // token calls so far
	calls  []string // "METHOD path" of every API call, in order
	grant  func(w http.ResponseWriter, r *http.Request, n int)
}

func newTenant(t *testing.T) *tenant {
	t.Helper()
	tn := &tenant{mux: http.NewServeMux()}
	tn.grant = func(w http.ResponseWriter, _ *http.Request, n int) {
		_, _ = fmt.Fprintf(w, `{"access_token":"token-number-%d","token_type":"Bearer","expires_in":3600}`, n)
	}
	root := http.NewServeMux()
	root.HandleFunc("POST "+mount+"/oauth/token", func(w http.ResponseWriter, r *http.Request) {
		tn.mu.Lock()
		tn.tokens++
		n, grant := tn.tokens, tn.grant
		tn.mu.Unlock()
		grant(w, r, n)
	})
	root.HandleFunc(mount+"/api/v2/", func(w http.ResponseWriter, r *http.Request) {
		tn.mu.Lock()
		tn.calls = append(tn.calls, r.Method+" "+strings.TrimPrefix(r.URL.EscapedPath(), mount+"/api/v2"))
		tn.mu.Unlock()
		http.StripPrefix(mount+"/api/v2", tn.mux).ServeHTTP(w, r)
	})
	tn.Server = httptest.NewServer(root)
	t.Cleanup(tn.Close)
	return tn
}

func (tn *tenant) base() string { return tn.URL + mount }

func (tn *tenant) tokenCalls() int {
	tn.mu.Lock()
	defer tn.mu.Unlock()
	return tn.tokens
}

func (tn *tenant) apiCalls() []string {
	tn.mu.Lock()
	defer tn.mu.Unlock()
	return append([]string(nil), tn.calls...)
}

// script answers the pattern with one handler per call, the last one for ever.
func (tn *tenant) script(pattern string, steps ...http.HandlerFunc) {
	var mu sync.Mutex
	n := 0
	tn.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		step := steps[min(n, len(steps)-1)]
		n++
		mu.Unlock()
		step(w, r)
	})
}

func (tn *tenant) provider(change ...func(*ClientCredentialsConfig)) TokenProvider {
	cfg := ClientCredentialsConfig{
		BaseURL: tn.base(), ClientID: "client", ClientSecret: "s3cr3t/+value", Realm: "the-realm",
		HTTPClient: tn.Client(),
	}
	for _, f := range change {
		f(&cfg)
	}
	p := ClientCredentials(cfg).(*clientCredentials)
	p.policy.base, p.policy.max = time.Millisecond, 2*time.Millisecond
	return p
}

func (tn *tenant) client(t *testing.T, opts ...Option) *Client {
	t.Helper()
	return newClient(t, tn.provider(), append([]Option{WithHTTPClient(tn.Client())}, opts...)...)
}

func newClient(t *testing.T, p TokenProvider, opts ...Option) *Client {
	t.Helper()
	c, err := New(p, append([]Option{WithBackoff(time.Millisecond, 2*time.Millisecond)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

func status(code int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
		_, _ = w.Write([]byte(body))
	}
}

// hangUp closes the connection without an answer, after the request was read.
func hangUp(_ http.ResponseWriter, r *http.Request) {
	buf := make([]byte, 64<<10)
	for {
		if _, err := r.Body.Read(buf); err != nil {
			break
		}
	}
	panic(http.ErrAbortHandler)
}

const goodTable = `{"id":"t","datastoreId":"d","name":"T","columns":[{"name":"ssn","type":"string","encrypted":false}],"metadata":{"maxEncryptedFields":3}}`
