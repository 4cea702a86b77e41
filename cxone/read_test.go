package cxone

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestReadsSurvivePassingFaults(t *testing.T) {
	tn := newTenant(t)
	tn.script("GET /datastores/d/tables/t",
		status(503, "", "Connection", "close"), // net/http itself repeats a read on a used connection
		hangUp, status(429, "", "Retry-After", "0"),
		func(w http.ResponseWriter, _ *http.Request) { // an answer that breaks off
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte(`{"id":`))
		},
		status(200, goodTable))
	var attempts []Attempt
	ctx := WithTrace(t.Context(), &Trace{AttemptDone: func(a Attempt) { attempts = append(attempts, a) }})
	table, err := tn.client(t).Table(ctx, "d", "t")
	if err != nil {
		t.Fatal(err)
	}
	want := &Table{ID: "t", DatastoreID: "d", Name: "T", Columns: []Column{{Name: "ssn", Type: "string"}}, Metadata: TableMetadata{MaxEncryptedFields: 3}}
	if diff := cmp.Diff(want, table); diff != "" {
		t.Error(diff)
	}
	var statuses []int
	for i, a := range attempts {
		statuses = append(statuses, a.Status)
		if a.Number != i+1 || a.Method != "GET" || a.Path != mount+"/api/v2/datastores/d/tables/t" || a.Duration <= 0 ||
			(a.Status == 0) != (a.Err != nil) || (i == 4 && a.Wait != 0) {
			t.Errorf("attempt %d = %+v", i, a)
		}
	}
	if diff := cmp.Diff([]int{503, 0, 429, 0, 200}, statuses); diff != "" {
		t.Error(diff)
	}
}

func TestWhatRetryingCannotMendIsNotRetried(t *testing.T) {
	for _, code := range []int{400, 403, 404, 409, 422, 500, 501} {
		tn := newTenant(t)
		tn.script("/", status(code, `{"message":"no"}`))
		_, err := tn.client(t).Table(t.Context(), "d", "t")
		var api *APIError
		if !errors.As(err, &api) || api.Status != code || api.Message != "no" || len(tn.apiCalls()) != 1 {
			t.Errorf("%d: %v after %v", code, err, tn.apiCalls())
		}
	}
}

func TestRetriesEndWithTheTenantsLastWord(t *testing.T) {
	tn := newTenant(t)
	tn.script("GET /datastores/d/tables/busy", status(429, `{"message":"slow down"}`))
	tn.script("GET /datastores/d/tables/down", status(503, `upstream is gone`))
	c := tn.client(t, WithRetries(2), WithBreaker(0, time.Second))
	_, err := c.Table(t.Context(), "d", "busy")
	var limit *RateLimitError
	if !errors.As(err, &limit) || err.Error() != "CXone throttles requests: try again later" {
		t.Errorf("err = %v", err)
	}
	_, err = c.Table(t.Context(), "d", "down")
	if err == nil || err.Error() != "CXone failed (503): upstream is gone" {
		t.Errorf("err = %v", err)
	}
	if n := len(tn.apiCalls()); n != 6 {
		t.Errorf("%d calls, want 3 for each", n)
	}
}

func TestALongRetryAfterIsToldInsteadOfWaitedFor(t *testing.T) {
	now := time.Date(2026, 11, 23, 4, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"121": 121 * time.Second,
		now.Add(time.Hour).Format(http.TimeFormat): time.Hour,
		"99999999999999999999":                     24 * time.Hour,
	} {
		tn := newTenant(t)
		tn.script("/", status(429, "", "Retry-After", value, "Date", now.Format(http.TimeFormat)))
		_, err := tn.client(t, WithClock(func() time.Time { return now })).Table(t.Context(), "d", "t")
		var limit *RateLimitError
		if !errors.As(err, &limit) || limit.RetryAfter != want || len(tn.apiCalls()) != 1 {
			t.Errorf("%q: %v after %d calls", value, err, len(tn.apiCalls()))
		}
		if absurd := len(value) == 20; absurd != (err != nil && strings.Contains(err.Error(), "cannot be meant (Retry-After: 9999")) {
			t.Errorf("%q: %v", value, err)
		}
	}
}

