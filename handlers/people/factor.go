package people

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"cxseal/handlers/frame"
	"cxseal/internal/fault"
	"cxseal/web"
)

// factorBegin makes a seed and shows it this once.
func (a *Area) factorBegin(c echo.Context) error {
	ctx, who := c.Request().Context(), frame.Caller(c)
	if err := a.Accounts.ProveOwn(ctx, who, c.Request().PostForm.Get("present")); err != nil {
		return a.refuseAccount(c, "factor", err)
	}
	enrolment, err := a.Factors.Begin(ctx, who)
	if err != nil {
		return a.refuseAccount(c, "factor", err)
	}
	code, err := qrCode(enrolment.URL)
	if err != nil {
		return err
	}
	return a.showAccount(c, http.StatusOK, web.AccountView{Enrolling: true, Seed: enrolment.Secret, SeedURL: enrolment.URL, QR: code})
}

func (a *Area) factorConfirm(c echo.Context) error {
	codes, err := a.Factors.Confirm(c.Request().Context(), frame.Caller(c), c.Request().PostForm.Get("code"))
	if fault.CodeOf(err) == fault.Invalid {
		return a.showAccount(c, http.StatusUnprocessableEntity, web.AccountView{Enrolling: true, Wrong: "factor", Error: fault.MessageOf(err)})
	}
	if err != nil {
		return a.refuseAccount(c, "factor", err)
	}
	return a.showAccount(c, http.StatusOK, web.AccountView{Codes: codes})
}

func (a *Area) factorCodes(c echo.Context) error {
	codes, err := a.Factors.NewRecoveryCodes(c.Request().Context(), frame.Caller(c), c.Request().PostForm.Get("code"))
	if err != nil {
		return a.refuseAccount(c, "factor", err)
	}
	return a.showAccount(c, http.StatusOK, web.AccountView{Codes: codes})
}

func (a *Area) factorOff(c echo.Context) error {
	if err := a.Factors.TurnOff(c.Request().Context(), frame.Caller(c), c.Request().PostForm.Get("code")); err != nil {
		return a.refuseAccount(c, "factor", err)
	}
	return a.Done(c, "Your second factor is off.", "/account")
}
