package rotation

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"cxseal/internal/alarm"
	"cxseal/internal/audit"
)

// Alarms turns transitions into alarms: one for the columns of a table that
// are due on the same day and came to the same phase together.
func Alarms(notices []Notice, now time.Time) []alarm.Alarm {
	type group struct {
		connection, datastore, table, due string
		phase                             Phase
		unknown                           bool
	}
	var order []group
	groups := map[group][]Notice{}
	for _, n := range notices {
		c := n.Column
		g := group{c.Connection, c.DatastoreID, c.TableID, c.DueAt.UTC().Format(time.DateOnly), n.Phase, n.Unknown}
		if groups[g] == nil {
			order = append(order, g)
		}
		groups[g] = append(groups[g], n)
	}
	var alarms []alarm.Alarm
	for _, g := range order {
		var names []string
		for _, n := range groups[g] {
			names = append(names, n.Column.Column)
		}
		slices.Sort(names)
		first := groups[g][0].Column
		a := alarm.Alarm{Connection: g.connection, DatastoreID: g.datastore, TableID: g.table, Columns: names, RaisedAt: now}
		// A column reaches a phase of a date once, so its name and its date
		// make the alarm's own key.
		a.Dedupe = strings.Join([]string{"rotation", fmt.Sprint(int(g.phase)), g.connection, g.datastore, g.table, names[0],
			fmt.Sprint(first.DueAt.Unix()), fmt.Sprint(first.Sequence)}, "\x1f")
		describe(&a, groups[g][0], g.due)
		alarms = append(alarms, a)
	}
	return alarms
}

func describe(a *alarm.Alarm, n Notice, due string) {
	keys := "keys of " + audit.CountOf(len(a.Columns), "column")
	if len(a.Columns) == 1 {
		keys = "key of " + a.Columns[0]
	}
	switch {
	case n.Unknown && n.Phase == Overdue:
		a.Kind, a.Severity = alarm.RotationUnknown, alarm.Warning
		a.Title = fmt.Sprintf("Nobody can tell whether the %s on %s was rotated", keys, a.TableID)
		a.Detail = fmt.Sprintf("Due on %s. CXone shows no key version, so a rotation cannot be seen. Rotate from the console, or ask CXone to show key versions.", due)
	case n.Phase == Overdue:
		a.Kind, a.Severity = alarm.RotationOverdue, alarm.Critical
		a.Title = fmt.Sprintf("Overdue: the %s on %s was not rotated", keys, a.TableID)
		a.Detail = fmt.Sprintf("Due on %s, with %s of grace. No key version above %d was seen.", due,
			audit.CountOf(n.Column.GraceDays, "day"), n.Column.KeyVersion)
	case n.Phase == Due:
		a.Kind, a.Severity = alarm.RotationDue, alarm.Warning
		a.Title = fmt.Sprintf("Due: the %s on %s", keys, a.TableID)
		a.Detail = fmt.Sprintf("Due on %s; overdue on %s unless a newer key version is seen.", due,
			n.Column.OverdueAt().UTC().Format(time.DateOnly))
	default:
		a.Kind, a.Severity = alarm.RotationSoon, alarm.Info
		a.Title = fmt.Sprintf("Due soon: the %s on %s", keys, a.TableID)
		a.Detail = fmt.Sprintf("To be rotated by %s.", due)
	}
}
