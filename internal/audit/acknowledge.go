package audit

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"cxseal/internal/fault"
)

// Bounds of an acknowledgement, in bytes.
const (
	MaxAcknowledgeNote  = 2000
	MaxAcknowledgeOwner = 200
)

// Acknowledgement states that a person took on a finding that needs attention. It is kept as a record of the ledger and
// nowhere else. What the finding is about stands in the record's own fields.
type Acknowledgement struct {
	Item  string // the id of the finding
	Owner string // who deals with it: a person or a team
	Note  string
}

// acknowledgementForm is an acknowledgement as the detail of its record.
var acknowledgementForm = regexp.MustCompile(`(?s)^Acknowledged (\S+)\. Owner: ("(?:[^"\\]|\\.)*")\. Note: (.+)$`)

// Record is the acknowledgement as a record of the ledger, or a fault that says what is wrong with it.
func (a Acknowledgement) Record(now time.Time, actor Actor) (Record, error) {
	note, owner := strings.TrimSpace(a.Note), strings.TrimSpace(a.Owner)
	switch {
	case a.Item == "" || strings.ContainsFunc(a.Item, unicode.IsSpace):
		return Record{}, fault.New(fault.Invalid, "Say which item is acknowledged.")
	case !Says(note):
		return Record{}, fault.New(fault.Invalid, "Write a note: what is done about it, or why nothing has to be done.")
	case len(note) > MaxAcknowledgeNote:
		return Record{}, fault.New(fault.TooLarge, "The note takes %d bytes; the most is %d.", len(note), MaxAcknowledgeNote)
	case !Says(owner):
		return Record{}, fault.New(fault.Invalid, "Name an owner: the person or team that deals with it.")
	case len(owner) > MaxAcknowledgeOwner:
		return Record{}, fault.New(fault.TooLarge, "The owner takes %d bytes; the most is %d.", len(owner), MaxAcknowledgeOwner)
	case !Plain(note) || !utf8.ValidString(owner) || strings.ContainsFunc(owner, unicode.IsControl):
		return Record{}, fault.New(fault.Invalid, "Note and owner must be UTF-8 text, the note without control characters other than line breaks and tabs, the owner without any.")
	}
	r := NewRecord(now, AttentionAcknowledged, Success, actor)
	r.Detail = fmt.Sprintf("Acknowledged %s. Owner: %s. Note: %s", a.Item, strconv.Quote(owner), note)
	return r, nil
}

// AcknowledgementOf reads an acknowledgement back from its record; false when it is none, such as a refused one.
func AcknowledgementOf(r Record) (Acknowledgement, bool) {
	if r.Operation != AttentionAcknowledged || r.Outcome != Success {
		return Acknowledgement{}, false
	}
	m := acknowledgementForm.FindStringSubmatch(r.Detail)
	if m == nil {
		return Acknowledgement{}, false
	}
	owner, err := strconv.Unquote(m[2])
	return Acknowledgement{Item: m[1], Owner: owner, Note: m[3]}, err == nil
}
