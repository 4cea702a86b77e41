package cxone

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/hashicorp/go-retryablehttp"
	"github.com/sony/gobreaker/v2"
)

const (
	maxErrorBody = 64 << 10 // of an answer that is not a success, in bytes
	maxHeader    = 1 << 20  // of any answer; net/http reads ten times as much
)

// correlationHeader names a request to CXone's support, in both directions
// (contract §1).
const correlationHeader = "CorrelationId"

var (
	errTooLarge = errors.New("the answer is larger than this client reads")
	errTimeout  = errors.New("timeout")
	errWait     = errors.New("not sent")     // the context ended while waiting for a turn
	errExcluded = errors.New("says nothing") // the breaker learns nothing from this attempt
	errFailed   = errors.New("failed")       // the breaker counts this attempt
)

// defaultTransport is used where no client is given: the standard one with
// enough idle connections for a concurrent runner, whose new connections would
// cost a handshake each.
var defaultTransport = sync.OnceValue(func() http.RoundTripper {
	t, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return http.DefaultTransport
	}
	t = t.Clone()
	t.MaxIdleConnsPerHost = 32
	t.MaxResponseHeaderBytes = maxHeader
	return t
})

// exchange is one logical request with all its attempts. It is the
// http.RoundTripper under its own retrying client, so that each attempt is
// paced, timed, bounded and reported.
type exchange struct {
	method, url string
	header      http.Header
	body        []byte
	timeout     time.Duration // of one attempt, from being let through until the body is read
	limit       int64         // of a success's body, in bytes
	cut         bool          // a success over the limit is cut there; otherwise it is refused
	retry       func(status int, sent bool, err error) bool

	policy  retryPolicy
	base    http.RoundTripper
	pacer   *pacer                                     // nil: not paced
	breaker *gobreaker.TwoStepCircuitBreaker[struct{}] // nil: none
	opensAt func() time.Time                           // when an open breaker lets a request through
	redact  func(string) string
	trace   *Trace
	number  int // attempts made so far in the call; goes on over a renewed token

	correlation string // the last attempt's CorrelationId

	pending *Attempt // done, but not reported yet: the wait after it is not known
	sent    bool     // the last attempt got no answer, and its body may have left
}

// answer is the last attempt's answer, wholly read.
type answer struct {
	status    int
	header    http.Header
	body      []byte
	truncated bool
	pause     pause
}

// do makes the request, and makes it again as the policy allows.
func (x *exchange) do(ctx context.Context) (*answer, error) {
	var body any
	if x.body != nil {
		body = x.body
	}
	req, err := retryablehttp.NewRequestWithContext(ctx, x.method, x.url, body)
	if err != nil {
		return nil, x.failure(err)
	}
	req.Header = x.header.Clone()
	client := retryablehttp.Client{
		HTTPClient:   &http.Client{Transport: x, CheckRedirect: checkRedirect},
		RetryMax:     x.policy.retries,
		CheckRetry:   x.checkRetry,
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
		Backoff: func(_, _ time.Duration, n int, resp *http.Response) time.Duration {
			var asked time.Duration
			if resp != nil {
				asked = x.asksFor(resp).wait
			}
			wait := x.policy.backoff(n, asked)
			x.report(wait)
			return wait
		},
	}
	resp, err := client.Do(req)
	x.report(0)
	if err != nil {
		return nil, x.failure(err)
	}
	defer func() { _ = resp.Body.Close() }() // read into memory already
	a, ok := resp.Body.(*readBody)
	if !ok {
		return nil, x.failure(errors.New("the answer's body was replaced"))
	}
	return &answer{
		status: resp.StatusCode, header: resp.Header, body: a.bytes, truncated: a.truncated,
		pause: x.asksFor(resp),
	}, nil
}

func (x *exchange) asksFor(resp *http.Response) pause {
	return asksFor(resp.StatusCode, resp.Header, x.policy.now())
}

func (x *exchange) checkRetry(ctx context.Context, resp *http.Response, err error) (bool, error) {
	if ctx.Err() != nil {
		return false, nil //nolint:nilerr // the caller gave up: Do reports the context's error by itself
	}
	if err != nil {
		return x.retry(0, x.sent, err), nil
	}
	return x.retry(resp.StatusCode, x.sent, nil) && worthWaiting(ctx, x.asksFor(resp).wait), nil
}

