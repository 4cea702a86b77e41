package handlers

import (
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"cxseal/internal/fault"
	"cxseal/web"
)

// loginPage shows the sign-in form, also to who is signed in already.
func (h *Console) loginPage(c echo.Context) error {
	return h.showLogin(c, http.StatusOK, web.LoginView{Next: safeNext(c.QueryParam("next"))})
}

func (h *Console) showLogin(c echo.Context, status int, v web.LoginView) error {
	v.Chrome = h.chrome(c, "Sign in", web.NavNone)
	v.User = web.User{} // the form stands alone, without the navigation
	v.DemoNote = h.cfg.DemoNote
	return h.render(c, status, web.LoginPage(v))
}

// login signs in with username and password (contract §3).
func (h *Console) login(c echo.Context) error {
	post := c.Request().PostForm
	next := safeNext(post.Get("next"))
	ctx := c.Request().Context()
	who, err := h.cfg.Accounts.Authenticate(ctx, post.Get("username"), post.Get("password"), c.RealIP())
	if err != nil {
		p := describe(err)
		if p.status >= 500 || wantsJSON(c.Request()) {
			return err
		}
		if p.retryAfter > 0 {
			c.Response().Header().Set(echo.HeaderRetryAfter, strconv.Itoa(p.retryAfter))
		}
		return h.showLogin(c, p.status, web.LoginView{Username: post.Get("username"), Next: next, Error: fault.MessageOf(err)})
	}
	if err := h.begin(c, who); err != nil {
		return err
	}
	return h.redirect(c, next)
}

// logout ends the session. The record comes first: an end that is not on
// record did not happen.
func (h *Console) logout(c echo.Context) error {
	ctx := c.Request().Context()
	if err := h.cfg.Accounts.Logout(ctx, caller(c)); err != nil {
		return err
	}
	if err := h.sessions.Destroy(ctx); err != nil {
		return err
	}
	return h.redirect(c, "/login")
}
