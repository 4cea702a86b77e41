package web

import "time"

// JobsView shows the background jobs.
type JobsView struct {
	Chrome
	Leading bool
	Rows    []JobRow
}

// JobRow is one job.
type JobRow struct {
	Name, Does string
	State      string // running, hangs, failed, fine, waiting
	Every      string
	LastAt     time.Time
	TookMs     int64
	NextAt     time.Time
	Error      string
	Failures   int
}

// jobConditions are how a background job does.
var jobConditions = vocabulary{
	{"waiting", label{"Not run yet", ToneNone, "clock"}},
	{"running", label{"Running", ToneInfo, "loader"}},
	{"hangs", label{"Hangs", ToneDanger, "alert"}},
	{"failed", label{"Failed", ToneDanger, "x"}},
	{"fine", label{"Fine", ToneSuccess, "check"}},
}

func jobLabel(condition string) label { return jobConditions.label(condition) }
