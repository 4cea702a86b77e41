package handlers

import (
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"cxseal/internal/rotation"
	"cxseal/web"
)

// The feed holds dates from so long ago to so far ahead, and so many at most.
const (
	feedBehind = 90 * 24 * time.Hour
	feedAhead  = 400 * 24 * time.Hour
	feedEvents = 200_000
	feedPage   = 1000
)

// rotationFeed is the calendar feed. The token in its address stands for the
// person who made it; there is no session. It is sent as it is read, in
// constant memory: what breaks off ends in an aborted connection, never in a
// short calendar that looks whole.
func (h *Console) rotationFeed(c echo.Context) error {
	ctx, now := c.Request().Context(), h.cfg.Now()
	if _, err := h.cfg.Feeds.Open(ctx, c.QueryParam("token"), c.RealIP()); err != nil {
		return err
	}
	header := c.Response().Header()
	header.Set(echo.HeaderCacheControl, "private, no-cache") // kept, and asked about each time
	header.Add(echo.HeaderVary, echo.HeaderAcceptEncoding)
	tag, err := h.feedTag(ctx, c, now)
	if err != nil {
		return err
	}
	header.Set("ETag", tag)
	if knows(c.Request(), tag) {
		c.Response().WriteHeader(http.StatusNotModified)
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(h.stop, cancel)()
	err = h.sendFeed(ctx, c, now)
	if err == nil || !c.Response().Committed {
		return err
	}
	if ctx.Err() == nil {
		h.cfg.Logger.ErrorContext(ctx, "a calendar feed broke off", "request_id", requestID(c), "err", err)
	}
	panic(http.ErrAbortHandler)
}

// feedTag names what the feed says. The ledger's mark moves with every column
// that changes, and with every status that the clock changes, once the scan
// has seen it; the day is that of the dates at the feed's two ends.
func (h *Console) feedTag(ctx context.Context, c echo.Context, now time.Time) (string, error) {
	mark, err := h.cfg.Ledger.LedgerMark(ctx)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%d\x1f%s\x1f%s\x1f%s\x1f%v\x1f%d", mark, now.UTC().Format(time.DateOnly),
		h.address(c), h.cfg.Version, h.cfg.Leads, len(h.cfg.Connections())))
	return `W/"` + hex.EncodeToString(sum[:12]) + `"`, nil
}

// knows reports whether the client has what the tag names (RFC 9110 §13.1.2).
func knows(r *http.Request, tag string) bool {
	for known := range strings.SplitSeq(r.Header.Get("If-None-Match"), ",") {
		if strings.TrimPrefix(strings.TrimSpace(known), "W/") == strings.TrimPrefix(tag, "W/") {
			return true
		}
	}
	return false
}

// sendFeed reads and sends the feed, a page of the ledger at a time: no page is
// held in the database while a slow client takes the one before.
func (h *Console) sendFeed(ctx context.Context, c echo.Context, now time.Time) error {
	header := c.Response().Header()
	header.Set(echo.HeaderContentType, "text/calendar; charset=utf-8")
	if c.Request().Method == http.MethodHead {
		c.Response().WriteHeader(http.StatusOK)
		return nil
	}
	var out io.Writer = &exportWriter{w: c.Response(), control: http.NewResponseController(c.Response())}
	finish := func() error { return nil }
	if takesGzip(c.Request()) {
		// Fast rather than small: thorough packing takes longer than the rest.
		pack, err := gzip.NewWriterLevel(out, gzip.BestSpeed)
		if err != nil {
			return err
		}
		header.Set(echo.HeaderContentEncoding, "gzip")
		out, finish = pack, pack.Close
	}
	if err := h.writeFeed(ctx, rotation.NewCalendar(out, h.address(c)), now); err != nil {
		header.Del(echo.HeaderContentEncoding) // for the error's page, where nothing was sent
		header.Del("ETag")
		return err
	}
	return finish()
}

func (h *Console) writeFeed(ctx context.Context, calendar *rotation.Calendar, now time.Time) error {
	today := now.UTC().Truncate(24 * time.Hour)
	path := h.tablePaths()
	add := func(col *rotation.Column) { calendar.Add(col, col.StatusAt(now, h.cfg.Leads), path(col)) }
	var after rotation.Key
	for n := 0; n < feedEvents; n += feedPage {
		read, err := h.cfg.Ledger.LedgerDates(ctx, today.Add(-feedBehind), today.Add(feedAhead), &after, feedPage, add)
		if err != nil {
			return err
		}
		if err := calendar.Flush(); err != nil {
			return err
		}
		if read < feedPage {
			break
		}
	}
	return calendar.Close()
}

// tablePaths finds the path of a column's table. Columns come table by table:
// the path before is made once for all of them.
func (h *Console) tablePaths() func(*rotation.Column) string {
	named := len(h.cfg.Connections()) > 1
	var at rotation.Key
	var path string
	return func(col *rotation.Column) string {
		if path == "" || at.TableID != col.TableID || at.DatastoreID != col.DatastoreID || at.Connection != col.Connection {
			at = rotation.Key{Connection: strings.Clone(col.Connection), DatastoreID: strings.Clone(col.DatastoreID), TableID: strings.Clone(col.TableID)}
			connection := ""
			if named {
				connection = at.Connection
			}
			path = web.TablePath(connection, at.DatastoreID, at.TableID)
		}
		return path
	}
}
