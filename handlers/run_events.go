package handlers

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"cxseal/internal/encryption"
	"cxseal/internal/fault"
	"cxseal/web"
)

const (
	streamPoll      = time.Second      // another process may move the run: the net below Watch
	streamHeartbeat = 15 * time.Second // keeps proxies from closing a quiet stream
	streamWrite     = 30 * time.Second // a client that takes nothing for so long is gone
)

// runEvents streams a run's progress as server-sent events until it has ended:
//
//   - progress: one event of the dossier as JSON; its id is the event's
//     sequence number, so that Last-Event-ID replays what was missed
//   - run: the dossier as the page shows it now
//   - end: nothing more is expected
func (h *Console) runEvents(c echo.Context) error {
	id, err := param(c, "run")
	if err != nil {
		return err
	}
	last, err := lastEventID(c.Request())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(c.Request().Context())
	defer cancel()
	defer context.AfterFunc(h.stop, cancel)()
	// Watched before it is read, so that no move falls between the two.
	moved, unwatch := h.cfg.Service.Watch(id)
	defer unwatch()
	if _, err := h.cfg.Runs.Run(ctx, id); err != nil {
		return err
	}
	select {
	case h.streams <- struct{}{}:
		defer func() { <-h.streams }()
	default:
		return fault.New(fault.TooMany, "Too many pages follow runs at this moment. Reload this one later.")
	}
	csrf := h.csrfToken(c)
	if err := h.save(c); err != nil {
		return err
	}
	header := c.Response().Header()
	header.Set(echo.HeaderContentType, "text/event-stream")
	header.Set("X-Accel-Buffering", "no") // nginx would hold the events back
	c.Response().WriteHeader(http.StatusOK)
	if c.Request().Method == http.MethodHead {
		return nil
	}
	s := &eventStream{h: h, c: c, runID: id, last: last, csrf: csrf, control: http.NewResponseController(c.Response())}
	if err := s.follow(ctx, moved); err != nil && ctx.Err() == nil {
		// The header is out: the browser comes back with its Last-Event-ID.
		h.cfg.Logger.WarnContext(ctx, "an event stream broke off", "request_id", requestID(c), "run", id, "err", err)
	}
	return nil
}

func lastEventID(r *http.Request) (int64, error) {
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

// eventStream is one client that follows one run.
type eventStream struct {
	h       *Console
	c       echo.Context
	runID   string
	last    int64 // the newest event sent
	csrf    string
	control *http.ResponseController
}

func (s *eventStream) follow(ctx context.Context, moved <-chan struct{}) error {
	poll := time.NewTicker(streamPoll)
	defer poll.Stop()
	heartbeat := time.NewTicker(streamHeartbeat)
	defer heartbeat.Stop()
	for first := true; ; first = false {
		if ended, err := s.catchUp(ctx, first); err != nil || ended {
			return err
		}
		select {
		case <-moved:
		case <-poll.C:
		case <-heartbeat.C:
			if err := s.beat(ctx); err != nil {
				return err
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// beat keeps the connection open, and ends it when the person was signed out
// or lost their role.
func (s *eventStream) beat(ctx context.Context) error {
	who := caller(s.c)
	now, err := s.h.cfg.Accounts.Current(ctx, who.UserID, who.IP)
	if err != nil {
		return err
	}
	if rt, ok := s.c.Get(ctxRoute).(route); !ok || !now.Can(rt.needs) {
		return errors.New("the caller may not follow runs any more")
	}
	return s.write([]byte(": still here\n\n"))
}

// catchUp sends what is new. The first time the dossier is sent in any case:
// the run may have moved since the page was made.
func (s *eventStream) catchUp(ctx context.Context, first bool) (ended bool, err error) {
	run, err := s.h.cfg.Runs.Run(ctx, s.runID)
	if err != nil {
		return false, err
	}
	events, err := s.h.cfg.Runs.RunEvents(ctx, s.runID, s.last)
	if err != nil {
		return false, err
	}
	if len(events) == 0 && !first && !run.State.Ended() {
		return false, nil
	}
	var out bytes.Buffer
	redact := redactor(run)
	for _, e := range events {
		raw, err := json.Marshal(progress{Seq: e.Seq, At: e.At.UTC(), State: e.State, Kind: e.Kind, Message: redact(e.Message)})
		if err != nil {
			return false, err
		}
		writeEvent(&out, "progress", strconv.FormatInt(e.Seq, 10), raw)
		s.last = e.Seq
	}
	view, err := s.h.dossier(ctx, run, caller(s.c))
	if err != nil {
		return false, err
	}
	view.Chrome = web.Chrome{CSRF: s.csrf, Now: s.h.cfg.Now()}
	if err := web.Render(ctx, web.RunLive(view), func(fragment []byte) error {
		writeEvent(&out, "run", "", fragment)
		return nil
	}); err != nil {
		return false, err
	}
	if run.State.Ended() {
		writeEvent(&out, "end", "", []byte(run.State))
	}
	return run.State.Ended(), s.write(out.Bytes())
}

// progress is one event of a run's dossier, for programs.
type progress struct {
	Seq     int64            `json:"seq"`
	At      time.Time        `json:"at"`
	State   encryption.State `json:"state"`
	Kind    string           `json:"kind"`
	Message string           `json:"message"`
}

// writeEvent appends one event in the stream's format (WHATWG HTML §9.2). CR
// ends a line there too, so it must not pass.
func writeEvent(out *bytes.Buffer, name, id string, data []byte) {
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

func (s *eventStream) write(b []byte) error {
	// The server's own write deadline would end the stream; this one moves on.
	if err := s.control.SetWriteDeadline(time.Now().Add(streamWrite)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if _, err := s.c.Response().Write(b); err != nil {
		return err
	}
	return s.control.Flush()
}
