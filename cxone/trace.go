package cxone

import (
	"context"
	"time"
)

// Trace receives what happens while calls are made, like net/http/httptrace.
// Both functions may be nil; they are called on the caller's goroutine, in
// order, and should return soon.
type Trace struct {
	// TokenFetched tells how long the call waited for a token; it is not
	// called where the cached token served.
	TokenFetched func(d time.Duration)

	// AttemptDone tells of each request to the API that was sent, or that
	// failed to be.
	AttemptDone func(Attempt)
}

// Attempt is one request of a call.
type Attempt struct {
	Method string
	Path   string // escaped, without host and query
	Number int    // counts from 1 within the call
	Status int    // 0 when no answer came
	Err    error  // why no answer came; its text is redacted
	// CorrelationID is how the tenant names the request; where it names none,
	// the CorrelationId that was sent with it.
	CorrelationID string
	Duration      time.Duration // from the moment it was let through until the body was read
	Wait          time.Duration // how long the client waits before the next attempt; 0 for the last
}

type traceKey struct{}

// WithTrace returns a context whose calls report to t.
func WithTrace(ctx context.Context, t *Trace) context.Context {
	return context.WithValue(ctx, traceKey{}, t)
}

func traceOf(ctx context.Context) *Trace {
	if t, ok := ctx.Value(traceKey{}).(*Trace); ok && t != nil {
		return t
	}
	return &Trace{}
}
