package keys

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

	"cxseal/handlers/frame"
	"cxseal/internal/access"
	"cxseal/internal/fault"
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

// feed answers with the calendar feed. It needs no session: the token in its address stands for the person
// who made it. It is streamed in constant memory.
func (a *Area) feed(c echo.Context) error {
	ctx, now := c.Request().Context(), a.Now()
	if _, err := a.Feeds.Open(ctx, c.QueryParam("token"), c.RealIP()); err != nil {
		return err
	}
	header := c.Response().Header()
	header.Set(echo.HeaderCacheControl, "private, no-cache") // may be stored, and is revalidated each time
	header.Add(echo.HeaderVary, echo.HeaderAcceptEncoding)
	tag, err := a.feedTag(ctx, c, now)
	if err != nil {
		return err
	}
	header.Set("ETag", tag)
	if knows(c.Request(), tag) {
		c.Response().WriteHeader(http.StatusNotModified)
		return nil
	}
	return a.Stream(c, frame.Download{What: "calendar feed", Type: "text/calendar; charset=utf-8"},
		func(ctx context.Context, w io.Writer) error {
			return a.sendFeed(ctx, c, w, now)
		})
}

// feedTag returns the feed's ETag. It is made of the ledger's mark, which changes with every column and with
// every status that the scan has brought up to date; of the day, which decides the feed's first and last
// date; and of the settings that its text depends on.
func (a *Area) feedTag(ctx context.Context, c echo.Context, now time.Time) (string, error) {
	mark, err := a.Rotations.LedgerMark(ctx)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%d\x1f%s\x1f%s\x1f%s\x1f%v\x1f%d", mark, now.UTC().Format(time.DateOnly),
		a.Address(c), a.Version(), a.Leads, len(a.Connections())))
	return `W/"` + hex.EncodeToString(sum[:12]) + `"`, nil
}

// knows reports whether If-None-Match has the tag, compared weakly (RFC 9110 §13.1.2).
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
func (a *Area) sendFeed(ctx context.Context, c echo.Context, w io.Writer, now time.Time) error {
	if !frame.TakesGzip(c.Request()) {
		return a.writeFeed(ctx, rotation.NewCalendar(w, a.Address(c)), now)
	}
	// Fast rather than small: thorough packing takes longer than the rest.
	pack, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
	if err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderContentEncoding, "gzip")
	if err := a.writeFeed(ctx, rotation.NewCalendar(pack, a.Address(c)), now); err != nil {
		return err
	}
	return pack.Close()
}

func (a *Area) writeFeed(ctx context.Context, calendar *rotation.Calendar, now time.Time) error {
	today := now.UTC().Truncate(24 * time.Hour)
	path := a.tablePaths()
	add := func(col *rotation.Column) { calendar.Add(col, col.StatusAt(now, a.Leads), path(col)) }
	var after rotation.Key
	for n := 0; n < feedEvents; n += feedPage {
		read, err := a.Rotations.LedgerDates(ctx, today.Add(-feedBehind), today.Add(feedAhead), &after, feedPage, add)
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
func (a *Area) tablePaths() func(*rotation.Column) string {
	named := len(a.Connections()) > 1
	var at rotation.Key
	var path string
	return func(col *rotation.Column) string {
		if path == "" || at.TableID != col.TableID || at.DatastoreID != col.DatastoreID || at.Connection != col.Connection {
			at = rotation.Key{Connection: strings.Clone(col.Connection),
				DatastoreID: strings.Clone(col.DatastoreID), TableID: strings.Clone(col.TableID)}
			connection := ""
			if named {
				connection = at.Connection
			}
			path = web.TablePath(connection, at.DatastoreID, at.TableID)
		}
		return path
	}
}

// newFeed gives the person a calendar address, and shows it this once.
func (a *Area) newFeed(c echo.Context) error {
	post := c.Request().PostForm
	token, err := a.Feeds.New(c.Request().Context(), frame.Caller(c), access.Proof{Present: post.Get("present"), Code: post.Get("code")})
	if code := fault.CodeOf(err); code == fault.Invalid || code == fault.TooMany {
		p := frame.Describe(err)
		p.SetRetryAfter(c)
		if p.Status == http.StatusBadRequest {
			p.Status = http.StatusUnprocessableEntity
		}
		return a.showFeed(c, p.Status, web.FeedView{Error: p.Message})
	}
	if err != nil {
		return err
	}
	return a.showFeed(c, http.StatusOK, web.FeedView{URL: a.Address(c) + "/rotations.ics?token=" + token})
}

// revokeFeed ends the person's calendar address.
func (a *Area) revokeFeed(c echo.Context) error {
	if err := a.Feeds.Revoke(c.Request().Context(), frame.Caller(c)); err != nil {
		return err
	}
	return a.Done(c, "The calendar address is revoked. Calendars that subscribed to it are refused from now on.", "/rotations")
}
