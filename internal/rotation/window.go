package rotation

import (
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"cxseal/internal/fault"
)

// Window is when changes may be sent: it opens by a cron expression in a time
// zone and stays open for a while. The zero value is always open.
type Window struct {
	Cron    string // five fields: minute, hour, day of month, month, day of week
	Zone    string // IANA name, like Europe/Berlin
	Minutes int    // how long it stays open
}

const (
	maxWindowMinutes = 7 * 24 * 60
	maxCronBytes     = 200
)

// Schedule is a window that was checked.
type Schedule struct {
	times cron.Schedule // nil: always open
	zone  *time.Location
	open  time.Duration
}

// Schedule checks the window. Its errors say what is wrong with which field.
//
// A time that a clock change skips does not open the window on that day; one
// that it repeats opens it at both.
func (w Window) Schedule() (Schedule, error) {
	if w == (Window{}) {
		return Schedule{}, nil
	}
	expression := strings.TrimSpace(w.Cron)
	switch {
	case len(expression) > maxCronBytes || len(strings.Fields(expression)) != 5 || strings.ContainsAny(expression, "=@"):
		return Schedule{}, fault.New(fault.Invalid,
			"A window opens by five fields: minute, hour, day of the month, month, day of the week. “0 2 * * 6” is Saturdays at 02:00.")
	case w.Minutes < 1 || w.Minutes > maxWindowMinutes:
		return Schedule{}, fault.New(fault.Invalid, "A window stays open for 1 to %d minutes (a week).", maxWindowMinutes)
	case w.Zone == "" || w.Zone == "Local":
		return Schedule{}, fault.New(fault.Invalid, "Name the window's time zone, like Europe/Berlin or UTC.")
	}
	zone, err := time.LoadLocation(w.Zone)
	if err != nil {
		return Schedule{}, fault.Wrap(err, fault.Invalid, "There is no time zone %q. Name it like Europe/Berlin or UTC.", w.Zone)
	}
	times, err := cron.ParseStandard(expression)
	if err != nil {
		return Schedule{}, fault.Wrap(err, fault.Invalid, "The window's cron expression cannot be read: %s.", err)
	}
	s := Schedule{times: times, zone: zone, open: time.Duration(w.Minutes) * time.Minute}
	if times.Next(time.Date(2024, 1, 1, 0, 0, 0, 0, zone)).IsZero() {
		return Schedule{}, fault.New(fault.Invalid, "The window never opens: no day fits %q.", expression)
	}
	return s, nil
}

// OpenAt is at itself while the window is open, and otherwise when it opens
// next. ok is false when it never does again.
func (s Schedule) OpenAt(at time.Time) (opens time.Time, ok bool) {
	if s.times == nil {
		return at, true
	}
	// The first opening after at-duration is either still open, or the next.
	next := s.times.Next(at.Add(-s.open).In(s.zone))
	if next.IsZero() {
		return time.Time{}, false
	}
	if !next.After(at) {
		return at, true
	}
	return next.UTC(), true
}

// Openings are the next n times that the window opens after a moment, in its
// own zone; none for a window that is always open.
func (s Schedule) Openings(after time.Time, n int) []time.Time {
	var list []time.Time
	if s.times == nil {
		return nil
	}
	for at := after.In(s.zone); len(list) < n; {
		if at = s.times.Next(at); at.IsZero() {
			break
		}
		list = append(list, at)
	}
	return list
}
