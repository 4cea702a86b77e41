package audit

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"cxseal/internal/fault"
)

// Bounds of one record. They keep a line of JSONL readable by any tool, and limit what an outsider can write
// into the ledger through a login form or a callback.
const (
	MaxRecordBytes = 64 << 10 // the canonical bytes, whole
	maxDetailBytes = 32 << 10 // longer details are cut and say so
	maxNameBytes   = 256      // an actor's name may be any text typed at /login
)

const cutMark = "… (cut)"

const timeLayout = "2006-01-02T15:04:05.000Z"

// NewRecord starts a record: its id is a UUIDv7 whose time is now, so ids sort
// as the ledger does, and its timestamp is now in UTC milliseconds.
func NewRecord(now time.Time, op Operation, outcome Outcome, actor Actor) Record {
	return Record{
		AuditID:   NewID(now),
		Timestamp: FormatTime(now),
		Operation: op,
		Outcome:   outcome,
		Actor:     actor,
	}
}

// NewID makes the id of a record, a run or a callback: a UUIDv7 (RFC 9562 §5.7) of the given time. The uuid
// package reads the wall clock itself, and time is a parameter here.
func NewID(now time.Time) string {
	var id uuid.UUID
	_, _ = rand.Read(id[6:]) // never fails, by crypto/rand's contract
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(now.UnixMilli())<<16)
	copy(id[:6], ms[:])
	id[6] = id[6]&0x0f | 0x70
	id[8] = id[8]&0x3f | 0x80
	return id.String()
}

// Canonical returns the exact bytes of r that are stored, hashed and exported:
// one JSON object, fields in the order of Record, no insignificant space, no
// HTML escaping, no newline. The same record always gives the same bytes.
//
// Invalid UTF-8 and NUL (which SQLite's text functions stop at) become U+FFFD,
// coverage is rounded to two decimals, an over-long detail or actor name is
// cut and ends in "… (cut)". Everything else that is wrong is an error:
// fault.Invalid for a missing or malformed field, fault.TooLarge when the
// record is over MaxRecordBytes even without its detail.
func Canonical(r Record) ([]byte, error) {
	r = clean(r)
	if err := validate(&r); err != nil {
		return nil, err
	}
	for {
		raw, err := encode(&r)
		if err != nil {
			return nil, fault.Wrap(err, fault.Invalid, "The audit record cannot be written as JSON")
		}
		if len(raw) <= MaxRecordBytes {
			return raw, nil
		}
		if r.Detail == "" {
			return nil, fault.New(fault.TooLarge, "The audit record takes %d bytes; the most is %d", len(raw), MaxRecordBytes)
		}
		// Escaping can multiply a text by six, so its length alone does not
		// tell; halving ends after a few rounds.
		r.Detail = cut(strings.TrimSuffix(r.Detail, cutMark), len(r.Detail)/2)
	}
}

// Parse reads a record back from its canonical bytes.
//
// It is as strict as Canonical: unless re-encoding gives the same bytes, raw
// is refused. So a record has one reading only: no duplicate keys, odd cases
// or unknown fields that another reader could take otherwise. Fields added by
// later versions are optional, so a newer cxseal reads every older record; an
// older one refuses a newer record rather than show half of it. Hashes and
// proofs never depend on Parse.
func Parse(raw []byte) (Record, error) {
	var r Record
	if len(raw) > MaxRecordBytes {
		return r, fault.New(fault.TooLarge, "The record takes %d bytes; the most is %d", len(raw), MaxRecordBytes)
	}
	if err := json.Unmarshal(raw, &r); err != nil {
		return Record{}, fault.Wrap(err, fault.Invalid, "The record is not a JSON object of the ledger's shape")
	}
	again, err := Canonical(r)
	if err != nil {
		return Record{}, err
	}
	if !bytes.Equal(again, raw) {
		return Record{}, fault.New(fault.Invalid, "The record is not in canonical form, or was written by a newer version of cxseal")
	}
	return r, nil
}

