package cxone

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestTokenRequestIsWhatTheContractSays(t *testing.T) {
	tn := newTenant(t)
	var got http.Header
	var form url.Values
	var id, secret string
	tn.grant = func(w http.ResponseWriter, r *http.Request, _ int) {
		_ = r.ParseForm()
		got, form = r.Header.Clone(), r.PostForm
		id, secret, _ = r.BasicAuth()
		status(200, `{"access_token":"tok","scope":"data_management:encrypt data_management:read data_management:write"}`)(w, r)
	}
	access, err := tn.client(t).Probe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := url.Values{"grant_type": {"client_credentials"}, "scope": {"data_management:read data_management:write data_management:encrypt"}}
	if diff := cmp.Diff(want, form); diff != "" {
		t.Error(diff)
	}
	if id != "client" || secret != "s3cr3t/+value" || got.Get("realm") != "the-realm" || got.Get("Content-Type") != "application/x-www-form-urlencoded" {
		t.Errorf("id %q secret %q headers %v", id, secret, got)
	}
	if len(access.Scopes) != 3 || access.ServerTime.IsZero() || access.Skew.Abs() > 5*time.Second || access.BaseURL != tn.base() {
		t.Errorf("access = %+v", access)
	}
}

func TestOneTokenCallServesAllConcurrentCallers(t *testing.T) {
	tn := newTenant(t)
	arrived, release := make(chan struct{}), make(chan struct{})
	tn.grant = func(w http.ResponseWriter, r *http.Request, _ int) {
		close(arrived)
		<-release
		status(200, `{"access_token":"tok","expires_in":"3600"}`)(w, r)
	}
	c := tn.client(t)

	// The caller who started the fetch goes away; the others must not notice.
	leaving, leave := context.WithCancel(t.Context())
	gone := make(chan error, 1)
	go func() { gone <- c.Check(leaving) }()
	<-arrived
	var started, ended sync.WaitGroup
	var mu sync.Mutex
	waited := 0
	errs := make(chan error, 50)
	for range 50 {
		started.Add(1)
		ended.Add(1)
		go func() {
			defer ended.Done()
			ctx := WithTrace(t.Context(), &Trace{TokenFetched: func(time.Duration) { mu.Lock(); waited++; mu.Unlock() }})
			started.Done()
			errs <- c.Check(ctx)
		}()
	}
	started.Wait()
	cache := &c.tokens.(*clientCredentials).tokenCache
	until(t, func() bool { cache.mu.Lock(); defer cache.mu.Unlock(); return cache.flight.waiters == 51 })
	leave()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled caller got %v", err)
	}
	close(release)
	ended.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
	if n := tn.tokenCalls(); n != 1 || waited != 50 {
		t.Errorf("%d token calls, %d callers told that they waited", n, waited)
	}
}

func TestFetchEndsWhenNobodyWaits(t *testing.T) {
	tn := newTenant(t)
	arrived, ended := make(chan struct{}), make(chan struct{})
	tn.grant = func(_ http.ResponseWriter, r *http.Request, _ int) {
		_ = r.ParseForm() // the server notices a closed connection once the body is read
		close(arrived)
		<-r.Context().Done()
		close(ended)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-arrived; cancel() }()
	if err := tn.client(t).Check(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v", err)
	}
	<-ended
}

func TestTokenIsRenewedSixtySecondsBeforeItEnds(t *testing.T) {
	for _, test := range []struct {
		expires string
		good    time.Duration // how long the token is reused
	}{
		{`3600`, 3540 * time.Second}, {`"3600"`, 3540 * time.Second}, {`3600.0`, 3540 * time.Second},
		{`null`, 4 * time.Minute}, {`0`, 4 * time.Minute}, {`"soon"`, 4 * time.Minute}, {`-1`, 4 * time.Minute},
		{`1e99`, 24*time.Hour - time.Minute}, {`30`, 15 * time.Second}, {`60`, 30 * time.Second}, {`90`, 45 * time.Second}, {`"300"`, 4 * time.Minute},
	} {
		t.Run(test.expires, func(t *testing.T) {
			tn := newTenant(t)
			tn.grant = func(w http.ResponseWriter, r *http.Request, n int) {
				status(200, fmt.Sprintf(`{"access_token":"tok%d","expires_in":%s}`, n, test.expires))(w, r)
			}
			now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
			c := newClient(t, tn.provider(func(cfg *ClientCredentialsConfig) { cfg.Now = func() time.Time { return now } }))
			check := func(want int) {
				t.Helper()
				if err := c.Check(t.Context()); err != nil {
					t.Fatal(err)
				}
				if n := tn.tokenCalls(); n != want {
					t.Fatalf("%d token calls, want %d", n, want)
				}
			}
			check(1)
			if test.good > 0 {
				now = now.Add(test.good - time.Second)
				check(1)
				now = now.Add(time.Second)
			}
			check(2)
		})
	}
}

