package frame

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"cxseal/internal/fault"
	"cxseal/web"
)

// healthz answers 200: the process serves HTTP.
func (f *Frame) healthz(c echo.Context) error { return f.Text(c, http.StatusOK, "ok\n") }

// readyz answers 200 when the console can serve, and 503 with the reason when it cannot.
func (f *Frame) readyz(c echo.Context) error {
	err := f.cfg.Ready(c.Request().Context())
	if err == nil {
		return f.Text(c, http.StatusOK, "ready\n")
	}
	reason := err.Error()
	if coded := (*fault.Error)(nil); errors.As(err, &coded) {
		reason = coded.Message
	}
	return f.Text(c, http.StatusServiceUnavailable, reason+"\n")
}

// health returns the connections' last known state in a few words. It calls no tenant.
func (f *Frame) health(ctx context.Context) web.Health {
	states := f.ConnectionStates(ctx)
	switch len(states) {
	case 0:
		return web.Health{}
	case 1:
		return web.Health{Tone: states[0].Tone, Label: states[0].Name + ": " + strings.ToLower(states[0].State)}
	}
	reachable := 0
	for _, s := range states {
		if s.Tone == web.ToneSuccess {
			reachable++
		}
	}
	health := web.Health{Tone: web.ToneSuccess, Label: fmt.Sprintf("%d of %d connections reachable", reachable, len(states))}
	if reachable < len(states) {
		health.Tone = web.ToneWarning
	}
	return health
}
