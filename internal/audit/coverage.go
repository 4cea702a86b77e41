package audit

import (
	"cmp"
	"context"
	"fmt"
	"html/template"
	"math"
	"slices"
	"strconv"
	"time"
)

// Rate returns part of whole in percent with two decimals, as coverageRate has it (contract §4), and 0 for a whole
// of 0.
func Rate(part, whole int) float64 {
	if whole == 0 {
		return 0
	}
	return math.Round(float64(part)/float64(whole)*10000) / 100
}

// CoverageFigures count the columns of one table, or of several together, as they stood at the end of a UTC day.
type CoverageFigures struct {
	Total, Encrypted              int
	Sensitive                     int
	Verified, Unverified, Refused int // the sensitive columns that are encrypted, by their state (contract §3)
}

func (c CoverageFigures) add(d CoverageFigures) CoverageFigures {
	return CoverageFigures{c.Total + d.Total, c.Encrypted + d.Encrypted, c.Sensitive + d.Sensitive,
		c.Verified + d.Verified, c.Unverified + d.Unverified, c.Refused + d.Refused}
}

// TableCoverage is the coverage of a table at both ends of a period: the last figures before it begins, and
// the last before it ends. nil means that the table was never read before.
type TableCoverage struct {
	Connection, DatastoreID, TableID, Name string
	Start, End                             *CoverageFigures
}

// CoverageHistory reads the coverage of every known table, those without a run too. A zero from is before the
// first figure, a zero to is after the last one.
type CoverageHistory interface {
	CoverageAtEnds(ctx context.Context, from, to time.Time) ([]TableCoverage, error)
}

// concerns reports whether the query's connection, data store and table leave the table in. Its other
// conditions are about records and leave every table in.
func (q *Query) concerns(t TableCoverage) bool {
	for field, value := range map[Field]string{FieldConnection: t.Connection, FieldDatastore: t.DatastoreID, FieldTable: t.TableID} {
		in, notIn := q.Values(field)
		if len(in) > 0 && !slices.Contains(in, value) || slices.Contains(notIn, value) {
			return false
		}
	}
	return true
}

// maxCoverageBytes bounds the summary's rows of tables: a verification reads the summary whole (maxPackFile).
const maxCoverageBytes = 3 << 20

// coverageRow is a row of the summary's table of coverage, its figures as text.
type coverageRow struct {
	TableCoverage
	AllStart, AllEnd, SensitiveStart, SensitiveEnd string
}

// coverageRows returns the rows of the tables by connection, data store and table, as many as fit into most
// bytes; how many were left out; and the total of all the tables. A total counts the tables whose figures are
// known at that end, and is not known when none are.
func coverageRows(tables []TableCoverage, most int) (rows []coverageRow, more int, total coverageRow) {
	tables = slices.SortedFunc(slices.Values(tables), func(a, b TableCoverage) int {
		return cmp.Or(cmp.Compare(a.Connection, b.Connection), cmp.Compare(a.DatastoreID, b.DatastoreID), cmp.Compare(a.TableID, b.TableID))
	})
	var sum TableCoverage
	for _, t := range tables {
		sum.Start, sum.End = addKnown(sum.Start, t.Start), addKnown(sum.End, t.End)
		const markup = 430 // of a row, figures included
		most -= markup + len(template.HTMLEscapeString(t.Connection+t.DatastoreID+t.TableID+t.Name))
		if most < 0 {
			more++
			continue
		}
		rows = append(rows, rowOf(t))
	}
	return rows, more, rowOf(sum)
}

func addKnown(sum, c *CoverageFigures) *CoverageFigures {
	if c == nil {
		return sum
	}
	if sum == nil {
		sum = &CoverageFigures{}
	}
	both := sum.add(*c)
	return &both
}

func rowOf(t TableCoverage) coverageRow {
	r := coverageRow{TableCoverage: t}
	r.AllStart, r.SensitiveStart = coverageText(t.Start)
	r.AllEnd, r.SensitiveEnd = coverageText(t.End)
	return r
}

// coverageText returns figures as text for the summary: the encrypted columns of all, and the verified ones of the
// sensitive with those that are encrypted and not verified, or refused.
func coverageText(c *CoverageFigures) (all, sensitive string) {
	if c == nil {
		return "not known", "not known"
	}
	sensitive = shareText(c.Verified, c.Sensitive, "none")
	if c.Unverified > 0 {
		sensitive += fmt.Sprintf(", %d not verified", c.Unverified)
	}
	if c.Refused > 0 {
		sensitive += fmt.Sprintf(", %d refused", c.Refused)
	}
	return shareText(c.Encrypted, c.Total, "no columns"), sensitive
}

func shareText(part, whole int, nothing string) string {
	if whole == 0 {
		return nothing
	}
	return fmt.Sprintf("%s %% (%d of %d)", strconv.FormatFloat(Rate(part, whole), 'f', -1, 64), part, whole)
}