func TestTokenRefusalsAreSentencesForAPerson(t *testing.T) {
	for _, test := range []struct {
		name    string
		answer  http.HandlerFunc
		want    string
		missing string
	}{
		{"wrong secret", status(401, `{"error":"invalid_client"}`), "OAuth authentication failed: check the client credentials and the realm", ""},
		{"bad request", status(400, `{"error":"invalid_scope","error_description":"no such scope"}`), "CXone refused to grant a token (400): invalid_scope no such scope", ""},
		{"scope missing", status(200, `{"access_token":"tok","scope":"data_management:read data_management:write"}`), "the token lacks the scope data_management:encrypt: have the CXone administrator grant it to the client", ScopeEncrypt},
		{"scope empty", status(200, `{"access_token":"tok","scope":""}`), "the token lacks the scopes data_management:read, data_management:write, data_management:encrypt: have the CXone administrator grant it to the client", ScopeRead},
		{"no token", status(200, `{"token":"x"}`), "the token endpoint's answer cannot be used: it holds no access_token", ""},
		{"web page", status(200, `<html>access_token=hidden-value</html>`), "the token URL answers with a web page (200) and no token: check the token URL", ""},
		{"web page that refuses", status(403, "\n<!DOCTYPE html><p>Forbidden"), "the token URL answers with a web page (403) and no token: check the token URL", ""},
		{"nothing there", status(404, `{"message":"no route"}`), "there is no token endpoint at the token URL (404): check the token URL", ""},
		{"not a POST", status(405, ``), "there is no token endpoint at the token URL (405): check the token URL", ""},
		{"not JSON", status(200, `access_token=hidden-value`), "the token endpoint's answer cannot be used: it is not JSON", ""},
		{"empty", status(204, ``), "the token endpoint's answer cannot be used: it is empty", ""},
		{"an error in a success", status(200, `{"error":"invalid_client","error_description":"client is locked"}`), "CXone refused to grant a token, in an answer of status 200: invalid_client client is locked", ""},
		{"token there twice", status(200, `{"access_token":"a","access_token":"b"}`), "the token endpoint's answer cannot be used: it holds no access_token", ""},
		{"header injection", status(200, `{"access_token":"a\r\nb"}`), "the token endpoint's answer cannot be used: its access_token holds characters that a header cannot", ""},
		{"other type", status(200, `{"access_token":"tok","token_type":"MAC"}`), "the token endpoint's answer cannot be used: its token_type is not Bearer", ""},
		{"redirect", status(307, "", "Location", "https://elsewhere.example/"), "the token URL redirects elsewhere (307), which is refused: check the token URL", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			tn := newTenant(t)
			tn.grant = func(w http.ResponseWriter, r *http.Request, _ int) { test.answer(w, r) }
			err := tn.client(t).Check(t.Context())
			if err == nil || err.Error() != test.want {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
			var scope *ScopeError
			if errors.As(err, &scope) != (test.missing != "") || (scope != nil && scope.Missing[0] != test.missing) {
				t.Errorf("scope error = %+v", scope)
			}
			if n := tn.tokenCalls(); n != 1 {
				t.Errorf("%d token calls for an answer that cannot change", n)
			}
		})
	}
}

func TestTokenCallIsTriedAgainOnPassingFaults(t *testing.T) {
	tn := newTenant(t)
	tn.grant = func(w http.ResponseWriter, r *http.Request, n int) {
		switch n {
		case 1:
			status(500, "oops")(w, r)
		case 2:
			hangUp(w, r)
		case 3:
			status(429, "", "Retry-After", "0")(w, r)
		default:
			status(200, `{"access_token":"tok"}`)(w, r)
		}
	}
	if err := tn.client(t).Check(t.Context()); err != nil || tn.tokenCalls() != 4 {
		t.Errorf("err %v after %d calls", err, tn.tokenCalls())
	}
}

