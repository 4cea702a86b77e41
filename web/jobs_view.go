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

func jobLabel(state string) label {
	switch state {
	case "running":
		return label{"Running", ToneInfo, "loader"}
	case "hangs":
		return label{"Hangs", ToneDanger, "alert"}
	case "failed":
		return label{"Failed", ToneDanger, "x"}
	case "fine":
		return label{"Fine", ToneSuccess, "check"}
	}
	return label{"Not run yet", ToneNone, "clock"}
}
