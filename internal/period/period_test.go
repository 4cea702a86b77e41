package period_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"cxseal/internal/fault"
	"cxseal/internal/period"
)

func TestADateMeansItsWholeDayAndNeverLeavesTheBounds(t *testing.T) {
	at := func(text string) time.Time {
		moment, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			t.Fatal(err)
		}
		return moment
	}
	for _, c := range []struct {
		text       string
		start, end time.Time
	}{
		{"2026-01-31", at("2026-01-31T00:00:00Z"), at("2026-02-01T00:00:00Z")},
		{"1959-12-31", at("1959-12-31T00:00:00Z"), at("1960-01-01T00:00:00Z")},
		{"9999-12-31", at("9999-12-31T00:00:00Z"), period.Latest},
		{"0001-01-01", period.Earliest, at("0001-01-02T00:00:00Z")},
		{"0000-02-29", period.Earliest, period.Earliest},
		{"2026-01-31T14:00:00.5+02:00", at("2026-01-31T12:00:00.5Z"), at("2026-01-31T12:00:00.5Z")},
		{"9999-12-31T23:59:59-12:00", period.Latest, period.Latest},
		{"0001-01-01T00:00:00+12:00", period.Earliest, period.Earliest},
	} {
		for end, want := range map[bool]time.Time{false: c.start, true: c.end} {
			if got, err := period.Parse(c.text, end); err != nil || !got.Equal(want) {
				t.Errorf("%s as an end %v: %s, %v, want %s", c.text, end, got, err, want)
			}
		}
	}
	for _, text := range []string{"", "soon", "2026-13-01", "2026-02-30", "10000-01-01", "99999999-01-01", "2026-01-31T25:00:00Z", "1e9"} {
		if _, err := period.Parse(text, false); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("%q is read as a date: %v", text, err)
		}
		if _, err := period.Day(text); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("%q is read as a day: %v", text, err)
		}
	}
}

// TestEveryDateThatIsReadCanBeWrittenInATimestamp fails when a time that somebody types is the zero time (an
// open end), or has no timestamp of the ledger's width.
func TestEveryDateThatIsReadCanBeWrittenInATimestamp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		zone := time.FixedZone("", rapid.IntRange(-14*3600, 14*3600).Draw(t, "zone")/60*60)
		typed := time.Date(rapid.IntRange(0, 9999).Draw(t, "year"), time.Month(rapid.IntRange(1, 12).Draw(t, "month")),
			rapid.IntRange(1, 28).Draw(t, "day"), rapid.IntRange(0, 23).Draw(t, "hour"), 0, 0, 0, zone)
		for _, form := range []string{time.DateOnly, time.RFC3339} {
			for _, end := range []bool{false, true} {
				got, err := period.Parse(typed.Format(form), end)
				if err != nil || got.IsZero() || len(got.Format("2006-01-02T15:04:05.000Z")) != 24 || time.UnixMicro(got.UnixMicro()).UTC() != got {
					t.Fatalf("%s: %s, %v", typed.Format(form), got, err)
				}
			}
		}
	})
}

func TestAMonthIsOfTheYears1To9999(t *testing.T) {
	for _, text := range []string{"0001-01", "1969-12", "9999-12"} {
		if got, err := period.Month(text); err != nil || period.FormatMonth(got) != text {
			t.Errorf("%s: %s, %v", text, got, err)
		}
	}
	for _, text := range []string{"0000-12", "10000-01", "2026-13", "2026", "soon"} {
		if _, err := period.Month(text); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("%q: %v", text, err)
		}
	}
	first, last := time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 12, 1, 0, 0, 0, 0, time.UTC)
	if before, after := period.FormatMonth(first.AddDate(0, -1, 0)), period.FormatMonth(last.AddDate(0, 1, 0)); before != "" || after != "" {
		t.Errorf("there are links to the months %q and %q", before, after)
	}
}
