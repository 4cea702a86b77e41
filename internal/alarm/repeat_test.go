package alarm_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cxseal/internal/alarm"
	"cxseal/internal/seal"
	"cxseal/store"
)

// crashingStore is the store of a console that dies after a message was sent and before that was noted, while
// crashes is set.
type crashingStore struct {
	*store.Store
	crashes bool
}

var errCrashed = errors.New("the console died")

func (s *crashingStore) SettleDelivery(ctx context.Context, list ...alarm.Delivery) error {
	if s.crashes {
		return errCrashed
	}
	return s.Store.SettleDelivery(ctx, list...)
}

// newCrashingService returns a service whose store crashes in its first round of deliveries.
func newCrashingService(t *testing.T) (*testService, *crashingStore) {
	t.Helper()
	d := newTestService(t)
	s := &crashingStore{Store: d.store, crashes: true}
	sealer, err := seal.Open(t.Context(), seal.Source{File: filepath.Join(t.TempDir(), "key"), MayCreate: true})
	d.must(err)
	d.Service = alarm.NewService(s, sealer, d.clock, slog.New(slog.DiscardHandler))
	return d, s
}

// crashOnce runs a round of deliveries that the crash ends, then mends the store and moves the clock on.
func (d *testService) crashOnce(s *crashingStore) {
	d.t.Helper()
	if err := d.Deliver(d.t.Context()); !errors.Is(err, errCrashed) {
		d.t.Fatalf("the round of deliveries: %v", err)
	}
	s.crashes = false
	d.now = d.now.Add(20 * time.Second)
}

func TestAMessageInDoubtIsRepeatedAsItWasAndSaysSo(t *testing.T) {
	d, s := newCrashingService(t)
	r := newReceiver(t)
	d.route(alarm.Route{Name: "hook"}, alarm.Address{Way: alarm.Webhook, URL: r.URL, Secret: secret})
	d.must(d.Raise(t.Context(), one("a")))
	d.crashOnce(s)
	if f := d.deliveries()[0]; f.State != alarm.Waiting || f.SendingSince.IsZero() {
		t.Fatalf("nothing says that it was under way: %+v", f)
	}
	d.must(d.Deliver(t.Context()))
	d.must(d.Deliver(t.Context()))
	if len(r.ids) != 2 || r.ids[0] != r.ids[1] || r.bodies[0] != r.bodies[1] || r.wrong != nil {
		t.Errorf("received %v, %v, %v", r.ids, r.bodies, r.wrong)
	}
	if f := d.deliveries()[0]; f.State != alarm.Sent || f.Doubts != 1 || f.Attempts != 2 || !f.SendingSince.IsZero() {
		t.Errorf("delivery %+v", f)
	}
}

// Otherwise a receiver that has the digest would get its alarms again under
// another id, with those of the meantime.
func TestADigestInDoubtTakesNoNewAlarmsIn(t *testing.T) {
	d, s := newCrashingService(t)
	r := newReceiver(t)
	d.route(alarm.Route{Name: "hook", Digest: true}, alarm.Address{Way: alarm.Webhook, URL: r.URL, Secret: secret})
	raise := func(keys ...string) {
		for _, key := range keys {
			a := one(key)
			a.RaisedAt = d.now.Add(-48 * time.Hour)
			d.must(d.Raise(t.Context(), a))
		}
	}
	raise("a", "b")
	d.crashOnce(s)
	raise("c", "d")
	d.must(d.Deliver(t.Context()))
	if len(r.ids) != 3 || r.ids[0] != r.ids[1] || r.bodies[0] != r.bodies[1] || r.ids[2] == r.ids[0] || strings.Count(r.bodies[2], `"kind"`) != 2 {
		t.Errorf("received %v %v", r.ids, r.bodies)
	}
}

