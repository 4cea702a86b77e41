package people

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"cxseal/internal/fault"
	"cxseal/web"
)

// setupPage is where the one-time link from the terminal leads, while there is
// no account yet.
func (a *Area) setupPage(c echo.Context) error {
	token := c.QueryParam("token")
	if err := a.Accounts.CheckSetupToken(token); err != nil {
		return err
	}
	return a.showSetup(c, http.StatusOK, web.SetupView{Token: token, Username: "admin"})
}

func (a *Area) showSetup(c echo.Context, status int, v web.SetupView) error {
	v.Chrome = a.Chrome(c, "Make the first account", web.NavNone)
	v.User = web.User{}
	// The link is a secret: no other page may learn it from a referrer.
	c.Response().Header().Set("Referrer-Policy", "no-referrer")
	return a.Render(c, status, web.SetupPage(v))
}

// setup makes the first admin and signs them in.
func (a *Area) setup(c echo.Context) error {
	post := c.Request().PostForm
	v := web.SetupView{Token: post.Get("token"), Username: post.Get("username")}
	if post.Get("password") != post.Get("again") {
		v.Error = "The two passwords differ."
		return a.showSetup(c, http.StatusUnprocessableEntity, v)
	}
	who, err := a.Accounts.CompleteSetup(c.Request().Context(), v.Token, v.Username, post.Get("password"), c.RealIP())
	if fault.CodeOf(err) == fault.Invalid {
		v.Error = fault.MessageOf(err)
		return a.showSetup(c, http.StatusUnprocessableEntity, v)
	}
	if err != nil {
		return err
	}
	if err := a.SignIn(c, who, false); err != nil {
		return err
	}
	return a.Done(c, "Your account is made. Add a second factor under your name, and people under People.", "/")
}
