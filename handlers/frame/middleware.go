package frame

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
)

// KMSCallbackPath is the pattern of the KMS callback, whose token is a secret.
const KMSCallbackPath = "/kms/callback/:token"

// observe gives the request an id, answers its error, then logs one line and counts it. Errors are answered here
// so that the line has the status that was sent.
func (f *Frame) observe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		started := time.Now() // a duration, not a fact about the domain
		id := uuid.NewString()
		c.Set(ctxReqID, id)
		c.Response().Header().Set(echo.HeaderXRequestID, id)
		defer func() {
			took := time.Since(started)
			f.metrics.observe(c, took)
			f.logRequest(c, took)
			f.recordRepeats(f.repeats.Flush) // of an hour that is over; without requests, at shutdown
		}()
		if err := next(c); err != nil {
			f.fail(c, err)
		}
		return nil
	}
}

// RequestID returns the request's id, as log lines and error pages show it.
func RequestID(c echo.Context) string {
	id, _ := c.Get(ctxReqID).(string)
	return id
}

func (f *Frame) logRequest(c echo.Context, took time.Duration) {
	r := c.Request()
	rt, _ := c.Get(ctxRoute).(Route)
	path := r.URL.Path // never the query: it may hold what someone searched for
	if strings.HasPrefix(path, "/kms/") {
		path = KMSCallbackPath // the token is a secret
	}
	attrs := []slog.Attr{
		slog.String("request_id", RequestID(c)), slog.String("method", r.Method),
		slog.String("path", path[:min(len(path), 256)]), slog.String("route", rt.Path),
		slog.Int("status", c.Response().Status), slog.Int64("bytes", c.Response().Size),
		slog.Duration("took", took), slog.String("ip", c.RealIP()),
	}
	if who := Caller(c); who.Name != "" {
		attrs = append(attrs, slog.String("user", who.Name))
	}
	level := slog.LevelInfo
	if rt.Kind == Machine {
		level = slog.LevelDebug // probes and assets
	}
	f.cfg.Logger.LogAttrs(r.Context(), level, "request", attrs...)
}

// recover turns a panic into an internal error. http.ErrAbortHandler passes through: it aborts the connection.
func (f *Frame) recover(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if e, ok := p.(error); ok && errors.Is(e, http.ErrAbortHandler) {
				panic(p)
			}
			f.cfg.Logger.ErrorContext(c.Request().Context(), "a handler panicked", "request_id", RequestID(c),
				"panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			if c.Response().Committed {
				panic(http.ErrAbortHandler) // a body that was cut short must not look complete
			}
			err = errors.New("panic in a handler")
		}()
		return next(c)
	}
}

const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
	"connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'"

// headers sets what every response carries (OWASP Secure Headers).
func (f *Frame) headers(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		header := c.Response().Header()
		header.Set("Content-Security-Policy", contentPolicy)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("X-Frame-Options", "DENY")
		header.Set("Referrer-Policy", "same-origin")
		header.Set("Cross-Origin-Opener-Policy", "same-origin")
		header.Set("Cross-Origin-Resource-Policy", "same-origin")
		header.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		header.Set(echo.HeaderCacheControl, "no-store") // static files say otherwise
		if f.secure {
			header.Set(echo.HeaderStrictTransportSecurity, "max-age=31536000; includeSubDomains")
		}
		return next(c)
	}
}

// unchecked are answered under any host name: probes come by address, and the
// KMS may know this console by another name.
var unchecked = []string{"/healthz", "/readyz", "/metrics"}

// checkHost refuses requests for another host than the public one, which is
// how DNS rebinding looks from here. Loopback names are fine where the console
// was reached over loopback.
func (f *Frame) checkHost(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		if f.public == nil || slices.Contains(unchecked, r.URL.Path) || strings.HasPrefix(r.URL.Path, "/kms/callback/") {
			return next(c)
		}
		name, port := splitHost(r.Host)
		publicName, publicPort := splitHost(f.public.Host)
		samePort := port == publicPort || port == "" && publicPort == f.defaultPort() ||
			publicPort == "" && port == f.defaultPort()
		if strings.EqualFold(name, publicName) && samePort {
			return next(c)
		}
		if isLoopback(name) && reachedOverLoopback(r) {
			return next(c)
		}
		return echo.NewHTTPError(http.StatusMisdirectedRequest,
			"This console does not answer under this host name. Use its public address.")
	}
}

func (f *Frame) defaultPort() string {
	if f.secure {
		return "443"
	}
	return "80"
}

func splitHost(hostport string) (name, port string) {
	name, port, err := net.SplitHostPort(hostport)
	if err != nil {
		return strings.Trim(hostport, "[]"), ""
	}
	return name, port
}

func isLoopback(name string) bool {
	if strings.EqualFold(name, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(name)
	return err == nil && ip.IsLoopback()
}

func reachedOverLoopback(r *http.Request) bool {
	addr, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return false
	}
	name, _ := splitHost(addr.String())
	return isLoopback(name)
}

// ipExtractor returns how a client's address is read: from the connection, or from X-Forwarded-For where the
// connection comes from a trusted proxy.
func ipExtractor(trusted []netip.Prefix) echo.IPExtractor {
	if len(trusted) == 0 {
		return echo.ExtractIPDirect()
	}
	options := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	for _, p := range trusted {
		options = append(options, echo.TrustIPRange(&net.IPNet{
			IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}))
	}
	return echo.ExtractIPFromXFFHeader(options...)
}
