package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
)

// Assets are the console's static files, as they lie in web/static.
//
//go:embed static
var Assets embed.FS

const staticPrefix = "/static/"

// asset is one static file under its content-hashed name.
type asset struct {
	contentType string
	hash        string
	body        []byte
	gzip        func() []byte // computed at first use; nil where it would not help
}

// library knows every asset by its hashed name, and the hashed URL by the
// plain name.
type library struct {
	byName map[string]*asset
	urls   map[string]string
}

var loadAssets = sync.OnceValue(func() library {
	lib := library{byName: map[string]*asset{}, urls: map[string]string{}}
	// The embedded files cannot fail to be read: an error here is a build that
	// has lost its assets, and no page would be right.
	err := fs.WalkDir(Assets, "static", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !served(name) {
			return err
		}
		body, err := Assets.ReadFile(name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(body)
		a := &asset{contentType: contentType(name), hash: hex.EncodeToString(sum[:])[:16], body: body}
		if strings.HasSuffix(name, ".css") || strings.HasSuffix(name, ".js") || strings.HasSuffix(name, ".svg") {
			a.gzip = sync.OnceValue(func() []byte { return compress(body) })
		}
		plain := strings.TrimPrefix(name, "static/")
		ext := path.Ext(plain)
		hashed := strings.TrimSuffix(plain, ext) + "." + a.hash + ext
		lib.byName[hashed] = a
		lib.urls[plain] = staticPrefix + hashed
		return nil
	})
	if err != nil {
		panic("web: static assets: " + err.Error())
	}
	return lib
})

// served reports whether a file is for browsers; licences and notes are not.
func served(name string) bool {
	switch path.Ext(name) {
	case ".css", ".js", ".svg", ".png", ".ico":
		return true
	}
	return false
}

func contentType(name string) string {
	switch path.Ext(name) {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	}
	return mime.TypeByExtension(path.Ext(name))
}

func compress(body []byte) []byte {
	var buf bytes.Buffer
	w, err := gzip.NewWriterLevel(&buf, gzip.BestCompression)
	if err != nil {
		panic("web: gzip: " + err.Error()) // a wrong constant above
	}
	// Writing to memory does not fail.
	_, _ = w.Write(body)
	_ = w.Close()
	return buf.Bytes()
}

// AssetURL is the content-hashed address of a static file, such as
// /static/app.0123456789abcdef.css for "app.css". It panics for a file that
// does not exist: the name is a constant of a template.
func AssetURL(name string) string {
	url, ok := loadAssets().urls[name]
	if !ok {
		panic("web: no static file " + name)
	}
	return url
}

// StaticHandler serves the assets below /static/ under their hashed names.
// A name holds one content for ever, so browsers may keep it for a year
// (RFC 8246); an unknown or outdated name is a 404 that is not kept.
func StaticHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "Method not allowed", http.StatusMethodNotAllowed)
			return
		}
		a, ok := loadAssets().byName[strings.TrimPrefix(r.URL.Path, staticPrefix)]
		if !ok {
			w.Header().Set("Cache-Control", "no-store")
			http.NotFound(w, r)
			return
		}
		body, etag := a.body, `"`+a.hash+`"`
		h := w.Header()
		if a.gzip != nil {
			h.Add("Vary", "Accept-Encoding")
			if acceptsGzip(r.Header.Get("Accept-Encoding")) {
				body, etag = a.gzip(), `"`+a.hash+`-gz"`
				h.Set("Content-Encoding", "gzip")
			}
		}
		h.Set("Content-Type", a.contentType)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
		h.Set("ETag", etag)
		if matches(r.Header.Get("If-None-Match"), etag) {
			h.Del("Content-Encoding")
			w.WriteHeader(http.StatusNotModified)
			return
		}
		h.Set("Content-Length", strconv.Itoa(len(body)))
		if r.Method == http.MethodHead {
			return
		}
		_, _ = w.Write(body) // the client went away: nobody to tell
	})
}

// acceptsGzip reads an Accept-Encoding header (RFC 9110 §12.5.3): gzip is
// welcome when it or * is listed and not with a weight of zero.
func acceptsGzip(header string) bool {
	verdict := false
	for part := range strings.SplitSeq(header, ",") {
		coding, params, _ := strings.Cut(part, ";")
		coding = strings.ToLower(strings.TrimSpace(coding))
		if coding != "gzip" && coding != "*" {
			continue
		}
		weight := 1.0
		if key, value, ok := strings.Cut(strings.TrimSpace(params), "="); ok && strings.TrimSpace(key) == "q" {
			q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				continue
			}
			weight = q
		}
		if coding == "gzip" {
			return weight > 0 // the exact name beats the wildcard
		}
		verdict = weight > 0
	}
	return verdict
}

// matches compares an If-None-Match header weakly (RFC 9110 §13.1.2).
func matches(header, etag string) bool {
	for part := range strings.SplitSeq(header, ",") {
		part = strings.TrimPrefix(strings.TrimSpace(part), "W/")
		if part == etag || part == "*" {
			return true
		}
	}
	return false
}
