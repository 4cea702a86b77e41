package web

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// momentLayout and the others are how times are written, for people and for scripts, everywhere the same.
const (
	momentLayout  = "2 Jan 2006, 15:04 UTC"
	instantLayout = "2 Jan 2006, 15:04:05 UTC"
	dayLayout     = "2 Jan 2006"
	machineLayout = "2006-01-02T15:04:05.000Z"
)

// FormatTime is the text of a moment: "23 Nov 2026, 04:00 UTC". The zero time
// is an em dash.
func FormatTime(t time.Time) string {
	if t.IsZero() {
		return "—"
	}
	return t.UTC().Format(momentLayout)
}

// FormatDate is the text of a day, in UTC: "23 Nov 2026".
func FormatDate(t time.Time) string {
	if t.IsZero() {
		return "—"
	}
	return t.UTC().Format(dayLayout)
}

// machineTime is the datetime attribute that scripts and readers rely on.
func machineTime(t time.Time) string { return t.UTC().Format(machineLayout) }

// FormatNumber groups thousands: 12,345.
func FormatNumber(n int64) string {
	s := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, s = "−", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// FormatPercent shows at most two decimals and no trailing zeros: 37.5%.
func FormatPercent(p float64) string {
	if math.IsNaN(p) || math.IsInf(p, 0) {
		return "—"
	}
	return strconv.FormatFloat(math.Round(p*100)/100, 'f', -1, 64) + "%"
}

// FormatMillis is a duration in the unit that suits it: 412 ms, 1.2 s, 3 min 20 s.
// A negative duration means the stage was not reached.
func FormatMillis(ms int64) string {
	switch {
	case ms < 0:
		return "not reached"
	case ms < 1000:
		return strconv.FormatInt(ms, 10) + " ms"
	case ms < 60_000:
		return strconv.FormatFloat(float64(ms/100)/10, 'f', -1, 64) + " s"
	case ms < 3_600_000:
		return strconv.FormatInt(ms/60_000, 10) + " min " + strconv.FormatInt(ms%60_000/1000, 10) + " s"
	}
	return strconv.FormatInt(ms/3_600_000, 10) + " h " + strconv.FormatInt(ms%3_600_000/60_000, 10) + " min"
}

// Plural counts a thing: "1 column", "3 columns", "1,204 records".
func Plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return FormatNumber(int64(n)) + " " + many
}

// JoinNames lists names as a sentence does: "a", "a and b", "a, b and c".
func JoinNames(names []string) string {
	switch len(names) {
	case 0:
		return ""
	case 1:
		return names[0]
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

// DaysLeft says how far a day is off: "in 12 days", "tomorrow", "today",
// "3 days ago". Days are UTC days.
func DaysLeft(due, now time.Time) string {
	if due.IsZero() || now.IsZero() {
		return ""
	}
	days := int(due.UTC().Truncate(24*time.Hour).Sub(now.UTC().Truncate(24*time.Hour)) / (24 * time.Hour))
	switch {
	case days == 0:
		return "today"
	case days == 1:
		return "tomorrow"
	case days == -1:
		return "yesterday"
	case days < 0:
		return FormatNumber(int64(-days)) + " days ago"
	}
	return "in " + FormatNumber(int64(days)) + " days"
}

// ShortID is the end of an id, for lists where the whole is a link away: ids
// that were made close in time begin alike (UUIDv7).
func ShortID(id string) string {
	r := []rune(id)
	if len(r) <= 8 {
		return id
	}
	return string(r[len(r)-8:])
}

// between is the time from a to b in milliseconds, -1 when either is unknown.
func between(a, b time.Time) int64 {
	if a.IsZero() || b.IsZero() || b.Before(a) {
		return -1
	}
	return b.Sub(a).Milliseconds()
}

// FormatPlain is a number for a machine: no grouping.
func FormatPlain[N int | int64](n N) string { return strconv.FormatInt(int64(n), 10) }

// FormatDuration is a duration as a person types it: 10m, not 10m0s.
func FormatDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// RoleText is a role with a capital.
func RoleText(role string) string {
	if role == "" {
		return ""
	}
	return strings.ToUpper(role[:1]) + role[1:]
}

// versionText is a key version, or what it means that there is none.
func versionText(v int64) string {
	if v <= 0 {
		return "not shown"
	}
	return "v" + FormatNumber(v)
}