// Time returns the record's timestamp, zero if it is malformed.
func (r *Record) Time() time.Time { return parseTime(r.Timestamp) }

func parseTime(text string) time.Time {
	t, err := time.Parse(timeLayout, text)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

func encode(r *Record) ([]byte, error) {
	var buf bytes.Buffer
	buf.Grow(768)
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(r); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte{'\n'}), nil
}

// clean returns a copy of r whose texts are safe to store. The values that r points to are not changed.
func clean(r Record) Record {
	for _, s := range []*string{
		&r.AuditID, &r.Timestamp, (*string)(&r.Operation), (*string)(&r.Outcome),
		&r.Actor.Name, &r.Actor.Role, &r.Actor.IP, &r.Connection,
		&r.DatastoreID, &r.TableID, &r.RunID, &r.Detail,
	} {
		*s = cleanText(*s)
	}
	r.Actor.Name = cut(r.Actor.Name, maxNameBytes)
	r.Detail = cut(r.Detail, maxDetailBytes)
	if r.Columns != nil {
		columns := make([]string, len(r.Columns))
		for i, c := range r.Columns {
			columns[i] = cleanText(c)
		}
		r.Columns = columns
	}
	if r.Metrics != nil {
		m := *r.Metrics
		m.CoverageRate = math.Round(m.CoverageRate*100) / 100
		if m.CoverageRate == 0 {
			m.CoverageRate = 0 // JSON would keep the sign of -0
		}
		m.QueryDegradationRisk = cleanText(m.QueryDegradationRisk)
		r.Metrics = &m
	}
	if r.Compliance != nil {
		c := *r.Compliance
		c.Algorithm = cleanText(c.Algorithm)
		r.Compliance = &c
	}
	if r.KMS != nil {
		k := *r.KMS
		k.PermissionHash = cleanText(k.PermissionHash)
		k.Status = cleanText(k.Status)
		r.KMS = &k
	}
	if r.Decision != nil {
		d := *r.Decision
		for _, s := range []*string{&d.Decided, &d.Was, &d.Is, &d.Proposed, &d.Reason, &d.ApprovedBy, &d.Request} {
			*s = cleanText(*s)
		}
		r.Decision = &d
	}
	return r
}

func cleanText(s string) string {
	if strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(s, "\x00", "\uFFFD")
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// cut shortens s to at most limit bytes, mark included, without splitting a
// character; a limit too short for the mark leaves nothing.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	n := limit - len(cutMark)
	if n <= 0 {
		return ""
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + cutMark
}

func validate(r *Record) error {
	if id, err := uuid.Parse(r.AuditID); err != nil || id.String() != r.AuditID {
		return fault.New(fault.Invalid, "The audit record's auditId must be a UUID in lower case")
	}
	if t, err := time.Parse(timeLayout, r.Timestamp); err != nil || FormatTime(t) != r.Timestamp {
		return fault.New(fault.Invalid, "The audit record's timestamp must be UTC with three decimals, like 2026-11-23T04:00:00.123Z")
	}
	if !isOperation(string(r.Operation)) {
		return fault.New(fault.Invalid, "The audit record's operation must be a name in capitals, like COLUMN_ENCRYPTION")
	}
	switch r.Outcome {
	case Success, Failure, Denied:
	default:
		return fault.New(fault.Invalid, "The audit record's outcome must be SUCCESS, FAILURE or DENIED")
	}
	if r.Actor.Name == "" {
		return fault.New(fault.Invalid, "The audit record must name its actor")
	}
	if m := r.Metrics; m != nil && !(m.CoverageRate >= 0 && m.CoverageRate <= 100) {
		return fault.New(fault.Invalid, "The audit record's coverageRate must lie between 0 and 100")
	}
	return nil
}

// isOperation accepts any name of the contract's form, so that a ledger with
// operations of a later version still reads.
func isOperation(s string) bool {
	if len(s) == 0 || len(s) > 64 || s[0] < 'A' || s[0] > 'Z' {
		return false
	}
	for i := 1; i < len(s); i++ {
		if c := s[i]; (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return true
}
