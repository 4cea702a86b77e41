package handlers_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"cxseal/cxone/sandbox"
	"cxseal/handlers"
	"cxseal/internal/access"
	"cxseal/internal/audit"
)

var tableLink = regexp.MustCompile(`href="(/datastores/[^"/]+/tables/[^"/?]+)"`)

func TestTablesAreReadAndPagedBothWays(t *testing.T) {
	h := newHouse(t, func(_ *handlers.Config, s *sandbox.Config) { s.Tables = 119 })
	b := h.as(access.Officer)
	if a := b.submit("/datastores", "/datastores/sync", url.Values{"connection": {"default"}}); a.status != http.StatusSeeOther {
		t.Fatalf("sync: %d %s", a.status, a.body)
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := h.clock().Add(15 * time.Second); ; <-tick.C {
		totals, err := h.db.Totals(t.Context())
		must(t, err)
		if totals.Read == 120 {
			break
		}
		if h.clock().After(deadline) {
			t.Fatalf("%+v after 15 s", totals)
		}
	}
	seen, path, last := map[string]bool{}, "/datastores", ""
	for path != "" {
		a := b.get(path)
		last = path
		for _, m := range tableLink.FindAllStringSubmatch(a.body, -1) {
			seen[m[1]] = true
		}
		path = follow(a.body, "next")
	}
	if len(seen) != 120 {
		t.Errorf("%d tables forth", len(seen))
	}
	back := 0
	for path = last; path != ""; {
		a := b.get(path)
		back += len(tableLink.FindAllString(a.body, -1))
		path = follow(a.body, "prev")
	}
	if back != 120 {
		t.Errorf("%d tables back", back)
	}
	if a := b.get("/datastores?q=tbl-contacts"); len(tableLink.FindAllString(a.body, -1)) != 1 {
		t.Errorf("search: %d", a.status)
	}
	if _, err := h.db.Table(t.Context(), "default", datastoreID, tableID); err != nil {
		t.Error(err)
	}
}

// follow is where a page's pager leads.
func follow(body, rel string) string {
	for _, m := range pagerLink.FindAllStringSubmatch(body, -1) {
		if m[1] == rel {
			return strings.ReplaceAll(m[2], "&amp;", "&")
		}
	}
	return ""
}

func TestTheRecordedAddressCannotBeForged(t *testing.T) {
	h := newHouse(t)
	b := h.browser()
	b.submit("/login", "/login", url.Values{"username": {"forger"}, "password": {"x"}}, "X-Forwarded-For", "10.9.9.9", "X-Real-Ip", "10.9.9.9")
	if ip := h.records(audit.Filter{Actor: "forger"})[0].Record.Actor.IP; ip != "127.0.0.1" {
		t.Errorf("recorded as %s", ip)
	}
	h = newHouse(t, func(c *handlers.Config, _ *sandbox.Config) {
		c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	})
	b = h.browser()
	b.submit("/login", "/login", url.Values{"username": {"forger"}, "password": {"x"}}, "X-Forwarded-For", "6.6.6.6, 203.0.113.7")
	if ip := h.records(audit.Filter{Actor: "forger"})[0].Record.Actor.IP; ip != "203.0.113.7" {
		t.Errorf("behind a proxy recorded as %s", ip)
	}
}

func TestPagesAreCompressedAndExportsAreNot(t *testing.T) {
	h := newHouse(t)
	b := h.as(access.Officer)
	plain := b.get("/runs", "Accept-Encoding", "identity")
	packed := b.get("/runs", "Accept-Encoding", "gzip")
	if packed.header.Get("Content-Encoding") != "gzip" || plain.header.Get("Content-Encoding") != "" {
		t.Fatalf("%q and %q", packed.header.Get("Content-Encoding"), plain.header.Get("Content-Encoding"))
	}
	r, err := gzip.NewReader(strings.NewReader(packed.body))
	must(t, err)
	body, err := io.ReadAll(r)
	must(t, err)
	if stripVarying(string(body)) != stripVarying(plain.body) {
		t.Error("the compressed page is another one")
	}
	if a := b.get("/audit.csv", "Accept-Encoding", "gzip"); a.header.Get("Content-Encoding") != "" {
		t.Error("an export is compressed")
	}
	asset := regexp.MustCompile(`/static/app\.[0-9a-f]+\.js`).FindString(plain.body)
	if a := b.get(asset); a.status != 200 || !strings.Contains(a.header.Get("Cache-Control"), "immutable") {
		t.Errorf("%s: %d %q", asset, a.status, a.header.Get("Cache-Control"))
	}
}
