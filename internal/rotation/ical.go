package rotation

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Calendar writes due dates as an RFC 5545 calendar, event by event.
type Calendar struct {
	w    *bufio.Writer
	base string // the console's address, without a slash at its end; may be empty
	err  error
}

// NewCalendar begins a calendar. Links in it lead to the console at base.
func NewCalendar(w io.Writer, base string) *Calendar {
	c := &Calendar{w: bufio.NewWriter(w), base: base}
	c.line("BEGIN:VCALENDAR")
	c.line("VERSION:2.0")
	c.line("PRODID:-//cxseal//key rotations//EN")
	c.line("CALSCALE:GREGORIAN")
	c.line("METHOD:PUBLISH")
	c.line("X-WR-CALNAME:Key rotations")
	c.line("REFRESH-INTERVAL;VALUE=DURATION:PT6H")
	c.line("X-PUBLISHED-TTL:PT6H")
	return c
}

// Add writes the column's due date as an all-day event. Its UID stays the same
// when the date moves, and its SEQUENCE goes up: the client moves the event.
func (c *Calendar) Add(col Column, status Status, path string) {
	sum := sha256.Sum256([]byte(strings.Join([]string{col.Connection, col.DatastoreID, col.TableID, col.Column}, "\x1f")))
	due := col.DueAt.UTC()
	c.line("BEGIN:VEVENT")
	c.line("UID:" + hex.EncodeToString(sum[:16]) + "@cxseal")
	c.line("DTSTAMP:" + col.UpdatedAt.UTC().Format("20060102T150405Z"))
	c.line("DTSTART;VALUE=DATE:" + due.Format("20060102"))
	c.line("DTEND;VALUE=DATE:" + due.AddDate(0, 0, 1).Format("20060102"))
	c.line(fmt.Sprintf("SEQUENCE:%d", col.Sequence))
	c.line("SUMMARY:" + escape("Key rotation due: "+col.Column+" on "+col.TableID))
	c.line("DESCRIPTION:" + escape(describeDue(col, status)))
	if c.base != "" {
		c.line("URL:" + c.base + path)
	}
	c.line("CATEGORIES:" + strings.ToUpper(string(status)))
	c.line("TRANSP:TRANSPARENT")
	c.line("END:VEVENT")
}

func describeDue(col Column, status Status) string {
	text := fmt.Sprintf("%s, every %s, with %s of grace.\nStatus when this was read: %s.",
		col.Strategy, days(col.IntervalDays), days(col.GraceDays), status.Text())
	if col.KeyVersion > 0 {
		text += fmt.Sprintf("\nKey version last seen: %d.", col.KeyVersion)
	}
	return text
}

// Close ends the calendar and reports the first error of writing it.
func (c *Calendar) Close() error {
	c.line("END:VCALENDAR")
	if c.err == nil {
		c.err = c.w.Flush()
	}
	return c.err
}

// line writes one content line, folded after 75 octets and never inside of a
// character (RFC 5545 §3.1).
func (c *Calendar) line(text string) {
	limit := 75
	for len(text) > limit && c.err == nil {
		cut := limit
		for !utf8.RuneStart(text[cut]) {
			cut--
		}
		_, c.err = c.w.WriteString(text[:cut] + "\r\n ")
		text = text[cut:]
		limit = 74 // the space counts
	}
	if c.err == nil {
		_, c.err = c.w.WriteString(text + "\r\n")
	}
}

// escape makes text a value (RFC 5545 §3.3.11). Control characters other than
// a line's end have no place in one.
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
