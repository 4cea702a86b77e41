package people

import (
	"encoding/json"
	"net/http"

	"github.com/labstack/echo/v4"

	"cxseal/handlers/frame"
	"cxseal/internal/access"
	"cxseal/web"
)

// askToLink keeps in the session who came through a provider, and asks for the proof of the account that has
// their name.
func (a *Area) askToLink(c echo.Context, need access.LinkNeededError, next string) error {
	raw, err := json.Marshal(need)
	if err != nil {
		return err
	}
	if err := a.Remember(c, map[string]any{keyLink: string(raw), keyNext: next}); err != nil {
		return err
	}
	return a.Redirect(c, "/sso/link")
}

// linkNeeded returns what askToLink kept; ok is false without it.
func (a *Area) linkNeeded(c echo.Context) (need access.LinkNeededError, ok bool) {
	err := json.Unmarshal([]byte(frame.Remembered[string](a.Frame, c, keyLink)), &need)
	return need, err == nil && need.UserID != 0
}

// linkPage asks for the proof of an account that may be linked with a provider.
func (a *Area) linkPage(c echo.Context) error {
	need, ok := a.linkNeeded(c)
	if !ok {
		return a.Redirect(c, "/login")
	}
	return a.showLink(c, http.StatusOK, need, "")
}

func (a *Area) showLink(c echo.Context, status int, need access.LinkNeededError, wrong string) error {
	v := web.LinkView{Chrome: a.Chrome(c, "Link your account", web.NavNone), Account: need.Name, Provider: need.Label,
		Code: need.Code, Error: wrong}
	v.User = web.User{}
	return a.Render(c, status, web.LinkPage(v))
}

// link links the account once its password and its second factor are proved, and signs the person in.
func (a *Area) link(c echo.Context) error {
	need, ok := a.linkNeeded(c)
	if !ok {
		return a.Redirect(c, "/login")
	}
	next := frame.SafeNext(frame.Remembered[string](a.Frame, c, keyNext))
	post := c.Request().PostForm
	who, err := a.SSO.Link(c.Request().Context(), need, post.Get("password"), post.Get("code"), c.RealIP())
	if err != nil {
		return refused(c, err, func(p frame.Problem) error { return a.showLink(c, p.Status, need, p.Message) })
	}
	return a.welcome(c, who, true, next)
}
