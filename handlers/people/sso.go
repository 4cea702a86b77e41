package people

import (
	"net/url"

	"github.com/labstack/echo/v4"

	"cxseal/handlers/frame"
	"cxseal/internal/fault"
	"cxseal/web"
)

// SSOCallbackPath is where providers send people back: the redirect address to
// register with them is the public address followed by it.
const SSOCallbackPath = "/sso/callback"

// Keys of a session while somebody is on the way through a provider.
const (
	keyProvider = "provider" // string
	keyState    = "state"    // string
	keyNext     = "next"     // string, made safe
)

// ssoBegin sends the browser to a provider. It is a link and not a form: the
// policy keeps forms from leading to another host.
func (a *Area) ssoBegin(c echo.Context) error {
	id, err := frame.Param(c, "provider")
	if err != nil {
		return err
	}
	address, state, err := a.SSO.Begin(c.Request().Context(), id)
	if err != nil {
		return a.loginRefused(c, err, frame.SafeNext(c.QueryParam("next")))
	}
	kept := map[string]any{keyProvider: id, keyState: state, keyNext: frame.SafeNext(c.QueryParam("next"))}
	if err := a.Remember(c, kept); err != nil {
		return err
	}
	return a.Redirect(c, address)
}

// ssoCallback ends the way through a provider. The state is taken out of the
// session before it is looked at: it is good once.
func (a *Area) ssoCallback(c echo.Context) error {
	provider, state := a.Take(c, keyProvider), a.Take(c, keyState)
	next := frame.SafeNext(a.Take(c, keyNext))
	if provider == "" {
		return a.loginRefused(c, fault.New(fault.Unauthenticated, "This sign-in was not begun in this browser, or is over. Begin again."), next)
	}
	who, err := a.SSO.Finish(c.Request().Context(), provider, state, c.QueryParams(), c.RealIP())
	if err != nil {
		return a.loginRefused(c, err, next)
	}
	return a.welcome(c, who, true, next)
}

// loginRefused shows why a sign-in through a provider did not work, on the
// sign-in page. A provider that there is not is an error like any other.
func (a *Area) loginRefused(c echo.Context, err error, next string) error {
	if fault.CodeOf(err) == fault.NotFound {
		return err
	}
	return refused(c, err, func(p frame.Problem) error {
		a.Logger().WarnContext(c.Request().Context(), "a sign-in was refused", "request_id", frame.RequestID(c), "err", err)
		return a.showLogin(c, p.Status, web.LoginView{Next: next, Error: p.Message})
	})
}

// providers are the buttons of the sign-in page.
func (a *Area) providers(next string) []web.Link {
	var list []web.Link
	for _, p := range a.SSO.Providers() {
		href := "/sso/" + url.PathEscape(p.ID) + "/begin"
		if next != "/" {
			href += "?next=" + url.QueryEscape(next)
		}
		list = append(list, web.Link{Text: "Sign in with " + p.Label, Href: href})
	}
	return list
}
