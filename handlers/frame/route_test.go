package frame

import (
	"testing"

	"github.com/labstack/echo/v4"

	"cxseal/internal/access"
)

func TestARouteWithoutAPermissionCannotBeBuilt(t *testing.T) {
	for needs, want := range map[access.Permission]bool{"": false, "runs:lunch": false, access.PermViewAll: true, Everyone: true} {
		f := &Frame{echo: echo.New()}
		if err := f.Mount([]Route{Get("/x", Page, needs, func(echo.Context) error { return nil })}); (err == nil) != want {
			t.Errorf("needs %q: %v", needs, err)
		}
	}
}
