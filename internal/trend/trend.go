// Package trend is how things went from day to day: the two coverages, what
// made them fall, and how long runs took. It decides what the figures become
// when a table was read or a run ended, says why a coverage fell, and writes the
// series as CSV. The store keeps the figures in the transaction of the fact; this
// package does no I/O of its own.
package trend

import (
	"fmt"
	"math"
	"slices"
	"time"

	"cxseal/internal/audit"
)

// Counts are a table's columns, or a connection's, as the two coverages count
// them. The two are never mixed: one is over all columns, the other over those
// that are sensitive.
type Counts struct {
	Total, Encrypted int
	Sensitive        int
	Protected        Protected
}

// Protected are the sensitive columns that are encrypted, by their state
// (package protection).
type Protected struct{ Verified, Unverified, Refused int }

// Rate is the share of all columns that are encrypted, in percent with two
// decimals (contract §4's coverageRate).
func (c Counts) Rate() float64 { return audit.Rate(c.Encrypted, c.Total) }

// SensitiveEncrypted is how many of the sensitive columns are encrypted, whatever
// the KMS said of them.
func (c Counts) SensitiveEncrypted() int {
	return c.Protected.Verified + c.Protected.Unverified + c.Protected.Refused
}

// SensitiveRate is the share of the sensitive columns that are encrypted,
// whatever the KMS said of them.
func (c Counts) SensitiveRate() float64 { return audit.Rate(c.SensitiveEncrypted(), c.Sensitive) }

// VerifiedRate is the share of the sensitive columns that are verified: the
// headline.
func (c Counts) VerifiedRate() float64 { return audit.Rate(c.Protected.Verified, c.Sensitive) }

// Add sums two.
func (c Counts) Add(d Counts) Counts { return c.plus(d, 1) }

// Sub takes one from another.
func (c Counts) Sub(d Counts) Counts { return c.plus(d, -1) }

func (c Counts) plus(d Counts, sign int) Counts {
	c.Total += sign * d.Total
	c.Encrypted += sign * d.Encrypted
	c.Sensitive += sign * d.Sensitive
	c.Protected.Verified += sign * d.Protected.Verified
	c.Protected.Unverified += sign * d.Protected.Unverified
	c.Protected.Refused += sign * d.Protected.Refused
	return c
}

// FellFrom reports whether one of the three shares is lower than it was: of all
// columns, of the sensitive ones, of those that are verified. A share of nothing
// can neither rise nor fall.
func (c Counts) FellFrom(was Counts) bool {
	return fell(was.Encrypted, was.Total, c.Encrypted, c.Total) ||
		fell(was.SensitiveEncrypted(), was.Sensitive, c.SensitiveEncrypted(), c.Sensitive) ||
		fell(was.Protected.Verified, was.Sensitive, c.Protected.Verified, c.Sensitive)
}

func fell(part, whole, newPart, newWhole int) bool {
	return whole > 0 && newWhole > 0 && newPart*whole < part*newWhole
}

// Snapshot is a coverage at the end of a UTC day. DatastoreID and TableID are
// empty for a connection's total, and Connection too for the total of all.
type Snapshot struct {
	Day                              time.Time
	Connection, DatastoreID, TableID string
	Counts

	// Before is how many columns counted as sensitive at the end of the day before,
	// and Decided what of the difference people decided on the day. The rest was
	// found in the tenant or comes of new rules.
	Before  int
	Decided Moves
}

// Net is by how much the number of sensitive columns, the denominator of the
// coverage, changed on the day.
func (s Snapshot) Net() int { return s.Sensitive - s.Before }

// Counting says what changed on the day of the number of sensitive columns, net,
// and what of it people decided. It is empty on a day without a change.
func (s Snapshot) Counting() string {
	net, decided := s.Net(), ""
	if s.Decided != (Moves{}) {
		decided = fmt.Sprintf(" By decision: %d taken out, %d brought in.", s.Decided.Out, s.Decided.In)
	}
	switch {
	case net > 0:
		return fmt.Sprintf("%s as sensitive, net: from %d to %d.", moreCount(net, "more"), s.Before, s.Sensitive) + decided
	case net < 0:
		return fmt.Sprintf("%s as sensitive, net: from %d to %d.", moreCount(-net, "fewer"), s.Before, s.Sensitive) + decided
	case decided != "":
		return fmt.Sprintf("As many columns count as sensitive as the day before, net: %d.", s.Sensitive) + decided
	}
	return ""
}

func moreCount(n int, than string) string {
	if n == 1 {
		return "1 " + than + " column counts"
	}
	return fmt.Sprintf("%d %s columns count", n, than)
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
	Run     Kind = "run"     // a run was verified
	Drop    Kind = "drop"    // a coverage fell, and protection was lost
	Counted Kind = "counted" // a coverage fell because of what is counted, and no protection was lost
)

// Kinds returns every kind of event.
func Kinds() []Kind { return []Kind{Run, Drop, Counted} }

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
	Timed         int   // of the runs, those whose duration is known
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
