package sandbox

import (
	"context"
	"crypto/rand"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// The credentials of a sandbox that was given none.
const (
	DefaultClientID        = "sandbox-client"
	DefaultClientSecret    = "sandbox-secret" //nolint:gosec // G101: a published default of a simulated tenant, not a secret
	DefaultRealm           = "sandbox-realm"
	DefaultAccessKeyID     = "sandbox-access-key"
	DefaultAccessKeySecret = "sandbox-access-secret" //nolint:gosec // G101: as above
	DefaultTenantID        = "11eb0000-5a4d-4b0c-9e57-000000000001"
)

// Config says what tenant to simulate. The zero value is a usable tenant with
// the default credentials, one table, no rate limit and unsigned callbacks.
type Config struct {
	ClientID, ClientSecret, Realm string   // sandbox-client, sandbox-secret, sandbox-realm
	AccessKeyID, AccessKeySecret  string   // of token mode access-key
	TenantID                      string   // claim tenantId of the access-key tokens
	Scopes                        []string // what the client may be granted; nil: all three

	// BaseURL is how the tenant calls itself in its discovery documents. Empty:
	// taken from each request's Host and the prefix it is mounted under.
	BaseURL string

	Tables int   // tables to make beside ds-customers/tbl-contacts
	Seed   int64 // same number, same data

	Rate  float64 // requests per second and client, 0: no limit
	Burst int     // default: a fifth of a second's worth, at least 1

	Latency      time.Duration // added to every answer
	TokenSeconds int           // lifetime of a token, default 3600

	KMSSecret string       // whsec_…: signs the callbacks; empty: they go unsigned
	KMS       Confirmation // how changes are confirmed; empty: by callback, or as Inline says
	Inline    bool         // the short form of KMSInline

	// Now is the base clock, to which the movable offset is added. The rate
	// limit runs on the base clock alone, so moving the offset frees nobody.
	Now func() time.Time

	// After times the wait between two attempts at a callback; tests shorten it.
	After func(time.Duration) <-chan time.Time

	Callbacks *http.Client // posts the callbacks; its redirects are never followed
	Logger    *slog.Logger
}

// Sandbox is a simulated CXone tenant. It is an http.Handler and safe for
// concurrent use. Close it when done.
type Sandbox struct {
	cfg       Config
	log       *slog.Logger
	handler   http.Handler
	callbacks *http.Client
	webhook   *standardwebhooks.Webhook // nil: unsigned
	configErr error                     // why KMSSecret can't sign
	jwtKey    []byte
	born      time.Time // day the generated rotation dates are counted from

	ctx    context.Context // ends at Close
	cancel context.CancelFunc
	wg     sync.WaitGroup
	slots  chan struct{} // bounds the callbacks on the wire at once

	mu       sync.Mutex
	closed   bool
	offset   time.Duration
	settings Settings
	buckets  map[string]*rate.Limiter
	tokens   tokenStore
	replays  replayStore
	faults   []Fault
	stats    Stats
	idle     chan struct{} // closed while no callback is under way
	tables   map[string]*table
	stores   []store
}

// New makes a tenant. A KMSSecret that isn't base64 is logged and every
// callback then fails; use CheckKMSSecret first where a person typed it.
func New(cfg Config) *Sandbox {
	setDefault(&cfg.ClientID, DefaultClientID)
	setDefault(&cfg.ClientSecret, DefaultClientSecret)
	setDefault(&cfg.Realm, DefaultRealm)
	setDefault(&cfg.AccessKeyID, DefaultAccessKeyID)
	setDefault(&cfg.AccessKeySecret, DefaultAccessKeySecret)
	setDefault(&cfg.TenantID, DefaultTenantID)
	if cfg.Scopes == nil {
		cfg.Scopes = AllScopes()
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.After == nil {
		cfg.After = time.After
	}
	if cfg.TokenSeconds <= 0 {
		cfg.TokenSeconds = 3600
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Sandbox{
		cfg:       cfg,
		log:       cfg.Logger,
		callbacks: callbackClient(cfg.Callbacks),
		jwtKey:    []byte(rand.Text()),
		born:      cfg.Now().UTC().Truncate(24 * time.Hour),
		slots:     make(chan struct{}, 64),
		settings: Settings{
			Inline: cfg.Inline, KMS: cfg.KMS, Rate: cfg.Rate, Burst: cfg.Burst,
			LatencyMs: int(cfg.Latency / time.Millisecond),
			Scopes:    cfg.Scopes, TokenSeconds: cfg.TokenSeconds,
		},
		buckets: map[string]*rate.Limiter{},
		tables:  map[string]*table{},
		idle:    make(chan struct{}),
	}
	close(s.idle)
	s.stats.reset()
	s.stores = storesFor(cfg.Tables)
	if cfg.KMSSecret != "" {
		s.webhook, s.configErr = newWebhook(cfg.KMSSecret)
		if s.configErr != nil {
			s.log.Error("the KMS secret can't sign: callbacks will fail", "error", s.configErr)
		}
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.handler = s.routes()
	return s
}

func setDefault(field *string, value string) {
	if *field == "" {
		*field = value
	}
}

// Close ends the waits of requests under way, drops callbacks not yet
// delivered and waits for their goroutines. It may be called twice.
func (s *Sandbox) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	s.wg.Wait()
	if s.cfg.Callbacks == nil { // a client that was lent keeps its connections
		s.callbacks.CloseIdleConnections()
	}
}

// ServeHTTP serves the tenant's API and, under /_sandbox/, its controls.
func (s *Sandbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// The tenant's own clock: a client that checks skew reads it here.
	w.Header().Set("Date", s.Now().UTC().Format(http.TimeFormat))
	s.handler.ServeHTTP(w, r)
}

func (s *Sandbox) routes() http.Handler {
	const stores = "/api/v2/datastores"
	mux := http.NewServeMux()
	mux.Handle("POST /oauth/token", s.serve(EndpointToken, nil, s.clientCredentials))
	mux.Handle("POST /auth/token", s.serve(EndpointToken, nil, s.accessKey))
	mux.Handle("GET /.well-known/openid-configuration", s.serve(EndpointDiscovery, nil, s.openidConfiguration))
	mux.Handle("GET /.well-known/cxone-configuration", s.serve(EndpointDiscovery, nil, s.cxoneConfiguration))

	read := []string{ScopeRead}
	mux.Handle("GET "+stores, s.serve(EndpointDataStores, read, s.listDataStores))
	mux.Handle("GET "+stores+"/{ds}/tables", s.serve(EndpointTables, read, s.listTables))
	mux.Handle("GET "+stores+"/{ds}/tables/{table}", s.serve(EndpointTable, read, s.getTable))
	mux.Handle("GET "+stores+"/{ds}/tables/{table}/indexes", s.serve(EndpointIndexes, read, s.getIndexes))
	mux.Handle("PATCH "+stores+"/{ds}/tables/{table}/columns",
		s.serve(EndpointEncrypt, []string{ScopeWrite, ScopeEncrypt}, s.encrypt))

	s.controlRoutes(mux)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		refuse(http.StatusNotFound, "not_found", "", "there is no such resource").write(w)
	})
	return mux
}

// call is one request on its way through an endpoint.
type call struct {
	*http.Request
	client string        // whose token it carries
	delay  time.Duration // latency that the endpoint itself must spend
}

// serve wraps an endpoint with what every endpoint does: counting, faults,
// latency, the body's bound, the token, its scopes and the rate limit. The
// PATCH spends its latency itself, between taking the idempotency key and the
// commit, so that "in flight" is a state that can be seen.
func (s *Sandbox) serve(ep Endpoint, scopes []string, h func(call) answer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		s.count(ep)
		if ep == EndpointEncrypt {
			s.countKey(r.PathValue("ds")+"/"+plainID(r.PathValue("table")), r.Header.Get("X-Idempotency-Key"))
		}
		if id := r.Header.Get("CorrelationId"); id != "" { // CXone gives it back
			w.Header().Set("CorrelationId", id)
		}
		delay, fault := s.requestFaults(ep)
		shapes := s.takeShapes(ep)
		r = shapeRequest(r, shapes)
		if ep != EndpointEncrypt {
			s.wait(r.Context(), delay)
			delay = 0
		}
		if fault.Kind == FaultDropBefore {
			drop(w)
			return
		}
		a := s.answerOf(ep, scopes, h, call{Request: r, delay: delay}, fault).shape(shapes)
		switch fault.Kind {
		case FaultDropAfter:
			drop(w)
			return
		case FaultStatusAfter:
			a = s.faultAnswer(fault)
		}
		if a.status == http.StatusTooManyRequests {
			s.mu.Lock()
			s.stats.Throttled++
			s.mu.Unlock()
		}
		a.write(w)
	})
}

