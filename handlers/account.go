package handlers

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"cxseal/internal/access"
	"cxseal/internal/fault"
	"cxseal/web"
)

// account is a person's own page: password, sessions, second factor, tokens.
func (h *Console) account(c echo.Context) error {
	return h.showAccount(c, http.StatusOK, web.AccountView{})
}

// showAccount fills in what the page always shows. What is shown once (a seed,
// codes, a token) comes in v and is never kept.
func (h *Console) showAccount(c echo.Context, status int, v web.AccountView) error {
	ctx, who := c.Request().Context(), caller(c)
	own, err := h.cfg.Accounts.Own(ctx, who)
	if err != nil {
		return err
	}
	sessions, err := h.cfg.SignedIn.List(ctx, who, who.UserID)
	if err != nil {
		return err
	}
	if v.FactorOn, err = h.cfg.Factors.On(ctx, who.UserID); err != nil {
		return err
	}
	tokens, err := h.cfg.Tokens.List(ctx, who, who.UserID)
	if err != nil {
		return err
	}
	v.Chrome = h.chrome(c, "Your account", web.NavNone)
	v.Name, v.RoleText, v.HasPassword = own.Name, own.Role.Description(), own.PasswordHash != ""
	v.Sessions = sessionRows(sessions, who.SessionID)
	now := h.cfg.Now()
	for _, t := range tokens {
		v.Tokens = append(v.Tokens, web.TokenRow{ID: t.ID, Label: t.Label, Hint: t.Hint, Scopes: deeds(t.Scopes),
			CreatedAt: t.CreatedAt, ExpiresAt: t.ExpiresAt, LastUsedAt: t.LastUsedAt, Expired: !now.Before(t.ExpiresAt)})
	}
	for _, p := range access.TokenScopes() {
		if who.Can(p) {
			v.Scopes = append(v.Scopes, web.Option{Value: string(p), Label: p.Deed()})
		}
	}
	return h.render(c, status, web.AccountPage(v))
}

func sessionRows(sessions []access.Session, own string) []web.SessionRow {
	rows := make([]web.SessionRow, len(sessions))
	for i, s := range sessions {
		rows[i] = web.SessionRow{ID: s.ID, IP: s.IP, Agent: s.UserAgent, Since: s.CreatedAt, Seen: s.SeenAt, Own: s.ID == own}
	}
	return rows
}

func deeds(scopes []access.Permission) string {
	var words []string
	for _, p := range scopes {
		words = append(words, p.Deed())
	}
	return strings.Join(words, "; ")
}

// refuseAccount shows what was wrong with a form of the page beside it.
func (h *Console) refuseAccount(c echo.Context, form string, why error) error {
	p := describe(why)
	switch p.code {
	case fault.Invalid, fault.Conflict, fault.TooMany:
	default:
		return why
	}
	if p.status == http.StatusBadRequest {
		p.status = http.StatusUnprocessableEntity
	}
	if p.retryAfter > 0 {
		c.Response().Header().Set(echo.HeaderRetryAfter, strconv.Itoa(p.retryAfter))
	}
	return h.showAccount(c, p.status, web.AccountView{Wrong: form, Error: p.message})
}

// changePassword sets the caller's own password. Every session ends with it,
// and this browser gets a new one.
func (h *Console) changePassword(c echo.Context) error {
	post, who := c.Request().PostForm, caller(c)
	if post.Get("password") != post.Get("again") {
		return h.refuseAccount(c, "password", fault.New(fault.Invalid, "The two new passwords differ."))
	}
	if err := h.cfg.Accounts.ChangeOwnPassword(c.Request().Context(), who, post.Get("present"), post.Get("password")); err != nil {
		return h.refuseAccount(c, "password", err)
	}
	if err := h.begin(c, who); err != nil {
		return err
	}
	h.flash(c, web.ToneSuccess, "Your password is changed. You are signed out everywhere else.")
	return h.redirect(c, "/account")
}

func (h *Console) endSession(c echo.Context) error {
	id, err := param(c, "session")
	if err != nil {
		return err
	}
	who := caller(c)
	if err := h.cfg.SignedIn.End(c.Request().Context(), who, who.UserID, id); err != nil {
		return err
	}
	h.flash(c, web.ToneSuccess, "The session has ended.")
	return h.redirect(c, "/account")
}

