package audit

import (
	"cmp"
	_ "embed"
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strings"
	"time"
)

// Bounds of the summary, so that its size does not grow with the number of records. Left-out items are counted.
const (
	maxExceptions = 100
	maxOperations = 64
)

//go:embed summary.html
var summaryHTML string

var summaryTemplate = template.Must(template.New(packSummary).Parse(summaryHTML))

// packStats gathers what the summary shows while the records stream by.
type packStats struct {
	Records        int64
	First, Last    int64 // record numbers
	Begin, End     string
	Gapless        bool // every record between First and Last is in the pack
	counts         map[Operation]*opCount
	Exceptions     []Entry
	MoreExceptions int64
}

type opCount struct {
	Operation                       Operation
	Success, Failure, Denied, Total int64
}

func newStats() *packStats {
	return &packStats{Gapless: true, counts: map[Operation]*opCount{}}
}

func (s *packStats) add(e *Entry) {
	r := &e.Record
	if s.Records == 0 {
		s.First, s.Begin = e.Seq, r.Timestamp
	} else if e.Seq != s.Last+1 {
		s.Gapless = false
	}
	s.Records++
	s.Last, s.End = e.Seq, r.Timestamp

	op := r.Operation
	if s.counts[op] == nil {
		if len(s.counts) >= maxOperations {
			op = "OTHER"
		}
		if s.counts[op] == nil {
			s.counts[op] = &opCount{Operation: op}
		}
	}
	c := s.counts[op]
	c.Total++
	switch r.Outcome {
	case Success:
		c.Success++
	case Failure:
		c.Failure++
	case Denied:
		c.Denied++
	}
	if isException(r) {
		if len(s.Exceptions) < maxExceptions {
			s.Exceptions = append(s.Exceptions, Entry{Seq: e.Seq, Record: *r})
		} else {
			s.MoreExceptions++
		}
	}
}

// isException reports whether a record belongs in the summary's list of exceptions: a failure, a denial, a
// change that the KMS did not confirm, drift, or an overdue rotation.
func isException(r *Record) bool {
	if r.Outcome != Success || r.Operation == DriftDetected || r.Operation == RotationOverdue {
		return true
	}
	return r.KMS != nil && (r.KMS.Status == "REJECTED" || r.KMS.Status == "UNCONFIRMED")
}

// page renders the summary. html/template escapes every cell, because cells hold texts that outsiders typed.
func (s *packStats) page(in PackInput, c Checkpoint) (string, error) {
	counts := slices.SortedFunc(maps.Values(s.counts), func(a, b *opCount) int { return cmp.Compare(a.Operation, b.Operation) })
	var total opCount
	for _, o := range counts {
		total.Success += o.Success
		total.Failure += o.Failure
		total.Denied += o.Denied
	}
	total.Total = s.Records
	coverage, moreTables, totalCoverage := coverageRows(in.Coverage, maxCoverageBytes)
	decided := in.Decisions
	if decided == nil {
		decided = &decisions{}
	}
	var b strings.Builder
	err := summaryTemplate.Execute(&b, map[string]any{
		"Lead": in.lead(), "Stats": s, "Counts": counts, "Total": total, "Coverage": coverage, "MoreTables": moreTables, "TotalCoverage": totalCoverage,
		"Decisions": decided,
		"Period":    periodText(in.From, in.To), "Filter": in.Filter, "Made": FormatTime(in.Now),
		"Origin": c.Origin, "Size": c.Size, "Root": HexHash(c.Root), "Key": in.Key.VerifierKey(),
	})
	return b.String(), err
}

func periodText(from, to time.Time) string {
	switch {
	case from.IsZero() && to.IsZero():
		return "the whole log"
	case to.IsZero():
		return "from " + FormatTime(from)
	case from.IsZero():
		return "before " + FormatTime(to)
	}
	return fmt.Sprintf("from %s, before %s", FormatTime(from), FormatTime(to))
}
