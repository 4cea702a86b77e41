package settings

import (
	"github.com/labstack/echo/v4"

	"cxseal/handlers/frame"
	"cxseal/web"
)

// reseal makes a new sealing key and seals every secret anew, while the console serves.
func (a *Area) reseal(c echo.Context) error {
	n, err := a.Reseal(c.Request().Context(), frame.Caller(c))
	if err != nil {
		return err
	}
	return a.Done(c, "The sealing key is changed; "+web.Plural(n, "secret was", "secrets were")+" sealed anew.", "/system")
}
