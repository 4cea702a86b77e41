package frame

import (
	"context"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"cxseal/internal/access"
	"cxseal/internal/fault"
	"cxseal/web"
)

// maxForm bounds a form's body. 500 columns with names of 1 KiB, each byte
// escaped as %XX, take 1.5 MiB.
const maxForm = 2 << 20

// guard calls the route's handler when the caller has the route's permission and, for a form, its token. Services
// check permissions again.
func (f *Frame) guard(rt Route) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			c.Set(ctxRoute, rt)
			if rt.Kind == Machine || rt.Kind == Feed {
				return next(c)
			}
			if rt.Kind == Form && f.origins.Check(c.Request()) != nil {
				return errForged
			}
			who, err := f.signedIn(c)
			if err != nil && (rt.Needs != Everyone || fault.CodeOf(err) != fault.Unauthenticated) {
				return f.turnAway(c, rt, err)
			}
			if rt.Kind == Form {
				if err := readForm(c); err != nil {
					return err
				}
			}
			if missing, err := f.lacksFactor(c, rt, who); err != nil || missing {
				if err == nil && rt.Kind == Page && !IsHTMX(c.Request()) && !WantsJSON(c.Request()) {
					f.Flash(c, web.ToneWarning, fault.MessageOf(ErrFactor))
					return f.Redirect(c, "/account")
				}
				if err != nil {
					return err
				}
				return ErrFactor
			}
			if rt.Needs != Everyone {
				if err := access.Require(who, rt.Needs); err != nil {
					return f.deny(c, rt, who, err)
				}
			}
			if rt.Kind == Form {
				if err := f.checkCSRF(c); err != nil {
					if rt.SignedIn != nil && who.UserID != 0 {
						return rt.SignedIn(c)
					}
					return f.confirmStale(c, rt, who, err)
				}
				f.sentKept(c)
			}
			return next(c)
		}
	}
}

// ErrFactor is the refusal of a person who must set up a second factor first.
var ErrFactor = fault.New(fault.Denied, "Set up a second factor first: this console asks everybody for one.")

// lacksFactor reports whether the caller must set up a second factor before they may use the route. A program
// with an API token need not: the token was made by a person who has one.
func (f *Frame) lacksFactor(c echo.Context, rt Route, who access.Caller) (bool, error) {
	if rt.Needs == Everyone || rt.Needs == access.PermOwnAccount || who.Scope != nil {
		return false, nil
	}
	return f.OwesFactor(c, who)
}

// OwesFactor reports whether the console requires a second factor that the person does not have. People who sign
// in through an SSO provider owe none: the provider asks for its own.
func (f *Frame) OwesFactor(c echo.Context, who access.Caller) (bool, error) {
	if !f.cfg.RequireFactor || f.sessions.GetBool(c.Request().Context(), keyFederated) {
		return false, nil
	}
	on, err := f.cfg.Factors.On(c.Request().Context(), who.UserID)
	return !on, err
}

// turnAway answers a request without a session: a page redirects to the sign-in form, which leads back to it,
// everything else gets 401 (contract §3).
func (f *Frame) turnAway(c echo.Context, rt Route, why error) error {
	r := c.Request()
	reading := r.Method == http.MethodGet || r.Method == http.MethodHead
	if fault.CodeOf(why) != fault.Unauthenticated || rt.Kind != Form && (rt.Kind != Page || !reading) || IsHTMX(r) || WantsJSON(r) {
		return why
	}
	if _, token := bearer(r); token {
		return why
	}
	if rt.Kind == Form {
		return f.signInAgain(c, rt, why)
	}
	return f.Redirect(c, "/login?next="+url.QueryEscape(r.URL.RequestURI()))
}

