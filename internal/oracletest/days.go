package oracletest

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Day is the beginning of a UTC day.
func Day(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }

// endOf is the moment to count a day at.
func endOf(day time.Time) time.Time { return day.AddDate(0, 0, 1) }

// Days are the days from the first reading of a table of some to the day of now. A nil of is every table.
func (f Facts) Days(of func(Table) bool, now time.Time) []time.Time {
	var first time.Time
	for table, read := range f.Read {
		if (of == nil || of(table)) && (first.IsZero() || read.At.Before(first)) {
			first = read.At
		}
	}
	var days []time.Time
	for day := Day(first); !first.IsZero() && !day.After(now); day = day.AddDate(0, 0, 1) {
		days = append(days, day)
	}
	return days
}

// Moves are how many columns decisions of a table took out of what counts and brought in, on a day.
func (l Ledger) Moves(of func(Table) bool, day time.Time) (out, in int) {
	for i := range l {
		r := &l[i]
		if r.Operation != "SENSITIVITY_DECIDED" || r.Outcome != "SUCCESS" || !Day(r.At).Equal(day) || of != nil && !of(r.Table()) {
			continue
		}
		switch {
		case r.Decision.Was == "sensitive" && r.Decision.Is != "sensitive":
			out++
		case r.Decision.Was != "sensitive" && r.Decision.Is == "sensitive":
			in++
		}
	}
	return out, in
}

// CoverageCSV are the rows of /charts/coverage.csv?changes=1 without the header, each joined with commas, of the days
// that in takes and the tables that of takes; totals says whether each connection's total comes before its tables.
func (l Ledger) CoverageCSV(f Facts, of func(Table) bool, totals bool, days []time.Time) []string {
	var rows []string
	for _, day := range days {
		now, was := l.Columns(f, endOf(day)), l.Columns(f, day)
		row := func(name Table, of func(Table) bool) {
			var n, before Counts
			for table, columns := range now {
				if of(table) {
					n, before = n.Plus(CountOf(columns)), before.Plus(CountOf(was[table]))
				}
			}
			out, in := l.Moves(of, day)
			encrypted := n.Verified + n.Unverified + n.Refused
			rows = append(rows, fmt.Sprintf("%s,%s,%s,%s,%d,%d,%s,%d,%d,%s,%d,%d,%d,%d,%d,%d", day.Format(time.DateOnly), name.Connection, name.DatastoreID,
				name.TableID, n.Total, n.Encrypted, Share(n.Encrypted, n.Total), n.Sensitive, encrypted, Share(encrypted, n.Sensitive),
				n.Verified, n.Unverified, n.Refused, n.Sensitive-before.Sensitive, out, in))
		}
		connection := ""
		for _, table := range SortedTables(now) {
			if of != nil && !of(table) {
				continue
			}
			if totals && table.Connection != connection {
				connection = table.Connection
				row(Table{Connection: connection}, func(t Table) bool { return t.Connection == connection && (of == nil || of(t)) })
			}
			row(table, func(t Table) bool { return t == table })
		}
	}
	return rows
}

// Run is a run that has ended, as the records tell of it.
type Run struct {
	ID       string
	Verified bool      // also by a confirmation that came after its end
	Ended    time.Time // the time of its last record, or of the confirmation that came after it
	Status   string    // what its last record says of the KMS
	Late     bool      // that came after its end
	Latency  int64
	Known    bool // the record has a latency
}

// Runs are the runs that ended before a moment, by the time that they ended.
func (l Ledger) Runs(before time.Time) []Run {
	var runs []Run
	for i := range l {
		r := &l[i]
		if !r.At.Before(before) {
			continue
		}
		at := slices.IndexFunc(runs, func(run Run) bool { return run.ID == r.RunID })
		switch {
		case r.ended():
			run := Run{ID: r.RunID, Verified: r.Outcome == "SUCCESS", Ended: r.At, Status: r.KMS.Status}
			if r.Metrics != nil {
				run.Latency, run.Known = r.Metrics.LatencyMs, true
			}
			runs = append(runs, run)
		case at >= 0 && r.Operation == "KMS_CALLBACK" && r.Outcome == "SUCCESS" && !runs[at].Verified:
			runs[at].Verified, runs[at].Late, runs[at].Ended = true, true, r.At
		}
	}
	slices.SortStableFunc(runs, func(a, b Run) int { return a.Ended.Compare(b.Ended) })
	return runs
}

// stageNames in the order in which a run meets them.
var stageNames = []string{"token", "checks", "patch", "kms"}

// LatencyCSV are the rows of /charts/latency.csv without the header. The percentiles are the nearest rank's.
func (l Ledger) LatencyCSV(f Facts, now time.Time) []string {
	byDay := map[time.Time][]Run{}
	var days []time.Time
	for _, run := range l.Runs(now) {
		day := Day(run.Ended)
		if byDay[day] == nil {
			days = append(days, day)
		}
		byDay[day] = append(byDay[day], run)
	}
	var rows []string
	for _, day := range days {
		for s, name := range stageNames {
			reached, failed, ms := 0, 0, []int64{}
			for _, run := range byDay[day] {
				last := -1 // the last stage that the run reached
				for i := range stageNames {
					if f.Stages[run.ID][i] >= 0 || i == 3 && (run.Status == "REJECTED" || run.Status == "UNCONFIRMED") {
						last = i
					}
				}
				took := f.Stages[run.ID][s]
				if took < 0 && (s != 3 || last != 3) {
					continue
				}
				reached++
				if last == s && !run.Verified {
					failed++
				}
				if took >= 0 {
					ms = append(ms, took)
				}
			}
			if reached == 0 {
				continue
			}
			slices.Sort(ms)
			rank := func(percent int) int64 {
				if len(ms) == 0 {
					return 0
				}
				return ms[(percent*len(ms)+99)/100-1]
			}
			rows = append(rows, fmt.Sprintf("%s,%s,%d,%d,%d,%d,%d", day.Format(time.DateOnly), name, reached, failed, rank(50), rank(95), rank(100)))
		}
	}
	return rows
}

