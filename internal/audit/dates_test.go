package audit_test

import (
	"archive/zip"
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"cxseal/internal/audit"
	"cxseal/internal/period"
)

// appendAt adds a sign-in of each of the times.
func (l *keptLog) appendAt(t *testing.T, times ...string) {
	t.Helper()
	for _, text := range times {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.store.AppendRecords(t.Context(), audit.NewRecord(at, audit.Login, audit.Success, audit.Actor{Name: "ada", Role: "admin"})); err != nil {
			t.Fatal(err)
		}
	}
}

// checkedPack writes a pack and verifies it.
func (l *keptLog) checkedPack(t testing.TB, f audit.Filter) (rows int64, file []byte, report audit.Report) {
	t.Helper()
	var out bytes.Buffer
	rows, err := l.WritePack(t.Context(), f, &out)
	if err != nil {
		t.Fatal(err)
	}
	report, err = audit.VerifyFile(t.Context(), bytes.NewReader(out.Bytes()), int64(out.Len()), l.VerifierKey())
	if err != nil || !report.OK() {
		t.Fatalf("%v: %+v", err, report.Problems)
	}
	return rows, out.Bytes(), report
}

func TestAnyPeriodFindsItsRecordsInSearchBoxFilterAndPack(t *testing.T) {
	l := newLog(t)
	times := []string{"1960-02-29T23:59:59Z", "1969-12-31T23:59:59Z", "1970-01-01T00:00:00Z", "2026-01-31T23:59:59Z", "2026-02-01T00:00:00Z"}
	l.appendAt(t, times...)
	days := []string{"", "0000-01-01", "0001-01-01", "1959-12-31", "1960-02-29", "1969-12-31", "1970-01-01", "2026-01-31", "2026-02-01",
		"2262-04-12", "9998-12-31", "9999-12-30", "9999-12-31"}
	rapid.Check(t, func(rt *rapid.T) {
		from, to := rapid.SampledFrom(days).Draw(rt, "from"), rapid.SampledFrom(days).Draw(rt, "to")
		var want []string
		for _, at := range times {
			if day := at[:10]; (from == "" || from <= day) && (to == "" || day <= to) {
				want = append(want, at)
			}
		}
		read := func(text string, end bool) time.Time {
			if text == "" {
				return time.Time{}
			}
			at, err := period.Parse(text, end)
			if err != nil {
				rt.Fatal(err)
			}
			return at
		}
		var box []string
		if from != "" {
			box = append(box, "from:"+from)
		}
		if to != "" {
			box = append(box, "to:"+to)
		}
		for name, f := range map[string]audit.Filter{
			"filter": {From: read(from, false), To: read(to, true)}, "search box": {Query: strings.Join(box, " ")},
		} {
			list, err := l.store.AuditPageAfter(t.Context(), f, 0, 10)
			if err != nil {
				rt.Fatal(err)
			}
			if len(list) != len(want) {
				rt.Fatalf("%s from %q to %q: %d records, want %v", name, from, to, len(list), want)
			}
			rows, _, report := l.checkedPack(t, f)
			if rows != int64(len(want)) || (rows == 0) != strings.HasPrefix(report.Lead, "The pack is empty: ") {
				rt.Fatalf("%s from %q to %q: a pack of %d records, want %v: %q", name, from, to, rows, want, report.Lead)
			}
		}
	})
}

// An empty pack verifies, so it has to say first that it shows nothing, and why.
func TestAnEmptyPackSaysThatItIsEmptyAndWhy(t *testing.T) {
	l := newLog(t)
	check := func(f audit.Filter, want string) {
		t.Helper()
		rows, file, report := l.checkedPack(t, f)
		want = "The pack is empty: " + want
		var out bytes.Buffer
		if err := report.Write(&out); err != nil {
			t.Fatal(err)
		}
		if first, _, _ := strings.Cut(out.String(), "\n"); rows != 0 || first != want {
			t.Errorf("%+v: %d records, and verify begins with %q, want %q", f, rows, first, want)
		}
		files := unpacked(t, file)
		if !strings.HasPrefix(files["README.txt"], want+"\n") {
			t.Errorf("the README begins with %.200q", files["README.txt"])
		}
		if page := files["summary.html"]; !strings.Contains(page, "</h1>\n<p><strong>"+strings.ReplaceAll(want, `"`, "&#34;")) {
			t.Errorf("the summary does not say so: %.1500s", page)
		}
	}
	check(audit.Filter{}, "the log has no record yet.")
	l.appendAt(t, "2026-01-31T10:00:00Z", "2026-03-01T10:00:00Z")
	day := func(month time.Month, day int) time.Time { return time.Date(2026, month, day, 0, 0, 0, 0, time.UTC) }
	check(audit.Filter{To: day(1, 1)},
		"the log has no record before 2026-01-01T00:00:00.000Z; its records are from 2026-01-31T10:00:00.000Z to 2026-03-01T10:00:00.000Z.")
	check(audit.Filter{Query: "from:2026-02-01 to:2026-02-28"},
		"the log has no record from 2026-02-01T00:00:00.000Z, before 2026-03-01T00:00:00.000Z; its records are from 2026-01-31T10:00:00.000Z to 2026-03-01T10:00:00.000Z.")
	check(audit.Filter{Actor: "nobody"}, "no record of the whole log matches the filter actor:nobody.")
	check(audit.Filter{From: day(1, 31), To: day(2, 1), Actor: "no\tbody"},
		`no record from 2026-01-31T00:00:00.000Z, before 2026-02-01T00:00:00.000Z matches the filter "actor:\"no\tbody\"".`)
	check(audit.Filter{Query: "actor:ada", Actor: "olga"}, "its conditions exclude each other, so that no record can match.")
	if rows, _, report := l.checkedPack(t, audit.Filter{}); rows != 2 || report.Lead != "Records 1 to 2, without a gap." {
		t.Errorf("%d records: %q", rows, report.Lead)
	}
}

// unpacked returns the files of a pack by name.
func unpacked(t *testing.T, file []byte) map[string]string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		files[f.Name] = string(text)
	}
	return files
}