// deny records and returns the refusal of a caller without the permission. It does not read what was asked for,
// so the answer is the same whether or not that exists. A denied read is recorded once an hour for each person and
// route, with the number of its repeats (see audit.Fold), and so are the forms of somebody who is denied many.
func (f *Frame) deny(c echo.Context, rt Route, who access.Caller, why error) error {
	ctx := c.Request().Context()
	many := f.denials.Take(strconv.FormatInt(who.UserID, 10), "") != nil
	switch {
	case rt.Denied != nil && !many:
		if err := rt.Denied(c, who, why); err != nil && fault.CodeOf(err) != fault.Denied {
			return err
		}
	case rt.Kind == Form && !many:
		if err := f.cfg.Records.AppendRecords(ctx, access.DenialRecord(f.cfg.Now(), who, rt.Needs)); err != nil {
			return err
		}
	default:
		r := access.DenialRecord(f.cfg.Now(), who, rt.Needs)
		r.Detail += " Asked for " + rt.Path + "."
		if err := f.repeats.Note(ctx, r); err != nil {
			return err
		}
	}
	c.Set(ctxDenied, true)
	return why
}

// readForm reads the body of a form within its bound, into PostForm.
func readForm(c echo.Context) error {
	r := c.Request()
	r.Body = http.MaxBytesReader(c.Response(), r.Body, maxForm)
	var err error
	switch kind, _, _ := mime.ParseMediaType(r.Header.Get(echo.HeaderContentType)); kind {
	case echo.MIMEApplicationForm:
		err = r.ParseForm()
	case echo.MIMEMultipartForm:
		err = r.ParseMultipartForm(maxForm)
		if r.MultipartForm != nil && len(r.MultipartForm.File) > 0 {
			err = errors.Join(err, r.MultipartForm.RemoveAll(), fault.New(fault.Invalid, "This form takes no files."))
		}
	case "":
		if r.ContentLength == 0 { // a form without a field has no token either
			r.PostForm = url.Values{}
			return nil
		}
		fallthrough
	default:
		return echo.NewHTTPError(http.StatusUnsupportedMediaType, "Send the form as application/x-www-form-urlencoded.")
	}
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return fault.New(fault.TooLarge, "The form is larger than %d MiB.", maxForm>>20)
	}
	if err != nil && fault.CodeOf(err) == fault.Internal {
		return fault.Wrap(err, fault.Invalid, "The form cannot be read.")
	}
	return err
}

// bounded gives pages and forms a deadline. Streams and feeds set their own for each write.
func (f *Frame) bounded(rt Route) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		if rt.Kind == Stream || rt.Kind == Feed {
			return next
		}
		return func(c echo.Context) error {
			whole := c.Request().Context()
			ctx, cancel := context.WithTimeout(whole, requestTime)
			defer func() {
				cancel()
				c.SetRequest(c.Request().WithContext(whole)) // an error page is still to be made
			}()
			c.SetRequest(c.Request().WithContext(ctx))
			return next(c)
		}
	}
}

// IsHTMX reports whether the request comes from htmx, which takes a fragment of a page.
func IsHTMX(r *http.Request) bool { return r.Header.Get("HX-Request") == "true" }

// WantsJSON reports whether the request accepts JSON and no HTML.
func WantsJSON(r *http.Request) bool {
	accept := r.Header.Get(echo.HeaderAccept)
	return strings.Contains(accept, "application/json") && !strings.Contains(accept, "text/html")
}

// Param returns a path parameter, unescaped. The router works on the escaped path (see ServeHTTP).
func Param(c echo.Context, name string) (string, error) {
	v, err := url.PathUnescape(c.Param(name))
	if err != nil {
		return "", fault.Wrap(err, fault.Invalid, "The address has a malformed escape.")
	}
	return v, nil
}

// SafeNext returns next when it is a path of this console, and "/" otherwise: the redirect after sign-in must not
// lead to another host. Browsers read // and /\ as the beginning of a host.
func SafeNext(next string) string {
	const home = "/"
	if len(next) > 2048 || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.Contains(next, `\`) {
		return home
	}
	u, err := url.Parse(next) // refuses control characters, which browsers leave out
	if err != nil || u.IsAbs() || u.Host != "" || u.User != nil || u.Path == "/login" || u.Path == "/logout" {
		return home
	}
	return next
}
