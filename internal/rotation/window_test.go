package rotation_test

import (
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"cxseal/internal/rotation"
)

func at(t *testing.T, text string) time.Time {
	t.Helper()
	v, err := time.Parse("2006-01-02 15:04", text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// Berlin is UTC+1 in winter and UTC+2 in summer. In 2026 the clocks go forward
// on 29 March (02:00 is 03:00) and back on 25 October (03:00 is 02:00).
func TestAWindowOpensInItsOwnZoneOnTheDaysTheClocksChange(t *testing.T) {
	for _, c := range []struct{ what, cron, zone, at, opens string }{
		{"the evening before summer time", "0 23 * * *", "Europe/Berlin", "2026-03-28 12:00", "2026-03-28 22:00"},
		{"the evening of summer time", "0 23 * * *", "Europe/Berlin", "2026-03-29 12:00", "2026-03-29 21:00"},
		{"02:30 does not exist on that night: the next one", "30 2 * * *", "Europe/Berlin", "2026-03-28 23:30", "2026-03-30 00:30"},
		{"the evening of winter time", "0 23 * * *", "Europe/Berlin", "2026-10-25 12:00", "2026-10-25 22:00"},
		{"02:30 comes twice on that night: the first one", "30 2 * * *", "Europe/Berlin", "2026-10-24 22:00", "2026-10-25 00:30"},
		{"open across the change to summer time", "0 1 * * *", "Europe/Berlin", "2026-03-29 01:30", "2026-03-29 01:30"},
		{"29 February, only in a leap year", "0 3 29 2 *", "UTC", "2026-11-23 00:00", "2028-02-29 03:00"},
		{"across the end of the year", "30 23 31 12 *", "UTC", "2027-01-01 00:15", "2027-01-01 00:15"},
		{"the end of the year, somewhere else", "0 0 1 1 *", "Pacific/Auckland", "2026-12-31 09:00", "2026-12-31 11:00"},
		{"a weekend that has just closed", "0 2 * * 6", "UTC", "2026-11-21 04:00", "2026-11-28 02:00"},
	} {
		s, err := rotation.Window{Cron: c.cron, Zone: c.zone, Minutes: 120}.Schedule()
		if err != nil {
			t.Fatalf("%s: %v", c.what, err)
		}
		opens, ok := s.OpenAt(at(t, c.at))
		if !ok || !opens.Equal(at(t, c.opens)) {
			t.Errorf("%s: opens %s, %v; want %s", c.what, opens.UTC(), ok, c.opens)
		}
	}
}

func TestTheNextOpeningsAreThoseThatComeTrue(t *testing.T) {
	s, err := rotation.Window{Cron: "30 2 * * *", Zone: "Europe/Berlin", Minutes: 30}.Schedule()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, o := range s.Openings(at(t, "2026-03-27 12:00"), 3) {
		got = append(got, o.Format("2006-01-02 15:04 MST"))
	}
	if text := strings.Join(got, ", "); text != "2026-03-28 02:30 CET, 2026-03-30 02:30 CEST, 2026-03-31 02:30 CEST" {
		t.Errorf("openings: %s", text)
	}
}

func TestAWindowThatMakesNoSenseIsRefusedWithTheReason(t *testing.T) {
	for _, c := range []struct {
		w    rotation.Window
		want string
	}{
		{rotation.Window{Cron: "@every 1h", Zone: "UTC", Minutes: 5}, "five fields"},
		{rotation.Window{Cron: "CRON_TZ=UTC 0 2 * * *", Zone: "UTC", Minutes: 5}, "five fields"},
		{rotation.Window{Cron: "0 25 * * *", Zone: "UTC", Minutes: 5}, "cannot be read"},
		{rotation.Window{Cron: "0 0 30 2 *", Zone: "UTC", Minutes: 5}, "never opens"},
		{rotation.Window{Cron: "0 2 * * *", Zone: "Europe/Nowhere", Minutes: 5}, "no time zone"},
		{rotation.Window{Cron: "0 2 * * *", Zone: "Local", Minutes: 5}, "time zone"},
		{rotation.Window{Cron: "0 2 * * *", Minutes: 5}, "time zone"},
		{rotation.Window{Cron: "0 2 * * *", Zone: "UTC"}, "minutes"},
		{rotation.Window{Cron: "0 2 * * *", Zone: "../../etc/passwd", Minutes: 5}, "no time zone"},
	} {
		if _, err := c.w.Schedule(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.w, err, c.want)
		}
	}
}

func TestTheMostSpecificPolicyApplies(t *testing.T) {
	of := func(id int64, connection, datastore, category string) rotation.Policy {
		return rotation.Policy{ID: id, Scope: rotation.Scope{Connection: connection, DatastoreID: datastore, Category: category}}
	}
	all := rotation.Policies{of(1, "", "", ""), of(2, "a", "", ""), of(3, "a", "ds", ""), of(4, "", "", "card"), of(5, "a", "ds", "card")}
	for _, c := range []struct {
		connection, datastore, category string
		want                            int64
	}{{"b", "x", "", 1}, {"a", "x", "", 2}, {"a", "ds", "", 3}, {"b", "x", "card", 4}, {"a", "x", "card", 4}, {"a", "ds", "card", 5}, {"a", "ds", "health", 3}} {
		if got := all.For(c.connection, c.datastore, c.category).ID; got != c.want {
			t.Errorf("%+v: policy %d", c, got)
		}
	}
	if p := (rotation.Policies{}).For("a", "b", "c"); p.Rule != rotation.DefaultRule {
		t.Errorf("without a policy: %+v", p.Rule)
	}
}