func TestRefusedTokenIsDroppedAndTheCallTriedOnceMore(t *testing.T) {
	tn := newTenant(t)
	tn.mux.HandleFunc("GET /datastores/d/tables/t", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer token-number-2" {
			status(401, `{"message":"expired"}`)(w, r)
			return
		}
		status(200, goodTable)(w, r)
	})
	c := tn.client(t)
	var attempts []int
	ctx := WithTrace(t.Context(), &Trace{AttemptDone: func(a Attempt) { attempts = append(attempts, a.Number, a.Status) }})
	if _, err := c.Table(ctx, "d", "t"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Table(ctx, "d", "t"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{1, 401, 2, 200, 1, 200}, attempts); diff != "" || tn.tokenCalls() != 2 {
		t.Errorf("%d token calls, attempts %s", tn.tokenCalls(), diff)
	}
	// A late 401 of a token that has been replaced drops nothing.
	c.tokens.Invalidate("token-number-1")
	if err := c.Check(t.Context()); err != nil || tn.tokenCalls() != 2 {
		t.Errorf("err %v, %d token calls", err, tn.tokenCalls())
	}
}

func TestTokenRefusedTwiceIsAnAuthError(t *testing.T) {
	tn := newTenant(t)
	tn.script("/", status(401, `{"message":"who are you, token-number-2?"}`))
	_, err := tn.client(t).Encrypt(t.Context(), "d", "t", "key", []byte(`{}`))
	var auth *AuthError
	var api *APIError
	if !errors.As(err, &auth) || !errors.As(err, &api) || api.Message != "who are you, [redacted]?" {
		t.Errorf("err = %v, %+v", err, api)
	}
	if calls := tn.apiCalls(); len(calls) != 2 {
		t.Errorf("calls = %v", calls)
	}
}

func TestSettingsThatCannotWorkAreRefusedWithoutRepeatingSecrets(t *testing.T) {
	good := ClientCredentialsConfig{BaseURL: "https://api.example", ClientID: "i", ClientSecret: "hidden-secret"}
	for _, test := range []struct {
		change func(*ClientCredentialsConfig)
		opt    Option
		want   string
	}{
		{func(c *ClientCredentialsConfig) { c.BaseURL = "" }, nil, "the base URL is missing"},
		{func(c *ClientCredentialsConfig) { c.BaseURL = "ftp://x" }, nil, "must begin with https://"},
		{func(c *ClientCredentialsConfig) { c.BaseURL = "https://u:hidden-secret@x" }, nil, "must not hold a user name"},
		{func(c *ClientCredentialsConfig) { c.BaseURL = "https://x?y=hidden-secret" }, nil, "must not have a query"},
		{func(c *ClientCredentialsConfig) { c.BaseURL = "https:///path" }, nil, "names no host"},
		{func(c *ClientCredentialsConfig) { c.TokenURL = "https://u:hidden-secret@x/t" }, nil, "the token URL must not"},
		{func(c *ClientCredentialsConfig) { c.ClientSecret = "" }, nil, "client secret is missing"},
		{func(c *ClientCredentialsConfig) { c.Realm = "a\r\nX: y" }, nil, "control character"},
		{func(*ClientCredentialsConfig) {}, WithPathPrefix("/a/../b"), "path prefix"},
		{func(*ClientCredentialsConfig) {}, WithRate(-1), "rate"},
		{func(*ClientCredentialsConfig) {}, WithReadTimeout(0), "timeouts"},
		{func(*ClientCredentialsConfig) {}, WithRetries(-1), "retries"},
	} {
		cfg := good
		test.change(&cfg)
		opts := []Option{}
		if test.opt != nil {
			opts = append(opts, test.opt)
		}
		_, err := New(ClientCredentials(cfg), opts...)
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "hidden") {
			t.Errorf("want %q, got %v", test.want, err)
		}
	}
}

// until polls for something that another goroutine is about to do.
func until(t *testing.T, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); !done(); {
		if time.Now().After(deadline) {
			t.Fatal("it did not happen within 5 s")
		}
		<-time.After(time.Millisecond)
	}
}

