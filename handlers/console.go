package handlers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"

	"github.com/alexedwards/scs/v2"
	"github.com/labstack/echo/v4"
)

// Console is the whole console as an http.Handler.
type Console struct {
	cfg      Config
	public   *url.URL // nil when none is set
	secure   bool     // the public address is https
	sessions *scs.SessionManager
	origins  *http.CrossOriginProtection
	metrics  *requestMetrics
	echo     *echo.Echo

	stop    context.Context // done when the console closes: streams end
	stopped context.CancelFunc
	streams chan struct{} // a slot for each open event stream
	syncs   syncs
}

// maxStreams bounds the event streams that are open at a time.
const maxStreams = 512

// New returns the console. It is an error when something it cannot do without
// is missing, or when a route names no permission.
func New(cfg Config) (*Console, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	h := &Console{cfg: cfg, streams: make(chan struct{}, maxStreams)}
	if err := h.readPublicURL(); err != nil {
		return nil, err
	}
	h.stop, h.stopped = context.WithCancel(context.Background())
	h.sessions = newSessions(cfg.Sessions, h.secure)
	var err error
	if h.metrics, err = newRequestMetrics(cfg.Metrics, cfg.Runs); err != nil {
		return nil, err
	}

	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.Logger.SetOutput(io.Discard) // everything worth saying goes to cfg.Logger
	e.IPExtractor = ipExtractor(cfg.TrustedProxies)
	e.HTTPErrorHandler = func(err error, c echo.Context) { h.fail(c, err) }
	e.Use(h.observe, h.recover, h.headers, h.withSession, h.checkHost)
	h.echo = e
	if err := h.mount(h.routes()); err != nil {
		return nil, err
	}
	return h, nil
}

// ServeHTTP routes on the escaped path, so that an id may hold a slash (%2F).
func (h *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	u := *r.URL
	u.RawPath = r.URL.EscapedPath()
	inner := *r
	inner.URL = &u
	h.echo.ServeHTTP(w, &inner)
}

// Close ends the event streams and the synchronisations that people started,
// and waits for the latter.
func (h *Console) Close() {
	h.stopped()
	h.syncs.wait.Wait()
}

func (cfg *Config) check() error {
	missing := map[string]bool{
		"Service": cfg.Service == nil, "Accounts": cfg.Accounts == nil, "Inventory": cfg.Inventory == nil,
		"Sessions": cfg.Sessions == nil, "Runs": cfg.Runs == nil, "Verifications": cfg.Verifications == nil,
		"Audit": cfg.Audit == nil, "Tables": cfg.Tables == nil, "Records": cfg.Records == nil,
		"Ledger": cfg.Ledger == nil, "Policies": cfg.Policies == nil, "Feeds": cfg.Feeds == nil,
		"Alarms": cfg.Alarms == nil, "Desk": cfg.Desk == nil, "Jobs": cfg.Jobs == nil,
		"Connections": cfg.Connections == nil, "Ready": cfg.Ready == nil,
		"Trends": cfg.Trends == nil, "Columns": cfg.Columns == nil, "Sensitivity": cfg.Sensitivity == nil,
		"Campaign": cfg.Campaign == nil, "Campaigns": cfg.Campaigns == nil,
		"SignedIn": cfg.SignedIn == nil, "Factors": cfg.Factors == nil, "Tokens": cfg.Tokens == nil, "SSO": cfg.SSO == nil,
		"Managed": cfg.Managed == nil, "WithFactor": cfg.WithFactor == nil,
		"Now": cfg.Now == nil, "Logger": cfg.Logger == nil, "Metrics": cfg.Metrics == nil,
	}
	var errs []error
	for name, absent := range missing {
		if absent {
			errs = append(errs, fmt.Errorf("handlers: Config.%s is missing", name))
		}
	}
	return errors.Join(errs...)
}

func (h *Console) readPublicURL() error {
	h.origins = http.NewCrossOriginProtection()
	if h.cfg.PublicURL == "" {
		return nil
	}
	u, err := url.Parse(h.cfg.PublicURL)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return fmt.Errorf("handlers: the public URL %q is not an http or https address", h.cfg.PublicURL)
	}
	h.public, h.secure = u, u.Scheme == "https"
	return h.origins.AddTrustedOrigin(u.Scheme + "://" + u.Host)
}

// syncs are the synchronisations that people started, one a connection.
type syncs struct {
	mu      sync.Mutex
	running map[string]bool
	wait    sync.WaitGroup
}

func (s *syncs) isRunning(connection string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.running[connection]
}

// start runs f unless one is running for the connection already.
func (s *syncs) start(connection string, f func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running[connection] {
		return false
	}
	if s.running == nil {
		s.running = map[string]bool{}
	}
	s.running[connection] = true
	s.wait.Go(func() {
		defer func() {
			s.mu.Lock()
			delete(s.running, connection)
			s.mu.Unlock()
		}()
		f()
	})
	return true
}
