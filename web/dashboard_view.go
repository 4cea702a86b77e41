package web

import "time"

// DashboardView is what an officer opens in the morning: what needs a person
// first, then where things stand.
type DashboardView struct {
	Chrome
	NextStep  *NextStep // set on an empty installation; then nothing else is shown
	Attention []Attention
	Findings  AttentionTotals // of the findings by their state
	Coverage  CoverageTotals
	Sensitive Protected // the sensitive columns: the number that matters
	Undecided Link      // how many columns are undecided, with their list; no text: none
	Trend     Spark     // of the verified sensitive columns
	History   ChartView // the coverages by day
	Latency   []StageLatency
	Stats     []Stat
	Lists     bool          // the reader may open the lists behind the figures; Runs, Activity and Rotations are filled in
	Runs      []RunRow      // newest first
	Activity  []AuditRow    // newest first
	Rotations []RotationRow // soonest first
}

// StageLatency is how long a stage of the runs took lately.
type StageLatency struct {
	Stage    string
	P50, P95 int64 // milliseconds, of the newest day with runs
	Day      time.Time
	Trend    Spark
	Href     string
}

// NextStep is what to do on an empty installation.
type NextStep struct {
	Title string
	Text  string
	Link  Link
}

// Attention is one kind of thing that needs a person, with the list behind it.
type Attention struct {
	Kind   string // one of attentionKinds
	Count  int
	Link   Link   // to the list behind it
	Title  string // in place of the kind's own words; empty: "2 runs were rejected by the KMS check"
	Detail string // the same, of what to do next
	At     time.Time
}

// CoverageTotals is the coverage of everything the console has read.
type CoverageTotals struct {
	Coverage
	Tables              int       // tables read
	TablesUntouched     int       // of those, with no encrypted column
	ReadAt              time.Time // when the oldest of them was last read
	Href, UntouchedHref string    // the lists behind the numbers
	Unlisted            int       // data stores whose tables could not be listed whole: there may be more
	UnlistedTenants     int       // connections that could not be read, or listed whole, the last time
}

// Stat is one number with the list behind it.
type Stat struct {
	Label string
	Value int
	Note  string // "last 30 days"
	Href  string
	Tone  Tone // how a number above zero is meant
}

// activitySubject is what a record is about, in a few words.
func activitySubject(r AuditRow) string {
	switch {
	case r.TableID != "":
		return " on " + r.TableID
	case r.RunID != "":
		return " on run " + ShortID(r.RunID)
	}
	return ""
}
