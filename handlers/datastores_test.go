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
	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/console/consoletest"
)

var tableLink = regexp.MustCompile(`href="(/datastores/[^"/]+/tables/[^"/?]+)"`)

func TestTablesAreReadAndPagedBothWays(t *testing.T) {
	h := consoletest.Start(t, func(c *consoletest.Config) { c.Sandbox.Tables = 119 })
	b := h.As(access.Officer)
	if a := b.Submit("/datastores", "/datastores/sync", url.Values{"connection": {"default"}}); a.Status != http.StatusSeeOther {
		t.Fatalf("sync: %d %s", a.Status, a.Body)
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := h.Now().Add(15 * time.Second); ; <-tick.C {
		totals, err := h.Store.Totals(t.Context())
		must(t, err)
		if totals.Read == 120 {
			break
		}
		if h.Now().After(deadline) {
			t.Fatalf("%+v after 15 s", totals)
		}
	}
	seen, path, last := map[string]bool{}, "/datastores", ""
	for path != "" {
		a := b.Get(path)
		last = path
		for _, m := range tableLink.FindAllStringSubmatch(a.Body, -1) {
			seen[m[1]] = true
		}
		path = follow(a.Body, "next")
	}
	if len(seen) != 120 {
		t.Errorf("%d tables forth", len(seen))
	}
	back := 0
	for path = last; path != ""; {
		a := b.Get(path)
		back += len(tableLink.FindAllString(a.Body, -1))
		path = follow(a.Body, "prev")
	}
	if back != 120 {
		t.Errorf("%d tables back", back)
	}
	if a := b.Get("/datastores?q=tbl-contacts"); len(tableLink.FindAllString(a.Body, -1)) != 1 {
		t.Errorf("search: %d", a.Status)
	}
	if _, err := h.Store.Table(t.Context(), "default", datastoreID, tableID); err != nil {
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
	h := consoletest.Start(t)
	b := h.Browser()
	b.Submit("/login", "/login", url.Values{"username": {"forger"}, "password": {"x"}}, "X-Forwarded-For", "10.9.9.9", "X-Real-Ip", "10.9.9.9")
	if ip := h.Records(audit.Filter{Actor: "forger"})[0].Record.Actor.IP; ip != "127.0.0.1" {
		t.Errorf("recorded as %s", ip)
	}
	h = consoletest.Start(t, func(c *consoletest.Config) {
		c.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	})
	b = h.Browser()
	b.Submit("/login", "/login", url.Values{"username": {"forger"}, "password": {"x"}}, "X-Forwarded-For", "6.6.6.6, 203.0.113.7")
	if ip := h.Records(audit.Filter{Actor: "forger"})[0].Record.Actor.IP; ip != "203.0.113.7" {
		t.Errorf("behind a proxy recorded as %s", ip)
	}
}

func TestPagesAreCompressedAndExportsAreNot(t *testing.T) {
	h := consoletest.Start(t)
	b := h.As(access.Officer)
	plain := b.Get("/runs", "Accept-Encoding", "identity")
	packed := b.Get("/runs", "Accept-Encoding", "gzip")
	if packed.Header.Get("Content-Encoding") != "gzip" || plain.Header.Get("Content-Encoding") != "" {
		t.Fatalf("%q and %q", packed.Header.Get("Content-Encoding"), plain.Header.Get("Content-Encoding"))
	}
	r, err := gzip.NewReader(strings.NewReader(packed.Body))
	must(t, err)
	body, err := io.ReadAll(r)
	must(t, err)
	if stripVarying(string(body)) != stripVarying(plain.Body) {
		t.Error("the compressed page is another one")
	}
	if a := b.Get("/audit.csv", "Accept-Encoding", "gzip"); a.Header.Get("Content-Encoding") != "" {
		t.Error("an export is compressed")
	}
	asset := regexp.MustCompile(`/static/app\.[0-9a-f]+\.js`).FindString(plain.Body)
	if a := b.Get(asset); a.Status != 200 || !strings.Contains(a.Header.Get("Cache-Control"), "immutable") {
		t.Errorf("%s: %d %q", asset, a.Status, a.Header.Get("Cache-Control"))
	}
}

// TestRefusedCredentialsAreNotCalledOutOfReach fails when a tenant that answered 401 is said to be out of
// reach (tried with the code that stood here for every error).
func TestRefusedCredentialsAreNotCalledOutOfReach(t *testing.T) {
	const away, credentials = "CXone could not be reached", "the connection&#39;s client id, secret and realm, or its token URL"
	h := consoletest.Start(t)
	h.Tenant.Fail(sandbox.Fault{Kind: sandbox.FaultStatus, Status: 401, Endpoint: sandbox.EndpointToken, Times: -1})
	_ = h.Inventory.Sync(t.Context(), "default", 0)
	if page := h.As(access.Officer).Get("/datastores").Body; strings.Contains(page, away) || !strings.Contains(page, credentials) {
		t.Errorf("401: %s", page)
	}
}
