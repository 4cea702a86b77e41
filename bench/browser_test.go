//go:build bench

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"cxseal/web/browsertest"
)

// pageLimit is how long a page of a log of a million records may take to show in a browser, on a machine that
// does other work too. Reading all the records takes longer.
const pageLimit = 2 * time.Second

// TestAMillionRecordsAreAtHandInABrowser fails when an officer who searches, pages to the end, counts by
// facet or exports a log of a million records waits longer than pageLimit for a page.
func TestAMillionRecordsAreAtHandInABrowser(t *testing.T) {
	b := &bench{ctx: t.Context(), records: 1_000_000, dir: os.Getenv("CXSEAL_BENCH_DIR"), tmp: t.TempDir()}
	if b.dir == "" {
		cache, err := os.UserCacheDir()
		must(t, err)
		b.dir = filepath.Join(cache, "cxseal-bench")
	}
	must(t, os.MkdirAll(b.dir, 0o700))
	must(t, os.Chdir("..")) // prepare builds from the top of the module
	must(t, b.prepare())
	c, err := b.serve()
	must(t, err)
	defer func() { must(t, c.stop()) }()
	v := &visit{t: t, ctx: browser(t), base: c.url}
	v.do(chromedp.Navigate(c.url+"/login"), chromedp.SendKeys(`[name=username]`, "admin"), chromedp.SendKeys(`[name=password]`, password),
		chromedp.Submit(`[name=password]`), chromedp.WaitReady(`.cx-nav`))

	v.open("/audit")
	if got := v.text(`.cx-pager p`); !strings.HasPrefix(got, "50 records on this page, 1,000,0") {
		t.Errorf("the log's size: %q", got)
	}
	if n := v.facet("outcome=FAILURE"); n < 10_000 {
		t.Errorf("%d failures are counted, of a million records", n)
	}
	all := v.facet("outcome=SUCCESS") + v.facet("outcome=FAILURE") + v.facet("outcome=DENIED")
	if all < 1_000_000 || all > 1_000_100 {
		t.Errorf("the outcomes are of %d records", all)
	}

	v.open("/audit?q=" + "passport_number+outcome%3AFAILURE+-actor%3Ascheduler")
	if got := v.text(`.cx-pager p`); !strings.HasPrefix(got, "50 records on this page") {
		t.Errorf("the search found %q", got)
	}
	v.open("/audit?operation=ACCESS_DENIED")
	want := v.total()
	if rows := v.toTheEnd(); rows != want || want < 1000 {
		t.Errorf("paged through %d records, the page counts %d", rows, want)
	}
	v.open("/audit?before=1021") // the whole log's last 1,020
	if rows := v.toTheEnd(); rows != 1020 {
		t.Errorf("paged through %d records to the beginning of the log, want 1,020", rows)
	}

	v.open("/audit?outcome=FAILURE")
	got, err := chromedp.Run(v.ctx, chromedp.Evaluate[exported](`(async () => {
		const began = performance.now()
		const reader = (await fetch("/audit.csv")).body.getReader()
		let lines = 0, first = 0
		for (;;) {
			const {done, value} = await reader.read()
			if (done) break
			if (!first) first = performance.now() - began
			for (const c of value) if (c === 10) lines++
		}
		return {Lines: lines, First: first, All: performance.now() - began}
	})()`, chromedp.EvalAwaitPromise))
	must(t, err)
	if got.Lines < 1_000_001 || got.First > float64(pageLimit.Milliseconds()) {
		t.Errorf("the export: %+v", got)
	}
	t.Logf("slowest page %v, the first bytes of the export after %.0f ms, all after %.0f ms", v.slowest.Round(time.Millisecond), got.First, got.All)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// exported is what a browser saw of an export, in milliseconds.
type exported struct{ Lines, First, All float64 }

// visit is one person's session in a browser.
type visit struct {
	t       *testing.T
	ctx     context.Context
	base    string
	slowest time.Duration
}

// browser starts a browser that is closed after ten minutes.
func browser(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(browsertest.Start(t), 10*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func (v *visit) do(steps ...chromedp.Action[chromedp.Void]) {
	v.t.Helper()
	must(v.t, chromedp.Do(v.ctx, steps...))
}

// open goes to a page and fails the test when it takes longer than pageLimit.
func (v *visit) open(path string) {
	v.t.Helper()
	began := time.Now()
	v.do(chromedp.Navigate(v.base+path), chromedp.WaitReady(`.cx-pager`))
	took := time.Since(began)
	v.slowest = max(v.slowest, took)
	if took > pageLimit {
		v.t.Errorf("%s took %v", path, took)
	}
}

func (v *visit) text(selector string) string {
	v.t.Helper()
	text, err := chromedp.Run(v.ctx, chromedp.Evaluate[string](fmt.Sprintf(`(document.querySelector(%q) || {textContent: "missing"}).textContent.trim()`, selector)))
	must(v.t, err)
	return text
}

// facet returns the number beside a facet's value.
func (v *visit) facet(query string) int {
	v.t.Helper()
	text := v.text(fmt.Sprintf(`.cx-facets a[href$="%s"] .cx-num`, query))
	n, err := strconv.Atoi(strings.ReplaceAll(text, ",", ""))
	must(v.t, err)
	return n
}

// total is how many records the page says there are: "50 records on this page,
// 4,012 in all".
func (v *visit) total() int {
	v.t.Helper()
	_, all, _ := strings.Cut(v.text(`.cx-pager p`), "page, ")
	n, err := strconv.Atoi(strings.ReplaceAll(strings.TrimSuffix(all, " in all"), ",", ""))
	must(v.t, err)
	return n
}

// toTheEnd follows "Older" until there is none and returns how many rows it saw.
func (v *visit) toTheEnd() (rows int) {
	v.t.Helper()
	for {
		page, err := chromedp.Run(v.ctx, chromedp.Evaluate[struct {
			Rows  int
			Older string
		}](`({Rows: document.querySelectorAll("tbody tr").length, Older: (document.querySelector("a[rel=next]") || {getAttribute() { return "" }}).getAttribute("href")})`))
		must(v.t, err)
		rows += page.Rows
		if page.Older == "" {
			return rows
		}
		v.open(page.Older)
	}
}
