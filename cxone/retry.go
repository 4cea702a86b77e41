package cxone

import (
	"context"
	"crypto/tls"
	"errors"
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

// retryAfter reads both forms of Retry-After (RFC 9110 §10.2.3). An absent or
// senseless value is 0, and so is a date that has passed.
func retryAfter(h http.Header, now time.Time) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if v == "" {
		return 0
	}
	if strings.Trim(v, "0123456789") == "" {
		seconds, err := strconv.ParseInt(v, 10, 64)
		if err != nil || seconds > 365*24*3600 {
			seconds = 365 * 24 * 3600 // far beyond what is waited for
		}
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(v); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
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
