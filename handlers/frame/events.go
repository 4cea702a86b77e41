package frame

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"cxseal/internal/access"
	"cxseal/internal/fault"
)

// maxStreams bounds the event streams that are open at a time, and maxOwnStreams those of one person.
const (
	maxStreams    = 512
	maxOwnStreams = 24
)

const streamWrite = 30 * time.Second // a client that reads nothing for so long is taken to be gone

// Events is an open stream of server-sent events.
type Events struct {
	// CSRF is the form token for the fragments that are sent.
	CSRF string

	f       *Frame
	c       echo.Context
	control *http.ResponseController
}

// Events opens a stream of server-sent events and closes it when follow
// returns. Its context ends with the request, and when the console closes.
func (f *Frame) Events(c echo.Context, follow func(ctx context.Context, out *Events) error) error {
	id := Caller(c).UserID
	if !f.openStream(id, 1) {
		return fault.New(fault.TooMany, "You follow %d runs already. Close one of those pages first.", maxOwnStreams)
	}
	defer f.openStream(id, -1)
	select {
	case f.streams <- struct{}{}:
		defer func() { <-f.streams }()
	default:
		return fault.New(fault.TooMany, "Too many pages follow runs at this moment. Reload this one later.")
	}
	out := &Events{CSRF: f.csrfToken(c), f: f, c: c, control: http.NewResponseController(c.Response())}
	if err := f.save(c); err != nil {
		return err
	}
	header := c.Response().Header()
	header.Set(echo.HeaderContentType, "text/event-stream")
	header.Set("X-Accel-Buffering", "no") // nginx would hold the events back
	c.Response().WriteHeader(http.StatusOK)
	if c.Request().Method == http.MethodHead {
		return nil
	}
	ctx, cancel := f.untilClosed(c)
	defer cancel()
	if err := follow(ctx, out); err != nil && ctx.Err() == nil {
		// The header is out: the browser comes back with its Last-Event-ID.
		f.cfg.Logger.WarnContext(ctx, "an event stream broke off", "request_id", RequestID(c), "path",
			c.Request().URL.Path, "err", err)
	}
	return nil
}

// openStream counts a person's streams up or down. It is false when they have as many as they may.
func (f *Frame) openStream(id int64, by int) bool {
	f.ownMu.Lock()
	defer f.ownMu.Unlock()
	if f.own[id]+by > maxOwnStreams {
		return false
	}
	if f.own[id] += by; f.own[id] == 0 {
		delete(f.own, id)
	}
	return true
}

// Beat sends a comment that keeps the connection open.
func (e *Events) Beat() error { return e.Send([]byte(": still here\n\n")) }

// Allowed fails when the session or the token that opened the stream is over, the account is disabled, or it lost the
// permission that the route needs. A stream asks every few seconds.
func (e *Events) Allowed(ctx context.Context) error {
	who, err := e.f.signedInStill(ctx, e.c)
	if err != nil {
		return err
	}
	if rt, ok := e.c.Get(ctxRoute).(Route); !ok || !who.Can(rt.Needs) {
		return errors.New("the caller may not follow runs any more")
	}
	return nil
}

// signedInStill returns the caller of the request's session or API token as the database has them now.
func (f *Frame) signedInStill(ctx context.Context, c echo.Context) (access.Caller, error) {
	if secret, ok := bearer(c.Request()); ok {
		return f.cfg.Tokens.Authenticate(ctx, secret, c.RealIP())
	}
	over := fault.New(fault.Unauthenticated, "Sign in again.")
	cookie, err := c.Cookie(cookieName(sessionCookie, f.secure))
	if err != nil {
		return access.Caller{}, over
	}
	// Not the request's context, in which the session is as it was when the stream was opened.
	now, err := f.sessions.Load(context.Background(), cookie.Value)
	if err != nil {
		return access.Caller{}, err
	}
	id := f.sessions.GetInt64(now, keyUser)
	if id == 0 || id != Caller(c).UserID {
		return access.Caller{}, over
	}
	return f.cfg.Accounts.Current(ctx, id, c.RealIP())
}

// Send writes bytes in the stream's format and flushes them.
func (e *Events) Send(b []byte) error {
	// The server's own write deadline would end the stream; this one moves on.
	if err := e.control.SetWriteDeadline(time.Now().Add(streamWrite)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if _, err := e.c.Response().Write(b); err != nil {
		return err
	}
	return e.control.Flush()
}

// AppendEvent appends one event in the stream's format (WHATWG HTML §9.2). A CR ends a line there too, so it is
// replaced.
func AppendEvent(out *bytes.Buffer, name, id string, data []byte) {
	if id != "" {
		out.WriteString("id: " + id + "\n")
	}
	out.WriteString("event: " + name + "\n")
	data = bytes.ReplaceAll(bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n")), []byte("\r"), []byte("\n"))
	for line := range bytes.SplitSeq(data, []byte("\n")) {
		out.WriteString("data: ")
		out.Write(line)
		out.WriteByte('\n')
	}
	out.WriteByte('\n')
}

// LastEventID returns the newest event that the client has, 0 for none.
func LastEventID(r *http.Request) (int64, error) {
	v := r.Header.Get("Last-Event-ID")
	if v == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || n < 0 {
		return 0, fault.New(fault.Invalid, "Last-Event-ID must be the id of an event of this stream.")
	}
	return n, nil
}
