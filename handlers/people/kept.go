package people

import (
	"maps"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"cxseal/web"
)

// kept shows the form that was sent after its session's end, for its person to confirm and send, or that there
// is none.
func (a *Area) kept(c echo.Context) error {
	path, fields, _ := a.Kept(c)
	view := web.KeptView{Chrome: a.Chrome(c, "Send what you typed", web.NavNone), Action: path}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		view.Fields = append(view.Fields, web.KeptFields{Name: name, Values: fields[name]})
	}
	return a.Render(c, http.StatusOK, web.KeptPage(view))
}

// discardKept has the browser forget the form that it keeps.
func (a *Area) discardKept(c echo.Context) error {
	a.ForgetKept(c)
	return a.Done(c, "What you had typed is discarded.", "/")
}
