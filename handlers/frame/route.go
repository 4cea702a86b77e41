package frame

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"cxseal/internal/access"
	"cxseal/web"
)

// Kind decides how a route is guarded and how its errors are answered.
type Kind int

// The kinds of routes.
const (
	Page    Kind = iota // a document for a browser: without a session, a redirect to /login
	Form                // changes something, or checks a form: POST with a csrf_token
	File                // a download or a text: without a session, 401
	Stream              // like File, and open for long
	Machine             // for programs without a session: probes, the KMS
	Feed                // like Machine, and open for long
)

// Everyone marks a route that needs no permission.
const Everyone access.Permission = "everyone"

// Route is one line of the console's table of routes.
type Route struct {
	Method string
	Path   string // echo's pattern; also the name in logs and metrics
	Kind   Kind
	Needs  access.Permission
	Handle echo.HandlerFunc

	// Denied records that a caller without the permission was refused, and returns why, the refusal. Nil: the
	// frame records ACCESS_DENIED.
	Denied func(c echo.Context, who access.Caller, why error) error

	// Secret says that the form holds a secret in a field whose name does not tell (see HoldsSecret): it is not
	// kept when it arrives after its session's end.
	Secret bool

	// SignedIn answers a form of Everyone whose csrf_token is not this session's, where the browser is signed in:
	// another tab has done so since the form was made. It must change nothing. Nil: the form is refused.
	SignedIn echo.HandlerFunc
}

// Get is a route that reads.
func Get(path string, kind Kind, needs access.Permission, handle echo.HandlerFunc) Route {
	return Route{Method: http.MethodGet, Path: path, Kind: kind, Needs: needs, Handle: handle}
}

// Post is the route of a form.
func Post(path string, needs access.Permission, handle echo.HandlerFunc) Route {
	return Route{Method: http.MethodPost, Path: path, Kind: Form, Needs: needs, Handle: handle}
}

// OrDeny returns the route with denied as its function to record a denial.
func (rt Route) OrDeny(denied func(c echo.Context, who access.Caller, why error) error) Route {
	rt.Denied = denied
	return rt
}

// WithSecret returns the route as one whose form holds a secret.
func (rt Route) WithSecret() Route {
	rt.Secret = true
	return rt
}

// WhenSignedIn returns the route with its answer to a form from before the browser was signed in.
func (rt Route) WhenSignedIn(answer echo.HandlerFunc) Route {
	rt.SignedIn = answer
	return rt
}

// Routes returns the routes of the probes, the metrics and the static files.
func (f *Frame) Routes() []Route {
	return []Route{
		Get("/healthz", Machine, Everyone, f.healthz),
		Get("/readyz", Machine, Everyone, f.readyz),
		Get("/metrics", Machine, Everyone, f.metrics.handler),
		Get("/static/*", Machine, Everyone, echo.WrapHandler(web.StaticHandler())),
	}
}

// requestTime is the longest time that a page or a form may take.
const requestTime = 30 * time.Second

// Mount registers a table of routes, GET routes for HEAD too (echo would answer 405). It fails for a route that
// names no permission or an unknown one.
func (f *Frame) Mount(table []Route) error {
	for _, rt := range table {
		if rt.Needs != Everyone && !slices.Contains(access.Permissions(), rt.Needs) {
			return fmt.Errorf("handlers: %s %s needs a permission and names %q", rt.Method, rt.Path, rt.Needs)
		}
		methods := []string{rt.Method}
		if rt.Method == http.MethodGet {
			methods = append(methods, http.MethodHead)
		}
		f.echo.Match(methods, rt.Path, rt.Handle, f.bounded(rt), f.guard(rt))
	}
	return nil
}

// PatternOf returns the pattern of the route that answers a request.
func (f *Frame) PatternOf(r *http.Request) string {
	c := f.echo.NewContext(r, nil)
	f.echo.Router().Find(r.Method, r.URL.Path, c)
	return c.Path()
}
