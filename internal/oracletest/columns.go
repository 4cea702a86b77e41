package oracletest

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The states of a column (contract §3).
const (
	Verified    = "verified"
	Unverified  = "unverified"
	Refused     = "refused"
	Unprotected = "unprotected"
)

// Column is what the records tell of a column at a moment.
type Column struct {
	State     string
	Sensitive string // sensitive, not_sensitive or undecided
	Observed  bool   // verified, and seen under a later key version since

	run            int // the place, from 1, of the run that its verdict is on
	proven, newest int64
}

// Columns returns every known column at a moment: after the records and readings before it. Runs end one after the
// other on a table, so the order of their last records is the order of their changes.
func (l Ledger) Columns(f Facts, before time.Time) map[Table]map[string]Column {
	known := map[Table]map[string]Column{}
	ended := map[string]int{} // the place of each run that has ended
	for table, read := range f.Read {
		if !read.At.Before(before) {
			continue
		}
		known[table] = map[string]Column{}
		for name, encrypted := range read.Columns {
			state := Unprotected
			if encrypted {
				state = Unverified
			}
			known[table][name] = Column{State: state, Sensitive: f.Proposed[table][name]}
		}
	}
	for i := range l {
		r := &l[i]
		table := known[r.Table()]
		if !r.At.Before(before) || table == nil {
			continue
		}
		if r.ended() {
			ended[r.RunID] = len(ended) + 1
		}
		for _, name := range r.Columns {
			c, there := table[name]
			switch {
			case !there && !strings.HasPrefix(r.Detail, "New column of type "):
				continue // of another name than any column's: a run on it fails
			case r.ended() && r.KMS != nil:
				c.end(r, ended[r.RunID])
			case r.Operation == "KMS_CALLBACK" && r.Outcome == "SUCCESS" && ended[r.RunID] > 0:
				c.judge(Verified, ended[r.RunID], r.KMS.KeyVersion)
			case r.Operation == "SENSITIVITY_DECIDED" && r.Outcome == "SUCCESS":
				c.Sensitive = r.Decision.Is
			case r.Operation == "ROTATION_OBSERVED":
				c.newest = max(c.newest, versionIn(r.Detail))
			case r.Operation == "DRIFT_DETECTED":
				switch {
				case strings.Contains(r.Detail, "no longer encrypted"):
					c.State, c.run = Unprotected, len(ended)+1 // no verdict on an earlier run counts any more
				case foreign(r):
					c.State = Unverified
				case strings.HasPrefix(r.Detail, "New column of type "):
					c = Column{State: Unprotected, Sensitive: f.Proposed[r.Table()][name]}
				case strings.HasPrefix(r.Detail, "The column is gone"):
					delete(table, name)
					continue
				}
			default:
				continue
			}
			c.Observed = c.State == Verified && c.newest > c.proven
			table[name] = c
		}
	}
	return known
}

// foreign reports whether a record of drift says that a column is encrypted, and no run's record does.
func foreign(r *Record) bool {
	return strings.Contains(r.Detail, "was encrypted by someone else") || strings.HasPrefix(r.Detail, "The column is encrypted.")
}

// end takes in the last record of a run.
func (c *Column) end(r *Record, run int) {
	switch r.KMS.Status {
	case "VERIFIED":
		c.judge(Verified, run, r.KMS.KeyVersion)
	case "REJECTED":
		c.judge(Refused, run, 0)
	case "UNCONFIRMED": // no verdict: what was known stands, and a column that was open is encrypted
		c.newest = max(c.newest, r.KMS.KeyVersion)
		if c.State == Unprotected {
			c.State = Unverified
		}
	}
}

// judge takes in a verdict, unless there is one on a later run.
func (c *Column) judge(state string, run int, version int64) {
	if run < c.run {
		return
	}
	c.State, c.run, c.proven, c.newest = state, run, version, max(c.newest, version)
}

// versionIn reads "Key version 3, up from 2".
func versionIn(detail string) int64 {
	var version int64
	if _, err := fmt.Sscanf(detail, "Key version %d,", &version); err != nil {
		return 0
	}
	return version
}

// Counts are a table's columns, or those of several.
type Counts struct {
	Total, Encrypted                         int
	Sensitive, Verified, Unverified, Refused int // the last three of the sensitive ones
	Observed, Undecided                      int
}

// Plus sums two.
func (c Counts) Plus(d Counts) Counts {
	return Counts{c.Total + d.Total, c.Encrypted + d.Encrypted, c.Sensitive + d.Sensitive, c.Verified + d.Verified,
		c.Unverified + d.Unverified, c.Refused + d.Refused, c.Observed + d.Observed, c.Undecided + d.Undecided}
}

// Open is how many sensitive columns are not encrypted.
func (c Counts) Open() int { return c.Sensitive - c.Verified - c.Unverified - c.Refused }

// CountOf counts columns.
func CountOf(columns map[string]Column) (n Counts) {
	for _, c := range columns {
		n.Total++
		if c.State != Unprotected {
			n.Encrypted++
		}
		switch c.Sensitive {
		case "undecided":
			n.Undecided++
		case "sensitive":
			n.Sensitive++
			switch c.State {
			case Verified:
				n.Verified++
				if c.Observed {
					n.Observed++
				}
			case Unverified:
				n.Unverified++
			case Refused:
				n.Refused++
			}
		}
	}
	return n
}

// Total counts the columns of all tables.
func Total(tables map[Table]map[string]Column) (n Counts) {
	for _, columns := range tables {
		n = n.Plus(CountOf(columns))
	}
	return n
}

// Share is part of whole in percent with two decimals, 0 for a whole of 0.
func Share(part, whole int) string {
	if whole == 0 {
		return "0"
	}
	return strconv.FormatFloat(math.Round(float64(part)*10000/float64(whole))/100, 'f', -1, 64)
}

// SortedTables are the keys of a map in the order of exports.
func SortedTables[V any](m map[Table]V) []Table {
	var list []Table
	for t := range m {
		list = append(list, t)
	}
	slices.SortFunc(list, func(a, b Table) int {
		return strings.Compare(a.Connection+"\x00"+a.DatastoreID+"\x00"+a.TableID, b.Connection+"\x00"+b.DatastoreID+"\x00"+b.TableID)
	})
	return list
}
