package handlers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"cxseal/internal/fault"
	"cxseal/internal/inventory"
	"cxseal/web"
)

// healthz says that the process answers, and nothing more.
func (h *Console) healthz(c echo.Context) error { return h.text(c, http.StatusOK, "ok\n") }

// readyz says whether the console can serve, and why not.
func (h *Console) readyz(c echo.Context) error {
	err := h.cfg.Ready(c.Request().Context())
	if err == nil {
		return h.text(c, http.StatusOK, "ready\n")
	}
	reason := err.Error()
	if coded := (*fault.Error)(nil); errors.As(err, &coded) {
		reason = coded.Message
	}
	return h.text(c, http.StatusServiceUnavailable, reason+"\n")
}

// health is the connections' last known state in a few words. No tenant is
// called for it.
func (h *Console) health(ctx context.Context) web.Health {
	states := h.connectionStates(ctx)
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

// connectionStates is every connection with what its last synchronisation says
// about the tenant.
func (h *Console) connectionStates(ctx context.Context) []web.ConnectionRow {
	syncs, err := h.cfg.Tables.Syncs(ctx)
	if err != nil {
		h.cfg.Logger.ErrorContext(ctx, "the connections' state could not be read", "err", err)
	}
	var rows []web.ConnectionRow
	for _, c := range h.cfg.Connections() {
		row := web.ConnectionRow{Name: c.Name, BaseURL: c.BaseURL, Source: c.Source, Mode: c.Mode,
			Callback: c.Callback, Signed: c.Signed, State: "Not read yet"}
		for _, s := range syncs {
			if s.Connection == c.Name {
				describeSync(&row, s)
			}
		}
		rows = append(rows, row)
	}
	return rows
}

func describeSync(row *web.ConnectionRow, s inventory.Sync) {
	row.CheckedAt = s.StartedAt
	switch {
	case s.Error == "" && s.SucceededAt.IsZero():
		row.State = "Being read"
	case s.Error == "" || listsNothing(s):
		row.Tone, row.State = web.ToneSuccess, "Reachable"
		if listsNothing(s) {
			row.Detail = "This tenant does not list its data stores; tables are opened by their ids."
		}
	default:
		row.Tone, row.State, row.Detail = web.ToneWarning, "Not read", s.Error
		if !s.SucceededAt.IsZero() {
			row.State = "Not read since " + web.FormatTime(s.SucceededAt)
		}
	}
}

// listsNothing reports whether the tenant answered that it has no listing,
// which is a way to be in order (contract §1). The sentence is cxone's, and all
// that the store keeps of the error.
func listsNothing(s inventory.Sync) bool {
	return strings.Contains(s.Error, "CXone offers no such list")
}
