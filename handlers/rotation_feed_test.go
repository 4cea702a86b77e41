package handlers_test

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-ical"

	"cxseal/handlers"
	"cxseal/handlers/keys"
	"cxseal/internal/access"
	"cxseal/internal/console/consoletest"
	"cxseal/internal/encryption"
	"cxseal/internal/inventory"
	"cxseal/internal/rotation"
)

// fillLedger has the console watch columns of other tables, due in a few months.
func fillLedger(h *consoletest.Console, tables, width int) {
	h.T.Helper()
	at := h.Now()
	for i := range tables {
		columns := make([]inventory.Column, width)
		for n := range columns {
			columns[n] = inventory.Column{Name: fmt.Sprint("column, ", n), Type: "string", Encrypted: true, KeyVersion: 1,
				Strategy: "AUTOMATIC", IntervalDays: 90, NextRotation: at.Add(time.Duration(100+n%200) * 24 * time.Hour)}
		}
		table := inventory.Table{Connection: "default", DatastoreID: "ds-many", TableID: fmt.Sprint("tbl-", i), Name: fmt.Sprint("table ", i), Total: width, Encrypted: width}
		must(h.T, h.Store.SaveTable(h.T.Context(), at, table, columns))
	}
}

func newFeedAddress(b *consoletest.Browser) string {
	b.T.Helper()
	page := b.Submit("/rotations", "/rotations/feed", url.Values{"present": {consoletest.Password}})
	address := feedAddress.FindString(page.Body)
	if address == "" {
		b.T.Fatalf("no feed: %d %s", page.Status, page.Body)
	}
	return address
}

// A feed of several pages must have each column once, whichever page it is on.
func TestTheFeedHasEveryColumnOnce(t *testing.T) {
	h := consoletest.Start(t)
	fillLedger(h, 5, 450)
	for _, coding := range []string{"gzip", "identity"} {
		resp, err := http.DefaultTransport.RoundTrip(feedRequest(h, newFeedAddress(h.As(access.Officer)), "Accept-Encoding", coding))
		must(t, err)
		var body io.Reader = resp.Body
		if coding == "gzip" {
			unpacked, err := gzip.NewReader(resp.Body)
			must(t, err)
			body = unpacked
		}
		calendar, err := ical.NewDecoder(body).Decode()
		must(t, err)
		must(t, resp.Body.Close())
		seen := map[string]int{}
		for _, e := range calendar.Events() {
			uid, err := e.Props.Text(ical.PropUID)
			must(t, err)
			seen[uid]++
		}
		if len(seen) != 5*450 || len(calendar.Events()) != 5*450 {
			t.Errorf("%s: %d events of %d columns", coding, len(calendar.Events()), len(seen))
		}
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
}

func feedRequest(h *consoletest.Console, address string, header ...string) *http.Request {
	h.T.Helper()
	req, err := http.NewRequestWithContext(h.T.Context(), http.MethodGet, h.URL+address, nil)
	must(h.T, err)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return req
}

// Calendars ask every hour or so: what has not changed is not sent again, and
// what has changed never counts as known.
func TestAFeedIsSentAgainOnlyWhenItSaysSomethingElse(t *testing.T) {
	h := consoletest.Start(t)
	fillLedger(h, 1, 3)
	admin, calendar := h.As(access.Admin), h.Browser()
	address := newFeedAddress(h.As(access.Officer))
	ask := func(tag string) consoletest.Answer { return calendar.Get(address, "If-None-Match", tag) }
	tag := ask("").Header.Get("ETag")
	renewed := func(why string, want bool) {
		t.Helper()
		a := ask(`"other", ` + tag)
		if got := a.Status == http.StatusOK; got != want || !want && (a.Status != http.StatusNotModified || a.Body != "") {
			t.Errorf("%s: %d, %d bytes", why, a.Status, len(a.Body))
		}
		tag = a.Header.Get("ETag")
	}
	if !strings.HasPrefix(tag, `W/"`) {
		t.Fatalf("ETag %q", tag)
	}
	renewed("nothing happened", false)
	fillLedger(h, 1, 3)
	renewed("the table was read and is as it was", false)
	h.WaitFor(admin.Launch("ssn"), encryption.Verified)
	renewed("a column was encrypted", true)
	renewed("nothing happened since", false)
	h.Advance(95 * 24 * time.Hour) // past the date of ssn, with the others far
	for {
		n, err := h.Store.StepRotations(t.Context(), h.Now(), rotation.ScanOptions{Leads: rotation.DefaultLeads}, 500)
		must(t, err)
		if n == 0 {
			break
		}
	}
	a := ask(tag)
	if a.Status != http.StatusOK || !strings.Contains(a.Body, "CATEGORIES:DUE") {
		t.Errorf("after its date: %d %s", a.Status, a.Body)
	}
	if a := calendar.Get("/rotations.ics?token=A", "If-None-Match", a.Header.Get("ETag")); a.Status != http.StatusUnauthorized {
		t.Errorf("a stranger who knows the tag gets %d", a.Status)
	}
}

// breakingLedger fails at its second page.
type breakingLedger struct {
	keys.Rotations
	pages int
}

func (l *breakingLedger) LedgerDates(ctx context.Context, from, until time.Time, after *rotation.Key, limit int, each func(*rotation.Column)) (int, error) {
	if l.pages++; l.pages > 1 {
		return 0, errors.New("the disk is gone")
	}
	return l.Rotations.LedgerDates(ctx, from, until, after, limit, each)
}

// A calendar that took half a feed for the whole would drop the other dates.
func TestAFeedThatBreaksOffDoesNotLookWhole(t *testing.T) {
	ledger := &breakingLedger{}
	h := withPages(consoletest.Start(t), func(cfg *handlers.Config) { ledger.Rotations, cfg.Keys.Rotations = cfg.Keys.Rotations, ledger })
	fillLedger(h, 3, 500)
	address := newFeedAddress(h.As(access.Officer))
	for _, coding := range []string{"gzip", "identity"} {
		ledger.pages = 0
		resp, err := http.DefaultTransport.RoundTrip(feedRequest(h, address, "Accept-Encoding", coding))
		must(t, err)
		_, err = io.Copy(io.Discard, resp.Body)
		if err == nil {
			t.Errorf("%s: %d, and it ended as if it were whole", coding, resp.StatusCode)
		}
		must(t, resp.Body.Close())
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
}
