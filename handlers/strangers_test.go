package handlers_test

import (
	"database/sql"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"cxseal/internal/access"
	"cxseal/internal/access/oidctest"
	"cxseal/internal/audit"
	"cxseal/internal/console/consoletest"
)

// behindProxy has the console believe X-Forwarded-For, so that requests of a test come from where they say.
func behindProxy(cfg *consoletest.Config) {
	cfg.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
}

// Mutation: without AddressGroup in the Throttle, or with knownTurn in access.hasher waiting for the slots of strangers
// alone (mutants.txt: "each address of an IPv6 network guesses anew").
func TestANetworkOfStrangersGuessesAsOneAndKeepsNobodyOut(t *testing.T) {
	h := consoletest.Start(t, behindProxy)
	const home = "2001:db8:1:1::5"
	owner := h.Browser()
	in := func(b *consoletest.Browser, from, password string) int {
		form := url.Values{"username": {"admin-1"}, "password": {password}, "csrf_token": {b.Token("/login")}}
		return b.Post("/login", form, "X-Forwarded-For", from).Status
	}
	if status := in(owner, home, consoletest.Password); status != 303 {
		t.Fatalf("%d", status)
	}

	// 130 addresses of one /64 guess: as one they wait after a handful of failures, and one record says so.
	var wait sync.WaitGroup
	var mu sync.Mutex
	tried := map[int]int{}
	for i := range 130 {
		wait.Go(func() {
			status := in(h.Browser(), fmt.Sprintf("2001:db8:bad:1::%x", i+1), "wrong password")
			mu.Lock()
			defer mu.Unlock()
			tried[status]++
		})
	}
	again := h.Browser()
	for range 6 {
		if status := in(again, "2001:db8:1:1::77", consoletest.Password); status != 303 {
			t.Errorf("the owner, from their own network: %d", status)
		}
		again = h.Browser()
	}
	wait.Wait()
	if tried[401] > 20 || tried[429] < 100 {
		t.Errorf("guesses by answer: %v", tried)
	}
	if n := len(h.Records(audit.Filter{Operation: string(audit.Login)})); n > 60 {
		t.Errorf("%d records", n)
	}
}

// Mutation: without the limit of SSO.Begin, or with the begun logins in the session (mutants.txt: "a stranger begins
// sign-ins without end").
func TestABeginStoresNothingAndFailuresAreFolded(t *testing.T) {
	p := oidctest.New(t, time.Now)
	h := startWith(t, p)
	b := h.Browser()
	back := through(b, "/sso/acme/begin")
	limited := 0
	for range 300 {
		if a := h.Browser().Get("/sso/acme/begin"); a.Status == http.StatusTooManyRequests {
			limited++
		}
	}
	if limited < 200 {
		t.Errorf("%d of 300 begins were limited", limited)
	}
	db, err := sql.Open("sqlite", "file:"+h.DB+"?mode=ro")
	must(t, err)
	var rows int
	must(t, db.QueryRowContext(t.Context(), `SELECT count(*) FROM sessions`).Scan(&rows))
	must(t, db.Close())
	if rows != 0 {
		t.Errorf("the begins left %d rows", rows)
	}
	if a := b.Get(back); a.Status != http.StatusSeeOther || a.Header.Get("Location") != "/" {
		t.Errorf("a sign-in that was under way: %d", a.Status)
	}

	// The same failed answer, sent again and again by the browser that began it.
	h.Advance(10 * time.Minute)
	bad := h.Browser()
	a := bad.Get("/sso/acme/begin")
	at, err := url.Parse(a.Header.Get("Location"))
	must(t, err)
	kept := a.Header.Values("Set-Cookie")
	cookie := ""
	for _, c := range kept {
		if strings.HasPrefix(c, "cxseal_sso=") {
			cookie, _, _ = strings.Cut(c, ";")
		}
	}
	failed := "/sso/callback?error=access_denied&state=" + url.QueryEscape(at.Query().Get("state"))
	for range 260 {
		if a := h.Browser().Get(failed, "Cookie", cookie); a.Status != http.StatusUnauthorized {
			t.Fatalf("%d", a.Status)
		}
	}
	if n := len(h.Records(audit.Filter{Operation: string(audit.Login), Outcome: string(audit.Failure)})); n < 1 || n > 60 {
		t.Errorf("%d records of 260 failures", n)
	}
}

// Mutation: without exports in frame.Export (mutants.txt: "one person fills the ledger with exports").
func TestOnePersonsExportsAndDenialsAreBounded(t *testing.T) {
	h := consoletest.Start(t)
	officer := h.As(access.Officer)
	var limited int
	for range 300 {
		if a := officer.Get("/audit.csv?operation=LOGOUT"); a.Status == http.StatusTooManyRequests && a.Header.Get("Retry-After") != "" {
			limited++
		}
	}
	if n := len(h.Records(audit.Filter{Operation: string(audit.AuditExport)})); n > 30 || limited < 270 {
		t.Errorf("%d records of 300 exports, %d limited", n, limited)
	}

	viewer := h.As(access.Viewer)
	form := consoletest.RunForm()
	form["columns"] = nil
	for i := range 500 {
		form.Add("columns", fmt.Sprint(i)+strings.Repeat("\x01ü", 300))
	}
	form.Set("datastore_id", strings.Repeat("\x02", 1000))
	form.Set("table_id", strings.Repeat("\x02", 1000))
	token := viewer.Token("/")
	form.Set("csrf_token", token)
	for range 100 {
		if a := viewer.Post("/runs", form); a.Status != 403 {
			t.Fatalf("%d", a.Status)
		}
	}
	list := h.Records(audit.Filter{Actor: "viewer-1", Outcome: string(audit.Denied)})
	if len(list) > 40 {
		t.Errorf("%d records of 100 denied posts", len(list))
	}
	for _, e := range list {
		if len(e.Raw) > 4096 {
			t.Errorf("the record of a denial has %d bytes", len(e.Raw))
		}
	}
}
