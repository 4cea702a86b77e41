package web

import (
	"strconv"
	"strings"
	"time"
)

// ChartView is a series of days: a drawing, and the table that it is drawn
// from. Without scripts the drawing is the server's; with them it can be
// zoomed and walked through day by day.
type ChartView struct {
	ID      string // unique on the page
	Title   string
	Summary string // what the chart says, in a sentence, for who does not see it
	Unit    string // "%" or "ms"
	Lines   []ChartLine
	Days    []ChartDay
	CSV     string // where the series is downloaded
	Runs    bool   // a day links to its runs
	Counts  bool   // marks tell losses of protection from changes of what counts
}

// ChartLine is one line of a chart. Its place names its colour.
type ChartLine struct {
	Label  string
	Points bool // marks on days, not a line: what is zero is not drawn
}

// ChartDay is one row: a value for each line (negative: none), and what
// happened.
type ChartDay struct {
	Day    time.Time
	Values []float64
	Marks  []ChartMark
}

// ChartMark is something that happened on a day.
type ChartMark struct {
	Kind   string // "run", "drop" or "counted"
	Reason string
	Href   string
}

// runsHref are the runs of a day.
func (d ChartDay) runsHref() string {
	day := d.Day.Format(time.DateOnly)
	return listPath("/runs", "from", day, "to", day)
}

func (d ChartDay) value(i int) string {
	if d.Values[i] < 0 {
		return "—"
	}
	return strconv.FormatFloat(d.Values[i], 'f', -1, 64)
}

// raw is the value as scripts read it; empty for none.
func (d ChartDay) raw(i int) string {
	if d.Values[i] < 0 {
		return ""
	}
	return strconv.FormatFloat(d.Values[i], 'f', -1, 64)
}

// marked reports whether something of the kind happened on the day.
func (d ChartDay) marked(kind string) bool {
	for _, m := range d.Marks {
		if m.Kind == kind {
			return true
		}
	}
	return false
}

// shownMarks are the marks of a day in the table: every drop, and the first
// few runs.
const shownMarks = 6

// The drawing's coordinates. It scales with its box.
const (
	plotWidth  = 720.0
	plotHeight = 200.0
	plotPad    = 4.0
)

// top returns the largest value of the chart's axis, 100 for percentages.
func (v ChartView) top() float64 {
	if v.Unit == "%" {
		return 100
	}
	top := 1.0
	for _, d := range v.Days {
		for _, n := range d.Values {
			top = max(top, n)
		}
	}
	return top
}

// scale is a value as the drawing's axis says it.
func (v ChartView) scale(n float64) string {
	text := strconv.FormatFloat(n, 'f', -1, 64)
	if v.Unit == "%" {
		return text + "%"
	}
	return text + " " + v.Unit
}

func (v ChartView) x(i int) float64 {
	return plotPad + (plotWidth-2*plotPad)*float64(i)/float64(max(1, len(v.Days)-1))
}

// height is where a value stands in a chart that ends at top.
func height(n, top float64) float64 {
	return plotHeight - plotPad - (plotHeight-2*plotPad)*n/top
}

// path returns the line as SVG path data. A day without a value interrupts it.
func (v ChartView) path(line int) string {
	top := v.top()
	return pathOf(len(v.Days), func(i int) (x, y float64, ok bool) {
		n := v.Days[i].Values[line]
		return v.x(i), height(n, top), n >= 0
	})
}

func pathOf(n int, at func(i int) (x, y float64, ok bool)) string {
	var b strings.Builder
	pen := "M"
	for i := range n {
		x, y, ok := at(i)
		if !ok {
			pen = "M"
			continue
		}
		b.WriteString(pen)
		b.WriteString(coordinate(x))
		b.WriteByte(' ')
		b.WriteString(coordinate(y))
		pen = "L"
	}
	return b.String()
}

func coordinate(f float64) string { return strconv.FormatFloat(f, 'f', 1, 64) }

// markLines are where the drawing marks that something of the kind happened: that
// protection was lost, or that what counts changed.
func (v ChartView) markLines(kind string) []string {
	var list []string
	for i, d := range v.Days {
		if d.marked(kind) {
			list = append(list, coordinate(v.x(i)))
		}
	}
	return list
}

// dot is the position of one mark of a line that is drawn as points.
type dot struct{ x, y string }

func (v ChartView) dots(line int) []dot {
	var list []dot
	top := v.top()
	for i, d := range v.Days {
		if d.Values[line] > 0 {
			list = append(list, dot{coordinate(v.x(i)), coordinate(height(d.Values[line], top))})
		}
	}
	return list
}

func lineClass(i int) string { return "cx-line-" + strconv.Itoa(i) }

// copyText is the chart's table as tab-separated text, for a spreadsheet.
func (v ChartView) copyText() string {
	var b strings.Builder
	b.WriteString("Date")
	for _, l := range v.Lines {
		b.WriteString("\t" + l.Label)
	}
	for _, d := range v.Days {
		b.WriteString("\n" + d.Day.Format(time.DateOnly))
		for i := range v.Lines {
			b.WriteString("\t" + d.raw(i))
		}
	}
	return b.String()
}

// Spark is a small line without axes: how a number came to where it is.
type Spark struct {
	Values []float64
	Label  string // what it shows, in a sentence
}

const (
	sparkWidth  = 160.0
	sparkHeight = 36.0
)

func (s Spark) path() string {
	low, high := 0.0, 1.0
	if len(s.Values) > 0 {
		low, high = s.Values[0], s.Values[0]
	}
	for _, v := range s.Values {
		low, high = min(low, v), max(high, v)
	}
	if high == low {
		high++
	}
	return pathOf(len(s.Values), func(i int) (x, y float64, ok bool) {
		return 2 + (sparkWidth-4)*float64(i)/float64(max(1, len(s.Values)-1)), sparkHeight - 3 - (sparkHeight-6)*(s.Values[i]-low)/(high-low), true
	})
}
