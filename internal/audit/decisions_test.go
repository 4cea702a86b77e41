package audit

import (
	"fmt"
	"strings"
	"testing"
)

// A pack lists what was decided in its period, first what no longer counts, however much that is, and stays readable.
func TestAPacksSummaryListsTheDecisionsOfItsPeriod(t *testing.T) {
	record := func(n int, decided, was, is string) Entry {
		r := Record{Timestamp: "2026-11-23T04:00:00.123Z", Operation: SensitivityDecided, Outcome: Success, Actor: Actor{Name: "<b>olga"},
			Connection: "eu", DatastoreID: "ds", TableID: "t", Columns: []string{fmt.Sprintf("c%d", n)},
			Decision: &Decision{Decided: decided, Was: was, Is: is, Proposed: "sensitive", Reason: strings.Repeat(`<"&>`, 125), ApprovedBy: "paula"}}
		return Entry{Seq: int64(n), Record: r}
	}
	var d decisions
	for n := range 10_000 {
		e := record(n+1, "sensitive", "not_sensitive", "sensitive")
		d.add(&e)
	}
	for n := range 10_000 {
		e := record(n+10_001, "not_sensitive", "sensitive", "not_sensitive")
		d.add(&e)
	}
	back := record(20_001, "undecided", "not_sensitive", "not_sensitive")
	d.add(&back)
	d.add(&Entry{Seq: 20_002, Record: Record{Operation: SensitivityDecided, Outcome: Success}}) // none, as a damaged record reads
	rows := d.Rows()
	if d.All() != 20_001 || d.Sensitive != 10_000 || d.NotSensitive != 10_000 || d.TakenBack != 1 || d.Out != 10_000 || d.In != 10_000 ||
		len(rows)+d.More() != 20_001 || rows[0].Seq != 10_001 || rows[len(rows)-1].Was == "sensitive" {
		t.Errorf("%d decisions, %d rows, from %+v", d.All(), len(rows), rows[0])
	}
	key := testKey(t)
	disk := newDisk(t, key, 3, 3)
	in := PackInput{Key: key, Decisions: &d}
	checkpoint, err := OpenCheckpoint(disk.signed[0].Text, key.VerifierKey())
	if err != nil {
		t.Fatal(err)
	}
	page, err := newStats().page(in, checkpoint)
	if err != nil {
		t.Fatal(err)
	}
	if len(page) > maxPackFile-maxCoverageBytes || strings.Contains(page, `<"&>`) || strings.Contains(page, "<b>olga") {
		t.Errorf("the page has %d bytes, or a text that is not escaped", len(page))
	}
	for _, want := range []string{
		"20001 decisions in the period: 10000 not sensitive, 10000 sensitive, 1 taken back. 10000 took a column out of what the sensitive coverage counts, 10000 brought one in.",
		`<tr><td class="n">10001</td><td class="k">2026-11-23T04:00:00.123Z</td><td>eu/ds/t</td><td>c10001</td><td>sensitive to not_sensitive</td><td>sensitive</td><td>&lt;b&gt;olga, approved by paula</td><td>&lt;&#34;&amp;&gt;`,
		fmt.Sprintf("… and %d more that did not fit here", d.More()),
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if page, err := newStats().page(PackInput{Key: key}, checkpoint); err != nil || !strings.Contains(page, "None in the period.") {
		t.Errorf("a period without a decision: %v", err)
	}
}
