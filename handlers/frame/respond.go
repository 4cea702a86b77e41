package frame

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"cxseal/internal/access"
	"cxseal/web"
)

// Chrome returns what a page shares with every other. It takes the session's flashes, which are shown once.
func (f *Frame) Chrome(c echo.Context, title string, nav web.Nav, crumbs ...web.Link) web.Chrome {
	who := Caller(c)
	chrome := web.Chrome{
		Title: title, Nav: nav, Crumbs: crumbs, CSRF: f.csrfToken(c), Flashes: f.flashes(c),
		Version: f.cfg.Version, Now: f.cfg.Now(),
	}
	if who.Name != "" {
		chrome.User = web.User{Name: who.Name, Role: string(who.Role)}
		if who.Can(access.PermViewAll) {
			chrome.Health = f.health(c.Request().Context())
		}
	}
	return chrome
}

// Render draws the component into memory and then sends it, so that a page that fails is not sent in part.
func (f *Frame) Render(c echo.Context, status int, component templ.Component) error {
	return web.Render(c.Request().Context(), component, func(page []byte) error {
		return f.Send(c, status, echo.MIMETextHTMLCharsetUTF8, page)
	})
}

// JSON answers with v as JSON.
func (f *Frame) JSON(c echo.Context, status int, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return f.Send(c, status, echo.MIMEApplicationJSON, append(raw, '\n'))
}

// Text answers with plain text.
func (f *Frame) Text(c echo.Context, status int, text string) error {
	return f.Send(c, status, echo.MIMETextPlainCharsetUTF8, []byte(text))
}

// Redirect answers 303 See Other with the address to.
func (f *Frame) Redirect(c echo.Context, to string) error {
	if err := f.save(c); err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderLocation, to)
	c.Response().WriteHeader(http.StatusSeeOther)
	return nil
}

// gzipFrom is the size below which compressing costs more than it saves.
const gzipFrom = 1400

var gzipWriters = sync.Pool{New: func() any { return gzip.NewWriter(nil) }}

// Send answers with a complete body, compressed where the client accepts gzip. Streams and exports use Events
// and Download.
func (f *Frame) Send(c echo.Context, status int, contentType string, body []byte) error {
	if err := f.save(c); err != nil {
		return err
	}
	header := c.Response().Header()
	header.Set(echo.HeaderContentType, contentType)
	header.Add(echo.HeaderVary, echo.HeaderAcceptEncoding)
	if len(body) >= gzipFrom && TakesGzip(c.Request()) {
		var buf bytes.Buffer
		w := gzipWriters.Get().(*gzip.Writer)
		w.Reset(&buf)
		_, _ = w.Write(body) // writing to memory does not fail
		_ = w.Close()
		gzipWriters.Put(w)
		body = buf.Bytes()
		header.Set(echo.HeaderContentEncoding, "gzip")
	}
	header.Set(echo.HeaderContentLength, strconv.Itoa(len(body)))
	c.Response().WriteHeader(status)
	if c.Request().Method == http.MethodHead {
		return nil
	}
	_, _ = c.Response().Write(body) // it fails when the client went away
	return nil
}

// TakesGzip reports whether Accept-Encoding (RFC 9110 §12.5.3) names gzip with a weight above zero. A
// wildcard alone does not count: browsers name gzip.
func TakesGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get(echo.HeaderAcceptEncoding), ",") {
		coding, params, _ := strings.Cut(part, ";")
		if !strings.EqualFold(strings.TrimSpace(coding), "gzip") {
			continue
		}
		key, value, ok := strings.Cut(strings.TrimSpace(params), "=")
		if !ok || strings.TrimSpace(key) != "q" {
			return true
		}
		weight, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		return err == nil && weight > 0
	}
	return false
}
