package runs

import (
	"bytes"
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"cxseal/handlers/frame"
	"cxseal/internal/access"
	"cxseal/internal/encryption"
	"cxseal/web"
)

const (
	streamPoll      = time.Second      // another process may move the run, which Watch does not see
	streamCheck     = 2 * time.Second  // whether the person may still follow
	streamHeartbeat = 15 * time.Second // keeps proxies from closing a quiet stream
)

// runEvents streams a run's progress as server-sent events until it has ended:
//
//   - progress: one event of the dossier as JSON; its id is the event's
//     sequence number, so that Last-Event-ID replays what was missed
//   - run: the dossier as the page shows it now
//   - end: nothing more is expected
func (a *Area) runEvents(c echo.Context) error {
	id, err := frame.Param(c, "run")
	if err != nil {
		return err
	}
	last, err := frame.LastEventID(c.Request())
	if err != nil {
		return err
	}
	// Watched before it is read, so that no move falls between the two.
	moved, unwatch := a.Encryption.Watch(id)
	defer unwatch()
	if _, err := a.Runs.Run(c.Request().Context(), id); err != nil {
		return err
	}
	return a.Events(c, func(ctx context.Context, out *frame.Events) error {
		s := &eventStream{a: a, out: out, who: frame.Caller(c), runID: id, last: last}
		return s.follow(ctx, moved)
	})
}

// eventStream is one client that follows one run.
type eventStream struct {
	a     *Area
	out   *frame.Events
	who   access.Caller
	runID string
	last  int64 // the newest event sent
}

func (s *eventStream) follow(ctx context.Context, moved <-chan struct{}) error {
	poll := time.NewTicker(streamPoll)
	defer poll.Stop()
	heartbeat := time.NewTicker(streamHeartbeat)
	defer heartbeat.Stop()
	check := time.NewTicker(streamCheck)
	defer check.Stop()
	for first := true; ; first = false {
		if ended, err := s.catchUp(ctx, first); err != nil || ended {
			return err
		}
		select {
		case <-moved:
		case <-poll.C:
		case <-heartbeat.C:
			if err := s.out.Beat(); err != nil {
				return err
			}
		case <-check.C:
			if err := s.out.Allowed(ctx); err != nil {
				return err
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// catchUp sends the events that are new, and the dossier. The first time it sends the dossier even without events:
// the run may have moved since the page was made.
func (s *eventStream) catchUp(ctx context.Context, first bool) (ended bool, err error) {
	run, err := s.a.Runs.Run(ctx, s.runID)
	if err != nil {
		return false, err
	}
	events, err := s.a.Runs.RunEvents(ctx, s.runID, s.last)
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
		frame.AppendEvent(&out, "progress", strconv.FormatInt(e.Seq, 10), raw)
		s.last = e.Seq
	}
	view, err := s.a.dossier(ctx, run, s.who)
	if err != nil {
		return false, err
	}
	view.Chrome = web.Chrome{CSRF: s.out.CSRF, Now: s.a.Now()}
	if err := web.Render(ctx, web.RunLive(view), func(fragment []byte) error {
		frame.AppendEvent(&out, "run", "", fragment)
		return nil
	}); err != nil {
		return false, err
	}
	if run.State.Ended() {
		frame.AppendEvent(&out, "end", "", []byte(run.State))
	}
	return run.State.Ended(), s.out.Send(out.Bytes())
}

// progress is one event of a run's dossier, for programs.
type progress struct {
	Seq     int64            `json:"seq"`
	At      time.Time        `json:"at"`
	State   encryption.State `json:"state"`
	Kind    string           `json:"kind"`
	Message string           `json:"message"`
}
