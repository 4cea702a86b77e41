package people

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"cxseal/handlers/frame"
	"cxseal/internal/access"
	"cxseal/internal/fault"
	"cxseal/web"
)

// addToken makes an API token and shows it this once.
func (a *Area) addToken(c echo.Context) error {
	post := c.Request().PostForm
	switch owes, err := a.OwesFactor(c, frame.Caller(c)); {
	case err != nil:
		return err
	case owes:
		return a.refuseAccount(c, "token", fault.New(fault.Invalid, "%s", fault.MessageOf(frame.ErrFactor)))
	}
	var scopes []access.Permission
	for _, s := range post["scopes"] {
		scopes = append(scopes, access.Permission(s))
	}
	days, err := strconv.Atoi(strings.TrimSpace(post.Get("days")))
	if err != nil || days < 1 || days > 366 {
		return a.refuseAccount(c, "token", fault.New(fault.Invalid, "A token lives between 1 and 366 days."))
	}
	secret, token, err := a.Tokens.Create(c.Request().Context(), frame.Caller(c), strings.TrimSpace(post.Get("label")), scopes, time.Duration(days)*24*time.Hour)
	if err != nil {
		return a.refuseAccount(c, "token", err)
	}
	return a.showAccount(c, http.StatusOK, web.AccountView{NewToken: secret, NewTokenLabel: token.Label})
}

func (a *Area) removeToken(c echo.Context, who access.Caller, id int64) error {
	return a.Tokens.Remove(c.Request().Context(), who, who.UserID, id)
}