func TestAPauseIsReadInEveryFormAndBounded(t *testing.T) {
	now := time.Date(2026, 11, 23, 4, 0, 0, 0, time.UTC)
	theirs := now.Add(time.Hour) // the tenant's clock
	unix := func(d time.Duration) string { return strconv.FormatInt(theirs.Add(d).Unix(), 10) }
	const absent = "-"
	for _, test := range []struct {
		name, value string
		want        time.Duration
		odd         string
	}{
		{"Retry-After", "0", 0, ""}, {"Retry-After", "7", 7 * time.Second, ""}, {"Retry-After", " 7 ", 7 * time.Second, ""},
		{"Retry-After", "6.25", 6250 * time.Millisecond, ""}, {"Retry-After", "1e1", 10 * time.Second, ""},
		{"Retry-After", "-3", 0, "Retry-After: -3"}, {"Retry-After", "soon", 0, "Retry-After: soon"}, {"Retry-After", "NaN", 0, "Retry-After: NaN"},
		{"Retry-After", "99999999999999999999", 24 * time.Hour, "Retry-After: 99999999999999999999"},
		{"Retry-After", "Mon, 23 Nov 2026 05:00:30 GMT", 30 * time.Second, ""}, // by the answer's own Date
		{"Retry-After", "Monday, 23-Nov-26 05:00:30 GMT", 30 * time.Second, ""},
		{"Retry-After", "Mon, 23 Nov 2026 04:59:30 GMT", 0, ""},
		{"Retry-After", "Fri, 23 Nov 2126 04:59:30 GMT", 24 * time.Hour, "Retry-After: Fri, 23 Nov 2126 04:59:30 GMT"},
		{"Retry-After-Ms", "1500", 1500 * time.Millisecond, ""},
		{"RateLimit-Reset", "9", 9 * time.Second, ""}, {"RateLimit-Reset", "0.5", 500 * time.Millisecond, ""},
		{"X-RateLimit-Reset", "9", 9 * time.Second, ""}, {"X-RateLimit-Reset", unix(8 * time.Second), 8 * time.Second, ""},
		{"X-RateLimit-Reset", unix(8*time.Second) + "000", 8 * time.Second, ""}, {"X-RateLimit-Reset", unix(-time.Hour), 0, ""},
		{"X-Rate-Limit-Reset", unix(48 * time.Hour), 24 * time.Hour, "X-Rate-Limit-Reset: " + unix(48*time.Hour)},
		{absent, "", 0, ""},
	} {
		h := http.Header{"Date": {theirs.Format(http.TimeFormat)}}
		if test.name != absent {
			h.Set(test.name, test.value)
		}
		if got := asksFor(429, h, now); got.wait != test.want || got.odd != test.odd {
			t.Errorf("%s %q is %+v, want %s %q", test.name, test.value, got, test.want, test.odd)
		}
	}
	if got := asksFor(200, http.Header{"X-Ratelimit-Reset": {"60"}}, now); got.wait != 0 {
		t.Errorf("a success asks for a pause: %+v", got)
	}
	p := retryPolicy{base: time.Second, max: 8 * time.Second}
	for n := range 100 {
		if d := p.backoff(n, 3*time.Second); d < 3*time.Second || d > 8*time.Second {
			t.Errorf("backoff %d is %s", n, d)
		}
		if d := p.backoff(0, 0); d >= time.Second {
			t.Errorf("the first backoff is %s", d)
		}
	}
}

func TestASlowTenantIsGivenUpAfterTheTimeoutOfEachAttempt(t *testing.T) {
	tn := newTenant(t)
	stop := make(chan struct{})
	t.Cleanup(func() { close(stop) })
	tn.script("/", func(http.ResponseWriter, *http.Request) { <-stop })
	_, err := tn.client(t, WithReadTimeout(20*time.Millisecond), WithRetries(1)).Table(t.Context(), "d", "t")
	var transport *TransportError
	if !errors.As(err, &transport) || !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "no answer within 20ms") {
		t.Errorf("err = %v", err)
	}
	if n := len(tn.apiCalls()); n != 2 {
		t.Errorf("%d attempts", n)
	}
}