func (h *Console) endOtherSessions(c echo.Context) error {
	who := caller(c)
	n, err := h.cfg.SignedIn.EndAll(c.Request().Context(), who, who.UserID)
	if err != nil {
		return err
	}
	h.flash(c, web.ToneSuccess, web.Plural(n, "other session has", "other sessions have")+" ended.")
	return h.redirect(c, "/account")
}

// factorBegin makes a seed and shows it this once.
func (h *Console) factorBegin(c echo.Context) error {
	ctx, who := c.Request().Context(), caller(c)
	if err := h.cfg.Accounts.ProveOwn(ctx, who, c.Request().PostForm.Get("present")); err != nil {
		return h.refuseAccount(c, "factor", err)
	}
	enrolment, err := h.cfg.Factors.Begin(ctx, who)
	if err != nil {
		return h.refuseAccount(c, "factor", err)
	}
	code, err := qrCode(enrolment.URL)
	if err != nil {
		return err
	}
	return h.showAccount(c, http.StatusOK, web.AccountView{Enrolling: true, Seed: enrolment.Secret, SeedURL: enrolment.URL, QR: code})
}

func (h *Console) factorConfirm(c echo.Context) error {
	codes, err := h.cfg.Factors.Confirm(c.Request().Context(), caller(c), c.Request().PostForm.Get("code"))
	if fault.CodeOf(err) == fault.Invalid {
		return h.showAccount(c, http.StatusUnprocessableEntity, web.AccountView{Enrolling: true, Wrong: "factor", Error: fault.MessageOf(err)})
	}
	if err != nil {
		return h.refuseAccount(c, "factor", err)
	}
	return h.showAccount(c, http.StatusOK, web.AccountView{Codes: codes})
}

func (h *Console) factorCodes(c echo.Context) error {
	codes, err := h.cfg.Factors.NewRecoveryCodes(c.Request().Context(), caller(c), c.Request().PostForm.Get("code"))
	if err != nil {
		return h.refuseAccount(c, "factor", err)
	}
	return h.showAccount(c, http.StatusOK, web.AccountView{Codes: codes})
}

func (h *Console) factorOff(c echo.Context) error {
	if err := h.cfg.Factors.TurnOff(c.Request().Context(), caller(c), c.Request().PostForm.Get("code")); err != nil {
		return h.refuseAccount(c, "factor", err)
	}
	h.flash(c, web.ToneSuccess, "Your second factor is off.")
	return h.redirect(c, "/account")
}

// addToken makes an API token and shows it this once.
func (h *Console) addToken(c echo.Context) error {
	post := c.Request().PostForm
	if h.cfg.RequireFactor && !h.sessions.GetBool(c.Request().Context(), keyFederated) {
		if on, err := h.cfg.Factors.On(c.Request().Context(), caller(c).UserID); err != nil || !on {
			return firstErr(err, h.refuseAccount(c, "token", fault.New(fault.Invalid, "%s", fault.MessageOf(errFactor))))
		}
	}
	var scopes []access.Permission
	for _, s := range post["scopes"] {
		scopes = append(scopes, access.Permission(s))
	}
	days, err := strconv.Atoi(strings.TrimSpace(post.Get("days")))
	if err != nil || days < 1 || days > 366 {
		return h.refuseAccount(c, "token", fault.New(fault.Invalid, "A token lives between 1 and 366 days."))
	}
	secret, token, err := h.cfg.Tokens.Create(c.Request().Context(), caller(c), strings.TrimSpace(post.Get("label")), scopes, time.Duration(days)*24*time.Hour)
	if err != nil {
		return h.refuseAccount(c, "token", err)
	}
	return h.showAccount(c, http.StatusOK, web.AccountView{NewToken: secret, NewTokenLabel: token.Label})
}

func (h *Console) removeToken(c echo.Context) error {
	id, err := idParam(c, "token")
	if err != nil {
		return err
	}
	who := caller(c)
	if err := h.cfg.Tokens.Remove(c.Request().Context(), who, who.UserID, id); err != nil {
		return err
	}
	h.flash(c, web.ToneSuccess, "The token is removed and no longer accepted.")
	return h.redirect(c, "/account")
}
