package review

import (
	"slices"
	"time"
)

// Interval is a stretch of time: From inclusive, To exclusive.
type Interval struct{ From, To time.Time }

// Covered merges intervals in any order to disjoint ones in the order of time; those that touch become one, and
// empty ones vanish.
func Covered(reviewed []Interval) []Interval {
	var merged []Interval
	for _, r := range slices.SortedFunc(slices.Values(reviewed), func(a, b Interval) int { return a.From.Compare(b.From) }) {
		switch last := len(merged) - 1; {
		case !r.From.Before(r.To):
		case last >= 0 && !merged[last].To.Before(r.From):
			if r.To.After(merged[last].To) {
				merged[last].To = r.To
			}
		default:
			merged = append(merged, r)
		}
	}
	return merged
}

// Gaps returns the parts of whole that the covered intervals, as Covered returns them, leave open.
func Gaps(whole Interval, covered []Interval) []Interval {
	var gaps []Interval
	at := whole.From
	for _, c := range covered {
		if c.From.After(at) && at.Before(whole.To) {
			gaps = append(gaps, Interval{at, earlier(c.From, whole.To)})
		}
		if c.To.After(at) {
			at = c.To
		}
	}
	if at.Before(whole.To) {
		gaps = append(gaps, Interval{at, whole.To})
	}
	return gaps
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// Extent says how much of a month is reviewed.
type Extent string

// The extents.
const (
	Whole  Extent = "reviewed"
	InPart Extent = "in part"
	Not    Extent = "not reviewed"
)

// Extents returns every extent, the best first.
func Extents() []Extent { return []Extent{Whole, InPart, Not} }

// Month is one calendar month of the log, in UTC. Its first and last ones are only as long as the log.
type Month struct {
	First  time.Time // its first midnight
	Extent Extent
	Gaps   []Interval // what is not reviewed of it, oldest first
	Ended  bool       // the month is over
}

// Months returns the months from the one in which the log begins to the one of now, oldest first.
func Months(began, now time.Time, reviewed []Interval) []Month {
	if began.IsZero() || !began.Before(now) {
		return nil
	}
	began, now = began.UTC(), now.UTC()
	covered := Covered(reviewed)
	var months []Month
	for first := time.Date(began.Year(), began.Month(), 1, 0, 0, 0, 0, time.UTC); first.Before(now); {
		next := first.AddDate(0, 1, 0)
		of := Interval{first, earlier(next, now)}
		if of.From.Before(began) {
			of.From = began
		}
		m := Month{First: first, Extent: InPart, Ended: !next.After(now), Gaps: Gaps(of, covered)}
		switch {
		case len(m.Gaps) == 0:
			m.Extent = Whole
		case m.Gaps[0] == of:
			m.Extent = Not
		}
		months = append(months, m)
		first = next
	}
	return months
}

// Due returns the months that are over and not reviewed to their end. There is a warning as long as there is one.
func Due(months []Month) []Month {
	return slices.DeleteFunc(slices.Clone(months), func(m Month) bool { return !m.Ended || m.Extent == Whole })
}

// Proposal returns the period to review next: from the oldest gap to the end of that gap, over the months'
// borders. ok is false when everything is reviewed.
func Proposal(months []Month) (next Interval, ok bool) {
	for _, m := range months {
		for _, g := range m.Gaps {
			switch {
			case !ok:
				next, ok = g, true
			case g.From.Equal(next.To):
				next.To = g.To
			default:
				return next, true
			}
		}
	}
	return next, ok
}