// DeclaredNotSensitive is how many columns were declared not sensitive since a moment that had counted as sensitive.
func (l Ledger) DeclaredNotSensitive(since time.Time) (n int) {
	for i := range l {
		r := &l[i]
		if r.Operation == "SENSITIVITY_DECIDED" && r.Outcome == "SUCCESS" && !r.At.Before(since) &&
			r.Decision.Decided == "not_sensitive" && r.Decision.Was == "sensitive" {
			n++
		}
	}
	return n
}

// MonthsOver is how many months with a record ended before now.
func (l Ledger) MonthsOver(now time.Time) int {
	this := now.UTC().Format("2006-01")
	n := 0
	for month := l[0].At.UTC(); month.Format("2006-01") < this; month = time.Date(month.Year(), month.Month()+1, 1, 0, 0, 0, 0, time.UTC) {
		n++
	}
	return n
}

// Waiting are the runs that wait for a second person, and those that were asked for and go on.
func (l Ledger) Waiting() (awaiting, going int) {
	type life struct{ awaits, over bool }
	runs := map[string]*life{}
	for i := range l {
		r := &l[i]
		if r.RunID == "" {
			continue
		}
		run := runs[r.RunID]
		switch {
		case r.Operation == "RUN_REQUESTED" && r.Outcome == "SUCCESS":
			runs[r.RunID] = &life{awaits: strings.Contains(r.Detail, "another person's approval")}
		case run == nil:
		case r.Operation == "RUN_APPROVED" && r.Outcome == "SUCCESS":
			run.awaits = false
		case r.ended(), r.Operation == "RUN_DECLINED" && r.Outcome != "DENIED", r.Operation == "RUN_CANCELLED" && r.Outcome == "SUCCESS":
			run.over = true
		}
	}
	for _, run := range runs {
		switch {
		case run.over:
		case run.awaits:
			awaiting++
		default:
			going++
		}
	}
	return awaiting, going
}

// NewestLatency is the 95th percentile of each stage, by its place, on the newest day on which the duration of one is
// known. A stage without one is left out.
func (l Ledger) NewestLatency(f Facts, now time.Time) map[int]int64 {
	newest := map[int]int64{}
	for stage := range stageNames {
		var day time.Time
		var ms []int64
		for _, run := range l.Runs(now) {
			took := f.Stages[run.ID][stage]
			if took < 0 {
				continue
			}
			if of := Day(run.Ended); !of.Equal(day) {
				day, ms = of, nil
			}
			ms = append(ms, took)
		}
		if len(ms) > 0 {
			slices.Sort(ms)
			newest[stage] = ms[(95*len(ms)+99)/100-1]
		}
	}
	return newest
}

// Falls are the days, of some, on which one of the three shares fell: of a table, of a connection or of all. What one
// moment brings is one change, and the first day of a connection is only a beginning.
func (l Ledger) Falls(f Facts, days []time.Time) map[time.Time]bool {
	fell := map[time.Time]bool{}
	less := func(now, was Counts) bool {
		part := func(a, of, b, ofB int) bool { return ofB > 0 && of > 0 && a*ofB < b*of }
		return part(now.Encrypted, now.Total, was.Encrypted, was.Total) || part(now.Verified, now.Sensitive, was.Verified, was.Sensitive) ||
			part(now.Verified+now.Unverified+now.Refused, now.Sensitive, was.Verified+was.Unverified+was.Refused, was.Sensitive)
	}
	first := map[string]time.Time{}
	for table, read := range f.Read {
		if at := first[table.Connection]; at.IsZero() || read.At.Before(at) {
			first[table.Connection] = read.At
		}
	}
	for _, day := range days {
		if len(fell) > 0 && fell[day] {
			continue
		}
		if day != days[0] && less(Total(l.Columns(f, endOf(day))), Total(l.Columns(f, day))) {
			fell[day] = true
		}
		for i := range l {
			if !Day(l[i].At).Equal(day) || i > 0 && l[i-1].At.Equal(l[i].At) {
				continue
			}
			before, after := l.Columns(f, l[i].At), l.Columns(f, l[i].At.Add(time.Millisecond))
			for table := range after {
				was, known := before[table]
				if known && less(CountOf(after[table]), CountOf(was)) {
					fell[day] = true
				}
			}
			for connection, at := range first {
				of := func(tables map[Table]map[string]Column) (n Counts) {
					for table, columns := range tables {
						if table.Connection == connection {
							n = n.Plus(CountOf(columns))
						}
					}
					return n
				}
				if Day(at).Before(day) && less(of(after), of(before)) {
					fell[day] = true
				}
			}
		}
	}
	return fell
}
