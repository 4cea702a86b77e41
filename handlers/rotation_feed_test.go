package handlers_test

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-ical"

	"cxseal/cxone/sandbox"
	"cxseal/handlers"
	"cxseal/internal/access"
	"cxseal/internal/encryption"
	"cxseal/internal/inventory"
	"cxseal/internal/rotation"
)

// fillLedger has the house watch columns of other tables, due in a few months.
func (h *house) fillLedger(tables, width int) {
	h.t.Helper()
	at := h.clock()
	for i := range tables {
		columns := make([]inventory.Column, width)
		for n := range columns {
			columns[n] = inventory.Column{Name: fmt.Sprint("column, ", n), Type: "string", Encrypted: true, KeyVersion: 1,
				Strategy: "AUTOMATIC", IntervalDays: 90, NextRotation: at.Add(time.Duration(100+n%200) * 24 * time.Hour)}
		}
		table := inventory.Table{Connection: "default", DatastoreID: "ds-many", TableID: fmt.Sprint("tbl-", i), Name: fmt.Sprint("table ", i), Total: width, Encrypted: width}
		must(h.t, h.db.SaveTable(h.t.Context(), at, table, columns))
	}
}

func (b *browser) newFeedAddress() string {
	b.h.t.Helper()
	page := b.submit("/rotations", "/rotations/feed", nil)
	address := feedAddress.FindString(page.body)
	if address == "" {
		b.h.t.Fatalf("no feed: %d %s", page.status, page.body)
	}
	return address
}

// A feed of several pages must have each column once, whichever page it is on.
func TestTheFeedHasEveryColumnOnce(t *testing.T) {
	h := newHouse(t)
	h.fillLedger(5, 450)
	for _, coding := range []string{"gzip", "identity"} {
		resp, err := http.DefaultTransport.RoundTrip(h.feedRequest(h.as(access.Officer).newFeedAddress(), "Accept-Encoding", coding))
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

func (h *house) feedRequest(address string, header ...string) *http.Request {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.t.Context(), http.MethodGet, h.server.URL+address, nil)
	must(h.t, err)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return req
}

// Calendars ask every hour or so: what has not changed is not sent again, and
// what has changed never counts as known.
func TestAFeedIsSentAgainOnlyWhenItSaysSomethingElse(t *testing.T) {
	h := newHouse(t)
	h.fillLedger(1, 3)
	admin, calendar := h.as(access.Admin), h.browser()
	address := h.as(access.Officer).newFeedAddress()
	ask := func(tag string) answer { return calendar.get(address, "If-None-Match", tag) }
	tag := ask("").header.Get("ETag")
	renewed := func(why string, want bool) {
		t.Helper()
		a := ask(`"other", ` + tag)
		if got := a.status == http.StatusOK; got != want || !want && (a.status != http.StatusNotModified || a.body != "") {
			t.Errorf("%s: %d, %d bytes", why, a.status, len(a.body))
		}
		tag = a.header.Get("ETag")
	}
	if !strings.HasPrefix(tag, `W/"`) {
		t.Fatalf("ETag %q", tag)
	}
	renewed("nothing happened", false)
	h.fillLedger(1, 3)
	renewed("the table was read and is as it was", false)
	h.waitFor(admin.launch("ssn"), encryption.Verified)
	renewed("a column was encrypted", true)
	renewed("nothing happened since", false)
	h.advance(95 * 24 * time.Hour) // past the date of ssn, with the others far
	for {
		n, err := h.db.StepRotations(t.Context(), h.clock(), rotation.ScanOptions{Leads: rotation.DefaultLeads}, 500)
		must(t, err)
		if n == 0 {
			break
		}
	}
	a := ask(tag)
	if a.status != http.StatusOK || !strings.Contains(a.body, "CATEGORIES:DUE") {
		t.Errorf("after its date: %d %s", a.status, a.body)
	}
	if a := calendar.get("/rotations.ics?token=A", "If-None-Match", a.header.Get("ETag")); a.status != http.StatusUnauthorized {
		t.Errorf("a stranger who knows the tag gets %d", a.status)
	}
}

// breakingLedger fails at its second page.
type breakingLedger struct {
	handlers.LedgerReader
	pages int
}

func (l *breakingLedger) LedgerDates(ctx context.Context, from, until time.Time, after *rotation.Key, limit int, each func(*rotation.Column)) (int, error) {
	if l.pages++; l.pages > 1 {
		return 0, errors.New("the disk is gone")
	}
	return l.LedgerReader.LedgerDates(ctx, from, until, after, limit, each)
}

// A calendar that took half a feed for the whole would drop the other dates.
func TestAFeedThatBreaksOffDoesNotLookWhole(t *testing.T) {
	ledger := &breakingLedger{}
	h := newHouse(t, func(cfg *handlers.Config, _ *sandbox.Config) { cfg.Ledger = ledger })
	h.fillLedger(3, 500)
	address := h.as(access.Officer).newFeedAddress()
	for _, coding := range []string{"gzip", "identity"} {
		ledger.pages = 0
		resp, err := http.DefaultTransport.RoundTrip(h.feedRequest(address, "Accept-Encoding", coding))
		must(t, err)
		_, err = io.Copy(io.Discard, resp.Body)
		if err == nil {
			t.Errorf("%s: %d, and it ended as if it were whole", coding, resp.StatusCode)
		}
		must(t, resp.Body.Close())
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
}