func TestACallEndsWithItsContext(t *testing.T) {
	tn := newTenant(t)
	ctx, cancel := context.WithCancel(t.Context())
	tn.script("/", func(_ http.ResponseWriter, r *http.Request) { cancel(); <-r.Context().Done() })
	if _, err := tn.client(t).Table(ctx, "d", "t"); !errors.Is(err, context.Canceled) || len(tn.apiCalls()) != 1 {
		t.Errorf("err = %v after %v", err, tn.apiCalls())
	}
}

func TestTheTokenGoesToNoOtherHost(t *testing.T) {
	leaked := false
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { leaked = true }))
	defer elsewhere.Close()
	tn := newTenant(t)
	tn.mux.HandleFunc("/datastores/d/tables/away", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
	})
	tn.mux.HandleFunc("/datastores/d/tables/near", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, mount+"/api/v2/datastores/d/tables/t", http.StatusFound)
	})
	tn.script("/datastores/d/tables/near/columns", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, mount+"/api/v2/datastores/d/tables/t", http.StatusFound)
	})
	tn.script("/datastores/d/tables/t", status(200, strings.ReplaceAll(goodTable, `"id":"t",`, ``)))
	c := tn.client(t)
	_, err := c.Table(t.Context(), "d", "away")
	if leaked || err == nil || err.Error() != "CXone redirects elsewhere (307), which is refused: check the base URL" {
		t.Errorf("leaked %v, err = %v", leaked, err)
	}
	if _, err := c.Table(t.Context(), "d", "near"); err != nil {
		t.Errorf("a redirect within the host: %v", err)
	}
	// A redirected PATCH becomes a GET whose 200 would look like a success.
	if res, err := c.Encrypt(t.Context(), "d", "near", "k", []byte(`{}`)); err == nil {
		t.Errorf("a redirected change counted as done: %+v", res)
	}
}

func TestIdsCannotClimbOutOfTheirPath(t *testing.T) {
	tn := newTenant(t)
	tn.script("/", status(200, strings.Replace(goodTable, `"id":"t",`, ``, 1)))
	c := tn.client(t)
	for _, id := range []string{"", ".", "..", "a/../b", "../x", `a\..\b`, strings.Repeat("x", 2000)} {
		if _, err := c.Table(t.Context(), "d", id); err == nil {
			t.Errorf("table id %.20q was sent", id)
		}
		for _, err := range c.Tables(t.Context(), id) {
			if err == nil {
				t.Errorf("data store id %.20q was sent", id)
			}
		}
	}
	if calls := tn.apiCalls(); len(calls) != 0 {
		t.Fatalf("sent %v", calls)
	}
	if _, err := c.Table(t.Context(), "a/b?c", "%2e%2e #1"); err != nil {
		t.Fatal(err)
	}
	if got := tn.apiCalls()[0]; got != "GET /datastores/a%2Fb%3Fc/tables/%252e%252e%20%231" {
		t.Errorf("sent %s", got)
	}
}

func TestAnEndlessAnswerIsRefused(t *testing.T) {
	tn := newTenant(t)
	tn.script("/datastores/d/tables/t", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"x":"`))
		for range 9 << 10 {
			if _, err := w.Write([]byte(strings.Repeat("x", 1024))); err != nil {
				return
			}
		}
	})
	_, err := tn.client(t).Table(t.Context(), "d", "t")
	var decode *DecodeError
	if !errors.As(err, &decode) || !strings.Contains(err.Error(), "it is larger than 8388608 bytes") || len(tn.apiCalls()) != 1 {
		t.Errorf("err = %v", err)
	}
}

