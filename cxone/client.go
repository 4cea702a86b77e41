package cxone

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/sony/gobreaker/v2"
)

// maxRead bounds the body of a success, in bytes.
const maxRead = 8 << 20

// Client calls one tenant's Data Management API. It is safe for concurrent
// use; its pace and its circuit breaker are shared by all its calls.
type Client struct {
	cfg     config
	tokens  TokenProvider
	base    http.RoundTripper
	pacer   *pacer
	breaker *gobreaker.TwoStepCircuitBreaker[struct{}]
	*redactor

	mu     sync.Mutex
	opened time.Time // when the breaker last opened
}

// New returns a client. It makes no request; it refuses settings that cannot
// work.
func New(tokens TokenProvider, opts ...Option) (*Client, error) {
	if tokens == nil {
		return nil, errors.New("cxone: no token provider")
	}
	if v, ok := tokens.(interface{ validate() error }); ok {
		if err := v.validate(); err != nil {
			return nil, fmt.Errorf("cxone: %w", err)
		}
	}
	cfg := defaults()
	for _, opt := range opts {
		opt(&cfg)
	}
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("cxone: %w", err)
	}
	var err error
	if cfg.prefix, err = checkPrefix(cfg.prefix); err != nil {
		return nil, fmt.Errorf("cxone: %w", err)
	}
	c := &Client{
		cfg: cfg, tokens: tokens, base: transportOf(cfg.client),
		pacer: newPacer(cfg.rate), redactor: newRedactor(),
	}
	if cfg.breakAfter > 0 {
		c.breaker = c.newBreaker()
	}
	return c, nil
}

func (c *Client) newBreaker() *gobreaker.TwoStepCircuitBreaker[struct{}] {
	return gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		Name:    "cxone",
		Timeout: c.cfg.breakFor,
		ReadyToTrip: func(n gobreaker.Counts) bool {
			return int64(n.ConsecutiveFailures) >= int64(c.cfg.breakAfter)
		},
		IsExcluded: func(err error) bool { return errors.Is(err, errExcluded) },
		OnStateChange: func(_ string, _, to gobreaker.State) {
			if to == gobreaker.StateOpen {
				c.mu.Lock()
				c.opened = c.cfg.now()
				c.mu.Unlock()
			}
		},
	})
}

func (c *Client) breakerOpensAt() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	until, now := c.opened.Add(c.cfg.breakFor), c.cfg.now()
	if until.Before(now) {
		return now // one request is trying the tenant out at this moment
	}
	return until
}

// Redact returns s without the secrets and tokens this client knows, and
// without what looks like one.
func (c *Client) Redact(s string) string {
	if r, ok := c.tokens.(interface{ Redact(string) string }); ok {
		s = r.Redact(s)
	}
	return c.redactor.Redact(s)
}

