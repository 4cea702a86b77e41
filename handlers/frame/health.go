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

// healthz says that the process answers, and nothing more.
func (f *Frame) healthz(c echo.Context) error { return f.Text(c, http.StatusOK, "ok\n") }

// readyz says whether the console can serve, and why not.
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

// health is the connections' last known state in a few words. No tenant is
// called for it.
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
