package handlers

import (
	"net/http/httptest"
	"strings"

	"cxseal/internal/access"
)

// Decisions are the routes that ask who somebody is, as "METHOD pattern", with
// the permission each needs.
func (h *Console) Decisions() map[string]access.Permission {
	all := map[string]access.Permission{}
	for _, rt := range h.routes() {
		if rt.kind != machine && rt.kind != feed && rt.needs != everyone {
			all[rt.method+" "+rt.path] = rt.needs
		}
	}
	return all
}

// PatternOf is the route that answers a request, as Decisions names it.
func (h *Console) PatternOf(method, target string) string {
	path, _, _ := strings.Cut(target, "?")
	c := h.echo.NewContext(httptest.NewRequest(method, path, nil), nil)
	h.echo.Router().Find(method, path, c)
	return method + " " + c.Path()
}
