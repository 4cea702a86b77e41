package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
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
		_, _ = fmt.Fprint(w, `<!DOCTYPE html><title>Runs</title><p id="arrived">Runs`)
	})
	srv = httptest.NewServer(mux)
	release = sync.OnceFunc(func() { close(released) })
	t.Cleanup(func() { release(); srv.Close() })
	return srv, release
}

// browser starts Chromium, or skips the test where there is none. On CI its
// absence is a failure.
func browser(t *testing.T) context.Context {
	t.Helper()
	var exe string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			exe = found
			break
		}
	}
	if exe == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("Chromium is not installed, and CI needs it to look at the pages")
		}
		t.Skip("Chromium is not installed: the pages were not looked at")
	}
	alloc, stopAlloc := chromedp.NewExecAllocator(context.Background(),
		chromedp.ExecPath(exe), chromedp.UserDataDir(t.TempDir()), chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck,
		chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("headless", "new"), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("hide-scrollbars", true), chromedp.Flag("disable-dev-shm-usage", true))
	ctx, stop := chromedp.NewContext(alloc)
	t.Cleanup(func() { stop(); stopAlloc() })
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start Chromium: %v", err)
	}
	return ctx
}

// complaints collects what the browser says on its console, CSP reports
// included.
type complaints struct {
	mu   sync.Mutex
	said []string
}

func (c *complaints) listen(ctx context.Context) error {
	return chromedp.Listen(ctx, func(ev any) {
		switch e := ev.(type) {
		case *runtime.EventConsoleAPICalled:
			b, err := json.Marshal(e.Args)
			if err != nil {
				b = []byte(err.Error())
			}
			c.add("console: " + string(b))
		case *runtime.EventExceptionThrown:
			c.add("exception: " + e.ExceptionDetails.Text)
		case *log.EventEntryAdded:
			c.add("log: " + e.Entry.Text + " " + e.Entry.URL)
		}
	})
}

func (c *complaints) add(s string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.said = append(c.said, s)
}

func (c *complaints) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	said := c.said
	c.said = nil
	return said
}

const axeRun = `axe.run(document, {runOnly: {type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}})
  .then(r => JSON.stringify(r.violations.map(v => v.id + ": " + v.help + " — " + v.nodes.slice(0, 4).map(n => n.target.join(" ") + " " + (n.any[0] ? n.any[0].message : "")).join(" | "))))`

// TestPagesAreAccessibleAndFit walks each page in a real browser, light and
// dark, wide and narrow, under the strict policy.
func TestPagesAreAccessibleAndFit(t *testing.T) {
	if testing.Short() {
		t.Skip("a real browser takes half a minute")
	}
	ctx := browser(t)
	srv, _ := samplesServer(t)
	axe, err := os.ReadFile("testdata/axe.min.js")
	if err != nil {
		t.Fatal(err)
	}
	shots := os.Getenv("CXSEAL_SCREENSHOTS")
	var noise complaints
	if err := noise.listen(ctx); err != nil {
		t.Fatal(err)
	}
	for _, p := range samplePages() {
		t.Run(p.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
			defer cancel()
			noise.take()
			if err := chromedp.Do(ctx, chromedp.Navigate(srv.URL+"/sample/"+p.name), chromedp.Evaluate[chromedp.Void](string(axe))); err != nil {
				t.Fatal(err)
			}
			for _, theme := range []string{"light", "dark"} {
				for _, width := range []int64{1280, 400} {
					look(ctx, t, theme, width)
					if shots != "" {
						photograph(ctx, t, filepath.Join(shots, fmt.Sprintf("%s-%s-%d.png", p.name, theme, width)))
					}
				}
			}
			for _, s := range noise.take() {
				t.Error(s)
			}
		})
	}
}

// look checks the page as it stands, in one theme and at one width.
func look(ctx context.Context, t *testing.T, theme string, width int64) {
	t.Helper()
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}, {Name: "prefers-reduced-motion", Value: "reduce"}}}
	if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, media); err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, 900)); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Run(ctx, chromedp.Poll[bool](fmt.Sprintf(`document.documentElement.dataset.bsTheme === %q && window.innerWidth === %d`, theme, width))); err != nil {
		t.Fatal(err)
	}
	overflow, err := chromedp.Run(ctx, chromedp.Evaluate[int](`document.documentElement.scrollWidth - window.innerWidth`))
	if err != nil {
		t.Fatal(err)
	}
	if overflow > 0 {
		t.Errorf("%s, %d px: the page is %d px wider than its window", theme, width, overflow)
	}
	found, err := chromedp.Run(ctx, chromedp.Evaluate[string](axeRun, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatal(err)
	}
	var violations []string
	if err := json.Unmarshal([]byte(found), &violations); err != nil {
		t.Fatal(err)
	}
	for _, v := range violations {
		t.Errorf("%s, %d px: %s", theme, width, v)
	}
}

func photograph(ctx context.Context, t *testing.T, file string) {
	t.Helper()
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, png, 0o600); err != nil {
		t.Fatal(err)
	}
}
