package people

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"cxseal/handlers/frame"
	"cxseal/internal/access"
	"cxseal/web"
)

// loginPage shows the sign-in form, also to who is signed in already.
func (a *Area) loginPage(c echo.Context) error {
	return a.showLogin(c, http.StatusOK, web.LoginView{Next: frame.SafeNext(c.QueryParam("next"))})
}

func (a *Area) showLogin(c echo.Context, status int, v web.LoginView) error {
	v.Chrome = a.Chrome(c, "Sign in", web.NavNone)
	v.User = web.User{} // the form stands alone, without the navigation
	v.DemoNote = a.DemoNote
	v.Providers = a.providers(v.Next)
	var err error
	if v.NoAccount, err = a.Accounts.AwaitsFirst(c.Request().Context()); err != nil {
		return err
	}
	return a.Render(c, status, web.LoginPage(v))
}

// login signs in with username and password (contract §3).
func (a *Area) login(c echo.Context) error {
	post := c.Request().PostForm
	next := frame.SafeNext(post.Get("next"))
	ctx := c.Request().Context()
	who, err := a.Accounts.Authenticate(ctx, post.Get("username"), post.Get("password"), c.RealIP())
	var pending *access.CodeNeededError
	if errors.As(err, &pending) {
		return a.askForCode(c, *pending, next)
	}
	if err != nil {
		return refused(c, err, func(p frame.Problem) error {
			return a.showLogin(c, p.Status, web.LoginView{Username: post.Get("username"), Next: next, Error: p.Message})
		})
	}
	return a.welcome(c, who, false, next)
}

// alreadyIn answers a sign-in form that was made before this browser was signed in, in another tab: it leads
// to where the person was going. Nothing is changed, so the form's token does not matter.
func (a *Area) alreadyIn(c echo.Context) error {
	a.Flash(c, web.ToneInfo, "You are signed in already, as "+frame.Caller(c).Name+".")
	return a.Redirect(c, frame.SafeNext(c.Request().PostForm.Get("next")))
}

// refused shows why a sign-in did not work on the page that show draws. A
// program gets the plain error, and so does everybody where the fault is ours.
func refused(c echo.Context, err error, show func(frame.Problem) error) error {
	p := frame.Describe(err)
	if p.Status >= 500 || frame.WantsJSON(c.Request()) {
		return err
	}
	p.SetRetryAfter(c)
	return show(p)
}

// welcome signs a person in and leads to where they were going. What other tabs have begun stays.
func (a *Area) welcome(c echo.Context, who access.Caller, federated bool, next string) error {
	if err := a.SignIn(c, who, federated); err != nil {
		return err
	}
	return a.Redirect(c, next)
}

// logout ends the session. The record comes first: an end that is not on
// record did not happen.
func (a *Area) logout(c echo.Context) error {
	ctx := c.Request().Context()
	if err := a.Accounts.Logout(ctx, frame.Caller(c)); err != nil {
		return err
	}
	if err := a.SignOut(c); err != nil {
		return err
	}
	return a.Redirect(c, "/login")
}