// checkRedirect follows a read's redirects within the host and refuses others,
// which then stand as an answer of status 3xx: the token must reach no other
// host, and a redirected change would become a GET that looks like success.
func checkRedirect(req *http.Request, via []*http.Request) error {
	first := via[0]
	if first.Method != http.MethodGet || len(via) > 5 ||
		req.URL.Scheme != first.URL.Scheme || req.URL.Host != first.URL.Host || req.URL.User != nil {
		return http.ErrUseLastResponse
	}
	return nil
}

// RoundTrip is one attempt. It implements http.RoundTripper for do alone.
func (x *exchange) RoundTrip(req *http.Request) (*http.Response, error) {
	x.report(0) // a redirect's answer, not reported yet
	x.sent = false
	release, err := x.admit(req.Context())
	if err != nil {
		return nil, err
	}
	defer release()
	done := func(error) {}
	if x.breaker != nil {
		if done, err = x.breaker.Allow(); err != nil {
			return nil, &UnavailableError{Until: x.opensAt()}
		}
	}
	start := time.Now()
	resp, err := x.send(req, release)
	x.learn(req.Context(), done, resp, err, start)

	x.number++
	x.pending = &Attempt{Method: req.Method, Path: x.redact(req.URL.EscapedPath()), Number: x.number, Duration: time.Since(start),
		CorrelationID: x.correlation}
	if err != nil {
		x.pending.Err = x.failure(err)
		return nil, err
	}
	x.pending.Status = resp.StatusCode
	if id := requestID(resp.Header); id != "" {
		x.pending.CorrelationID = shorten(x.redact(clean(id)), maxRequestID)
	}
	return resp, nil
}

func (x *exchange) admit(ctx context.Context) (release func(), err error) {
	if x.pacer == nil {
		return func() {}, nil
	}
	if release, err = x.pacer.wait(ctx); err != nil {
		return nil, fmt.Errorf("%w: %w", errWait, err)
	}
	return release, nil
}

// learn tells breaker and pacer how the attempt ended. Only network errors and
// 5xx speak against the tenant; a caller who gave up says nothing.
func (x *exchange) learn(ctx context.Context, done func(error), resp *http.Response, err error, start time.Time) {
	switch {
	case err != nil && (ctx.Err() != nil || errors.Is(err, errTooLarge)):
		done(errExcluded)
	case err != nil || resp.StatusCode >= 500:
		done(errFailed)
	default:
		done(nil)
	}
	if x.pacer == nil || err != nil {
		return
	}
	if resp.StatusCode == http.StatusTooManyRequests {
		x.pacer.throttled(start, max(x.policy.base, x.asksFor(resp).wait))
		return
	}
	x.pacer.answered(x.method, time.Since(start))
}

// send writes the request and reads the whole answer within the timeout, so
// that a body that breaks off is an attempt that failed.
func (x *exchange) send(req *http.Request, written func()) (*http.Response, error) {
	ctx, cancel := context.WithTimeoutCause(req.Context(), x.timeout, errTimeout)
	defer cancel()
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteRequest: func(httptrace.WroteRequestInfo) { written() },
	})
	out := req.Clone(traced)
	x.correlation = uuid.NewString()
	out.Header.Set(correlationHeader, x.correlation)
	out.Header.Set("Accept-Encoding", "gzip") // ours, so that net/http leaves the body to unpacked
	var left *sentBody
	if out.Body != nil && out.Body != http.NoBody {
		left = &sentBody{ReadCloser: out.Body}
		out.Body = left
		// net/http resends by itself, on a connection found dead, a request
		// that carries X-Idempotency-Key and GetBody. That is our decision.
		out.GetBody = nil
	}
	resp, err := x.base.RoundTrip(out)
	if err == nil {
		err = x.readWhole(resp)
	}
	if err == nil && !followable(req, resp) {
		resp.Header.Del("Location") // net/http would make an error of a redirect that it cannot read
	}
	x.sent = err != nil && left != nil && left.read.Load()
	if err != nil && errors.Is(context.Cause(ctx), errTimeout) {
		return nil, fmt.Errorf("no answer within %s: %w", x.timeout, context.DeadlineExceeded)
	}
	if err != nil {
		return nil, err
	}
	return resp, nil
}

