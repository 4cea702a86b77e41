package frame

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"cxseal/internal/access"
	"cxseal/internal/fault"
	"cxseal/web"
)

// statuses maps an error's code to its HTTP status. A tenant's refusal is 502: the request to the console itself
// was right.
var statuses = map[fault.Code]int{
	fault.Invalid:          http.StatusBadRequest,
	fault.Unauthenticated:  http.StatusUnauthorized,
	fault.Denied:           http.StatusForbidden,
	fault.NotFound:         http.StatusNotFound,
	fault.Conflict:         http.StatusConflict,
	fault.TooLarge:         http.StatusRequestEntityTooLarge,
	fault.TooMany:          http.StatusTooManyRequests,
	fault.Blocked:          http.StatusUnprocessableEntity,
	fault.PlanChanged:      http.StatusConflict,
	fault.TenantAuth:       http.StatusBadGateway,
	fault.TenantScope:      http.StatusBadGateway,
	fault.TenantNotFound:   http.StatusNotFound,
	fault.TenantRefused:    http.StatusBadGateway,
	fault.TenantDown:       http.StatusGatewayTimeout,
	fault.TenantUnreadable: http.StatusBadGateway,
	fault.IndexInTheWay:    http.StatusConflict,
	fault.KMSRefused:       http.StatusUnprocessableEntity,
	fault.Unconfirmed:      http.StatusGatewayTimeout,
	fault.Unavailable:      http.StatusServiceUnavailable,
	fault.Internal:         http.StatusInternalServerError,
}

// StatusOf returns a code's HTTP status, and 500 for a code that the map lacks, which is a fault of the program.
func StatusOf(code fault.Code) int {
	if status, ok := statuses[code]; ok {
		return status
	}
	return http.StatusInternalServerError
}

// statusClientGone is what the log says of a request whose client went away
// (nginx's number; nothing is sent).
const statusClientGone = 499

// Problem is an error as a response shows it.
type Problem struct {
	Status  int
	Code    fault.Code
	Message string

	next       string // what to do; empty: the advice for the code
	retryAfter int    // seconds; 0: no header
}

// SetRetryAfter says in the response's header when to try again, if it matters.
func (p Problem) SetRetryAfter(c echo.Context) {
	if p.retryAfter > 0 {
		c.Response().Header().Set(echo.HeaderRetryAfter, strconv.Itoa(p.retryAfter))
	}
}

// Describe turns any error into what a response may show of it. Errors without a code become "Internal error".
func Describe(err error) Problem {
	var (
		wait   *access.WaitError
		routed *echo.HTTPError
	)
	switch {
	case errors.As(err, &wait):
		return Problem{Status: StatusOf(fault.TooMany), Code: fault.TooMany, Message: fault.MessageOf(err),
			retryAfter: int(math.Ceil(wait.After.Seconds()))}
	case fault.CodeOf(err) != fault.Internal:
		p := Problem{Status: StatusOf(fault.CodeOf(err)), Code: fault.CodeOf(err), Message: fault.MessageOf(err)}
		if p.Code == fault.TooMany {
			p.retryAfter = 30
		}
		if errors.Is(err, ErrFactor) {
			p.next = "Do so under “Your account”."
		}
		if errors.Is(err, errForged) {
			p.next = " " // no advice: the message says what to do
		}
		return p
	case errors.As(err, &routed):
		return describeHTTP(routed)
	case errors.Is(err, context.DeadlineExceeded):
		return Problem{Status: 503, Code: fault.Internal, Message: "This took too long and was given up.", retryAfter: 30}
	}
	return Problem{Status: 500, Code: fault.Internal, Message: "Internal error"}
}

// describeHTTP describes an error of echo, such as an unknown route.
func describeHTTP(err *echo.HTTPError) Problem {
	switch err.Code {
	case http.StatusNotFound:
		return Problem{Status: err.Code, Code: fault.NotFound, Message: "There is nothing at this address."}
	case http.StatusMethodNotAllowed:
		return Problem{Status: err.Code, Code: fault.Invalid, Message: "This address does not take such a request.", next: " "}
	}
	if text, ok := err.Message.(string); ok && err.Code < 500 {
		return Problem{Status: err.Code, Code: fault.Invalid, Message: text, next: " "}
	}
	return Problem{Status: 500, Code: fault.Internal, Message: "Internal error"}
}

// fail answers with the error as a page, a fragment, text or JSON, as the request asks. Errors of status 500 and
// above are logged whole.
func (f *Frame) fail(c echo.Context, err error) {
	if errors.Is(err, context.Canceled) && c.Request().Context().Err() != nil {
		c.Response().Status = statusClientGone // for the log
		return
	}
	p := Describe(err)
	if p.Status >= 500 {
		f.cfg.Logger.ErrorContext(c.Request().Context(), "a request failed", "request_id", RequestID(c),
			"route", c.Path(), "err", err)
	}
	if c.Response().Committed {
		return
	}
	p.SetRetryAfter(c)
	if p.Status == http.StatusUnauthorized {
		challenge := `Cookie realm="cxseal"`
		if _, token := bearer(c.Request()); token {
			challenge = `Bearer realm="cxseal", error="invalid_token"`
		}
		c.Response().Header().Set(echo.HeaderWWWAuthenticate, challenge)
	}
	if err := f.answer(c, p); err != nil {
		f.cfg.Logger.ErrorContext(c.Request().Context(), "an error could not be shown", "request_id", RequestID(c), "err", err)
		if !c.Response().Committed {
			// An error means that the client is gone: there is no other way to report it.
			_ = c.String(http.StatusInternalServerError, "Internal error, request id "+RequestID(c)+"\n")
		}
	}
}

func (f *Frame) answer(c echo.Context, p Problem) error {
	rt, _ := c.Get(ctxRoute).(Route)
	r := c.Request()
	if WantsJSON(r) || strings.HasPrefix(rt.Path, KMSCallbackPath) {
		return f.JSON(c, p.Status, map[string]any{"error": map[string]string{
			"code": string(p.Code), "message": p.Message}})
	}
	view := web.ErrorView{Status: p.Status, Code: string(p.Code), Message: p.Message,
		Next: strings.TrimSpace(p.next), RequestID: RequestID(c)}
	view.Recorded, _ = c.Get(ctxDenied).(bool)
	if p.next != "" && view.Next == "" {
		view.Code = "" // no advice beside the sentence
	}
	if IsHTMX(r) {
		return f.Render(c, p.Status, web.ErrorFragment(view))
	}
	if rt.Kind == File || rt.Kind == Stream || rt.Kind == Feed || rt.Kind == Machine && rt.Path != "" {
		return f.Text(c, p.Status, p.Message+"\n")
	}
	// People who are signed in keep the navigation, also where no route was found.
	if _, err := f.signedIn(c); err != nil && p.Status < 500 && fault.CodeOf(err) != fault.Unauthenticated {
		return err
	}
	view.Chrome = f.Chrome(c, p.title(), web.NavNone)
	return f.Render(c, p.Status, web.ErrorPage(view))
}

func (p Problem) title() string {
	if text := http.StatusText(p.Status); text != "" {
		return text
	}
	return "Error"
}
