package handlers

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"cxseal/internal/fault"
	"cxseal/web"
)

// setupPage is where the one-time link from the terminal leads, while there is
// no account yet.
func (h *Console) setupPage(c echo.Context) error {
	token := c.QueryParam("token")
	if err := h.cfg.Accounts.CheckSetupToken(token); err != nil {
		return err
	}
	return h.showSetup(c, http.StatusOK, web.SetupView{Token: token, Username: "admin"})
}

func (h *Console) showSetup(c echo.Context, status int, v web.SetupView) error {
	v.Chrome = h.chrome(c, "Make the first account", web.NavNone)
	v.User = web.User{}
	// The link is a secret: no other page may learn it from a referrer.
	c.Response().Header().Set("Referrer-Policy", "no-referrer")
	return h.render(c, status, web.SetupPage(v))
}

// setup makes the first admin and signs them in.
func (h *Console) setup(c echo.Context) error {
	post := c.Request().PostForm
	v := web.SetupView{Token: post.Get("token"), Username: post.Get("username")}
	if post.Get("password") != post.Get("again") {
		v.Error = "The two passwords differ."
		return h.showSetup(c, http.StatusUnprocessableEntity, v)
	}
	who, err := h.cfg.Accounts.CompleteSetup(c.Request().Context(), v.Token, v.Username, post.Get("password"), c.RealIP())
	if fault.CodeOf(err) == fault.Invalid {
		v.Error = fault.MessageOf(err)
		return h.showSetup(c, http.StatusUnprocessableEntity, v)
	}
	if err != nil {
		return err
	}
	if err := h.begin(c, who); err != nil {
		return err
	}
	h.flash(c, web.ToneSuccess, "Your account is made. Add a second factor under your name, and people under People.")
	return h.redirect(c, "/")
}
