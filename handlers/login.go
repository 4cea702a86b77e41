package handlers

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"cxseal/internal/access"
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
	v.Providers = h.providers(v.Next)
	var err error
	if v.NoAccount, err = h.cfg.Accounts.AwaitsFirst(c.Request().Context()); err != nil {
		return err
	}
	return h.render(c, status, web.LoginPage(v))
}

// login signs in with username and password (contract §3).
func (h *Console) login(c echo.Context) error {
	post := c.Request().PostForm
	next := safeNext(post.Get("next"))
	ctx := c.Request().Context()
	who, err := h.cfg.Accounts.Authenticate(ctx, post.Get("username"), post.Get("password"), c.RealIP())
	var pending *access.CodeNeededError
	if errors.As(err, &pending) {
		return h.askForCode(c, *pending, next)
	}
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

// Keys of a session whose person has given a right password and owes a code.
const (
	keyPending      = "pending"       // int64: the account
	keyPendingSince = "pending-since" // int64, Unix microseconds
)

// askForCode keeps who is half signed in on our side and asks for the code.
func (h *Console) askForCode(c echo.Context, pending access.CodeNeededError, next string) error {
	ctx := c.Request().Context()
	if err := h.sessions.RenewToken(ctx); err != nil {
		return err
	}
	h.sessions.Put(ctx, keyPending, pending.UserID)
	h.sessions.Put(ctx, keyPendingSince, pending.Since.UnixMicro())
	h.sessions.Put(ctx, keyNext, next)
	return h.redirect(c, "/login/code")
}

// loginCode ends a sign-in with the code of the second factor.
func (h *Console) loginCode(c echo.Context) error {
	ctx := c.Request().Context()
	pending := access.CodeNeededError{UserID: h.sessions.GetInt64(ctx, keyPending),
		Since: time.UnixMicro(h.sessions.GetInt64(ctx, keyPendingSince))}
	if pending.UserID == 0 {
		return h.redirect(c, "/login")
	}
	next := safeNext(h.sessions.GetString(ctx, keyNext))
	who, err := h.cfg.Accounts.AuthenticateCode(ctx, pending, c.Request().PostForm.Get("code"), c.RealIP())
	if err != nil {
		p := describe(err)
		if p.status >= 500 || wantsJSON(c.Request()) {
			return err
		}
		if p.retryAfter > 0 {
			c.Response().Header().Set(echo.HeaderRetryAfter, strconv.Itoa(p.retryAfter))
		}
		return h.showCode(c, p.status, fault.MessageOf(err))
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
