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
	secret, token, err := a.Tokens.Create(c.Request().Context(), frame.Caller(c),
		access.Proof{Present: post.Get("present"), Code: post.Get("code")}, strings.TrimSpace(post.Get("label")), scopes, time.Duration(days)*24*time.Hour)
	if err != nil {
		return a.refuseAccount(c, "token", err)
	}
	return a.showAccount(c, http.StatusOK, web.AccountView{NewToken: secret, NewTokenLabel: token.Label})
}

func (a *Area) removeToken(c echo.Context, who access.Caller, id int64) error {
	return a.Tokens.Remove(c.Request().Context(), who, who.UserID, id)
}

// removeOthersToken ends an API token of somebody else.
func (a *Area) removeOthersToken(c echo.Context, who access.Caller, id int64) error {
	token, err := frame.Numbered("token")(c)
	if err != nil {
		return err
	}
	return a.Tokens.Remove(c.Request().Context(), who, id, token)
}

// revokeOthersFeed ends somebody else's calendar address.
func (a *Area) revokeOthersFeed(c echo.Context, who access.Caller, id int64) error {
	return a.Feeds.RevokeOf(c.Request().Context(), who, id)
}

// endEverything ends somebody's sessions, API tokens and calendar address.
func (a *Area) endEverything(c echo.Context, who access.Caller, id int64) error {
	if err := a.personSessions(c, who, id); err != nil {
		return err
	}
	_, err := a.Accounts.RemoveKeys(c.Request().Context(), who, id)
	return err
}
