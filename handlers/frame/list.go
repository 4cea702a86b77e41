package frame

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"cxseal/internal/fault"
	"cxseal/web"
)

// PageRows is how many rows a list shows at a time.
const PageRows = 50

// PeriodHelp says on a list's page how its dates are meant.
const PeriodHelp = "A date in “To” includes that whole day, in UTC."

// BadFilter answers a list whose filter cannot be understood: with status 400 and the page that shows the reason,
// or with the error where JSON is asked for. chrome is the page's own: BadFilter adds the reason to it before it
// calls page.
func (f *Frame) BadFilter(c echo.Context, err error, chrome *web.Chrome, page func() templ.Component) error {
	if WantsJSON(c.Request()) {
		return err
	}
	ShowProblem(chrome, err)
	return f.Render(c, http.StatusBadRequest, page())
}

// ShowProblem puts what is wrong with a filter on the list's page.
func ShowProblem(chrome *web.Chrome, err error) {
	chrome.Flashes = append(chrome.Flashes, web.Flash{Tone: web.ToneDanger, Message: fault.MessageOf(err)})
}

// Cursor is a place in a list that is ordered by sequence number, newest first. The zero value is its beginning.
type Cursor struct{ Before, After int64 }

// ReadPage reads the rows at the cursor, one more than a page shows. before and after read the rows older and
// newer than a sequence number.
func ReadPage[F, T any](ctx context.Context, cur Cursor, filter F,
	before, after func(context.Context, F, int64, int) ([]T, error)) ([]T, error) {
	if cur.After > 0 {
		return after(ctx, filter, cur.After, PageRows+1)
	}
	return before(ctx, filter, cur.Before, PageRows+1)
}

// Onward cuts rows, of which one more than a page was read, to a page, and returns the address of the next page,
// empty for the last. place returns a row's place in the list, the value of the parameter param.
func Onward[T any](rows []T, path, param string, place func(T) string) ([]T, string) {
	if len(rows) <= PageRows {
		return rows, ""
	}
	rows = rows[:PageRows]
	return rows, WithParam(path, param, place(rows[PageRows-1]))
}

// OnePage cuts rows, of which one more than a page was read, to the page at the cursor, and returns the
// addresses of the pages before and after it. path is the list with its filter; seq returns a row's sequence
// number.
func OnePage[T any](rows []T, cur Cursor, path string, seq func(T) int64) ([]T, web.Pager) {
	more := len(rows) > PageRows
	var pager web.Pager
	newer, older := cur.Before > 0, more
	if cur.After > 0 {
		newer, older = more, true
		if more {
			rows = rows[1:] // newest first: the one too many is the newest
		}
	} else if more {
		rows = rows[:PageRows]
	}
	if len(rows) == 0 {
		if cur != (Cursor{}) {
			pager.Newer = path // past the end: back to the beginning
		}
		return rows, pager
	}
	if newer {
		pager.Newer = WithParam(path, "after", strconv.FormatInt(seq(rows[0]), 10))
	}
	if older {
		pager.Older = WithParam(path, "before", strconv.FormatInt(seq(rows[len(rows)-1]), 10))
	}
	return rows, pager
}

// WithParam adds a query parameter to a path that may have some already.
func WithParam(path, name, value string) string {
	separator := "?"
	if strings.Contains(path, "?") {
		separator = "&"
	}
	return path + separator + name + "=" + url.QueryEscape(value)
}
