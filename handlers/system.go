package handlers

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"cxseal/internal/access"
	"cxseal/web"
)

// system shows how the console is set up. It holds no secret.
func (h *Console) system(c echo.Context) error {
	ctx := c.Request().Context()
	v := web.SystemView{Chrome: h.chrome(c, "System", web.NavSystem), Connections: h.connectionStates(ctx)}
	v.CanReseal = h.cfg.Reseal != nil && caller(c).Can(access.PermManageSettings)
	var err error
	if v.LogSize, err = h.cfg.Audit.TreeSize(ctx); err != nil {
		return err
	}
	if v.Log, err = h.logState(ctx); err != nil {
		return err
	}
	if h.cfg.Log != nil {
		v.VerifierKey = h.cfg.Log.VerifierKey()
	}
	if h.cfg.Facts != nil {
		for _, f := range h.cfg.Facts(ctx) {
			v.Facts = append(v.Facts, web.Fact(f))
		}
	}
	return h.render(c, http.StatusOK, web.SystemPage(v))
}
