package handlers

import (
	"testing"

	"github.com/labstack/echo/v4"

	"cxseal/internal/access"
)

func TestARouteWithoutAPermissionCannotBeBuilt(t *testing.T) {
	handle := func(echo.Context) error { return nil }
	for needs, want := range map[access.Permission]bool{"": false, "runs:lunch": false, access.PermViewAll: true, everyone: true} {
		h := &Console{echo: echo.New()}
		if err := h.mount([]route{{"GET", "/x", page, needs, handle, nil}}); (err == nil) != want {
			t.Errorf("needs %q: %v", needs, err)
		}
	}
}

func TestEveryFaultHasAStatus(t *testing.T) {
	for code, status := range statusOf {
		if status < 400 || status > 599 {
			t.Errorf("%s is answered %d", code, status)
		}
	}
}

func TestWhatIsMissingIsNamed(t *testing.T) {
	if _, err := New(Config{}); err == nil {
		t.Error("a console without parts was built")
	}
}
