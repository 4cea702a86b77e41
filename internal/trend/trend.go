// Package trend is how things went from day to day: the two coverages, what
// made them fall, and how long runs took. It decides what the figures become
// when a table was read or a run ended, says why a coverage fell, and writes the
// series as CSV. The store keeps the figures in the transaction of the fact; this
// package does no I/O of its own.
package trend

import (
	"math"
	"slices"
	"time"

	"cxseal/internal/audit"
)

// Counts are a table's columns, or a connection's, as the two coverages count
// them. The two are never mixed: one is over all columns, the other over those
// that are sensitive.
type Counts struct {
	Total, Encrypted              int
	Sensitive, SensitiveEncrypted int
}

// Rate is the share of all columns that are encrypted, in percent with two
// decimals (contract §4's coverageRate).
func (c Counts) Rate() float64 { return audit.Rate(c.Encrypted, c.Total) }

// SensitiveRate is the share of the sensitive columns that are encrypted.
func (c Counts) SensitiveRate() float64 { return audit.Rate(c.SensitiveEncrypted, c.Sensitive) }

// Add sums two.
func (c Counts) Add(d Counts) Counts {
	return Counts{c.Total + d.Total, c.Encrypted + d.Encrypted, c.Sensitive + d.Sensitive, c.SensitiveEncrypted + d.SensitiveEncrypted}
}

// Sub takes one from another.
func (c Counts) Sub(d Counts) Counts {
	return Counts{c.Total - d.Total, c.Encrypted - d.Encrypted, c.Sensitive - d.Sensitive, c.SensitiveEncrypted - d.SensitiveEncrypted}
}

// FellFrom reports whether either coverage is lower than it was. A coverage of
// nothing can neither rise nor fall.
func (c Counts) FellFrom(was Counts) bool {
	return was.Total > 0 && c.Total > 0 && c.Encrypted*was.Total < was.Encrypted*c.Total ||
		was.Sensitive > 0 && c.Sensitive > 0 && c.SensitiveEncrypted*was.Sensitive < was.SensitiveEncrypted*c.Sensitive
}

// Snapshot is a coverage at the end of a UTC day. DatastoreID and TableID are
// empty for a connection's total, and Connection too for the total of all.
type Snapshot struct {
	Day                              time.Time
	Connection, DatastoreID, TableID string
	Counts
}

// Event is what the chart marks on a day.
type Event struct {
	Seq                              int64
	At                               time.Time
	Connection, DatastoreID, TableID string
	TableName                        string
	Kind                             Kind
	Reason                           string // one sentence, never empty
	RunID                            string // empty: no run did it
}

// Kind is what an event is.
type Kind string

// The kinds of events.
const (
	Run  Kind = "run"  // a run was verified
	Drop Kind = "drop" // a coverage fell
)

// Kinds returns every kind of event.
func Kinds() []Kind { return []Kind{Run, Drop} }

// Stage is a part of a run whose duration is kept.
type Stage string

// Stages lists the stages in the order a run meets them.
func Stages() []Stage { return []Stage{"token", "checks", "patch", "kms"} }

// Latency is how long the runs that ended on a UTC day took in one stage. Runs
// counts those that reached the stage; Failed those of them that came no
// further and were not verified, so that a failed run counts once.
type Latency struct {
	Day           time.Time
	Stage         Stage
	Runs, Failed  int
	P50, P95, Max int64 // milliseconds
}

// Percentile is the nearest-rank percentile: the smallest value that at least
// the share p of the values do not exceed. It is 0 for no values.
func Percentile(values []int64, p float64) int64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[Rank(len(sorted), p)-1]
}

// Rank is the place, from 1, of the percentile p among n sorted values.
func Rank(n int, p float64) int { return max(1, int(math.Ceil(p*float64(n)-1e-9))) }

// Filter narrows a series; the zero value is everything. From and To are UTC
// days, both inclusive; zero is open.
type Filter struct {
	From, To                         time.Time
	Connection, DatastoreID, TableID string
}

// DayOf is the number of a time's UTC day since 1970.
func DayOf(t time.Time) int64 { return int64(math.Floor(float64(t.Unix()) / 86400)) }

// DayTime is the beginning of a numbered day.
func DayTime(day int64) time.Time { return time.Unix(day*86400, 0).UTC() }
