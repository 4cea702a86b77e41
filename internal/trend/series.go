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
	for last := f.LastDay(now); day <= last; day++ {
		for len(changes) > 0 && changes[0].Day <= day {
			of[changes[0].Connection] = changes[0].Counts
			changes = changes[1:]
		}
		if day < from {
			continue
		}
		sum := Snapshot{Day: DayTime(day), Connection: f.Connection}
		for _, c := range of {
			sum.Counts = sum.Add(c)
		}
		list = append(list, sum)
	}
	return list
}

// Tables carries every table's counts from day to day, in the order of the
// export. The zero value has none.
type Tables struct {
	order  []Key
	counts map[Key]Counts
}

// Put sets a table's counts.
func (t *Tables) Put(c Change) {
	if t.counts == nil {
		t.counts = map[Key]Counts{}
	}
	if _, known := t.counts[c.Key]; !known {
		at, _ := slices.BinarySearchFunc(t.order, c.Key, compareKeys)
		t.order = slices.Insert(t.order, at, c.Key)
	}
	t.counts[c.Key] = c.Counts
}

// Days applies changes, which come by day, and emits the tables at the end of
// each day from one to another. With totals, each connection's total comes
// before its tables.
func (t *Tables) Days(changes []Change, from, until int64, totals bool, emit func(Snapshot) error) error {
	for day := from; day <= until; day++ {
		for len(changes) > 0 && changes[0].Day == day {
			t.Put(changes[0])
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
		connection, sum, end := t.order[i].Connection, Counts{}, i
		for ; end < len(t.order) && t.order[end].Connection == connection; end++ {
			sum = sum.Add(t.counts[t.order[end]])
		}
		if totals {
			if err := emit(Snapshot{Day: day, Connection: connection, Counts: sum}); err != nil {
				return err
			}
		}
		for ; i < end; i++ {
			k := t.order[i]
			if err := emit(Snapshot{Day: day, Connection: connection, DatastoreID: k.DatastoreID, TableID: k.TableID, Counts: t.counts[k]}); err != nil {
				return err
			}
		}
	}
	return nil
}
