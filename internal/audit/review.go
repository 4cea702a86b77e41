package audit

import (
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

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

	// Size and Root are of a signed checkpoint that covers UpToSeq: the log that was reviewed is the one with that
	// root. Size is 0 in the records of releases that did not bind a review.
	Size int64
	Root tlog.Hash
}

// reviewForm is a review as the detail of its record.
var reviewForm = regexp.MustCompile(`(?s)^Reviewed from (\S+) to (\S+), up to record (\d+)` +
	`(?:, under the checkpoint of (\d+) records with root ([0-9a-f]{64}))?\. Note: (.+)$`)

// Record is the review as a record of the ledger, or fault.Invalid when the
// period is empty or the note missing.
func (r Review) Record(now time.Time, actor Actor) (Record, error) {
	note := strings.TrimSpace(r.Note)
	switch {
	case r.From.IsZero() || r.To.IsZero() || !r.From.Before(r.To):
		return Record{}, fault.New(fault.Invalid, "Say which period was reviewed: a first and a last day, in that order")
	case r.From.Year() < 1 || r.To.Year() > 9999 || r.UpToSeq < 1:
		return Record{}, fault.New(fault.Invalid, "There is nothing to review in that period")
	case r.Size != 0 && r.Size < r.UpToSeq:
		return Record{}, fault.New(fault.Internal, "The checkpoint of %d records does not cover record %d, as far as which the log was reviewed", r.Size, r.UpToSeq)
	case !Says(note):
		return Record{}, fault.New(fault.Invalid, "Write what the review found, even if that is nothing unusual")
	case len(note) > MaxReviewNote:
		return Record{}, fault.New(fault.TooLarge, "The note takes %d bytes; the most is %d", len(note), MaxReviewNote)
	case !Plain(note):
		return Record{}, fault.New(fault.Invalid, "The note must be UTF-8 text without control characters other than line breaks and tabs")
	}
	rec := NewRecord(now, AuditReview, Success, actor)
	under := ""
	if r.Size != 0 {
		under = fmt.Sprintf(", under the checkpoint of %d records with root %s", r.Size, HexHash(r.Root))
	}
	rec.Detail = fmt.Sprintf("Reviewed from %s to %s, up to record %d%s. Note: %s", FormatTime(r.From), FormatTime(r.To), r.UpToSeq, under, note)
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
	review := Review{From: from, To: to, UpToSeq: seq, Note: m[6]}
	var errSize, errRoot error
	if m[4] != "" {
		var root []byte
		review.Size, errSize = strconv.ParseInt(m[4], 10, 64)
		root, errRoot = hex.DecodeString(m[5])
		copy(review.Root[:], root)
	}
	return review, errors.Join(errFrom, errTo, errSeq, errSize, errRoot) == nil
}
