package trend

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestADayWithoutAChangeIsAsTheOneBeforeAndNoneIsToCome(t *testing.T) {
	first := DayOf(noon)
	change := func(day int64, connection string, total int) Change {
		return Change{Day: day, Key: Key{Connection: connection}, Counts: Counts{Total: total}}
	}
	changes := []Change{change(first, "a", 2), change(first+2, "b", 10), change(first+3, "a", 4)}
	for _, c := range []struct {
		what string
		f    Filter
		want []int // the first of them on which day
		from int64
	}{
		{"everything to today", Filter{}, []int{2, 2, 12, 14, 14}, first},
		{"from a day between two changes", Filter{From: DayTime(first + 1)}, []int{2, 12, 14, 14}, first + 1},
		{"from before the first change", Filter{From: DayTime(first - 5)}, []int{2, 2, 12, 14, 14}, first},
		{"to a day", Filter{To: DayTime(first + 1)}, []int{2, 2}, first},
		{"to a day that is still to come", Filter{To: DayTime(first + 50)}, []int{2, 2, 12, 14, 14}, first},
	} {
		var totals []int
		list := Totals(changes, c.f, noon.AddDate(0, 0, 4))
		for _, s := range list {
			totals = append(totals, s.Total)
		}
		if diff := cmp.Diff(c.want, totals); diff != "" || !list[0].Day.Equal(DayTime(c.from)) {
			t.Errorf("%s: from %s\n%s", c.what, list[0].Day, diff)
		}
	}
	if list := Totals(nil, Filter{}, noon); list != nil {
		t.Errorf("without a change there is %v", list)
	}
}

func TestADayOfTheExportHasEachConnectionsTotalBeforeItsTables(t *testing.T) {
	first := DayOf(noon)
	table := func(day int64, connection, datastore, id string, total int) Change {
		return Change{Day: day, Key: Key{connection, datastore, id}, Counts: Counts{Total: total}}
	}
	var tables Tables
	tables.Put(table(0, "eu", "d2", "t", 1))
	var got []string
	emit := func(s Snapshot) error {
		got = append(got, fmt.Sprint(DayOf(s.Day)-first, " ", s.Connection, "/", s.DatastoreID, "/", s.TableID, " ", s.Total))
		return nil
	}
	if err := tables.Days([]Change{table(first+1, "us", "d", "t", 5), table(first+1, "eu", "d1", "t", 2)}, first, first+1, true, emit); err != nil {
		t.Fatal(err)
	}
	want := []string{"0 eu// 1", "0 eu/d2/t 1", "1 eu// 3", "1 eu/d1/t 2", "1 eu/d2/t 1", "1 us// 5", "1 us/d/t 5"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	got = nil
	if err := tables.Days([]Change{table(first+2, "us", "d", "t", 6)}, first+2, first+2, false, emit); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"2 eu/d1/t 2", "2 eu/d2/t 1", "2 us/d/t 6"}, got); diff != "" {
		t.Error(diff)
	}
}