func TestBreakerLeavesAFailingTenantAlone(t *testing.T) {
	tn := newTenant(t)
	tn.script("/datastores/d/tables/gone", status(404, ""))
	tn.script("/datastores/d/tables/down", status(500, ""), status(500, ""), status(500, ""), status(200, `{"columns":[]}`))
	c := tn.client(t, WithRetries(0), WithBreaker(3, 50*time.Millisecond))
	for range 10 {
		if _, err := c.Table(t.Context(), "d", "gone"); !errors.Is(err, ErrNotFound) {
			t.Fatalf("a 404 opened the breaker: %v", err)
		}
	}
	for range 3 {
		_, _ = c.Table(t.Context(), "d", "down")
	}
	before := len(tn.apiCalls())
	_, err := c.Table(t.Context(), "d", "down")
	var open *UnavailableError
	if !errors.As(err, &open) || open.Until.IsZero() || len(tn.apiCalls()) != before {
		t.Fatalf("err = %v", err)
	}
	if _, err := c.Encrypt(t.Context(), "d", "t", "k", []byte(`{}`)); !errors.As(err, &open) || errors.As(err, new(*AmbiguousError)) {
		t.Errorf("a change that was not sent: %v", err)
	}
	until(t, func() bool { _, err := c.Table(t.Context(), "d", "down"); return err == nil })
}

