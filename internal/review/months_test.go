package review

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"cxseal/internal/vocabularytest"
)

func TestTheListHoldsEveryExtent(t *testing.T) { vocabularytest.Complete(t, Extents()) }

func date(month time.Month, day int) time.Time {
	return time.Date(2026, month, day, 0, 0, 0, 0, time.UTC)
}

func TestAReviewOfOneMonthLeavesTheOthersOpen(t *testing.T) {
	began, now := date(6, 10), date(11, 5)
	extents := func(months []Month) (list []Extent) {
		for _, m := range months {
			list = append(list, m.Extent)
		}
		return list
	}
	for _, c := range []struct {
		what     string
		reviewed []Interval
		want     []Extent // June to November
		due      int
		proposal Interval
	}{
		{"nothing", nil, []Extent{Not, Not, Not, Not, Not, Not}, 5, Interval{began, now}},
		{"October alone", []Interval{{date(10, 1), date(11, 1)}}, []Extent{Not, Not, Not, Not, Whole, Not}, 4, Interval{began, date(10, 1)}},
		{"June from before the log began", []Interval{{date(1, 1), date(7, 1)}}, []Extent{Whole, Not, Not, Not, Not, Not}, 4, Interval{date(7, 1), now}},
		{"all but a week in August", []Interval{{date(8, 15), now}, {began, date(8, 8)}}, []Extent{Whole, Whole, InPart, Whole, Whole, Whole}, 1,
			Interval{date(8, 8), date(8, 15)}},
		{"all but today's month", []Interval{{began, date(11, 1)}}, []Extent{Whole, Whole, Whole, Whole, Whole, Not}, 0, Interval{date(11, 1), now}},
		{"a period that is empty", []Interval{{date(9, 1), date(7, 1)}}, []Extent{Not, Not, Not, Not, Not, Not}, 5, Interval{began, now}},
		{"overlapping parts of September", []Interval{{date(9, 10), date(9, 20)}, {date(9, 1), date(9, 15)}}, []Extent{Not, Not, Not, InPart, Not, Not}, 5,
			Interval{began, date(9, 1)}},
	} {
		months := Months(began, now, c.reviewed)
		if diff := cmp.Diff(c.want, extents(months)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.what, diff)
		}
		if got := len(Due(months)); got != c.due {
			t.Errorf("%s: %d months are due, want %d", c.what, got, c.due)
		}
		if got, ok := Proposal(months); !ok || got != c.proposal {
			t.Errorf("%s: %v, want %v", c.what, got, c.proposal)
		}
	}
	if _, ok := Proposal(Months(began, now, []Interval{{began, now}})); ok {
		t.Error("there is a proposal though all is reviewed")
	}
	if got := Months(time.Time{}, now, nil); got != nil {
		t.Errorf("an empty log has months: %v", got)
	}
}

// Holds gaps and extents against a look at every single hour.
func TestGapsAreTheHoursThatNoReviewCovers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base := date(1, 30)
		hour := func(n int) time.Time { return base.Add(time.Duration(n) * time.Hour) }
		began := rapid.IntRange(0, 50).Draw(t, "began")
		now := rapid.IntRange(began+1, 1600).Draw(t, "now")
		var reviewed []Interval
		for range rapid.IntRange(0, 6).Draw(t, "reviews") {
			reviewed = append(reviewed, Interval{hour(rapid.IntRange(-20, 1700).Draw(t, "from")), hour(rapid.IntRange(-20, 1700).Draw(t, "to"))})
		}
		in := func(list []Interval, at time.Time) bool {
			for _, r := range list {
				if !at.Before(r.From) && at.Before(r.To) {
					return true
				}
			}
			return false
		}
		months := Months(hour(began), hour(now), reviewed)
		var gaps []Interval
		open, all := map[time.Time]int{}, map[time.Time]int{}
		for _, m := range months {
			gaps = append(gaps, m.Gaps...)
		}
		for n := began; n < now; n++ {
			first := time.Date(hour(n).Year(), hour(n).Month(), 1, 0, 0, 0, 0, time.UTC)
			all[first]++
			if !in(reviewed, hour(n)) {
				open[first]++
			}
			if in(gaps, hour(n)) == in(reviewed, hour(n)) {
				t.Fatalf("hour %d is in a gap and in a review, or in neither", n)
			}
		}
		for _, m := range months {
			want := InPart
			switch open[m.First] {
			case 0:
				want = Whole
			case all[m.First]:
				want = Not
			}
			if m.Extent != want {
				t.Fatalf("%s is %q, want %q", m.First.Format("2006-01"), m.Extent, want)
			}
		}
		if next, ok := Proposal(months); ok != (len(gaps) > 0) || ok && !next.From.Equal(gaps[0].From) {
			t.Fatalf("the proposal %v does not begin at the oldest gap %v", next, gaps)
		}
	})
}