// CloseIdleConnections closes connections that are not in use.
func (c *Client) CloseIdleConnections() {
	if t, ok := c.base.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

// Access is what Probe found out.
type Access struct {
	BaseURL    string
	Scopes     []string // as granted; nil when the tenant did not say: as asked
	Expires    time.Time
	ServerTime time.Time     // zero when the tenant sent no Date
	Skew       time.Duration // how far the tenant's clock is ahead of ours
}

// Probe gets a token (the cached one where it is good) and says what came with
// it. It makes no API call.
func (c *Client) Probe(ctx context.Context) (Access, error) {
	token, err := c.token(ctx)
	if err != nil {
		return Access{}, err
	}
	base, err := c.tokens.BaseURL(ctx)
	if err != nil {
		return Access{}, err
	}
	if _, err := parseBase("the base URL", base); err != nil {
		return Access{}, err
	}
	return Access{BaseURL: base, Scopes: token.Scopes, Expires: token.Expires, ServerTime: token.ServerTime, Skew: token.Skew}, nil
}

// Check reports whether a token can be had with the scopes that are needed.
func (c *Client) Check(ctx context.Context) error {
	_, err := c.Probe(ctx)
	return err
}

func (c *Client) token(ctx context.Context) (Token, error) {
	token, err := c.tokens.Token(ctx)
	if err != nil {
		return Token{}, err
	}
	c.sawToken(token.Value)
	return token, nil
}

// call is one call of the API.
type call struct {
	method  string
	path    string // below the prefix, escaped, beginning with "/"
	query   string
	header  http.Header
	body    []byte
	timeout time.Duration
	limit   int64
	cut     bool // of a success over the limit what is within it is kept
	listing bool
	retry   func(status int, sent bool, err error) bool
}

func (c *Client) read(path string) call {
	return call{method: http.MethodGet, path: path, timeout: c.cfg.readTimeout, limit: maxRead, retry: retryRead}
}

// do makes a call and returns a success. A 401 drops the token and tries once
// more with a fresh one: nothing was done by a request that was refused. A 401
// that says that the token is not yet valid waits once for the tenant's clock.
func (c *Client) do(ctx context.Context, in call) (*answer, error) {
	base, err := c.tokens.BaseURL(ctx)
	if err != nil {
		return nil, err
	}
	u, err := parseBase("the base URL", base)
	if err != nil {
		return nil, err
	}
	address := strings.TrimRight(u.String(), "/") + c.cfg.prefix + in.path
	path := strings.TrimRight(u.EscapedPath(), "/") + c.cfg.prefix + in.path
	if in.query != "" {
		address += "?" + in.query
	}
	number := 0
	renewed, waited := false, false
	for {
		token, err := c.token(ctx)
		if err != nil {
			return nil, err
		}
		x := c.exchange(ctx, in, address, token, number)
		ans, err := x.do(ctx)
		number = x.number
		if err != nil {
			return nil, c.unanswered(ctx, in, x, err)
		}
		switch early, notYet := c.tooEarly(ans, token.Value); {
		case ans.status == http.StatusUnauthorized && notYet && !waited:
			waited = true
			if err := pauseFor(ctx, early); err != nil {
				return nil, err
			}
			continue
		case ans.status == http.StatusUnauthorized && !renewed:
			renewed = true
			c.tokens.Invalidate(token.Value)
			continue
		}
		if ans.status >= 200 && ans.status <= 299 {
			return ans, nil
		}
		return nil, c.refusal(in, path, ans)
	}
}

func (c *Client) exchange(ctx context.Context, in call, address string, token Token, number int) *exchange {
	header := in.header.Clone()
	if header == nil {
		header = http.Header{}
	}
	header.Set("Authorization", "Bearer "+token.Value)
	header.Set("Accept", "application/json")
	header.Set("User-Agent", c.cfg.userAgent)
	return &exchange{
		method: in.method, url: address, header: header, body: in.body,
		timeout: in.timeout, limit: in.limit, cut: in.cut, retry: in.retry,
		policy: retryPolicy{retries: c.cfg.retries, base: c.cfg.backoffBase, max: c.cfg.backoffMax, now: c.cfg.now},
		base:   c.base, pacer: c.pacer, breaker: c.breaker, opensAt: c.breakerOpensAt,
		redact: c.Redact, trace: traceOf(ctx), number: number,
	}
}

// unanswered decides what a call without an answer means.
func (c *Client) unanswered(ctx context.Context, in call, x *exchange, err error) error {
	if in.method == http.MethodPatch && x.sent {
		return &AmbiguousError{Err: err}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// refusal decides what an answer that is not a success means.
func (c *Client) refusal(in call, path string, ans *answer) error {
	e := newAPIError(in.method, path, ans, c.Redact)
	e.listing = in.listing
	switch {
	case ans.status == http.StatusUnauthorized:
		return &AuthError{Message: "CXone refused a fresh token: check the client's permissions and the base URL", Err: e}
	case ans.status == http.StatusTooManyRequests:
		return throttled(ans, e, c.Redact)
	case in.method == http.MethodPatch && (ans.status >= 500 || ans.status == http.StatusRequestTimeout ||
		ans.status < 400 && !redirects(ans.status)):
		return &AmbiguousError{Err: e}
	}
	return e
}

// throttled is the error of a 429.
func throttled(ans *answer, e *APIError, redact func(string) string) *RateLimitError {
	return &RateLimitError{RetryAfter: ans.pause.wait, Asked: shorten(redact(clean(ans.pause.odd)), maxFound), Err: e}
}

// notYetValid is how services say that a token begins later.
var notYetValid = regexp.MustCompile(`(?i)not[ _-]?(?:yet|before)|\bnbf\b|issued in the future|used before`)

// longestClockWait bounds the wait for a tenant whose clock is behind that of
// its own token endpoint.
const longestClockWait = 30 * time.Second

// tooEarly reports whether a 401 says that the token is not yet valid, and how
// long that lasts by the tenant's clock.
func (c *Client) tooEarly(ans *answer, token string) (time.Duration, bool) {
	if ans.status != http.StatusUnauthorized {
		return 0, false
	}
	message, code := readMessage(ans.body)
	if !notYetValid.MatchString(message + " " + code + " " + ans.header.Get("WWW-Authenticate")) {
		return 0, false
	}
	wait := c.cfg.clockWait
	begins := claimsOf(token).notBefore
	if date, err := http.ParseTime(ans.header.Get("Date")); err == nil && begins.After(date) {
		wait = begins.Sub(date) + time.Second // Date is to the second
	}
	return min(wait, longestClockWait), true
}

func pauseFor(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
