package frame

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/inventory"
)

// Config holds the frame's dependencies and settings. Fields marked Optional may be nil or zero; New requires
// the rest.
type Config struct {
	Accounts Accounts
	Tokens   Tokens
	Factors  Factors
	Sessions scs.Store // gets hashed tokens only
	Records  Recorder
	Forms    FormSealer
	Syncs    Syncs

	// Connections lists the tenants that are configured, in a stable order.
	Connections func() []Connection

	// Ready is nil when the console can serve, and otherwise says why not in a
	// sentence that anyone may read.
	Ready func(ctx context.Context) error

	// RequireFactor lets people who signed in with a password do nothing before
	// they have a second factor. Optional.
	RequireFactor bool

	// PublicURL is the address that people and the KMS use, such as
	// https://seal.example.org. When it is set, requests for another host are
	// refused, and https makes cookies Secure and sends HSTS. Optional.
	PublicURL string

	// TrustedProxies are the proxies whose X-Forwarded-For header is believed. Optional: without one, a
	// client's address is that of its connection.
	TrustedProxies []netip.Prefix

	Version string // Optional: shown on every page.
	Now     func() time.Time
	Logger  *slog.Logger
	Metrics *prometheus.Registry
}

// Accounts reads an account as it stands at this moment.
type Accounts interface {
	Current(ctx context.Context, userID int64, ip string) (access.Caller, error)
}

// Tokens reads who a program's API token stands for.
type Tokens interface {
	Authenticate(ctx context.Context, secret, ip string) (access.Caller, error)
}

// Factors says whether an account has a confirmed second factor.
type Factors interface {
	On(ctx context.Context, userID int64) (bool, error)
}

// Recorder appends audit records that belong to no other change: denials and exports.
type Recorder interface {
	AppendRecords(ctx context.Context, records ...audit.Record) error
}

// Syncs returns the result of each connection's last synchronisation.
type Syncs interface {
	Syncs(ctx context.Context) ([]inventory.Sync, error)
}

// Frame serves what every page needs; areas embed it.
type Frame struct {
	cfg      Config
	public   *url.URL // nil when none is set
	secure   bool     // the public address is https
	sessions *scs.SessionManager
	origins  *http.CrossOriginProtection
	metrics  *requestMetrics
	echo     *echo.Echo
	repeats  *audit.Fold // downloads and denied reads

	ownMu sync.Mutex
	own   map[int64]int // open event streams, by person

	exports *access.Bucket // by person: each export is a record
	denials *access.Bucket // by person: denied forms beyond are folded like reads

	closing context.Context // done when the console closes: streams end
	stop    context.CancelFunc
	streams chan struct{} // a slot for each open event stream
}

// New returns a Frame without routes. It fails when a required field of cfg is missing.
func New(cfg Config) (*Frame, error) {
	if err := Missing("Frame", map[string]bool{
		"Accounts": cfg.Accounts == nil, "Tokens": cfg.Tokens == nil, "Factors": cfg.Factors == nil, "Sessions": cfg.Sessions == nil,
		"Records": cfg.Records == nil, "Forms": cfg.Forms == nil, "Syncs": cfg.Syncs == nil, "Connections": cfg.Connections == nil, "Ready": cfg.Ready == nil,
		"Now": cfg.Now == nil, "Logger": cfg.Logger == nil, "Metrics": cfg.Metrics == nil,
	}); err != nil {
		return nil, err
	}
	f := &Frame{cfg: cfg, streams: make(chan struct{}, maxStreams), repeats: audit.NewFold(cfg.Records, cfg.Now), own: map[int64]int{},
		exports: access.NewBucket(25, 10*time.Second, cfg.Now), denials: access.NewBucket(30, time.Minute, cfg.Now)}
	if err := f.readPublicURL(); err != nil {
		return nil, err
	}
	f.sessions = newSessions(cfg.Sessions, f.secure)
	var err error
	if f.metrics, err = newRequestMetrics(cfg.Metrics); err != nil {
		return nil, err
	}
	f.closing, f.stop = context.WithCancel(context.Background())

	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.Logger.SetOutput(io.Discard) // requests and errors are logged to cfg.Logger
	e.IPExtractor = ipExtractor(cfg.TrustedProxies)
	e.HTTPErrorHandler = func(err error, c echo.Context) { f.fail(c, err) }
	e.Use(f.observe, f.recover, f.headers, f.withSession, f.checkHost)
	f.echo = e
	return f, nil
}

// ServeHTTP routes on the escaped path, so that an id may hold a slash (%2F).
func (f *Frame) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	u := *r.URL
	u.RawPath = r.URL.EscapedPath()
	inner := *r
	inner.URL = &u
	f.echo.ServeHTTP(w, &inner)
}

// Close ends the event streams, cancels Closing and records how often downloads and denied reads were repeated.
func (f *Frame) Close() {
	f.stop()
	f.recordRepeats(f.repeats.FlushAll)
}

// repeatsTime is the longest time that recording the repeats of an hour may take.
const repeatsTime = 5 * time.Second

// recordRepeats appends the numbers of repeats. Those that cannot be appended are logged and kept for the
// next time.
func (f *Frame) recordRepeats(flush func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.Background(), repeatsTime)
	defer cancel()
	if err := flush(ctx); err != nil {
		f.cfg.Logger.ErrorContext(ctx, "repeated downloads and denials could not be recorded", "err", err)
	}
}

// Closing returns a context that is cancelled when the console closes.
func (f *Frame) Closing() context.Context { return f.closing }

// Now returns the console's time.
func (f *Frame) Now() time.Time { return f.cfg.Now() }

// Logger returns the logger for errors that no response shows.
func (f *Frame) Logger() *slog.Logger { return f.cfg.Logger }

// Version returns the program's version, for cache keys that must change with it.
func (f *Frame) Version() string { return f.cfg.Version }

func (f *Frame) readPublicURL() error {
	f.origins = http.NewCrossOriginProtection()
	if f.cfg.PublicURL == "" {
		return nil
	}
	u, err := url.Parse(f.cfg.PublicURL)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return fmt.Errorf("handlers: the public URL %q is not an http or https address", f.cfg.PublicURL)
	}
	f.public, f.secure = u, u.Scheme == "https"
	return f.origins.AddTrustedOrigin(u.Scheme + "://" + u.Host)
}

// Address returns the console's address without a slash at the end, for links that are used outside of it.
func (f *Frame) Address(c echo.Context) string {
	if f.public != nil {
		return f.public.Scheme + "://" + f.public.Host
	}
	return c.Scheme() + "://" + c.Request().Host
}
