package frame

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"cxseal/internal/fault"
)

// maxStreams bounds the event streams that are open at a time.
const maxStreams = 512

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

// Beat sends a comment that keeps the connection open. It fails when the person was signed out or lost the
// permission that the route needs.
func (e *Events) Beat(ctx context.Context) error {
	who := Caller(e.c)
	now, err := e.f.cfg.Accounts.Current(ctx, who.UserID, who.IP)
	if err != nil {
		return err
	}
	if rt, ok := e.c.Get(ctxRoute).(Route); !ok || !now.Can(rt.Needs) {
		return errors.New("the caller may not follow runs any more")
	}
	return e.Send([]byte(": still here\n\n"))
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
