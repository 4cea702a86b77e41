package audit

import (
	"fmt"
	"io"
)

// DefaultProblemLimit is how many problems a report lists one by one. The rest
// are counted, so that a wrecked log cannot exhaust memory.
const DefaultProblemLimit = 10_000

// ProblemKind says what sort of damage was found.
type ProblemKind string

// The kinds of damage.
const (
	RecordChanged      ProblemKind = "record-changed"      // its bytes are not those that were logged
	RecordsSwapped     ProblemKind = "records-swapped"     // two records stand in each other's place
	RecordsMissing     ProblemKind = "records-missing"     // a gap in the numbers
	RecordsCut         ProblemKind = "records-cut"         // the end of the log is gone
	RecordMisplaced    ProblemKind = "record-misplaced"    // a number that is out of order or impossible
	HashChanged        ProblemKind = "hash-changed"        // a stored hash differs; the record itself is as signed
	HashMissing        ProblemKind = "hash-missing"        // a stored hash is gone, or one is there too many
	HistoryRewritten   ProblemKind = "history-rewritten"   // a signed checkpoint no longer matches
	CheckpointUnsigned ProblemKind = "checkpoint-unsigned" // a checkpoint that the key did not sign
	ReadingChanged     ProblemKind = "reading-changed"     // what pages and searches read beside the records is not what those say
	FileDamaged        ProblemKind = "file-damaged"        // a pack's or proof's file is not what it should be
)

// Problem is one finding. From and To are 1-based record numbers, both 0 when
// it concerns no record.
type Problem struct {
	Kind     ProblemKind
	From, To int64
	Message  string // a sentence, without line breaks
}

// Report is the result of verifying a log or a file.
type Report struct {
	What       string      // "log", "pack", "proof" or "checkpoint"
	Records    int64       // records read and hashed
	First      int64       // lowest and highest record number read
	Last       int64       //
	Checkpoint *Checkpoint // the newest that matched; nil if none did
	Matched    int         // how many checkpoints matched
	Problems   []Problem   // in the order found, at most the limit
	More       int64       // problems beyond the limit
	Lead       string      // of a pack: whether its records are all of a period, a selection or none; the first line
	Notes      []string    // remarks for the reader that are no problems

	limit int
}

// OK reports whether no problem was found.
func (r *Report) OK() bool { return len(r.Problems) == 0 && r.More == 0 }

// Add adds a problem that the caller found.
func (r *Report) Add(p Problem) { r.add(p) }

func (r *Report) add(p Problem) {
	limit := r.limit
	if limit <= 0 {
		limit = DefaultProblemLimit
	}
	if len(r.Problems) >= limit {
		r.More++
		return
	}
	r.Problems = append(r.Problems, p)
}

func (r *Report) addf(kind ProblemKind, from, to int64, format string, args ...any) {
	r.add(Problem{Kind: kind, From: from, To: to, Message: fmt.Sprintf(format, args...)})
}

func (r *Report) notef(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}

// Summary is the verdict in one sentence.
func (r *Report) Summary() string {
	if !r.OK() {
		return fmt.Sprintf("The %s does not verify: %s.", r.What, CountOf(int64(len(r.Problems))+r.More, "problem"))
	}
	under := "no checkpoint covers it"
	if c := r.Checkpoint; c != nil {
		under = fmt.Sprintf("checkpoint %s, %s, root %s", c.Origin, CountOf(c.Size, "record"), HexHash(c.Root))
	}
	if r.What == "checkpoint" {
		return fmt.Sprintf("The file verifies: %s.", under)
	}
	return fmt.Sprintf("The %s verifies: %s checked; %s.", r.What, CountOf(r.Records, "record"), under)
}

// Write prints the report for a person, a line each: what a pack holds, problems, notes, verdict.
func (r *Report) Write(w io.Writer) error {
	if r.Lead != "" {
		if _, err := fmt.Fprintln(w, r.Lead); err != nil {
			return err
		}
	}
	for _, p := range r.Problems {
		if _, err := fmt.Fprintln(w, p.Message); err != nil {
			return err
		}
	}
	if r.More > 0 {
		if _, err := fmt.Fprintf(w, "… and %s more\n", CountOf(r.More, "problem")); err != nil {
			return err
		}
	}
	for _, n := range r.Notes {
		if _, err := fmt.Fprintln(w, n); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintln(w, r.Summary())
	return err
}

// span names records from to to in a sentence.
func span(from, to int64) string {
	if from == to {
		return fmt.Sprintf("record %d", from)
	}
	return fmt.Sprintf("records %d to %d", from, to)
}
