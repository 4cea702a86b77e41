package cxone

import (
	"errors"
	"math"
	"net/http"
	"time"
)

const defaultUserAgent = "cxseal-cxone/1"

type config struct {
	client         *http.Client
	prefix         string
	rate           float64
	userAgent      string
	now            func() time.Time
	readTimeout    time.Duration
	encryptTimeout time.Duration
	retries        int
	backoffBase    time.Duration
	backoffMax     time.Duration
	breakAfter     int
	breakFor       time.Duration
	clockWait      time.Duration // for a token that is not yet valid and does not say when it is
}

func defaults() config {
	return config{
		prefix: "/api/v2", userAgent: defaultUserAgent, now: time.Now,
		readTimeout: 10 * time.Second, encryptTimeout: 30 * time.Second,
		retries: 4, backoffBase: 250 * time.Millisecond, backoffMax: 8 * time.Second,
		breakAfter: 10, breakFor: 30 * time.Second, clockWait: 2 * time.Second,
	}
}

func (c config) validate() error {
	switch {
	case c.now == nil:
		return errors.New("the clock is missing")
	case math.IsNaN(c.rate) || c.rate < 0 || c.rate > 1e6:
		return errors.New("the rate must be a number of requests per second, or 0 for no limit")
	case c.readTimeout <= 0 || c.encryptTimeout <= 0:
		return errors.New("the timeouts must be positive")
	case c.retries < 0 || c.backoffBase < 0 || c.backoffMax < c.backoffBase:
		return errors.New("retries must not be negative, nor the backoff's maximum below its base")
	case c.breakAfter < 0 || c.breakFor <= 0:
		return errors.New("the breaker needs a number of failures that is not negative and a positive pause")
	}
	return nil
}

// Option changes a default of New.
type Option func(*config)

// WithHTTPClient uses the client's Transport. Its redirect policy, cookie jar
// and timeout are not used: the contract fixes them.
func WithHTTPClient(client *http.Client) Option { return func(c *config) { c.client = client } }

// WithPathPrefix sets what stands between base URL and /datastores; default
// "/api/v2".
func WithPathPrefix(prefix string) Option { return func(c *config) { c.prefix = prefix } }

// WithRate spaces API requests to at most this many per second, without any
// burst; 0, the default, does not space them. Token calls are not spaced.
func WithRate(requestsPerSecond float64) Option {
	return func(c *config) { c.rate = requestsPerSecond }
}

// WithUserAgent sets the header User-Agent of API calls.
func WithUserAgent(agent string) Option { return func(c *config) { c.userAgent = agent } }

// WithClock sets the clock against which Retry-After dates are read. Pacing,
// timeouts and waits run on real time.
func WithClock(now func() time.Time) Option { return func(c *config) { c.now = now } }

// WithReadTimeout bounds each attempt of a read; default 10 s.
func WithReadTimeout(d time.Duration) Option { return func(c *config) { c.readTimeout = d } }

// WithEncryptTimeout bounds each attempt of a change; default 30 s.
func WithEncryptTimeout(d time.Duration) Option { return func(c *config) { c.encryptTimeout = d } }

// WithRetries sets how often a request is tried again at most; default 4.
func WithRetries(most int) Option { return func(c *config) { c.retries = most } }

// WithBackoff sets the ceiling of the first wait, which doubles with each
// retry, and the highest ceiling; default 250 ms and 8 s. The wait is drawn
// between nothing and the ceiling.
func WithBackoff(base, most time.Duration) Option {
	return func(c *config) { c.backoffBase, c.backoffMax = base, most }
}

// WithBreaker stops sending for a pause after so many network errors and 5xx
// in a row, then tries one request; default 10 and 30 s. 0 failures switches
// the breaker off.
func WithBreaker(failures int, pause time.Duration) Option {
	return func(c *config) { c.breakAfter, c.breakFor = failures, pause }
}
