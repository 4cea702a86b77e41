package handlers

import (
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

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
func (h *Console) ssoBegin(c echo.Context) error {
	id, err := param(c, "provider")
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	address, state, err := h.cfg.SSO.Begin(ctx, id)
	if err != nil {
		return h.loginRefused(c, err, safeNext(c.QueryParam("next")))
	}
	if err := h.sessions.RenewToken(ctx); err != nil {
		return err
	}
	h.sessions.Put(ctx, keyProvider, id)
	h.sessions.Put(ctx, keyState, state)
	h.sessions.Put(ctx, keyNext, safeNext(c.QueryParam("next")))
	return h.redirect(c, address)
}

// ssoCallback ends the way through a provider. The state is taken out of the
// session before it is looked at: it is good once.
func (h *Console) ssoCallback(c echo.Context) error {
	ctx := c.Request().Context()
	provider, state := h.sessions.PopString(ctx, keyProvider), h.sessions.PopString(ctx, keyState)
	next := safeNext(h.sessions.PopString(ctx, keyNext))
	if provider == "" {
		return h.loginRefused(c, fault.New(fault.Unauthenticated, "This sign-in was not begun in this browser, or is over. Begin again."), next)
	}
	who, err := h.cfg.SSO.Finish(ctx, provider, state, c.QueryParams(), c.RealIP())
	if err != nil {
		return h.loginRefused(c, err, next)
	}
	if err := h.begin(c, who); err != nil {
		return err
	}
	h.sessions.Put(ctx, keyFederated, true)
	return h.redirect(c, next)
}

// loginRefused shows why a sign-in did not work, on the sign-in page. What is
// ours to mend is an error like any other, and logged whole.
func (h *Console) loginRefused(c echo.Context, err error, next string) error {
	p := describe(err)
	if p.status >= 500 || fault.CodeOf(err) == fault.NotFound || wantsJSON(c.Request()) {
		return err
	}
	h.cfg.Logger.WarnContext(c.Request().Context(), "a sign-in was refused", "request_id", requestID(c), "err", err)
	return h.showLogin(c, p.status, web.LoginView{Next: next, Error: fault.MessageOf(err)})
}

// providers are the buttons of the sign-in page.
func (h *Console) providers(next string) []web.Link {
	var list []web.Link
	for _, p := range h.cfg.SSO.Providers() {
		href := "/sso/" + url.PathEscape(p.ID) + "/begin"
		if next != "/" {
			href += "?next=" + url.QueryEscape(next)
		}
		list = append(list, web.Link{Text: "Sign in with " + p.Label, Href: href})
	}
	return list
}

// codePage asks for the code of the second factor.
func (h *Console) codePage(c echo.Context) error {
	if h.sessions.GetInt64(c.Request().Context(), keyPending) == 0 {
		return h.redirect(c, "/login")
	}
	return h.showCode(c, http.StatusOK, "")
}

func (h *Console) showCode(c echo.Context, status int, wrong string) error {
	v := web.CodeView{Chrome: h.chrome(c, "Second factor", web.NavNone), Error: wrong}
	v.User = web.User{}
	return h.render(c, status, web.CodePage(v))
}
