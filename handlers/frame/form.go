package frame

import (
	"context"
	"net/url"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"cxseal/internal/access"
	"cxseal/internal/fault"
	"cxseal/web"
)

// Done redirects to a page that shows said as the message of a change that was made.
func (f *Frame) Done(c echo.Context, said, to string) error {
	f.Flash(c, web.ToneSuccess, said)
	return f.Redirect(c, to)
}

// Change returns the handler of a form that changes the one thing its address names and then redirects. id
// reads the address (Named, Numbered), do makes the change, said is the flash (none when empty), to returns
// the next page.
func Change[ID any](f *Frame, id func(echo.Context) (ID, error), do func(echo.Context, access.Caller, ID) error,
	said string, to func(ID) string) echo.HandlerFunc {
	return func(c echo.Context) error {
		what, err := id(c)
		if err != nil {
			return err
		}
		if err := do(c, Caller(c), what); err != nil {
			return err
		}
		if said == "" {
			return f.Redirect(c, to(what))
		}
		return f.Done(c, said, to(what))
	}
}

// Of returns a service's method as the do of a Change.
func Of[ID any](method func(context.Context, access.Caller, ID) error) func(echo.Context, access.Caller, ID) error {
	return func(c echo.Context, who access.Caller, id ID) error { return method(c.Request().Context(), who, id) }
}

// To returns the to of a Change that always leads to the same page.
func To[ID any](path string) func(ID) string {
	return func(ID) string { return path }
}

// Named returns a function that reads a path parameter that is a name.
func Named(name string) func(echo.Context) (string, error) {
	return func(c echo.Context) (string, error) { return Param(c, name) }
}

// Numbered returns a function that reads a path parameter that is a row's number.
func Numbered(name string) func(echo.Context) (int64, error) {
	return func(c echo.Context) (int64, error) {
		id, err := strconv.ParseInt(c.Param(name), 10, 64)
		if err != nil || id <= 0 {
			return 0, fault.New(fault.NotFound, "There is nothing at this address.")
		}
		return id, nil
	}
}

// Ticked reads a tick box of a form: 1, true or on; empty, 0, false or off. Anything else is fault.Invalid,
// because taken for unticked it would be an answer that nobody gave.
func Ticked(form url.Values, name string) (bool, error) {
	switch strings.ToLower(form.Get(name)) {
	case "1", "true", "on":
		return true, nil
	case "", "0", "false", "off":
		return false, nil
	}
	return false, fault.New(fault.Invalid, "“%s” must be 1 or 0.", name)
}
