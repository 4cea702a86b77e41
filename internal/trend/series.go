package trend

import (
	"cmp"
	"slices"
	"time"
)

// Key names a table; only Connection is set for a connection's total.
type Key struct{ Connection, DatastoreID, TableID string }

func compareKeys(a, b Key) int {
	return cmp.Or(cmp.Compare(a.Connection, b.Connection), cmp.Compare(a.DatastoreID, b.DatastoreID), cmp.Compare(a.TableID, b.TableID))
}

// Change is the counts of a table or a connection from a day on, until the
// next change.
type Change struct {
	Day int64
	Key
	Counts
	Decided Moves // on that day alone
}

// LastDay is the last day of the filter's series: no day that is still to come.
func (f Filter) LastDay(now time.Time) int64 {
	today := DayOf(now)
	if f.To.IsZero() {
		return today
	}
	return min(today, DayOf(f.To))
}

// Totals sums the changes of connections' totals, which come by day, to a
// snapshot a day: from the filter's first day (not before the first change) to
// its last. A day without a change is as the one before.
func Totals(changes []Change, f Filter, now time.Time) []Snapshot {
	if len(changes) == 0 {
		return nil
	}
	day, from := changes[0].Day, changes[0].Day
	if !f.From.IsZero() {
		from = max(from, DayOf(f.From))
	}
	of := map[string]Counts{}
	var list []Snapshot
	before := 0
	for last := f.LastDay(now); day <= last; day++ {
		sum := Snapshot{Day: DayTime(day), Connection: f.Connection, Before: before}
		for len(changes) > 0 && changes[0].Day <= day {
			of[changes[0].Connection] = changes[0].Counts
			sum.Decided = sum.Decided.Add(changes[0].Decided)
			changes = changes[1:]
		}
		for _, c := range of {
			sum.Counts = sum.Add(c)
		}
		if before = sum.Sensitive; day >= from {
			list = append(list, sum)
		}
	}
	return list
}

// Tables carries every table's counts from day to day, in the order of the
// export. The zero value has none.
type Tables struct {
	order  []Key
	counts map[Key]*tableDay
}

// tableDay is a table on a day, with how many of its columns counted as sensitive
// at the end of the day before.
type tableDay struct {
	Counts
	before  int
	decided Moves
}

// Put sets a table's counts, as they stood before the first day.
func (t *Tables) Put(c Change) {
	of := t.of(c.Key)
	of.Counts, of.before = c.Counts, c.Sensitive
}

func (t *Tables) of(k Key) *tableDay {
	if t.counts == nil {
		t.counts = map[Key]*tableDay{}
	}
	of := t.counts[k]
	if of == nil {
		of = &tableDay{}
		t.counts[k] = of
		at, _ := slices.BinarySearchFunc(t.order, k, compareKeys)
		t.order = slices.Insert(t.order, at, k)
	}
	return of
}

// Days applies changes, which come by day, and emits the tables at the end of
// each day from one to another. With totals, each connection's total comes
// before its tables.
func (t *Tables) Days(changes []Change, from, until int64, totals bool, emit func(Snapshot) error) error {
	for day := from; day <= until; day++ {
		for len(changes) > 0 && changes[0].Day == day {
			of := t.of(changes[0].Key)
			of.Counts, of.decided = changes[0].Counts, changes[0].Decided
			changes = changes[1:]
		}
		if err := t.emit(DayTime(day), totals, emit); err != nil {
			return err
		}
	}
	return nil
}

func (t *Tables) emit(day time.Time, totals bool, emit func(Snapshot) error) error {
	for i := 0; i < len(t.order); {
		sum, end := Snapshot{Day: day, Connection: t.order[i].Connection}, i
		for ; end < len(t.order) && t.order[end].Connection == sum.Connection; end++ {
			of := t.counts[t.order[end]]
			sum.Counts, sum.Before, sum.Decided = sum.Add(of.Counts), sum.Before+of.before, sum.Decided.Add(of.decided)
		}
		if totals {
			if err := emit(sum); err != nil {
				return err
			}
		}
		for ; i < end; i++ {
			k := t.order[i]
			of := t.counts[k]
			err := emit(Snapshot{Day: day, Connection: k.Connection, DatastoreID: k.DatastoreID, TableID: k.TableID, Counts: of.Counts,
				Before: of.before, Decided: of.decided})
			if err != nil {
				return err
			}
			of.before, of.decided = of.Sensitive, Moves{}
		}
	}
	return nil
}
