package handlers

import (
	"net/http/httptest"

	"cxseal/handlers/frame"
	"cxseal/internal/access"
)

// Routes are the console's table of routes.
func (h *Console) Routes() []frame.Route { return h.routes }

// Decisions are the routes that ask who somebody is, as "METHOD pattern", with
// the permission each needs.
func (h *Console) Decisions() map[string]access.Permission {
	all := map[string]access.Permission{}
	for _, rt := range h.routes {
		if rt.Kind != frame.Machine && rt.Kind != frame.Feed && rt.Needs != frame.Everyone {
			all[rt.Method+" "+rt.Path] = rt.Needs
		}
	}
	return all
}

// PatternOf is the route that answers a request, as Decisions names it.
func (h *Console) PatternOf(method, target string) string {
	return method + " " + h.frame.PatternOf(httptest.NewRequest(method, target, nil))
}
