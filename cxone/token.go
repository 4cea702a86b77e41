package cxone

import (
	"context"
	"sync"
	"time"
)

// Token is what a tenant granted.
type Token struct {
	Value   string
	Scopes  []string  // as granted; nil when the tenant did not say, which means "as asked"
	Expires time.Time // by the provider's clock

	// ServerTime is the Date of the answer that brought the token and Skew how
	// far it is ahead of the provider's clock, to the second; both are zero
	// when the tenant sent no date.
	ServerTime time.Time
	Skew       time.Duration

	renew time.Time // from when on a new one is fetched
}

// TokenProvider hands out access tokens and knows the API's base URL. Its
// methods are called concurrently.
type TokenProvider interface {
	// Token returns a token that is good for a while yet.
	Token(ctx context.Context) (Token, error)
	// Invalidate drops a cached token that the API refused. A newer token is
	// kept.
	Invalidate(value string)
	// BaseURL is the API's address, without the path prefix.
	BaseURL(ctx context.Context) (string, error)
}

// earlyRenewal is how long before its expiry a token is no longer used, or half
// its life where that is sooner (contract §1).
const earlyRenewal = 60 * time.Second

// tokenCache keeps one token and makes one fetch serve every caller that waits
// for it. oauth2.ReuseTokenSourceWithExpiry does the first half but knows no
// context per call: one caller's cancellation would fail the others.
type tokenCache struct {
	now   func() time.Time
	fetch func(context.Context) (Token, error)

	mu     sync.Mutex
	token  Token
	flight *flight
}

// flight is a fetch under way. It outlives the caller who started it and ends
// when nobody waits any more.
type flight struct {
	done    chan struct{}
	cancel  context.CancelFunc
	waiters int
	token   Token
	err     error
}

// Token returns the cached token, or waits for a fresh one.
func (c *tokenCache) Token(ctx context.Context) (Token, error) {
	if err := ctx.Err(); err != nil {
		return Token{}, err
	}
	c.mu.Lock()
	if c.token.Value != "" && c.now().Before(c.token.renew) {
		defer c.mu.Unlock()
		return c.token, nil
	}
	f := c.flight
	if f == nil {
		f = c.start(ctx)
	}
	f.waiters++
	c.mu.Unlock()

	start := time.Now()
	select {
	case <-f.done:
	case <-ctx.Done():
		c.leave(f)
		return Token{}, ctx.Err()
	}
	if t := traceOf(ctx); t.TokenFetched != nil {
		t.TokenFetched(time.Since(start))
	}
	return f.token, f.err
}

// start begins a fetch; c.mu is held.
func (c *tokenCache) start(ctx context.Context) *flight {
	ctx, cancel := context.WithCancel(WithTrace(context.WithoutCancel(ctx), nil))
	f := &flight{done: make(chan struct{}), cancel: cancel}
	c.flight = f
	go func() {
		defer cancel()
		token, err := c.fetch(ctx)
		c.mu.Lock()
		defer c.mu.Unlock()
		f.token, f.err = token, err
		if c.flight == f {
			c.flight = nil
			if err == nil {
				c.token = token
			}
		}
		close(f.done)
	}()
	return f
}

func (c *tokenCache) leave(f *flight) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.waiters--; f.waiters == 0 {
		f.cancel()
		if c.flight == f {
			c.flight = nil
		}
	}
}

// Invalidate drops the token if it is still the cached one.
func (c *tokenCache) Invalidate(value string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.token.Value == value {
		c.token = Token{}
	}
}
