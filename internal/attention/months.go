package attention

import (
	"time"

	"cxseal/internal/audit"
	"cxseal/internal/review"
)

// monthForm is how the month of a finding is written in its id.
const monthForm = "month-2006-01"

// MonthOf returns the first midnight of the month that a finding is about, false for every other finding.
func (i *Item) MonthOf() (time.Time, bool) {
	first, err := time.Parse(monthForm, i.ID)
	return first, err == nil && i.Kind == MonthNotReviewed
}

// NewMonth reports whether a month has ended by that time that is later than the newest one that was looked at.
func NewMonth(at, looked time.Time) bool {
	return lastEnded(at).After(looked)
}

// lastEnded is the newest month that is over at that time.
func lastEnded(at time.Time) time.Time {
	at = at.UTC()
	return time.Date(at.Year(), at.Month()-1, 1, 0, 0, 0, 0, time.UTC)
}

// Months returns what the calendar and the reviews of the log make of the findings about months: it opens those of
// months that are over at that time, later than looked and not reviewed to their end, and resolves those of known that
// by, a review, has closed. began is the time of the log's first record; now is the newest month that is over.
func Months(began, at time.Time, reviews []audit.Line, looked time.Time, known []Item, by audit.Record) (changed []Item, now time.Time) {
	var covered []review.Interval
	for _, l := range reviews {
		if r, ok := audit.ReviewOf(l); ok {
			covered = append(covered, review.Interval{From: r.From, To: r.To})
		}
	}
	whole := map[string]bool{}
	if now = lastEnded(at); now.Before(looked) {
		now = looked
	}
	for _, m := range review.Months(began, at, covered) {
		if !m.Ended {
			continue
		}
		id := m.First.Format(monthForm)
		whole[id] = m.Extent == review.Whole
		if m.First.After(looked) && !whole[id] {
			changed = append(changed, Item{ID: id, Kind: MonthNotReviewed, OpenedAt: m.First.AddDate(0, 1, 0)})
		}
	}
	for _, item := range known {
		if by.AuditID != "" && item.Kind == MonthNotReviewed && item.Resolution == Unresolved && whole[item.ID] {
			item.Resolution, item.ResolvedAt, item.ResolvedBy = ByReview, by.Time(), by.AuditID
			changed = append(changed, item)
		}
	}
	return changed, now
}
