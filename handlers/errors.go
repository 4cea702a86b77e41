package handlers

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

// statusOf is the one map from an error's code to HTTP. A tenant's refusal is
// a bad gateway's: the request to the console itself was in order.
var statusOf = map[fault.Code]int{
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

// statusClientGone is what the log says of a request whose client went away
// (nginx's number; nothing is sent).
const statusClientGone = 499

// problem is an error as the outside sees it.
type problem struct {
	status     int
	code       fault.Code
	message    string
	next       string // what to do; empty: the advice for the code
	retryAfter int    // seconds; 0: no header
}

// describe turns any error into what the outside may see of it.
func describe(err error) problem {
	var (
		wait   *access.WaitError
		routed *echo.HTTPError
	)
	switch {
	case errors.As(err, &wait):
		return problem{status: statusOf[fault.TooMany], code: fault.TooMany, message: fault.MessageOf(err),
			retryAfter: int(math.Ceil(wait.After.Seconds()))}
	case fault.CodeOf(err) != fault.Internal:
		p := problem{status: statusOf[fault.CodeOf(err)], code: fault.CodeOf(err), message: fault.MessageOf(err)}
		if p.code == fault.TooMany {
			p.retryAfter = 30
		}
		if errors.Is(err, errForged) {
			p.next = " " // the sentence says it all
		}
		return p
	case errors.As(err, &routed):
		return describeHTTP(routed)
	case errors.Is(err, context.DeadlineExceeded):
		return problem{status: 503, code: fault.Internal, message: "This took too long and was given up.", retryAfter: 30}
	}
	return problem{status: 500, code: fault.Internal, message: "Internal error"}
}

// describeHTTP reads echo's own errors.
func describeHTTP(err *echo.HTTPError) problem {
	switch err.Code {
	case http.StatusNotFound:
		return problem{status: err.Code, code: fault.NotFound, message: "There is nothing at this address."}
	case http.StatusMethodNotAllowed:
		return problem{status: err.Code, code: fault.Invalid, message: "This address does not take such a request.", next: " "}
	}
	if text, ok := err.Message.(string); ok && err.Code < 500 {
		return problem{status: err.Code, code: fault.Invalid, message: text, next: " "}
	}
	return problem{status: 500, code: fault.Internal, message: "Internal error"}
}

// fail answers with the error, as a page, a fragment or JSON, whatever was
// asked for. An error that is nobody's fault but ours is logged whole.
func (h *Console) fail(c echo.Context, err error) {
	if errors.Is(err, context.Canceled) && c.Request().Context().Err() != nil {
		c.Response().Status = statusClientGone // for the log
		return
	}
	p := describe(err)
	if p.status >= 500 {
		h.cfg.Logger.ErrorContext(c.Request().Context(), "a request failed", "request_id", requestID(c), "route", c.Path(), "err", err)
	}
	if c.Response().Committed {
		return
	}
	if p.retryAfter > 0 {
		c.Response().Header().Set(echo.HeaderRetryAfter, strconv.Itoa(p.retryAfter))
	}
	if p.status == http.StatusUnauthorized {
		challenge := `Cookie realm="cxseal"`
		if _, token := bearer(c.Request()); token {
			challenge = `Bearer realm="cxseal", error="invalid_token"`
		}
		c.Response().Header().Set(echo.HeaderWWWAuthenticate, challenge)
	}
	if err := h.answer(c, p); err != nil {
		h.cfg.Logger.ErrorContext(c.Request().Context(), "an error could not be shown", "request_id", requestID(c), "err", err)
		if !c.Response().Committed {
			_ = c.String(http.StatusInternalServerError, "Internal error, request id "+requestID(c)+"\n") // nobody left to tell
		}
	}
}

func (h *Console) answer(c echo.Context, p problem) error {
	rt, _ := c.Get(ctxRoute).(route)
	r := c.Request()
	if wantsJSON(r) || rt.path == kmsCallbackPath {
		return h.json(c, p.status, map[string]any{"error": map[string]string{
			"code": string(p.code), "message": p.message}})
	}
	view := web.ErrorView{Status: p.status, Code: string(p.code), Message: p.message,
		Next: strings.TrimSpace(p.next), RequestID: requestID(c)}
	if p.next != "" && view.Next == "" {
		view.Code = "" // no advice beside the sentence
	}
	if isHTMX(r) {
		return h.render(c, p.status, web.ErrorFragment(view))
	}
	if rt.kind == file || rt.kind == stream || rt.kind == feed || rt.kind == machine && rt.path != "" {
		return h.text(c, p.status, p.message+"\n")
	}
	// Whoever is signed in keeps the navigation, also where no route was found.
	if _, err := h.signedIn(c); err != nil && p.status < 500 && fault.CodeOf(err) != fault.Unauthenticated {
		return err
	}
	view.Chrome = h.chrome(c, p.title(), web.NavNone)
	return h.render(c, p.status, web.ErrorPage(view))
}

func (p problem) title() string {
	if text := http.StatusText(p.status); text != "" {
		return text
	}
	return "Error"
}
