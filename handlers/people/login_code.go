package people

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"cxseal/handlers/frame"
	"cxseal/internal/access"
	"cxseal/web"
)

// Keys of a session whose person has given a right password and owes a code.
const (
	keyPending      = "pending"       // int64: the account
	keyPendingSince = "pending-since" // int64, Unix microseconds
)

// askForCode keeps who is half signed in on our side and asks for the code.
func (a *Area) askForCode(c echo.Context, pending access.CodeNeededError, next string) error {
	kept := map[string]any{keyPending: pending.UserID, keyPendingSince: pending.Since.UnixMicro(), keyNext: next}
	if err := a.Remember(c, kept); err != nil {
		return err
	}
	return a.Redirect(c, "/login/code")
}

// codePage asks for the code of the second factor.
func (a *Area) codePage(c echo.Context) error {
	if frame.Remembered[int64](a.Frame, c, keyPending) == 0 {
		return a.Redirect(c, "/login")
	}
	return a.showCode(c, http.StatusOK, "")
}

func (a *Area) showCode(c echo.Context, status int, wrong string) error {
	v := web.CodeView{Chrome: a.Chrome(c, "Second factor", web.NavNone), Error: wrong,
		Next: frame.SafeNext(frame.Remembered[string](a.Frame, c, keyNext))}
	v.User = web.User{}
	return a.Render(c, status, web.CodePage(v))
}

// loginCode ends a sign-in with the code of the second factor.
func (a *Area) loginCode(c echo.Context) error {
	pending := access.CodeNeededError{UserID: frame.Remembered[int64](a.Frame, c, keyPending),
		Since: time.UnixMicro(frame.Remembered[int64](a.Frame, c, keyPendingSince))}
	if pending.UserID == 0 {
		return a.Redirect(c, "/login")
	}
	next := frame.SafeNext(frame.Remembered[string](a.Frame, c, keyNext))
	who, err := a.Accounts.AuthenticateCode(c.Request().Context(), pending, c.Request().PostForm.Get("code"), c.RealIP())
	if err != nil {
		return refused(c, err, func(p frame.Problem) error { return a.showCode(c, p.Status, p.Message) })
	}
	return a.welcome(c, who, false, next)
}