func TestPagingReadsEverythingOnce(t *testing.T) {
	pages := func(total int, withTotal bool, most int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			var skip, top int
			_, _ = fmt.Sscan(r.FormValue("skip"), &skip)
			_, _ = fmt.Sscan(r.FormValue("top"), &top)
			top = min(top, most)
			var items []string
			for i := skip; i < min(total, skip+top); i++ {
				items = append(items, fmt.Sprintf(`{"id":"t%d","name":"n","extra":[1]}`, i))
			}
			head := ""
			if withTotal {
				head = fmt.Sprintf(`"totalRecords":%d,`, total)
			}
			_, _ = fmt.Fprintf(w, `{%s"tables":[%s]}`, head, strings.Join(items, ","))
		}
	}
	bare := func(total int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			var items []string
			for i := range total {
				items = append(items, fmt.Sprintf(`{"id":"t%d"}`, i))
			}
			_, _ = w.Write([]byte("[" + strings.Join(items, ",") + "]"))
		}
	}
	pagesOf := func(total, most int, wrap func(items string, n int) string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			var skip int
			_, _ = fmt.Sscan(r.FormValue("skip"), &skip)
			var items []string
			for i := skip; i < min(total, skip+most); i++ {
				items = append(items, fmt.Sprintf(`{"id":"t%d"}`, i))
			}
			_, _ = w.Write([]byte(wrap(strings.Join(items, ","), len(items))))
		}
	}
	totals := func(total, most int, named func(n int) string) http.HandlerFunc {
		return pagesOf(total, most, func(items string, n int) string {
			return fmt.Sprintf(`{"totalRecords":%s,"tables":[%s]}`, named(n), items)
		})
	}
	for _, test := range []struct {
		name        string
		handler     http.HandlerFunc
		want, calls int
		fails       string
	}{
		{"empty", pages(0, true, 100), 0, 1, ""},
		{"null", status(200, `{"totalRecords":0,"tables":null}`), 0, 1, ""},
		{"an empty object for a list", status(200, `{"tables":{}}`), 0, 1, ""},
		{"no content", status(204, ""), 0, 1, ""},
		{"an empty body", status(200, "\xef\xbb\xbf \n"), 0, 1, ""},
		{"one page", pages(7, true, 100), 7, 2, ""}, // 7 may be the page's own count
		{"exactly a page", pages(100, true, 100), 100, 2, ""},
		{"three pages", pages(250, true, 100), 250, 3, ""},
		{"no total, short last page", pages(250, false, 100), 250, 4, ""},
		{"no total, full last page", pages(200, false, 100), 200, 3, ""},
		{"pages smaller than asked", pages(120, true, 50), 120, 3, ""},
		{"pages smaller than asked, no total", pages(230, false, 50), 230, 6, ""},
		{"a total of 0", totals(230, 100, func(int) string { return "0" }), 230, 4, ""},
		{"a total that is the page's own", totals(230, 50, func(n int) string { return strconv.Itoa(n) }), 230, 6, ""},
		{"a total as text", totals(230, 100, func(int) string { return `"230"` }), 230, 3, ""},
		{"a total that is no number", totals(230, 100, func(int) string { return `"many"` }), 230, 4, ""},
		{"a total where the tenant stops counting", totals(1100, 100, func(int) string { return "1000" }), 1100, 12, ""},
		{"a total of more than there is", totals(230, 100, func(int) string { return "300" }), 230, 4, "names 300 entries and gave 230"},
		{"pages of a bare list", pagesOf(230, 50, func(items string, _ int) string { return "[" + items + "]" }), 230, 6, ""},
		{"more is promised and never given", pagesOf(7, 50, func(items string, _ int) string { return `{"hasMore":true,"tables":[` + items + `]}` }), 7, 2, "says that there is more"},
		{"bare array of everything", bare(7), 7, 2, ""},
		{"bare array that may be capped", bare(50), 50, 2, "repeats the same entries"},
		{"bare array of everything, more than was asked for", bare(257), 257, 2, ""},
		{"the same page for ever", func(w http.ResponseWriter, r *http.Request) {
			r.Form = map[string][]string{"skip": {"0"}, "top": {"100"}}
			pages(300, true, 100)(w, r)
		}, 100, 2, "may be incomplete"},
		{"no list", status(200, `{"items":[]}`), 0, 1, `holds no "tables"`},
		{"an error inside a 200", status(200, `{"error":{"message":"tenant is being moved"}}`), 0, 1, "reports an error: tenant is being moved"},
		{"a web page", status(200, `<html>sign in</html>`), 0, 1, "check the base URL"},
		{"an entry without id", status(200, `{"tables":[{"id":"a"},{"name":"b"},{"id":7},{"id":[]}]}`), 2, 2, "tables[1] has no id"},
		{"no listing", status(404, `<html>nothing</html>`), 0, 1, "type the ids"},
	} {
		t.Run(test.name, func(t *testing.T) {
			tn := newTenant(t)
			tn.script("GET /datastores/d/tables", test.handler)
			var last error
			ids := map[string]bool{}
			for table, err := range tn.client(t).Tables(t.Context(), "d") {
				if last = err; err != nil {
					break
				}
				ids[table.ID] = true
				if table.DatastoreID != "d" {
					t.Errorf("table %+v", table)
				}
			}
			if len(ids) != test.want || len(tn.apiCalls()) != test.calls {
				t.Errorf("%d entries in %d calls", len(ids), len(tn.apiCalls()))
			}
			if (last != nil) != (test.fails != "") || (last != nil && !strings.Contains(last.Error(), test.fails)) {
				t.Errorf("err = %v", last)
			}
			if test.name == "no listing" && (!errors.Is(last, ErrNoListing) || !errors.Is(last, ErrNotFound)) {
				t.Errorf("err = %#v", last)
			}
		})
	}
}

func TestAListingCanBeLeftEarly(t *testing.T) {
	tn := newTenant(t)
	tn.script("GET /datastores", status(200, `{"totalRecords":500,"datastores":[{"id":"a","name":"A"},{"id":"b"}]}`))
	for store, err := range tn.client(t).DataStores(t.Context()) {
		if err != nil || store != (DataStore{ID: "a", Name: "A"}) {
			t.Errorf("%+v, %v", store, err)
		}
		break
	}
	if calls := tn.apiCalls(); len(calls) != 1 {
		t.Errorf("calls %v", calls)
	}
}

// A tenant that always has one more entry would hold a reading for days.
func TestAListingThatDoesNotEndIsLeft(t *testing.T) {
	so := progress{named: -1}
	for page := 1; ; page++ {
		last := so.turn(head{size: 1, total: -1}, 1)
		if last != (page == maxPages) {
			t.Fatalf("page %d was the last one: %v", page, last)
		}
		if last {
			break
		}
	}
	if len(so.doubts) != 1 || !strings.Contains(so.doubts[0], "has not ended after 20000 pages") {
		t.Errorf("doubts %q", so.doubts)
	}
}
