package cxone

import (
	"context"
	"crypto/tls"
	"errors"
	"math"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// retryPolicy says how often and how patiently a request is tried again.
type retryPolicy struct {
	retries   int // after the first attempt
	base, max time.Duration
	now       func() time.Time // for Retry-After dates
}

// backoff is the wait before attempt n+1 (n counts from 0): anything between
// nothing and base×2ⁿ ("full jitter", AWS Architecture Blog 2015), but no less
// than the tenant asked for.
func (p retryPolicy) backoff(n int, retryAfter time.Duration) time.Duration {
	ceiling := p.max
	if n < 30 && p.base<<n < p.max {
		ceiling = p.base << n
	}
	var jitter time.Duration
	if ceiling > 0 {
		jitter = rand.N(ceiling) //nolint:gosec // spreading load, not a secret
	}
	return max(jitter, retryAfter)
}

// longestPause is the longest pause that is believed; a larger one is most
// likely a mistake of units.
const longestPause = 24 * time.Hour

// pause is how long an answer asks to be left alone.
type pause struct {
	wait time.Duration // 0 where it does not say
	odd  string        // the header that asks for what cannot be meant
}

// asksFor reads Retry-After in both its forms (RFC 9110 §10.2.3) and, on 429
// and 503, what services send in its place. Dates and Unix times are read
// against the answer's own Date, for the clocks may differ by an hour; now
// serves where it has none.
func asksFor(status int, h http.Header, now time.Time) pause {
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	if v := strings.TrimSpace(h.Get("Retry-After")); v != "" {
		if at, err := http.ParseTime(v); err == nil {
			return bounded("Retry-After", v, at.Sub(now))
		}
		return inSeconds("Retry-After", v, time.Second)
	}
	if status != http.StatusTooManyRequests && status != http.StatusServiceUnavailable {
		return pause{} // the headers below also come with every success
	}
	for _, name := range []string{"Retry-After-Ms", "X-Ms-Retry-After-Ms"} {
		if v := strings.TrimSpace(h.Get(name)); v != "" {
			return inSeconds(name, v, time.Millisecond)
		}
	}
	for _, name := range []string{"RateLimit-Reset", "X-RateLimit-Reset", "X-Rate-Limit-Reset"} {
		v := strings.TrimSpace(h.Get(name))
		if v == "" {
			continue
		}
		if at, ok := unixTime(v); ok {
			return bounded(name, v, at.Sub(now))
		}
		if at, err := http.ParseTime(v); err == nil {
			return bounded(name, v, at.Sub(now))
		}
		return inSeconds(name, v, time.Second)
	}
	return pause{}
}

// unixTime reads a number that can only be a Unix time, in seconds or
// milliseconds.
func unixTime(v string) (time.Time, bool) {
	n, err := strconv.ParseFloat(v, 64)
	switch {
	case err != nil || n < 1e9 || n >= 1e14:
		return time.Time{}, false
	case n >= 1e12:
		return time.UnixMilli(int64(n)), true
	}
	return time.UnixMilli(int64(n * 1000)), true
}

func inSeconds(name, v string, unit time.Duration) pause {
	n, err := strconv.ParseFloat(v, 64)
	if err != nil || math.IsNaN(n) || n < 0 {
		return pause{odd: name + ": " + v}
	}
	return bounded(name, v, time.Duration(math.Ceil(min(n*float64(unit), float64(2*longestPause)))))
}

func bounded(name, v string, wait time.Duration) pause {
	if wait > longestPause {
		return pause{wait: longestPause, odd: name + ": " + v}
	}
	return pause{wait: max(0, wait)}
}

// worthWaiting reports whether an answer that asks for a pause is retried by
// the client itself: not beyond maxPause, nor beyond the caller's deadline.
func worthWaiting(ctx context.Context, pause time.Duration) bool {
	if pause > maxPause {
		return false
	}
	deadline, ok := ctx.Deadline()
	return !ok || pause == 0 || time.Until(deadline) > pause
}

// permanent reports errors that another attempt cannot mend.
func permanent(err error) bool {
	var certificate *tls.CertificateVerificationError
	var unavailable *UnavailableError
	return errors.As(err, &certificate) || errors.As(err, &unavailable) || errors.Is(err, errTooLarge) ||
		errors.Is(err, errWait)
}

// retryRead is the rule of the contract for reads (§1, Errors).
func retryRead(status int, _ bool, err error) bool {
	if err != nil {
		return !permanent(err)
	}
	switch status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// retryToken is the rule for token and discovery calls: they change nothing,
// so a plain 500 is tried again too.
func retryToken(status int, sent bool, err error) bool {
	return retryRead(status, sent, err) || (err == nil && status == http.StatusInternalServerError)
}

// retryChange is the rule for the PATCH: only where it certainly was not acted
// on. Everything else is for the caller, who can read the table.
func retryChange(status int, sent bool, err error) bool {
	if err != nil {
		return !sent && !permanent(err)
	}
	return status == http.StatusTooManyRequests
}
