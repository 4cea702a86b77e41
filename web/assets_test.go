package web

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func ask(method, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	StaticHandler().ServeHTTP(w, r)
	return w
}

func TestAssetsArriveWholeCompressedAndForEver(t *testing.T) {
	plain, err := Assets.ReadFile("static/app.css")
	if err != nil {
		t.Fatal(err)
	}
	url := AssetURL("app.css")
	if !regexp.MustCompile(`^/static/app\.[0-9a-f]{16}\.css$`).MatchString(url) {
		t.Errorf("the address %s does not carry its content's hash", url)
	}
	w := ask("GET", url)
	if w.Code != 200 || w.Body.String() != string(plain) || w.Header().Get("Content-Encoding") != "" {
		t.Errorf("plain: status %d, %d bytes, encoding %q", w.Code, w.Body.Len(), w.Header().Get("Content-Encoding"))
	}
	for name, want := range map[string]string{
		"Content-Type": "text/css; charset=utf-8", "Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding", "X-Content-Type-Options": "nosniff",
	} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	z := ask("GET", url, "Accept-Encoding", "br, gzip;q=0.8")
	r, err := gzip.NewReader(z.Body)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(r)
	if err != nil || string(body) != string(plain) {
		t.Errorf("compressed: %d bytes, error %v", len(body), err)
	}
	if z.Header().Get("ETag") == w.Header().Get("ETag") {
		t.Error("two encodings share one strong ETag")
	}
	again := ask("GET", url, "If-None-Match", `"other", W/`+w.Header().Get("ETag"))
	if again.Code != http.StatusNotModified || again.Body.Len() != 0 {
		t.Errorf("a known copy is answered %d with %d bytes", again.Code, again.Body.Len())
	}
	if head := ask("HEAD", url); head.Code != 200 || head.Body.Len() != 0 || head.Header().Get("Content-Length") == "" {
		t.Errorf("HEAD: %d, %d bytes", head.Code, head.Body.Len())
	}
}

func TestGzipIsNotForcedOnWhoRefusesIt(t *testing.T) {
	for header, want := range map[string]bool{"": false, "gzip": true, "GZIP": true, "gzip;q=0": false, "*": true, "*;q=0": false, "gzip;q=0, *": false, "br": false, "identity, gzip; q=0.1": true} {
		if got := acceptsGzip(header); got != want {
			t.Errorf("%q: %v, want %v", header, got, want)
		}
	}
}

func TestNothingButAssetsIsServed(t *testing.T) {
	for _, path := range []string{"/static/app.css", "/static/", "/static/README.md", "/static/licenses/uplot.txt", "/static/../assets.go", "/static/app.0000000000000000.css"} {
		if w := ask("GET", path); w.Code != http.StatusNotFound || strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
			t.Errorf("%s: status %d, Cache-Control %q", path, w.Code, w.Header().Get("Cache-Control"))
		}
	}
	if w := ask("POST", AssetURL("app.js")); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", w.Code)
	}
}

// The policy allows data: images and files of our own; anything else in a
// style sheet would be a request that the browser blocks, or a leak.
func TestStyleSheetsAskForNothingFromElsewhere(t *testing.T) {
	address := regexp.MustCompile(`url\(\s*['"]?([^'")]{0,40})`)
	for _, name := range []string{"tabler.min.css", "uplot.min.css", "app.css"} {
		body, err := Assets.ReadFile("static/" + name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range address.FindAllStringSubmatch(string(body), -1) {
			if !strings.HasPrefix(m[1], "data:image/") {
				t.Errorf("%s asks for %s", name, m[1])
			}
		}
		for _, word := range []string{"@import", "@font-face"} {
			if strings.Contains(string(body), word) {
				t.Errorf("%s holds %s", name, word)
			}
		}
	}
}
