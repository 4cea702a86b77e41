package overview

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"cxseal/web"
)

// glossary says what the words of the pages and the exports mean.
func (a *Area) glossary(c echo.Context) error {
	v := web.GlossaryView{Chrome: a.Chrome(c, "Glossary", web.NavNone)}
	v.Lead = "The words of the pages, the exports and the audit log. They are the same everywhere."
	return a.Render(c, http.StatusOK, web.GlossaryPage(v))
}
