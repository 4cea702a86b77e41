package people

import (
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"cxseal/handlers/frame"
	"cxseal/internal/access"
	"cxseal/internal/fault"
	"cxseal/web"
)

// SSOCallbackPath is where providers send people back: the redirect address to
// register with them is the public address followed by it.
const SSOCallbackPath = "/sso/callback"

// begunCookie is the sealed cookie in which a browser keeps the logins that it has begun: JSON of []begunLogin, the
// newest first.
const begunCookie = "cxseal_sso"

// begunLife is how long it is kept.
const begunLife = 10 * time.Minute

// Keys of a session while somebody is on the way through a provider.
const (
	keyLink = "link" // string: JSON of access.LinkNeededError
	keyNext = "next" // string, made safe
)

// begunLogin is a login that this browser has begun with a provider. Each tab has its own.
type begunLogin struct {
	Provider, State, Next string
}

// maxBegun and maxBegunBytes bound the logins that one browser has begun: they stand in one cookie.
const (
	maxBegun      = 8
	maxBegunBytes = 2700
)

// ssoBegin sends the browser to a provider. It is a link and not a form: the content security policy keeps
// forms from leading to another host.
func (a *Area) ssoBegin(c echo.Context) error {
	id, err := frame.Param(c, "provider")
	if err != nil {
		return err
	}
	next := frame.SafeNext(c.QueryParam("next"))
	address, state, err := a.SSO.Begin(c.Request().Context(), id, c.RealIP())
	if err != nil {
		return a.loginRefused(c, err, next)
	}
	begun := append([]begunLogin{{id, state, next}}, a.takeBegun(c)...)
	if err := a.keepBegun(c, begun[:min(len(begun), maxBegun)]); err != nil {
		return err
	}
	return a.Redirect(c, address)
}

// ssoCallback ends the way through a provider. The login is taken out of the cookie before its answer is
// looked at, so that it works once. A tab that comes back after another one has signed the same person in
// goes on in that session.
func (a *Area) ssoCallback(c echo.Context) error {
	begun := a.takeBegun(c)
	i := slices.IndexFunc(begun, func(l begunLogin) bool { return access.BegunState(l.State) == c.QueryParam("state") })
	if i < 0 {
		if err := a.keepBegun(c, begun); err != nil {
			return err
		}
		return a.loginRefused(c, fault.New(fault.Unauthenticated,
			"This sign-in was not begun in this browser, or is over. Begin again."), "/")
	}
	login := begun[i]
	if err := a.keepBegun(c, slices.Delete(begun, i, i+1)); err != nil {
		return err
	}
	next := frame.SafeNext(login.Next)
	who, err := a.SSO.Finish(c.Request().Context(), login.Provider, login.State, c.QueryParams(), c.RealIP())
	var link *access.LinkNeededError
	if errors.As(err, &link) {
		return a.askToLink(c, *link, next)
	}
	if err != nil {
		return a.loginRefused(c, err, next)
	}
	if who.UserID == frame.Caller(c).UserID && a.Federated(c) {
		return a.Redirect(c, next)
	}
	return a.welcome(c, who, true, next)
}

// takeBegun takes the begun logins out of the browser's cookie.
func (a *Area) takeBegun(c echo.Context) []begunLogin {
	var begun []begunLogin
	if json.Unmarshal(a.OpenCookie(c, begunCookie), &begun) != nil {
		return nil
	}
	if a.SealCookie(c, begunCookie, nil, 0) != nil {
		return nil
	}
	return begun
}

// keepBegun has the browser keep begun logins, if there are any.
func (a *Area) keepBegun(c echo.Context, begun []begunLogin) error {
	if len(begun) == 0 {
		return nil
	}
	raw, err := json.Marshal(begun)
	for err == nil && len(raw) > maxBegunBytes && len(begun) > 1 {
		begun = begun[:len(begun)-1] // the oldest
		raw, err = json.Marshal(begun)
	}
	if err != nil {
		return err
	}
	return a.SealCookie(c, begunCookie, raw, begunLife)
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