func TestAGoodTokenIsReadHoweverItIsDressed(t *testing.T) {
	for _, body := range []string{
		`{"access_token":"tok","token_type":"bearer"}`, `{"access_token":"tok","token_type":"BEARER"}`,
		`{"access_token":"tok","token_type":"BearerToken","expires_in":"1799"}`,
		"\xef\xbb\xbf" + `{"access_token":"tok","error":null,"refresh_token":"refresh-1"}`,
		`{"ACCESS_TOKEN":"tok","Scope":["data_management:read","data_management:write","data_management:encrypt"]}`,
	} {
		tn := newTenant(t)
		tn.grant = func(w http.ResponseWriter, r *http.Request, _ int) { status(200, body)(w, r) }
		tn.script("/", func(w http.ResponseWriter, r *http.Request) {
			status(400, r.Header.Get("Authorization")[:7]+"refresh-1")(w, r)
		})
		c := tn.client(t)
		if err := c.Check(t.Context()); err != nil {
			t.Errorf("%s: %v", body, err)
		}
		_, err := c.Table(t.Context(), "d", "t")
		if err == nil || !strings.Contains(err.Error(), "Bearer ") || (strings.Contains(body, "refresh-1") && strings.Contains(c.Redact("refresh-1"), "refresh-1")) {
			t.Errorf("%s: %v", body, err)
		}
	}
}

// The clock of the API may be a moment behind that of the token endpoint.
func TestATokenThatIsNotYetValidIsTriedAgainOnce(t *testing.T) {
	early := status(401, `{"message":"The token is not yet valid (nbf)"}`)
	for _, test := range []struct {
		name          string
		steps         []http.HandlerFunc
		tokens, calls int
		good          bool
	}{
		{"in a body", []http.HandlerFunc{early, status(200, goodTable)}, 1, 2, true},
		{"in the challenge", []http.HandlerFunc{status(401, "", "WWW-Authenticate", `Bearer error="invalid_token", error_description="token used before issued"`), status(200, goodTable)}, 1, 2, true},
		{"for ever", []http.HandlerFunc{early}, 2, 3, false},
		{"then expired", []http.HandlerFunc{early, status(401, `{"message":"expired"}`), status(200, goodTable)}, 2, 3, true},
	} {
		tn := newTenant(t)
		tn.script("GET /datastores/d/tables/t", test.steps...)
		c := tn.client(t)
		c.cfg.clockWait = time.Millisecond
		_, err := c.Table(t.Context(), "d", "t")
		if (err == nil) != test.good || tn.tokenCalls() != test.tokens || len(tn.apiCalls()) != test.calls {
			t.Errorf("%s: %v, %d tokens, %d calls", test.name, err, tn.tokenCalls(), len(tn.apiCalls()))
		}
	}

	c := &Client{cfg: defaults()}
	begins := time.Date(2026, 11, 23, 4, 0, 5, 0, time.UTC)
	for behind, want := range map[time.Duration]time.Duration{
		5 * time.Second: 6 * time.Second, time.Hour: 30 * time.Second, -time.Second: 2 * time.Second,
	} {
		ans := &answer{status: 401, body: []byte("not yet valid"), header: http.Header{"Date": {begins.Add(-behind).Format(http.TimeFormat)}}}
		if got, ok := c.tooEarly(ans, jwt(fmt.Sprintf(`{"nbf":%d}`, begins.Unix()))); !ok || got != want {
			t.Errorf("%s behind: waits %s, want %s", behind, got, want)
		}
	}
}

func FuzzReadToken(f *testing.F) {
	for _, s := range []string{`{"access_token":"a.b.c","expires_in":"60"}`, `{"error":"x"}`, `<html>`, "\xef\xbb\xbf{}", jwt(`{"tenantId":7,"iss":"https://x"}`)} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		a := newAuthority(nil, nil, "id", "hidden-secret")
		ans := &answer{status: 200, body: body, header: http.Header{}}
		if err := a.denied("https://x/t", ans, "401"); err != nil {
			if text := err.Error(); !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) || len(text) > 8*maxMessage {
				t.Errorf("unsafe %q", text)
			}
			return
		}
		now := time.Now()
		token, _, err := a.readToken(ans, now)
		if err == nil && (token.Value == "" || strings.ContainsAny(token.Value, "\r\n ") || !token.renew.After(now) || token.renew.After(token.Expires)) {
			t.Errorf("believed %q as %+v", body, token)
		}
		_ = claimsOf(string(body))
		_, _ = (&accessKey{authority: a}).readEndpoint(ans, "token_endpoint")
	})
}
