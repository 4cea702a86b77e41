package audit

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"cxseal/internal/fault"
)

// MaxReviewNote bounds the note of a review, in bytes.
const MaxReviewNote = 2000

// Review states that a person went through the records of a period (PCI DSS 10.4, HIPAA 164.312(b)). It is
// kept as a record of the ledger and nowhere else, so it is as hard to change afterwards as every other
// record.
type Review struct {
	From, To time.Time // From inclusive, To exclusive, UTC milliseconds
	UpToSeq  int64     // the newest record when the period was looked at
	Note     string    // what was found
}

// reviewForm is a review as the detail of its record.
var reviewForm = regexp.MustCompile(`(?s)^Reviewed from (\S+) to (\S+), up to record (\d+)\. Note: (.+)$`)

// Record is the review as a record of the ledger, or fault.Invalid when the
// period is empty or the note missing.
func (r Review) Record(now time.Time, actor Actor) (Record, error) {
	note := strings.TrimSpace(r.Note)
	switch {
	case r.From.IsZero() || r.To.IsZero() || !r.From.Before(r.To):
		return Record{}, fault.New(fault.Invalid, "Say which period was reviewed: a first and a last day, in that order")
	case r.From.Year() < 1 || r.To.Year() > 9999 || r.UpToSeq < 1:
		return Record{}, fault.New(fault.Invalid, "There is nothing to review in that period")
	case note == "":
		return Record{}, fault.New(fault.Invalid, "Write what the review found, even if that is nothing unusual")
	case len(note) > MaxReviewNote:
		return Record{}, fault.New(fault.TooLarge, "The note takes %d bytes; the most is %d", len(note), MaxReviewNote)
	case !utf8.ValidString(note):
		return Record{}, fault.New(fault.Invalid, "The note is not valid UTF-8 text")
	}
	rec := NewRecord(now, AuditReview, Success, actor)
	rec.Detail = fmt.Sprintf("Reviewed from %s to %s, up to record %d. Note: %s", FormatTime(r.From), FormatTime(r.To), r.UpToSeq, note)
	return rec, nil
}

// ReviewOf reads a review back from its record; false when it is none, such as
// a refused one.
func ReviewOf(l Line) (Review, bool) {
	if l.Operation != AuditReview || l.Outcome != Success {
		return Review{}, false
	}
	m := reviewForm.FindStringSubmatch(l.Detail)
	if m == nil {
		return Review{}, false
	}
	from, errFrom := time.Parse(timeLayout, m[1])
	to, errTo := time.Parse(timeLayout, m[2])
	seq, errSeq := strconv.ParseInt(m[3], 10, 64)
	if errFrom != nil || errTo != nil || errSeq != nil {
		return Review{}, false
	}
	return Review{From: from, To: to, UpToSeq: seq, Note: m[4]}, true
}
