package web

import (
	"math"
	"testing"
	"time"
)

func TestNumbersAndTimesReadAsAPersonWritesThem(t *testing.T) {
	at := time.Date(2026, 11, 23, 6, 5, 9, 0, time.FixedZone("EET", 7200))
	for _, c := range []struct{ got, want string }{
		{FormatTime(at), "23 Nov 2026, 04:05 UTC"}, {FormatDate(at), "23 Nov 2026"}, {FormatTime(time.Time{}), "—"},
		{machineTime(at), "2026-11-23T04:05:09.000Z"},
		{FormatNumber(0), "0"}, {FormatNumber(999), "999"}, {FormatNumber(1000), "1,000"}, {FormatNumber(-1234567), "−1,234,567"}, {FormatNumber(math.MinInt64), "−9,223,372,036,854,775,808"},
		{FormatPercent(0), "0%"}, {FormatPercent(37.5), "37.5%"}, {FormatPercent(33.333), "33.33%"}, {FormatPercent(100), "100%"}, {FormatPercent(math.NaN()), "—"},
		{FormatMillis(-1), "not reached"}, {FormatMillis(0), "0 ms"}, {FormatMillis(999), "999 ms"}, {FormatMillis(1999), "1.9 s"}, {FormatMillis(200_000), "3 min 20 s"}, {FormatMillis(7_260_000), "2 h 1 min"},
		{Plural(1, "column", "columns"), "1 column"}, {Plural(0, "column", "columns"), "0 columns"}, {Plural(1204, "record", "records"), "1,204 records"},
		{JoinNames(nil), ""}, {JoinNames([]string{"a"}), "a"}, {JoinNames([]string{"a", "b", "c"}), "a, b and c"},
		{ShortID("01a2071f-8a7e-7fb2-52f7c2a1e001"), "c2a1e001"}, {ShortID("ééééééééé"), "éééééééé"},
		{OperationText("KEY_ROTATION"), "Key rotation"}, {OperationText(""), ""}, {RoleText("admin"), "Admin"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestDaysLeftCountsDaysAndNotHours(t *testing.T) {
	now := time.Date(2026, 11, 23, 23, 0, 0, 0, time.UTC)
	for in, want := range map[time.Duration]string{
		30 * time.Minute: "today", 2 * time.Hour: "tomorrow", -23 * time.Hour: "today", -24 * time.Hour: "yesterday", -96 * time.Hour: "4 days ago", 61 * 24 * time.Hour: "in 61 days",
	} {
		if got := DaysLeft(now.Add(in), now); got != want {
			t.Errorf("%s: got %q, want %q", in, got, want)
		}
	}
}

func TestAReasonSaysThatItHoldsForMoreTablesThanItNames(t *testing.T) {
	g := BlockerGroup{}
	for i := range 22 {
		g.Tables = append(g.Tables, "t"+FormatPlain(i))
	}
	if got := g.where(); got != "t0, t1, t2, t3, t4, t5, t6, t7 and 14 more" {
		t.Error(got)
	}
	if g.Tables = g.Tables[:2]; g.where() != "t0 and t1" {
		t.Error(g.where())
	}
}
