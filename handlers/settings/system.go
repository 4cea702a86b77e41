package settings

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"cxseal/handlers/frame"
	"cxseal/handlers/rows"
	"cxseal/internal/access"
	"cxseal/web"
)

// system shows how the console is set up. It holds no secret.
func (a *Area) system(c echo.Context) error {
	ctx := c.Request().Context()
	v := web.SystemView{Chrome: a.Chrome(c, "System", web.NavSystem), Connections: a.ConnectionStates(ctx)}
	v.CanReseal = a.Reseal != nil && frame.Caller(c).Can(access.PermManageSettings)
	var err error
	if v.LogSize, err = a.Audit.TreeSize(ctx); err != nil {
		return err
	}
	if a.LogStatus != nil {
		status, err := a.LogStatus(ctx)
		if err != nil {
			return err
		}
		v.Log = rows.LogState(status)
	}
	if a.Log != nil {
		v.VerifierKey = a.Log.VerifierKey()
	}
	if a.Facts != nil {
		for _, f := range a.Facts(ctx) {
			v.Facts = append(v.Facts, web.Fact(f))
		}
	}
	return a.Render(c, http.StatusOK, web.SystemPage(v))
}
