package rotation

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"cxseal/internal/audit"
)

// Calendar writes due dates as an RFC 5545 calendar, event by event. What was
// added is kept in memory until Flush. It is written by hand: a feed may have
// 100,000 events, and a library's objects for each cost more than reading them
// from the database.
type Calendar struct {
	w    io.Writer
	base string // the console's address, without a slash at its end; may be empty
	buf  []byte
	text []byte // the line that is being written
	key  []byte // of the column that is being written
}

// NewCalendar begins a calendar. Links in it lead to the console at base.
func NewCalendar(w io.Writer, base string) *Calendar {
	c := &Calendar{w: w, base: base}
	for _, line := range []string{"BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//cxseal//key rotations//EN",
		"CALSCALE:GREGORIAN", "METHOD:PUBLISH",
		"X-WR-CALNAME:Key rotations", "REFRESH-INTERVAL;VALUE=DURATION:PT6H", "X-PUBLISHED-TTL:PT6H"} {
		c.plain(line)
	}
	return c
}

// Add writes the column's due date as an all-day event. Its UID stays the same
// when the date moves, and its SEQUENCE goes up: the client moves the event.
// Nothing of col is kept.
func (c *Calendar) Add(col *Column, status Status, path string) {
	due := col.DueAt.UTC()
	c.plain("BEGIN:VEVENT")
	c.begin("UID:")
	c.text = hex.AppendEncode(c.text, c.uid(col))
	c.end("@cxseal")
	c.begin("DTSTAMP:")
	c.text = col.UpdatedAt.UTC().AppendFormat(c.text, "20060102T150405Z")
	c.end("")
	c.begin("DTSTART;VALUE=DATE:")
	c.text = appendDate(c.text, due)
	c.end("")
	c.begin("DTEND;VALUE=DATE:")
	c.text = appendDate(c.text, due.AddDate(0, 0, 1))
	c.end("")
	c.begin("SEQUENCE:")
	c.text = strconv.AppendInt(c.text, int64(col.Sequence), 10)
	c.end("")
	c.begin("SUMMARY:Key rotation due: ")
	c.escaped(col.Column)
	c.text = append(c.text, " on "...)
	c.escaped(col.TableID)
	c.end("")
	c.describe(col, status)
	if c.base != "" {
		c.begin("URL:")
		c.text = append(c.text, c.base...)
		c.end(path)
	}
	c.begin("CATEGORIES:")
	c.end(strings.ToUpper(string(status)))
	c.plain("TRANSP:TRANSPARENT")
	c.plain("END:VEVENT")
}

// uid is the same for a column always, and tells nothing of it.
func (c *Calendar) uid(col *Column) []byte {
	c.key = c.key[:0]
	for i, part := range [...]string{col.Connection, col.DatastoreID, col.TableID, col.Column} {
		if i > 0 {
			c.key = append(c.key, '\x1f')
		}
		c.key = append(c.key, part...)
	}
	sum := sha256.Sum256(c.key)
	c.key = append(c.key[:0], sum[:16]...)
	return c.key
}

// describe writes the DESCRIPTION, escapes included.
func (c *Calendar) describe(col *Column, status Status) {
	c.begin("DESCRIPTION:")
	c.escaped(col.Strategy)
	c.text = append(c.text, `\, every `...)
	c.text = append(c.text, audit.CountOf(col.IntervalDays, "day")...)
	c.text = append(c.text, `\, with `...)
	c.text = append(c.text, audit.CountOf(col.GraceDays, "day")...)
	c.text = append(c.text, ` of grace.\nStatus when this was read: `...)
	c.text = append(c.text, status.Text()...)
	c.text = append(c.text, '.')
	if col.KeyVersion > 0 {
		c.text = append(c.text, `\nKey version last seen: `...)
		c.text = strconv.AppendInt(c.text, col.KeyVersion, 10)
		c.text = append(c.text, '.')
	}
	c.end("")
}

func appendDate(b []byte, at time.Time) []byte { return at.AppendFormat(b, "20060102") }

// Flush hands on what was added.
func (c *Calendar) Flush() error {
	_, err := c.w.Write(c.buf)
	c.buf = c.buf[:0]
	return err
}

// Close ends the calendar.
func (c *Calendar) Close() error {
	c.plain("END:VCALENDAR")
	return c.Flush()
}

// plain writes a line of which it is known that it is short.
func (c *Calendar) plain(text string) { c.buf = append(append(c.buf, text...), "\r\n"...) }

// begin starts a line with its name; what follows is appended to c.text.
func (c *Calendar) begin(name string) { c.text = append(c.text[:0], name...) }

// end writes the line with its last part, folded after 75 octets and never
// inside of a character (RFC 5545 §3.1).
func (c *Calendar) end(last string) {
	text := append(c.text, last...)
	c.text = text                                    // so that its room is used again
	for limit := 75; len(text) > limit; limit = 74 { // the space of the next counts
		cut := limit
		for cut > limit-utf8.UTFMax && !utf8.RuneStart(text[cut]) {
			cut--
		}
		c.buf = append(append(c.buf, text[:cut]...), "\r\n "...)
		text = text[cut:]
	}
	c.buf = append(append(c.buf, text...), "\r\n"...)
}

// escaped appends text as a value (RFC 5545 §3.3.11).
func (c *Calendar) escaped(text string) {
	for i := range len(text) {
		if b := text[i]; b < 0x20 || b >= 0x7f || b == '\\' || b == ';' || b == ',' {
			c.text = append(c.text, escape(text)...)
			return
		}
	}
	c.text = append(c.text, text...)
}

// escape makes text a value. Control characters other than a line's end have
// no place in one.
func escape(text string) string {
	clean := strings.Map(func(r rune) rune {
		if r < 0x20 && r != '\n' || r == 0x7f {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	return escapes.Replace(clean)
}

var escapes = strings.NewReplacer(`\`, `\\`, ";", `\;`, ",", `\,`, "\n", `\n`)
