package alarm_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"cxseal/internal/alarm"
)

// A route that answers nobody keeps no alarm from a healthy one.
//
// Mutation: with deliverRoute called in Deliver's own goroutine, or going on after a failed attempt, the healthy one
// waits for the dead one, fifteen seconds for each alarm.
func TestADeadRouteKeepsNothingFromAHealthyOne(t *testing.T) {
	d, healthy := newTestService(t), newReceiver(t)
	const alarms = 60
	arrived := make(chan struct{})
	tries := 0
	dead := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		tries++
		select { // answers once the healthy one has everything
		case <-arrived:
		case <-time.After(10 * time.Second):
			t.Error("the healthy route waits for the dead one")
		}
		w.WriteHeader(http.StatusBadGateway)
	}))
	t.Cleanup(dead.Close)
	d.route(alarm.Route{Name: "dead"}, alarm.Address{Way: alarm.Webhook, URL: dead.URL, Secret: secret})
	d.route(alarm.Route{Name: "healthy"}, alarm.Address{Way: alarm.Webhook, URL: healthy.URL, Secret: secret})
	warning := one("warning")
	warning.Severity = alarm.Warning
	d.must(d.Raise(t.Context(), warning))
	for i := range alarms - 1 {
		d.must(d.Raise(t.Context(), one(fmt.Sprint("key ", i))))
	}
	done := make(chan error, 1)
	go func() { done <- d.Deliver(t.Context()) }()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for range 1800 {
		healthy.mu.Lock()
		n := len(healthy.ids)
		healthy.mu.Unlock()
		if n == alarms {
			break
		}
		<-tick.C
	}
	close(arrived)
	d.must(<-done)
	if len(healthy.ids) != alarms || tries != 1 {
		t.Fatalf("%d arrived, and the dead route was tried %d times", len(healthy.ids), tries)
	}
	if !strings.Contains(healthy.bodies[0], "key 0") || !strings.Contains(healthy.bodies[alarms-1], "warning") {
		t.Errorf("the oldest critical one is not the first: %s", healthy.bodies[0])
	}

	// The dead one is left alone for a while, and tried again after that.
	d.must(d.Deliver(t.Context()))
	if tries != 1 {
		t.Errorf("tried %d times at once", tries)
	}
	d.now = d.now.Add(11 * time.Second)
	d.must(d.Deliver(t.Context()))
	if tries != 2 {
		t.Errorf("tried %d times", tries)
	}
}

func TestAnAlarmLeavesTheMachineSafelyOrNotAtAll(t *testing.T) {
	d := newTestService(t)
	for _, a := range []alarm.Address{{Way: alarm.Webhook, URL: "http://alarms.example/in", Secret: secret}, {Way: alarm.Shoutrrr, URL: "logger://"}} {
		if err := d.AddRoute(t.Context(), admin, alarm.Route{Name: "x"}, a); err == nil {
			t.Errorf("%s was taken", a.URL)
		}
	}
}
