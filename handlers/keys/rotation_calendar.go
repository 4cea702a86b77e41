package keys

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"cxseal/internal/fault"
	"cxseal/internal/period"
	"cxseal/internal/rotation"
	"cxseal/web"
)

// month shows a month with what is due on each day.
func (a *Area) month(c echo.Context) error {
	now := a.Now().UTC()
	month := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
	if text := c.QueryParam("month"); text != "" {
		at, err := period.Month(text)
		if err != nil {
			return fault.New(fault.Invalid, "“month” must be a month like 2026-01.")
		}
		month = at
	}
	end := month.AddDate(0, 1, 0)
	days, err := a.Rotations.LedgerDays(c.Request().Context(), rotation.Filter{From: month, Until: end})
	if err != nil {
		return err
	}
	v := web.MonthView{Chrome: a.Chrome(c, "Rotations", web.NavRotations), Month: month,
		Prev: monthPath(month.AddDate(0, -1, 0)), Next: monthPath(end)}
	for at := monday(month); at.Before(end); {
		week := make([]web.MonthDay, 7)
		for i := range week {
			d := web.MonthDay{Date: at, Inside: at.Month() == month.Month(), Today: at.Equal(now.Truncate(24 * time.Hour))}
			if d.Inside {
				d.Due = days[at.Format(time.DateOnly)]
				d.Path = web.RotationsBetweenPath(at, dayAfter(at))
				v.Total += d.Due
			}
			week[i], at = d, at.AddDate(0, 0, 1)
		}
		v.Weeks = append(v.Weeks, week)
	}
	return a.Render(c, http.StatusOK, web.RotationMonthPage(v))
}

// monthPath is the address of a month, empty beyond the months that can be asked for.
func monthPath(month time.Time) string {
	text := period.FormatMonth(month)
	if text == "" {
		return ""
	}
	return "/rotations/month?month=" + text
}

// dayAfter is the day after a day, zero (an open end) after the last one that can be asked for.
func dayAfter(day time.Time) time.Time {
	next := day.AddDate(0, 0, 1)
	if next.After(period.Latest) {
		return time.Time{}
	}
	return next
}

// monday is the Monday of a day's week.
func monday(day time.Time) time.Time {
	return day.AddDate(0, 0, -(int(day.Weekday())+6)%7)
}

// The timeline's weeks before and after this one.
const (
	timelineBefore = 4
	timelineAfter  = 26
)

// timeline counts what is due, week by week.
func (a *Area) timeline(c echo.Context) error {
	now := a.Now().UTC()
	today := now.Truncate(24 * time.Hour)
	from := monday(today).AddDate(0, 0, -7*timelineBefore)
	until := monday(today).AddDate(0, 0, 7*(timelineAfter+1))
	days, err := a.Rotations.LedgerDays(c.Request().Context(), rotation.Filter{From: from, Until: until})
	if err != nil {
		return err
	}
	overdue, err := a.Rotations.LedgerDays(c.Request().Context(), rotation.Filter{Until: until, Status: rotation.StatusOverdue, Now: now, Leads: a.Leads})
	if err != nil {
		return err
	}
	v := web.TimelineView{Chrome: a.Chrome(c, "Rotations", web.NavRotations), Most: 1}
	earlier, err := a.Rotations.LedgerDays(c.Request().Context(), rotation.Filter{Until: from})
	if err != nil {
		return err
	}
	before := web.TimelineWeek{From: from, Before: true, Passed: true, Path: web.RotationsBetweenPath(time.Time{}, from)}
	for _, n := range earlier {
		before.Due += n
	}
	for date, n := range overdue {
		if date < from.Format(time.DateOnly) {
			before.Overdue += n
		}
	}
	if before.Due > 0 {
		v.Most, v.Weeks = before.Due, append(v.Weeks, before)
	}
	for at := from; at.Before(until); at = at.AddDate(0, 0, 7) {
		end := at.AddDate(0, 0, 7)
		w := web.TimelineWeek{From: at, Now: !today.Before(at) && today.Before(end), Passed: !end.After(today),
			Path: web.RotationsBetweenPath(at, end)}
		for d := at; d.Before(end); d = d.AddDate(0, 0, 1) {
			w.Due += days[d.Format(time.DateOnly)]
			w.Overdue += overdue[d.Format(time.DateOnly)]
		}
		v.Most = max(v.Most, w.Due)
		v.Weeks = append(v.Weeks, w)
	}
	return a.Render(c, http.StatusOK, web.RotationTimelinePage(v))
}