func (s *Sandbox) answerOf(ep Endpoint, scopes []string, h func(call) answer, c call, fault Fault) answer {
	if fault.Kind == FaultStatus {
		return s.faultAnswer(fault)
	}
	if ep == EndpointToken || ep == EndpointDiscovery {
		return h(c)
	}
	client, refusal := s.authorize(c.Request, scopes)
	if refusal != nil {
		return *refusal
	}
	if refusal := s.throttle(client); refusal != nil {
		return *refusal
	}
	c.client = client
	return h(c)
}

// throttle takes one token from the client's bucket, or says when to come back.
func (s *Sandbox) throttle(client string) *answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.settings.Rate <= 0 {
		return nil
	}
	bucket := s.buckets[client]
	if bucket == nil {
		burst := s.settings.Burst
		if burst <= 0 {
			burst = max(1, int(math.Ceil(s.settings.Rate/5)))
		}
		bucket = rate.NewLimiter(rate.Limit(s.settings.Rate), burst)
		s.buckets[client] = bucket
	}
	now := s.cfg.Now()
	booking := bucket.ReserveN(now, 1)
	wait := booking.DelayFrom(now)
	if wait == 0 {
		return nil
	}
	booking.CancelAt(now)
	a := refuse(http.StatusTooManyRequests, "too_many_requests", "", "too many requests: slow down")
	seconds := max(1, int(math.Ceil(wait.Seconds())))
	a.header.Set("Retry-After", s.retryAfter(seconds, s.settings.RetryAfterDate))
	return &a
}

// retryAfter writes the header in one of its two forms (RFC 9110 §10.2.3).
// The caller holds s.mu.
func (s *Sandbox) retryAfter(seconds int, asDate bool) string {
	if asDate {
		return s.nowLocked().Add(time.Duration(seconds) * time.Second).UTC().Format(http.TimeFormat)
	}
	return strconv.Itoa(seconds)
}

// wait spends d of real time, less when the request or the sandbox ends.
func (s *Sandbox) wait(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case <-s.ctx.Done():
	}
}
