package web

import (
	"context"
	"cxseal/web/browsertest"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// policy is the strictest Content-Security-Policy the console is served with.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'"

// samplesServer serves the sample pages. The live run's stream sends its end
// when release is called.
func samplesServer(t *testing.T) (srv *httptest.Server, release func()) {
	t.Helper()
	released := make(chan struct{})
	pages := map[string]page{}
	for _, p := range samplePages() {
		pages[p.name] = p
	}
	mux := http.NewServeMux()
	mux.Handle("/static/", StaticHandler())
	mux.HandleFunc("POST /datastores/{ds}/tables/{t}/preflight", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("csrf_token") == "" {
			http.Error(w, "no token", http.StatusForbidden)
			return
		}
		v := samplePreflight(len(r.Form["columns"]) > 3)
		for i := range v.Columns {
			v.Columns[i].Chosen = false
			for _, c := range r.Form["columns"] {
				v.Columns[i].Chosen = v.Columns[i].Chosen || c == v.Columns[i].Name
			}
		}
		_ = Render(r.Context(), Preflight(*v), writeTo(w))
	})
	mux.HandleFunc("GET /runs/{id}/events", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		if err := http.NewResponseController(w).Flush(); err != nil {
			return
		}
		select {
		case <-released:
		case <-r.Context().Done():
			return
		}
		var b strings.Builder
		if err := Render(r.Context(), RunLive(sampleRun("verified")), writeTo(&b)); err != nil {
			t.Error(err)
		}
		_, _ = fmt.Fprintf(w, "id: 9\nevent: run\ndata: %s\n\nevent: end\ndata: end\n\n", strings.ReplaceAll(b.String(), "\n", "\ndata: "))
	})
	mux.HandleFunc("GET /sample/{name}", func(w http.ResponseWriter, r *http.Request) {
		p, ok := pages[r.PathValue("name")]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Security-Policy", policy)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if err := Render(r.Context(), p.c, writeTo(w)); err != nil {
			t.Error(err)
		}
	})
	mux.HandleFunc("GET /runs", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(w, `<!DOCTYPE html><title>Runs</title><link rel="icon" href="data:,"><p id="arrived">Runs`)
	})
	srv = httptest.NewServer(mux)
	release = sync.OnceFunc(func() { close(released) })
	t.Cleanup(func() { release(); srv.Close() })
	return srv, release
}

// TestPagesAreAccessibleAndFit walks each page in a real browser under the strict
// policy: light and wide, dark and narrow; with CXSEAL_WALK in every theme and width.
func TestPagesAreAccessibleAndFit(t *testing.T) {
	ctx := browsertest.Start(t)
	srv, _ := samplesServer(t)
	shots := os.Getenv("CXSEAL_SCREENSHOTS")
	var noise browsertest.Complaints
	if err := noise.Listen(ctx); err != nil {
		t.Fatal(err)
	}
	for _, p := range samplePages() {
		t.Run(p.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
			defer cancel()
			noise.Take()
			if err := chromedp.Do(ctx, chromedp.Navigate(srv.URL+"/sample/"+p.name), browsertest.LoadAxe()); err != nil {
				t.Fatal(err)
			}
			for i, theme := range []string{"light", "dark"} {
				for j, width := range []int64{1280, 400} {
					if shots == "" && os.Getenv("CXSEAL_WALK") == "" && i != j {
						continue
					}
					browsertest.Inspect(ctx, t, theme, width)
					if shots != "" {
						browsertest.Photograph(ctx, t, filepath.Join(shots, fmt.Sprintf("%s-%s-%d.png", p.name, theme, width)))
					}
				}
			}
			for _, s := range noise.Take() {
				t.Error(s)
			}
		})
	}
}
