package sensitivity

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
)

// score counts what was proposed for columns whose label is known.
//
// A column that should be sensitive and is proposed as undecided is missed where
// recall is strict, and counted apart where it is that of what was answered.
// Columns that are labelled undecided count for neither precision nor recall.
type score struct {
	hit, falseAlarm, missed, clear int

	asked  int // of the missed, proposed as undecided
	needed int // not sensitive, proposed as undecided; among the clear
	open   map[State]int
}

func (s *score) add(label, proposed State) {
	switch {
	case label == Undecided:
		if s.open == nil {
			s.open = map[State]int{}
		}
		s.open[proposed]++
	case label == Sensitive && proposed == Sensitive:
		s.hit++
	case label == Sensitive:
		s.missed++
		if proposed == Undecided {
			s.asked++
		}
	case proposed == Sensitive:
		s.falseAlarm++
	default:
		s.clear++
		if proposed == Undecided {
			s.needed++
		}
	}
}

func (s *score) precision() float64 { return share(s.hit, s.hit+s.falseAlarm) }
func (s *score) recall() float64    { return share(s.hit, s.hit+s.missed) }

// silent counts the sensitive columns that are proposed as not sensitive: of
// these nobody is told.
func (s *score) silent() int { return s.missed - s.asked }

// columns counts all columns, and undecided those that are proposed so.
func (s *score) columns() int {
	return s.hit + s.missed + s.falseAlarm + s.clear + s.open[Sensitive] + s.open[NotSensitive] + s.open[Undecided]
}
func (s *score) undecided() int { return s.asked + s.needed + s.open[Undecided] }

func share(part, whole int) float64 { return float64(part) / float64(whole) }

// wilson is the interval of Wilson's score for a share, at 95 %.
func wilson(part, whole int) (low, high float64) {
	const z = 1.959964
	n, p := float64(whole), share(part, whole)
	middle, half := p+z*z/(2*n), z*math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	return max(0, (middle-half)/(1+z*z/n)), (middle + half) / (1 + z*z/n)
}

// interval writes a share with its interval, and a dash for a share of nothing.
func interval(part, whole int) string {
	if whole == 0 {
		return "-"
	}
	low, high := wilson(part, whole)
	return fmt.Sprintf("%.3f (%.3f to %.3f)", share(part, whole), low, high)
}

// measured is a set's score, as a whole and by what its columns have in common.
type measured struct {
	all                  score
	language, schema     map[string]*score
	category             map[string]*score // of the label, or of a false alarm as proposed
	missed, alarms, open []string          // a line each
}

func newMeasured() *measured {
	return &measured{language: map[string]*score{}, schema: map[string]*score{}, category: map[string]*score{}}
}

func measure(r *Rules, tables []labelledTable) *measured {
	m := newMeasured()
	m.addAll(r, tables)
	return m
}

func (m *measured) addAll(r *Rules, tables []labelledTable) {
	for _, t := range tables {
		for i, p := range t.propose(r) {
			m.add(t.columns[i], p)
		}
	}
}

func (m *measured) add(c labelled, p Proposal) {
	m.all.add(c.label, p.State)
	in(m.language, c.language).add(c.label, p.State)
	in(m.schema, c.schema).add(c.label, p.State)
	category := c.category
	if p.State == Sensitive && c.label == NotSensitive {
		category = string(p.Category)
	}
	if category != "" {
		in(m.category, category).add(c.label, p.State)
	}
	line := fmt.Sprintf("%s: %s.%s (%s) is %s %s, proposed %s %s: %s", c.schema, c.table, c.Name, c.Type, c.label, c.category, p.State, p.Category, p.Reason)
	switch {
	case c.label == Sensitive && p.State != Sensitive:
		m.missed = append(m.missed, line)
	case c.label == NotSensitive && p.State == Sensitive:
		m.alarms = append(m.alarms, line)
	case c.label == Undecided && p.State == Sensitive:
		m.open = append(m.open, line)
	}
}

func in(scores map[string]*score, key string) *score {
	if scores[key] == nil {
		scores[key] = &score{}
	}
	return scores[key]
}

// String is the figures as a table, without a name of any column.
func (m *measured) String() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\tprecision\trecall of what was answered\trecall, undecided missed\tproposed or asked\tundecided\tsensitive\tnot\tsilent\tasked\tfalse alarms\tasked needlessly\tundecided by label: proposed sensitive / not / undecided")
	row := func(name string, s *score) {
		all := s.hit + s.missed
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d / %d / %d\n", name, interval(s.hit, s.hit+s.falseAlarm),
			interval(s.hit, s.hit+s.silent()), interval(s.hit, all), interval(s.hit+s.asked, all), interval(s.undecided(), s.columns()),
			all, s.falseAlarm+s.clear, s.silent(), s.asked, s.falseAlarm, s.needed, s.open[Sensitive], s.open[NotSensitive], s.open[Undecided])
	}
	row("all", &m.all)
	for _, group := range []struct {
		name   string
		scores map[string]*score
	}{{"language", m.language}, {"category", m.category}, {"schema", m.schema}} {
		fmt.Fprintln(w, group.name+":")
		for _, key := range sortedKeys(group.scores) {
			row("  "+key, group.scores[key])
		}
	}
	_ = w.Flush()
	return b.String()
}

func sortedKeys(scores map[string]*score) []string {
	var keys []string
	for key := range scores {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, cmp.Compare)
	return keys
}