// followable reports whether an answer is no redirect, or one of a read to an
// address that can be read; checkRedirect decides about the host.
func followable(req *http.Request, resp *http.Response) bool {
	if resp.StatusCode < 300 || resp.StatusCode > 399 {
		return true
	}
	_, err := resp.Location()
	return err == nil && req.Method == http.MethodGet
}

// readWhole replaces the answer's body by one in memory. An error's body is cut
// at its bound, and so is a change's answer, which stays a success; a read that
// is over it is refused, for half of it could be mistaken for the whole.
func (x *exchange) readWhole(resp *http.Response) error {
	defer func() { _ = resp.Body.Close() }() // the read below says what went wrong
	if resp.StatusCode == http.StatusSwitchingProtocols {
		// Nobody asked to switch. The body is the bare connection, which no
		// deadline of the request reaches.
		resp.Body = &readBody{Reader: bytes.NewReader(nil)}
		return nil
	}
	limit, cut := x.limit, x.cut
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		limit, cut = maxErrorBody, true
	}
	data, err := readUnpacked(resp.Body, limit+1)
	over := int64(len(data)) > limit
	switch {
	case over && !cut:
		return errTooLarge
	case over:
		data = data[:limit]
	case err != nil && (resp.StatusCode < 200 || resp.StatusCode > 299):
		// The status is the answer; what could be read of its text will do.
	case err != nil:
		return fmt.Errorf("the answer broke off: %w", err)
	}
	resp.Body = &readBody{Reader: bytes.NewReader(data), bytes: data, truncated: over}
	return nil
}

// gzipMagic begins a gzip stream (RFC 1952 §2.3.1), and no JSON.
var gzipMagic = []byte{0x1f, 0x8b}

// readUnpacked reads at most limit bytes of a body, unpacked where it is
// packed. The body tells, and not Content-Encoding: some gateways unpack an
// answer and leave the header, others pack it and drop the header.
func readUnpacked(body io.Reader, limit int64) ([]byte, error) {
	packed := bufio.NewReader(io.LimitReader(body, limit))
	if magic, _ := packed.Peek(len(gzipMagic)); !bytes.Equal(magic, gzipMagic) {
		return io.ReadAll(packed)
	}
	unpacked, err := gzip.NewReader(packed)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(unpacked, limit))
}

// report hands the pending attempt to the trace.
func (x *exchange) report(wait time.Duration) {
	if x.pending == nil {
		return
	}
	x.pending.Wait = wait
	if x.trace.AttemptDone != nil {
		x.trace.AttemptDone(*x.pending)
	}
	x.pending = nil
}

// failure dresses an error of the way, without the URL that net/http repeats.
func (x *exchange) failure(err error) error {
	var unavailable *UnavailableError
	if errors.As(err, &unavailable) {
		return unavailable
	}
	if errors.Is(err, errTooLarge) {
		return &DecodeError{Method: x.method, Path: x.path(), Err: fmt.Errorf("it is larger than %d bytes", x.limit)}
	}
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return &TransportError{
		Method: x.method, Path: x.path(), Sent: x.sent, Err: err,
		text: shorten(x.redact(clean(err.Error())), maxMessage),
	}
}

func (x *exchange) path() string {
	u, err := url.Parse(x.url)
	if err != nil {
		return "" // it was made from a URL that parsed
	}
	return x.redact(u.EscapedPath())
}

// readBody is a body that was read already.
type readBody struct {
	*bytes.Reader
	bytes     []byte
	truncated bool
}

func (*readBody) Close() error { return nil }

// sentBody notes that the transport began to send it.
type sentBody struct {
	io.ReadCloser
	read atomic.Bool
}

func (b *sentBody) Read(p []byte) (int, error) {
	b.read.Store(true)
	return b.ReadCloser.Read(p)
}