// More than one round takes wait; the digest among them must not be cut.
func TestADigestThatFailedIsNeverCutIntoTwoMessages(t *testing.T) {
	d, r := newTestService(t), newReceiver(t)
	d.route(alarm.Route{Name: "a digest", Digest: true}, alarm.Address{Way: alarm.Webhook, URL: r.URL, Secret: secret})
	d.route(alarm.Route{Name: "single"}, alarm.Address{Way: alarm.Webhook, URL: r.URL, Secret: secret})
	var alarms []alarm.Alarm
	for i := range 300 {
		a := one(fmt.Sprint(i))
		a.RaisedAt = d.now.Add(-48 * time.Hour)
		alarms = append(alarms, a)
	}
	d.must(d.Raise(t.Context(), alarms...))
	r.status = 503
	for range 3 {
		d.must(d.Deliver(t.Context()))
	}
	r.status = 204
	d.now = d.now.Add(time.Hour)
	for range 3 {
		d.must(d.Deliver(t.Context()))
	}
	bodies := map[string]string{}
	for i, id := range r.ids {
		if before, ok := bodies[id]; ok && before != r.bodies[i] {
			t.Errorf("%s came with two bodies", id)
		}
		bodies[id] = r.bodies[i]
	}
	for _, f := range d.deliveries() {
		if f.State != alarm.Sent || f.Doubts != 0 {
			t.Fatalf("delivery %+v", f)
		}
	}
}

func TestAMailInDoubtIsRepeatedToTheByte(t *testing.T) {
	d, s := newCrashingService(t)
	addr, got := mailbox(t)
	d.route(alarm.Route{Name: "mail"}, alarm.Address{Way: alarm.Email, URL: "smtp://" + addr + "/?from=seal@x.org&to=a@x.org&starttls=no"})
	d.must(d.Raise(t.Context(), one("a")))
	d.crashOnce(s)
	d.must(d.Deliver(t.Context()))
	first, second := <-got, <-got
	if first != second || !strings.Contains(first, "Message-ID: <msg_") {
		t.Errorf("first:\n%s\nsecond:\n%s", first, second)
	}
}

func TestAChatThatCannotTellRepetitionsIsToldOfThem(t *testing.T) {
	d, s := newCrashingService(t)
	var texts []string
	chat := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		texts = append(texts, string(body))
	}))
	t.Cleanup(chat.Close)
	d.route(alarm.Route{Name: "chat"}, alarm.Address{Way: alarm.Shoutrrr, URL: "generic+" + chat.URL + "/room"})
	d.must(d.Raise(t.Context(), one("a")))
	d.crashOnce(s)
	d.must(d.Raise(t.Context(), one("b")))
	d.must(d.Deliver(t.Context()))
	if len(texts) != 3 || strings.HasPrefix(texts[0], "Repeated") || !strings.HasPrefix(texts[1], "Repeated: ") ||
		!strings.Contains(texts[1], "Overdue: a") || strings.HasPrefix(texts[2], "Repeated") {
		t.Errorf("received %q", texts)
	}
}

func TestATestThatWasBrokenOffIsNotSentLaterToConfusePeople(t *testing.T) {
	d, s := newCrashingService(t)
	r := newReceiver(t)
	d.route(alarm.Route{Name: "hook"}, alarm.Address{Way: alarm.Webhook, URL: r.URL, Secret: secret})
	routes, err := d.store.AlarmRoutes(t.Context())
	d.must(err)
	if err := d.TestRoute(t.Context(), admin, routes[0].ID); !errors.Is(err, errCrashed) {
		t.Fatal(err)
	}
	s.crashes = false
	d.must(d.Deliver(t.Context()))
	d.now = d.now.Add(2 * time.Minute)
	d.must(d.Deliver(t.Context()))
	tests, err := d.store.LastTests(t.Context())
	d.must(err)
	if len(r.ids) != 1 || len(tests) != 1 || tests[0].State != alarm.Failed || !strings.Contains(tests[0].Error, "not known") {
		t.Errorf("received %v, delivery %+v", r.ids, tests)
	}
}

// A console that is told to stop while a receiver answers has to keep that
// answer, or every restart would bring repetitions.
func TestAStopLeavesTheMessageUnderWayTimeToArrive(t *testing.T) {
	d := newTestService(t)
	arrived, answer := make(chan struct{}), make(chan struct{})
	hook := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(arrived)
		<-answer
	}))
	t.Cleanup(hook.Close)
	d.route(alarm.Route{Name: "hook"}, alarm.Address{Way: alarm.Webhook, URL: hook.URL, Secret: secret})
	d.must(d.Raise(t.Context(), one("a"), one("b")))
	ctx, stop := context.WithCancel(t.Context())
	go func() {
		<-arrived
		stop()
		close(answer)
	}()
	if err := d.Deliver(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("the stop is reported as %v", err)
	}
	if f := d.deliveries(); f[0].State != alarm.Sent || f[1].State != alarm.Waiting || !f[1].SendingSince.IsZero() {
		t.Errorf("deliveries %+v", f)
	}
}
