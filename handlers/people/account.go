package people

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"cxseal/handlers/frame"
	"cxseal/internal/access"
	"cxseal/internal/fault"
	"cxseal/web"
)

// account is a person's own page: password, sessions, second factor, tokens.
func (a *Area) account(c echo.Context) error {
	return a.showAccount(c, http.StatusOK, web.AccountView{})
}

// showAccount fills in what the page always shows. What is shown once (a seed,
// codes, a token) comes in v and is never kept.
func (a *Area) showAccount(c echo.Context, status int, v web.AccountView) error {
	ctx, who := c.Request().Context(), frame.Caller(c)
	own, err := a.Accounts.Own(ctx, who)
	if err != nil {
		return err
	}
	sessions, err := a.SignedIn.List(ctx, who, who.UserID)
	if err != nil {
		return err
	}
	if v.FactorOn, err = a.Factors.On(ctx, who.UserID); err != nil {
		return err
	}
	tokens, err := a.Tokens.List(ctx, who, who.UserID)
	if err != nil {
		return err
	}
	v.Chrome = a.Chrome(c, "Your account", web.NavNone)
	v.Name, v.RoleText, v.HasPassword = own.Name, own.Role.Description(), own.PasswordHash != ""
	v.Sessions = sessionRows(sessions, who.SessionID)
	now := a.Now()
	for _, t := range tokens {
		v.Tokens = append(v.Tokens, web.TokenRow{ID: t.ID, Label: t.Label, Hint: t.Hint, Scopes: actions(t.Scopes),
			CreatedAt: t.CreatedAt, ExpiresAt: t.ExpiresAt, LastUsedAt: t.LastUsedAt, Expired: !now.Before(t.ExpiresAt)})
	}
	for _, p := range access.TokenScopes() {
		if who.Can(p) {
			v.Scopes = append(v.Scopes, web.Option{Value: string(p), Label: p.Action()})
		}
	}
	return a.Render(c, status, web.AccountPage(v))
}

func sessionRows(sessions []access.Session, own string) []web.SessionRow {
	rows := make([]web.SessionRow, len(sessions))
	for i, s := range sessions {
		rows[i] = web.SessionRow{ID: s.ID, IP: s.IP, Agent: s.UserAgent, Since: s.CreatedAt, Seen: s.SeenAt, Own: s.ID == own}
	}
	return rows
}

func actions(scopes []access.Permission) string {
	var words []string
	for _, p := range scopes {
		words = append(words, p.Action())
	}
	return strings.Join(words, "; ")
}

// refuseAccount shows what was wrong with a form of the page beside it.
func (a *Area) refuseAccount(c echo.Context, form string, why error) error {
	p := frame.Describe(why)
	switch p.Code {
	case fault.Invalid, fault.Conflict, fault.TooMany:
	default:
		return why
	}
	if p.Status == http.StatusBadRequest {
		p.Status = http.StatusUnprocessableEntity
	}
	p.SetRetryAfter(c)
	return a.showAccount(c, p.Status, web.AccountView{Wrong: form, Error: p.Message})
}

// changePassword sets the caller's own password. Every session ends with it,
// and this browser gets a new one.
func (a *Area) changePassword(c echo.Context) error {
	post, who := c.Request().PostForm, frame.Caller(c)
	if post.Get("password") != post.Get("again") {
		return a.refuseAccount(c, "password", fault.New(fault.Invalid, "The two new passwords differ."))
	}
	if err := a.Accounts.ChangeOwnPassword(c.Request().Context(), who, post.Get("present"), post.Get("password")); err != nil {
		return a.refuseAccount(c, "password", err)
	}
	if _, err := a.removeKeys(c, who); err != nil {
		return err
	}
	if err := a.SignIn(c, who, false); err != nil {
		return err
	}
	return a.Done(c, "Your password is changed. You are signed out everywhere else.", "/account")
}

func (a *Area) endSession(c echo.Context, who access.Caller, id string) error {
	return a.SignedIn.End(c.Request().Context(), who, who.UserID, id)
}

func (a *Area) endOtherSessions(c echo.Context) error {
	who := frame.Caller(c)
	n, err := a.SignedIn.EndAll(c.Request().Context(), who, who.UserID)
	if err != nil {
		return err
	}
	keys, err := a.removeKeys(c, who)
	if err != nil {
		return err
	}
	return a.Done(c, web.Plural(n, "other session has", "other sessions have")+" ended."+keys, "/account")
}

// removeKeys ends the person's own tokens and calendar feed where the form says so, and says it.
func (a *Area) removeKeys(c echo.Context, who access.Caller) (done string, err error) {
	if c.Request().PostForm.Get("remove_keys") != "1" {
		return "", nil
	}
	n, err := a.Accounts.RemoveKeys(c.Request().Context(), who, who.UserID)
	return " " + web.Plural(n, "token or calendar address is", "tokens and calendar addresses are") + " removed.", err
}
