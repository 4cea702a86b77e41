package trend

import (
	"strings"
	"testing"
)

// An officer asks why the number fell: because protection was lost, or because other columns are counted. The two are
// never mixed, whatever happens in one reading.
func TestAFallOfProtectionIsToldFromOneOfWhatIsCounted(t *testing.T) {
	column := func(encrypted, sensitive, verified int) Counts {
		return Counts{Total: 1, Encrypted: encrypted, Sensitive: sensitive, Protected: Protected{Verified: verified}}
	}
	gone := Counts{}
	for _, c := range []struct {
		what string
		// before and now of each column of a table of two
		before, now [2]Counts
		want        Kind
	}{
		{"a new sensitive column is open", [2]Counts{column(1, 1, 1), gone}, [2]Counts{column(1, 1, 1), column(0, 1, 0)}, Counted},
		{"an open column counts from now on", [2]Counts{column(1, 1, 1), column(0, 0, 0)}, [2]Counts{column(1, 1, 1), column(0, 1, 0)}, Counted},
		{"a verified column counts no longer", [2]Counts{column(1, 1, 1), column(0, 1, 0)}, [2]Counts{column(1, 0, 0), column(0, 1, 0)}, Counted},
		{"a verified column is gone", [2]Counts{column(1, 1, 1), column(0, 1, 0)}, [2]Counts{gone, column(0, 1, 0)}, Counted},
		{"a column lost its encryption", [2]Counts{column(1, 1, 1), column(0, 1, 0)}, [2]Counts{column(0, 1, 0), column(0, 1, 0)}, Drop},
		{"a column that does not count lost its encryption", [2]Counts{column(1, 0, 0), gone}, [2]Counts{column(0, 0, 0), gone}, Drop},
		{"one is lost while another one appears", [2]Counts{column(1, 1, 1), gone}, [2]Counts{column(0, 1, 0), column(0, 1, 0)}, Drop},
		{"one is lost while a verified one appears", [2]Counts{column(1, 1, 1), gone}, [2]Counts{column(0, 1, 0), column(1, 1, 1)}, Drop},
	} {
		var why Cause
		var before, now Counts
		for i := range c.before {
			before, now = before.Add(c.before[i]), now.Add(c.now[i])
			why.Members = why.Members.Add(Membership(c.before[i], c.now[i]))
		}
		r := Recount(noon, before, now, nil, why)
		if r.Event == nil || r.Event.Kind != c.want {
			t.Errorf("%s: %+v, want %s", c.what, r.Event, c.want)
		}
	}
}

func TestADaysRowSaysWhatChangedOfTheDenominator(t *testing.T) {
	first := DayOf(noon)
	sensitive := func(n int) Counts { return Counts{Total: 9, Sensitive: n} }
	changes := []Change{{Day: first, Key: Key{Connection: "a"}, Counts: sensitive(5)},
		{Day: first + 2, Key: Key{Connection: "a"}, Counts: sensitive(3), Decided: Moves{Out: 3, In: 1}}}
	for what, from := range map[string]int64{"the whole series": first, "from a day between": first + 1, "from the day itself": first + 2} {
		for _, s := range Totals(changes, Filter{From: DayTime(from)}, noon.AddDate(0, 0, 3)) {
			want, decided := map[int64]int{first: 5, first + 2: -2}[DayOf(s.Day)], Moves{}
			if DayOf(s.Day) == first+2 {
				decided = Moves{Out: 3, In: 1}
			}
			if s.Net() != want || s.Decided != decided {
				t.Errorf("%s, %s: net %d, decided %+v", what, s.Day, s.Net(), s.Decided)
			}
		}
	}
	var tables Tables
	tables.Put(Change{Key: Key{"a", "d", "t"}, Counts: sensitive(5)})
	var b strings.Builder
	out := NewCoverageChangesCSV(&b)
	day := Change{Day: first, Key: Key{"a", "d", "t"}, Counts: sensitive(3), Decided: Moves{Out: 3, In: 1}}
	if err := tables.Days([]Change{day}, first, first+1, true, out.Coverage); err != nil {
		t.Fatal(err)
	}
	if err := out.Flush(); err != nil {
		t.Fatal(err)
	}
	rows := strings.Split(strings.TrimSpace(b.String()), "\r\n")
	if !strings.HasSuffix(rows[0], ",sensitive_refused,sensitive_change,decided_out,decided_in") || len(rows) != 5 {
		t.Fatalf("%q", rows)
	}
	for i, want := range []string{",-2,3,1", ",-2,3,1", ",0,0,0", ",0,0,0"} {
		if !strings.HasSuffix(rows[i+1], want) {
			t.Errorf("row %d is %q, want it to end in %q", i+1, rows[i+1], want)
		}
	}
}
