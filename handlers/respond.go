package handlers

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

// chrome is what the page shares with every other: it takes the flashes.
func (h *Console) chrome(c echo.Context, title string, nav web.Nav, crumbs ...web.Link) web.Chrome {
	who := caller(c)
	chrome := web.Chrome{
		Title: title, Nav: nav, Crumbs: crumbs, CSRF: h.csrfToken(c), Flashes: h.flashes(c),
		Version: h.cfg.Version, Now: h.cfg.Now(),
	}
	if who.Name != "" {
		chrome.User = web.User{Name: who.Name, Role: string(who.Role)}
		if who.Can(access.PermViewAll) {
			chrome.Health = h.health(c.Request().Context())
		}
	}
	return chrome
}

// render draws the component whole, and only then sends anything.
func (h *Console) render(c echo.Context, status int, component templ.Component) error {
	return web.Render(c.Request().Context(), component, func(page []byte) error {
		return h.send(c, status, echo.MIMETextHTMLCharsetUTF8, page)
	})
}

func (h *Console) json(c echo.Context, status int, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return h.send(c, status, echo.MIMEApplicationJSON, append(raw, '\n'))
}

func (h *Console) text(c echo.Context, status int, text string) error {
	return h.send(c, status, echo.MIMETextPlainCharsetUTF8, []byte(text))
}

func (h *Console) redirect(c echo.Context, to string) error {
	if err := h.save(c); err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderLocation, to)
	c.Response().WriteHeader(http.StatusSeeOther)
	return nil
}

// gzipFrom is the size below which compressing costs more than it saves.
const gzipFrom = 1400

var gzipWriters = sync.Pool{New: func() any { return gzip.NewWriter(nil) }}

// send answers with a body that is complete, compressed where the client takes
// that. Streams and exports never come this way.
func (h *Console) send(c echo.Context, status int, contentType string, body []byte) error {
	if err := h.save(c); err != nil {
		return err
	}
	header := c.Response().Header()
	header.Set(echo.HeaderContentType, contentType)
	header.Add(echo.HeaderVary, echo.HeaderAcceptEncoding)
	if len(body) >= gzipFrom && takesGzip(c.Request()) {
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
	_, _ = c.Response().Write(body) // the client went away: nobody to tell
	return nil
}

// takesGzip reads Accept-Encoding (RFC 9110 §12.5.3). Browsers name gzip; what
// names it with a weight of zero, or only a wildcard, gets the plain body.
func takesGzip(r *http.Request) bool {
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
