package main

import (
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"cxseal/internal/alarm"
	"cxseal/store"
)

const alarmSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" //nolint:gosec // G101: of a test's receiver

// pager receives alarms and remembers all of them.
type pager struct {
	url  string
	hook *standardwebhooks.Webhook

	mu       sync.Mutex
	order    []string
	bodies   map[string][]string // by webhook-id
	wrong    error
	slowAt   int   // this message, counted from 1, is held before its answer
	slow     *hold // there
	strikeAt int   // after this one's answer
	strike   func()
}

func newPager(t *testing.T) *pager {
	t.Helper()
	hook, err := standardwebhooks.NewWebhook(alarmSecret)
	if err != nil {
		t.Fatal(err)
	}
	p := &pager{hook: hook, bodies: map[string][]string{}, slow: newHold()}
	srv := httptest.NewServer(p)
	p.url = srv.URL
	t.Cleanup(srv.Close)
	return p
}

func (p *pager) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the console died while it sent: nothing arrived
	}
	id := r.Header.Get("webhook-id")
	p.mu.Lock()
	if err := p.hook.Verify(body, r.Header); err != nil {
		p.wrong = err
	}
	p.order = append(p.order, id)
	p.bodies[id] = append(p.bodies[id], string(body))
	n, slowAt, strikeAt, strike := len(p.order), p.slowAt, p.strikeAt, p.strike
	p.mu.Unlock()
	if n == slowAt {
		p.slow.stand()
	}
	w.WriteHeader(http.StatusNoContent)
	if n == strikeAt {
		_ = http.NewResponseController(w).Flush()
		strike()
	}
}

// alarmCrash is a console with one route, and so many alarms that wait for its
// next start.
func alarmCrash(t *testing.T, p *pager, digest bool, alarms int) *crash {
	t.Helper()
	c := newCrash(t, false)
	form := url.Values{"name": {"hook"}, "way": {"webhook"}, "url": {p.url}, "secret": {alarmSecret}}
	if digest {
		form.Set("digest", "1")
	}
	if a := c.admin.Submit("/alarms", "/alarms/routes", form); a.Status != http.StatusSeeOther {
		t.Fatalf("adding a route answered %d:\n%.1000s", a.Status, a.Body)
	}
	c.proc.stop()
	s, err := store.Open(t.Context(), c.db, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range alarms {
		err := s.Raise(t.Context(), alarm.Alarm{Dedupe: fmt.Sprint(i), Kind: alarm.RotationOverdue, Severity: alarm.Critical,
			Title: fmt.Sprint("Overdue: ", i), RaisedAt: time.Now().Add(-48 * time.Hour)}) // an earlier day's: a digest is due
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	forgetJob(t, c.db, "alarms")
	return c
}

// forgetJob has a job start at once, instead of when its time comes.
func forgetJob(t *testing.T, file, job string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // what it did is checked by the test itself
	if _, err := db.ExecContext(t.Context(), `DELETE FROM jobs WHERE name = ?`, job); err != nil {
		t.Fatal(err)
	}
}

// TestKillInADeliveryLosesNoAlarmAndRepeatsAtMostTheOneUnderWay kills a console
// with SIGKILL while it sends alarms, and starts it again.
func TestKillInADeliveryLosesNoAlarmAndRepeatsAtMostTheOneUnderWay(t *testing.T) {
	for _, k := range []struct {
		name   string
		digest bool
		slow   int // the message that is being answered when the console is killed; 0: none
		after  time.Duration
	}{
		{name: "while the first is answered", slow: 1},
		{name: "while the third is answered", slow: 3},
		{name: "while a digest is answered", slow: 1, digest: true},
		{name: "between two deliveries"},
		{name: "between two deliveries, a little later", after: time.Millisecond},
		{name: "between two deliveries, later", after: 3 * time.Millisecond},
		{name: "between two deliveries, much later", after: 10 * time.Millisecond},
		{name: "as a digest is answered", digest: true},
	} {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			const alarms = 8
			p := newPager(t)
			c := alarmCrash(t, p, k.digest, alarms)
			t.Cleanup(func() { c.release(p.slow) })
			strike := make(chan struct{})
			p.mu.Lock() // the test console is a process of its own, which orders nothing here
			if k.slow > 0 {
				p.slowAt = k.slow
			} else {
				p.strikeAt, p.strike = 3, func() { time.AfterFunc(k.after, func() { close(strike) }) }
				if k.digest {
					p.strikeAt = 1
				}
			}
			p.mu.Unlock()
			c.start()
			if k.slow > 0 {
				p.slow.await(t, "the delivery")
			} else {
				<-strike
			}
			c.proc.kill()
			p.mustKnowDoubt(c)
			c.release(p.slow)
			c.start()
			eventually(t, "every alarm to be delivered", func() bool {
				return ask[int](t, c.db, `SELECT count(*) FROM alarm_deliveries WHERE state <> 'sent'`) == 0
			})
			messages := alarms
			if k.digest {
				messages = 1
			}
			p.mustHave(c, messages, k.slow > 0)
		})
	}
}

// mustKnowDoubt holds the database of a killed console to what it must know:
// every message that arrived is there as sent or as under way, and at most one
// is under way.
func (p *pager) mustKnowDoubt(c *crash) {
	c.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	const underWay = `SELECT count(DISTINCT message) FROM alarm_deliveries WHERE state = 'waiting' AND sending_since IS NOT NULL`
	if n := ask[int](c.t, c.db, underWay); n > 1 {
		c.t.Errorf("%d messages were under way at once", n)
	}
	for id := range p.bodies {
		if ask[int](c.t, c.db, `SELECT count(*) FROM alarm_deliveries WHERE message = ? AND (state = 'sent' OR sending_since IS NOT NULL)`, id) == 0 {
			c.t.Errorf("%s arrived, and the database knows nothing of it", id)
		}
	}
}

// mustHave holds what arrived against the promise: each message, one of them
// at most twice and then the same, and the page says which.
func (p *pager) mustHave(c *crash, messages int, surely bool) {
	c.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.wrong != nil {
		c.t.Errorf("a message that does not verify: %v", p.wrong)
	}
	if len(p.bodies) != messages {
		c.t.Errorf("%d different messages arrived, want %d: %v", len(p.bodies), messages, p.order)
	}
	again := 0
	for id, bodies := range p.bodies {
		again += len(bodies) - 1
		for _, body := range bodies {
			if body != bodies[0] {
				c.t.Errorf("%s came first as\n%s\nthen as\n%s", id, bodies[0], body)
			}
		}
	}
	if again > 1 || surely && again != 1 {
		c.t.Errorf("%d repetitions: %v", again, p.order)
	}
	doubtful := ask[int](c.t, c.db, `SELECT count(DISTINCT message) FROM alarm_deliveries WHERE doubts > 0`)
	if doubtful < again || doubtful > 1 {
		c.t.Errorf("%d messages are noted as in doubt, %d arrived twice", doubtful, again)
	}
	page := c.admin.Get("/alarms").Body
	if says := strings.Contains(page, "In doubt, sent again"); says != (doubtful > 0) {
		c.t.Errorf("with %d messages in doubt the page says so: %v", doubtful, says)
	}
	c.t.Logf("%d messages, %d in doubt, %d arrived twice", len(p.bodies), doubtful, again)
}
