package rotation_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/emersion/go-ical"
	"pgregory.net/rapid"

	"cxseal/internal/rotation"
)

func feed(t *testing.T, columns ...rotation.Column) string {
	t.Helper()
	var buf bytes.Buffer
	c := rotation.NewCalendar(&buf, "https://seal.example.org")
	for _, col := range columns {
		c.Add(&col, col.StatusAt(start, rotation.DefaultLeads), "/datastores/ds/tables/t")
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.String()
}

func parse(t *testing.T, text string) []ical.Event {
	t.Helper()
	cal, err := ical.NewDecoder(strings.NewReader(text)).Decode()
	if err != nil {
		t.Fatalf("another parser refuses the feed: %v\n%s", err, text)
	}
	return cal.Events()
}

func TestTheFeedReadsBackInAnotherParser(t *testing.T) {
	hostile := watched()
	hostile.Column = "Straße; größte, \\ \"Zeile\"\r\nBEGIN:VEVENT\x00 " + strings.Repeat("漢字", 40)
	plain := watched()
	text := feed(t, hostile, plain)
	for i, line := range strings.Split(text, "\r\n") {
		if len(line) > 75 {
			t.Errorf("line %d has %d octets", i, len(line))
		}
	}
	if strings.Count(text, "\n") != strings.Count(text, "\r\n") {
		t.Error("a line does not end in CRLF")
	}
	events := parse(t, text)
	if len(events) != 2 {
		t.Fatalf("%d events", len(events))
	}
	summary, err := events[0].Props.Text(ical.PropSummary)
	if want := "Key rotation due: " + strings.NewReplacer("\r", "", "\x00", "").Replace(hostile.Column) + " on t"; err != nil || summary != want {
		t.Errorf("summary %q, %v; want %q", summary, err, want)
	}
	begin, err := events[1].DateTimeStart(time.UTC)
	if err != nil || !begin.Equal(plain.DueAt.Truncate(day)) {
		t.Errorf("starts %s, %v", begin, err)
	}
}

func TestAMovedDateIsTheSameEventWithAHigherSequence(t *testing.T) {
	c := watched()
	before := parse(t, feed(t, c))[0]
	c.See(table(start.Add(80*day), 2), false)
	after := parse(t, feed(t, c))[0]
	value := func(e ical.Event, name string) string { return e.Props.Get(name).Value }
	if value(before, "UID") != value(after, "UID") {
		t.Error("the event has another UID")
	}
	if value(before, "SEQUENCE") != "0" || value(after, "SEQUENCE") != "1" || value(before, "DTSTART") == value(after, "DTSTART") {
		t.Errorf("sequence %s then %s, start %s then %s", value(before, "SEQUENCE"), value(after, "SEQUENCE"), value(before, "DTSTART"), value(after, "DTSTART"))
	}
	other := watched()
	other.Column = "other"
	if value(parse(t, feed(t, other))[0], "UID") == value(before, "UID") {
		t.Error("two columns share a UID")
	}
}

// Names are a tenant's: whatever stands in them, the feed must stay a calendar
// that gives them back.
func TestAnyNameReadsBackInAnotherParser(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		var columns []rotation.Column
		for range rapid.IntRange(1, 4).Draw(r, "events") {
			c := watched()
			c.Column = string(rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(r, "bytes")) + rapid.StringN(0, 100, -1).Draw(r, "text")
			columns = append(columns, c)
		}
		text := feed(t, columns...)
		for line := range strings.SplitSeq(text, "\r\n") {
			if len(line) > 75 || !utf8.ValidString(line) {
				r.Fatalf("a line of %d octets, or one that is no UTF-8: %q", len(line), line)
			}
		}
		events := parse(t, text)
		if len(events) != len(columns) {
			r.Fatalf("%d events of %d columns", len(events), len(columns))
		}
		for i, e := range events {
			summary, err := e.Props.Text(ical.PropSummary)
			if want := "Key rotation due: " + printable(columns[i].Column) + " on t"; err != nil || summary != want {
				r.Fatalf("summary %q, %v; want %q", summary, err, want)
			}
		}
	})
}

// printable is a name as a calendar can have it.
func printable(name string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && (r < 0x20 || r == 0x7f) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(name, "\uFFFD"))
}

func BenchmarkFeed(b *testing.B) {
	c := watched()
	for range b.N {
		var buf bytes.Buffer
		cal := rotation.NewCalendar(&buf, "https://seal.example.org")
		for i := range 1000 {
			c.Column = fmt.Sprint("column_", i)
			cal.Add(&c, rotation.StatusOnTime, "/datastores/ds/tables/t")
		}
		if err := cal.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
