package alarm

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestAnAlarmGoesToTheRoutesThatWantItsKind(t *testing.T) {
	at := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	routes := []Route{{ID: 1}, {ID: 2, Kinds: []Kind{JobFailed}}, {ID: 3, Kinds: []Kind{Drift, JobFailed}, Digest: true}}
	list := Dispatch(Alarm{ID: 9, Kind: Drift, RaisedAt: at}, routes)
	if len(list) != 2 || list[0].RouteID != 1 || list[1].RouteID != 3 {
		t.Fatalf("%+v", list)
	}
	for i, d := range list {
		if d.AlarmID != 9 || d.State != Waiting || d.Attempts != 0 || d.Message != "" || !strings.HasPrefix(d.MessageID, "msg_") {
			t.Errorf("%+v", d)
		}
		if want := routes[d.RouteID-1].FirstAttempt(at); !d.NextAt.Equal(want) {
			t.Errorf("route %d sends at %s, want %s", i, d.NextAt, want)
		}
	}
	if list[0].MessageID == list[1].MessageID {
		t.Error("two messages have one id")
	}
	if list := Dispatch(Alarm{Kind: Drift}, routes[1:2]); list != nil {
		t.Errorf("nobody wants it, and it goes to %+v", list)
	}
}

func TestAListCutsThroughNoMessage(t *testing.T) {
	messages := func(ids ...string) (list []Delivery) {
		for i, id := range ids {
			list = append(list, Delivery{ID: int64(i), Message: id})
		}
		return list
	}
	for _, c := range []struct {
		what  string
		given []Delivery
		want  int // how many are left
	}{
		{"nothing", nil, 0},
		{"fewer than the limit: all is there", messages("a", "b", "b"), 3},
		{"the last message may go on", messages("a", "b", "b", "b"), 1},
		{"new ones are no message yet", messages("a", "b", "", ""), 4},
		{"one that fills the list is whole", messages("a", "a", "a", "a"), 4},
	} {
		if diff := cmp.Diff(c.want, len(WholeMessages(c.given, 4))); diff != "" {
			t.Errorf("%s:\n%s", c.what, diff)
		}
	}
}

func TestATestIsUnderWayAtOnceAndGivenUpLater(t *testing.T) {
	at := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	d := NewTest(4, at, at.Add(time.Minute))
	want := Delivery{MessageID: d.Message, Message: d.Message, RouteID: 4, State: Waiting, Attempts: 1, NextAt: at.Add(time.Minute), MessageAt: at, SendingSince: at}
	if diff := cmp.Diff(want, d); diff != "" || !strings.HasPrefix(d.Message, "msg_test_") {
		t.Errorf("%s\n%s", d.Message, diff)
	}
}
