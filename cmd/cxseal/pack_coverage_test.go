package main

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"fmt"
	"html"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"cxseal/internal/console/consoletest"
)

// seriesRow holds what /charts/coverage.csv says of a table on a day, as an evidence pack writes it.
type seriesRow struct{ all, sensitive string }

var unknownRow = seriesRow{"not known", "not known"}

// seriesByDay reads /charts/coverage.csv: the rows of each date by "connection/data store/table", and under "" the
// sum of the date's tables.
func seriesByDay(t *testing.T, body string) map[string]map[string]seriesRow {
	t.Helper()
	lines, err := csv.NewReader(strings.NewReader(body)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	at := map[string]int{}
	for i, name := range lines[0] {
		at[name] = i
	}
	share := func(part, whole int, rate, nothing string) string {
		if whole == 0 {
			return nothing
		}
		return fmt.Sprintf("%s %% (%d of %d)", rate, part, whole)
	}
	rate := func(part, whole int) string {
		return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.2f", 100*float64(part)/float64(max(whole, 1))), "0"), ".")
	}
	// sensitive is the figure of the sensitive columns: those that are verified, and beside it what is
	// encrypted and is not.
	sensitive := func(n [6]int) string {
		text := share(n[2], n[3], rate(n[2], n[3]), "none")
		if n[4] > 0 {
			text += fmt.Sprintf(", %d not verified", n[4])
		}
		if n[5] > 0 {
			text += fmt.Sprintf(", %d refused", n[5])
		}
		return text
	}
	days, sums := map[string]map[string]seriesRow{}, map[string][6]int{}
	for _, l := range lines[1:] {
		if l[at["table_id"]] == "" {
			continue // a connection's total
		}
		var n [6]int
		for i, name := range []string{"encrypted_fields", "total_fields", "sensitive_verified", "sensitive_fields", "sensitive_unverified", "sensitive_refused"} {
			if n[i], err = strconv.Atoi(l[at[name]]); err != nil {
				t.Fatal(err)
			}
		}
		date := l[at["date"]]
		if days[date] == nil {
			days[date] = map[string]seriesRow{}
		}
		days[date][strings.Join(l[at["connection"]:at["table_id"]+1], "/")] = seriesRow{
			share(n[0], n[1], l[at["coverage_rate"]], "no columns"), sensitive(n)}
		sum := sums[date]
		for i := range n {
			sum[i] += n[i]
		}
		sums[date] = sum
	}
	for date, n := range sums {
		days[date][""] = seriesRow{share(n[0], n[1], rate(n[0], n[1]), "no columns"), sensitive(n)}
	}
	return days
}

var (
	summaryRow   = regexp.MustCompile(`<tr><td>([^<]*)</td><td>([^<]*)</td><td>([^< ]*)[^<]*</td>` + strings.Repeat(`<td class="n">([^<]*)</td>`, 4) + `</tr>`)
	summaryTotal = regexp.MustCompile(`<td colspan="3">All tables together</td>` + strings.Repeat(`<td class="n">([^<]*)</td>`, 4))
)

// packCoverage reads the summary of an evidence pack: start and end of each table, and of all of them under "".
func packCoverage(t *testing.T, file string) map[string][2]seriesRow {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader([]byte(file)), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	f, err := z.Open("summary.html")
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	tables := map[string][2]seriesRow{}
	add := func(key string, cells []string) {
		for i := range cells {
			cells[i] = html.UnescapeString(cells[i])
		}
		tables[key] = [2]seriesRow{{cells[0], cells[2]}, {cells[1], cells[3]}}
	}
	for _, m := range summaryRow.FindAllStringSubmatch(string(page), -1) {
		add(strings.Join(m[1:4], "/"), m[4:])
	}
	if m := summaryTotal.FindStringSubmatch(string(page)); m != nil {
		add("", m[1:])
	}
	return tables
}

// TestAPacksCoverageIsThatOfTheCharts fails when a pack of any period shows another figure at its start or
// end than /charts/coverage.csv has for the day before, for any table of the demo, or leaves a table out.
func TestAPacksCoverageIsThatOfTheCharts(t *testing.T) {
	d := liveDemo(t)
	officer := consoletest.NewBrowser(t, d.console.Address())
	officer.SignIn("officer", "demo officer password")
	days := seriesByDay(t, officer.Get("/charts/coverage.csv").Body)
	dates := slices.Sorted(maps.Keys(days))
	known := days[dates[len(dates)-1]]
	if len(dates) < 150 || len(known) < 15 {
		t.Fatalf("the demo has %d days and %d tables, so this test proves little", len(dates), len(known))
	}
	first, err := time.Parse(time.DateOnly, dates[0])
	if err != nil {
		t.Fatal(err)
	}
	// figure is the last one from before the end of the day before at, of a table.
	figure := func(table string, at time.Time) seriesRow {
		if at.IsZero() {
			return unknownRow
		}
		before := at.AddDate(0, 0, -1).Format(time.DateOnly)
		if before > dates[len(dates)-1] {
			before = dates[len(dates)-1]
		}
		if row, ok := days[before][table]; ok {
			return row
		}
		return unknownRow
	}
	moved, packs := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		draw := func(name string) (at time.Time, text string) {
			n := rapid.IntRange(-20, len(dates)+20).Draw(rt, name)
			if n == -20 {
				return time.Time{}, ""
			}
			at = first.AddDate(0, 0, n)
			return at, at.Format(time.DateOnly)
		}
		from, fromText := draw("from")
		to, toText := draw("to")
		if !from.IsZero() && !to.IsZero() && to.Before(from) {
			rt.Skip("no period")
		}
		if to.IsZero() {
			to = first.AddDate(0, 0, len(dates)+1)
		} else {
			to = to.AddDate(0, 0, 1) // that whole day
		}
		packs++
		d.clock.moveTo(time.Now().Add(time.Duration(packs) * 10 * time.Second)) // so that she may make one more
		// An actor who did nothing makes the pack small: which records it holds changes no coverage.
		a := officer.Get("/audit/evidence.zip?actor=nobody&from=" + fromText + "&to=" + toText)
		got := packCoverage(t, a.Body)
		if len(got) != len(known) {
			rt.Fatalf("from %q to %q: %d tables, want %d", fromText, toText, len(got), len(known))
		}
		for table := range known {
			want := [2]seriesRow{figure(table, from), figure(table, to)}
			if got[table] != want {
				rt.Fatalf("from %q to %q, %q: %v, want %v", fromText, toText, table, got[table], want)
			}
			if want[0] != want[1] {
				moved++
			}
		}
	})
	if moved == 0 {
		t.Error("no figure changed in any period, so this test proves nothing")
	}
}
