package handlers_test

import (
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"cxseal/handlers"
	"cxseal/handlers/ledger"
	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/console/consoletest"
)

// seed appends n records by "seeder", a second apart, from 2026-01-01T00:00:00Z.
func seed(h *consoletest.Console, n int) {
	h.T.Helper()
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var batch []audit.Record
	for i := range n {
		r := audit.NewRecord(start.Add(time.Duration(i)*time.Second), audit.DriftDetected, audit.Success, audit.Actor{Name: "seeder", Role: "system"})
		r.Detail = fmt.Sprintf("=seeded %d", i)
		if batch = append(batch, r); len(batch) == 500 || i == n-1 {
			must(h.T, h.Store.AppendRecords(h.T.Context(), batch...))
			batch = batch[:0]
		}
	}
}

func TestExportsParseBackToTheLedger(t *testing.T) {
	h := consoletest.Start(t)
	seed(h, 1100)
	officer := h.As(access.Officer)
	a := officer.Get("/audit.csv?actor=seeder&from=2026-01-01&to=2026-01-01")
	if a.Status != 200 || a.Header.Get("Content-Encoding") != "" {
		t.Fatalf("%d %v", a.Status, a.Header)
	}
	if name := a.Header.Get("Content-Disposition"); !regexp.MustCompile(`^attachment; filename=cxseal-audit-\d{8}T\d{6}Z\.csv$`).MatchString(name) {
		t.Errorf("Content-Disposition %q", name)
	}
	rows, err := csv.NewReader(strings.NewReader(a.Body)).ReadAll()
	must(t, err)
	if len(rows) != 1101 || rows[1][24] != "'=seeded 0" || rows[1100][24] != "'=seeded 1099" {
		t.Fatalf("%d rows, %q, %q", len(rows), rows[1], rows[len(rows)-1])
	}
	lines := officer.Get("/audit.jsonl?actor=seeder")
	n := 0
	for line := range strings.Lines(lines.Body) {
		r, err := audit.Parse([]byte(strings.TrimSuffix(line, "\n")))
		must(t, err)
		if r.Detail != fmt.Sprintf("=seeded %d", n) {
			t.Fatalf("line %d is %q", n, r.Detail)
		}
		n++
	}
	if n != 1100 {
		t.Errorf("%d lines", n)
	}
	exports := h.Records(audit.Filter{Operation: string(audit.AuditExport)})
	if len(exports) != 2 {
		t.Fatalf("%d exports on record", len(exports))
	}
	sum := sha256.Sum256([]byte(a.Body))
	for _, want := range []string{"CSV of 1100 records", hex.EncodeToString(sum[:]), "filter actor:seeder from:2026-01-01"} {
		if detail := exports[1].Record.Detail; !strings.Contains(detail, want) {
			t.Errorf("the record %q lacks %q", detail, want)
		}
	}
	whole := officer.Get("/audit.jsonl")
	if strings.Contains(whole.Body, h.Records(audit.Filter{Operation: string(audit.AuditExport)})[0].Record.AuditID) {
		t.Error("an export holds its own record")
	}
}

// broken is the ledger of which an export breaks off.
type broken struct{ ledger.Audit }

func (b broken) ExportCSV(ctx context.Context, f audit.Filter, w io.Writer) (int64, error) {
	n, err := b.Audit.ExportCSV(ctx, f, w)
	return n, errors.Join(err, errors.New("the disk is gone"))
}

func TestABrokenExportNeverLooksWhole(t *testing.T) {
	h := withPages(consoletest.Start(t), func(c *handlers.Config) { c.Ledger.Audit = broken{c.Ledger.Audit} })
	seed(h, 600)
	officer := h.As(access.Officer)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.URL+"/audit.csv", nil)
	must(t, err)
	resp, err := officer.Client.Do(req)
	if err == nil {
		defer resp.Body.Close() //nolint:errcheck // a test's consoletest.Answer
		_, err = io.ReadAll(resp.Body)
	}
	if err == nil {
		t.Error("the client was told that the file is whole")
	}
	if list := h.Records(audit.Filter{Operation: string(audit.AuditExport), Outcome: string(audit.Failure)}); len(list) != 1 {
		t.Errorf("%d failed exports on record", len(list))
	}
}

func TestBadFiltersAreSentencesAndNeverIgnored(t *testing.T) {
	h := consoletest.Start(t)
	b := h.As(access.Officer)
	for path, sentence := range map[string]string{
		"/audit?outcome=MAYBE":                       "“outcome” must be one of",
		"/audit?operation=drop+table":                "“operation” must be",
		"/audit?from=yesterday":                      "“from” must be a date",
		"/audit?to=2026-02-30":                       "“to” must be a date",
		"/audit?from=2026-02-01&to=2026-01-01":       "“from” must lie before “to”",
		"/audit?before=x":                            "“before” must be a whole number",
		"/audit?before=-1":                           "“before” must be a whole number",
		"/audit?before=1&after=2":                    "not both",
		"/audit?actor=a&actor=b":                     "given twice",
		"/audit?q=colour:red":                        "colour",
		"/audit?actor=" + strings.Repeat("x", 2000):  "1,024 bytes",
		"/audit?actor=%00":                           "control characters",
		"/audit?actor=%ff":                           "“actor” must be a text",
		"/runs?state=lost":                           "“state” must be one of",
		"/runs?operation=LOGIN":                      "“operation” must be one of",
		"/runs?from=2026-1-1":                        "“from” must be a date",
		"/verifications?accepted=perhaps":            "“accepted” must be one of",
		"/rotations?status=never":                    "“status” must be one of",
		"/rotations?after=e30":                       "not a place in this list",
		"/datastores?after=%25":                      "not a place in this list",
		"/datastores?untouched=yes":                  "“untouched” must be one of",
		"/datastores/open?datastore_id=a&table_id=.": "Type the ids",
	} {
		if a := b.Get(path); a.Status != 400 || !strings.Contains(a.Body, sentence) {
			t.Errorf("%.60s: %d, sentence shown: %v", path, a.Status, strings.Contains(a.Body, sentence))
		}
	}
	for _, path := range []string{"/audit.csv?outcome=MAYBE", "/audit.jsonl?actr=admin", "/audit.csv?from=x", "/audit.csv?q=colour:red"} {
		if a := b.Get(path); a.Status != 400 || strings.Contains(a.Header.Get("Content-Type"), "csv") {
			t.Errorf("%s: %d %s", path, a.Status, a.Header.Get("Content-Type"))
		}
	}
	if a := b.Get("/audit?outcome=MAYBE", "Accept", "application/json"); a.Status != 400 || !strings.Contains(a.Body, `"code":"invalid"`) {
		t.Errorf("JSON: %d %s", a.Status, a.Body)
	}
}

func TestADateInToIncludesThatDay(t *testing.T) {
	h := consoletest.Start(t)
	seed(h, 3)
	b := h.As(access.Officer)
	for query, want := range map[string]int{
		"to=2026-01-01": 3, "to=2025-12-31": 0, "from=2026-01-01": 3, "from=2026-01-02&to=2026-01-03": 0,
		"to=2026-01-01T00:00:02Z": 2, "from=2026-01-01T01:00:01%2B01:00": 2, "from=2026-01-01T01:00:01+01:00": 2,
	} {
		a := b.Get("/audit.jsonl?actor=seeder&" + query)
		if n := strings.Count(a.Body, "\n"); a.Status != 200 || n != want {
			t.Errorf("%s: %d, %d records, want %d", query, a.Status, n, want)
		}
	}
}

var (
	recordLink = regexp.MustCompile(`href="/audit/([0-9a-f-]{36})"`)
	pagerLink  = regexp.MustCompile(`rel="(prev|next)" href="([^"]+)"`)
)

func TestTheLogIsPagedToItsEndAndBack(t *testing.T) {
	h := consoletest.Start(t)
	seed(h, 120)
	b := h.As(access.Officer)
	var seen []string
	walk := func(path, rel string) (last string) {
		for path != "" {
			a := b.Get(path)
			if a.Status != 200 {
				t.Fatalf("%s: %d", path, a.Status)
			}
			last, seen = path, append(seen, ids(a.Body)...)
			path = ""
			for _, m := range pagerLink.FindAllStringSubmatch(a.Body, -1) {
				if m[1] == rel {
					path = strings.ReplaceAll(m[2], "&amp;", "&")
				}
			}
		}
		return last
	}
	last := walk("/audit?actor=seeder", "next")
	forth := fmt.Sprint(len(seen), len(unique(seen)))
	seen = nil
	walk(last, "prev")
	if forth != "120 120" || len(unique(seen)) != 120 {
		t.Errorf("forth %s, back %d of 120", forth, len(unique(seen)))
	}
}

// ids are the records a page links to, each once.
func ids(body string) []string {
	var list []string
	for _, m := range recordLink.FindAllStringSubmatch(body, -1) {
		if len(list) == 0 || list[len(list)-1] != m[1] {
			list = append(list, m[1])
		}
	}
	return list
}

func unique(list []string) map[string]bool {
	set := map[string]bool{}
	for _, s := range list {
		set[s] = true
	}
	return set
}

func TestARecordsProofChecksOffline(t *testing.T) {
	h := consoletest.Start(t)
	seed(h, 5)
	b := h.As(access.Officer)
	entry := h.Records(audit.Filter{Actor: "seeder"})[2]
	page := b.Get("/audit/" + entry.Record.AuditID)
	keyText := regexp.MustCompile(`cxseal/[0-9a-f]{8}\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+`).FindString(page.Body)
	if page.Status != 200 || keyText == "" || !strings.Contains(page.Body, audit.HexHash(entry.LeafHash)) {
		t.Fatalf("record: %d, key %q", page.Status, keyText)
	}
	a := b.Get("/audit/" + entry.Record.AuditID + "/proof")
	proof, err := audit.ParseProof([]byte(a.Body))
	must(t, err)
	proved, checkpoint, err := proof.Verify(nil, keyText)
	must(t, err)
	if proved.Seq != entry.Seq || proved.Record.AuditID != entry.Record.AuditID || checkpoint.Size < entry.Seq {
		t.Errorf("%+v under %+v", proved, checkpoint)
	}
	text := b.Get("/audit/checkpoint")
	if _, err := audit.OpenCheckpoint([]byte(text.Body), keyText); err != nil {
		t.Errorf("checkpoint: %v", err)
	}
}

func TestAnEvidencePackChecksWithTheKeyShown(t *testing.T) {
	h := consoletest.Start(t)
	seed(h, 20)
	b := h.As(access.Officer)
	keyText := regexp.MustCompile(`cxseal/[0-9a-f]{8}\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+`).FindString(b.Get("/system").Body)
	a := b.Get("/audit/evidence.zip?actor=seeder")
	if a.Status != 200 || a.Header.Get("Content-Type") != "application/zip" {
		t.Fatalf("%d %v", a.Status, a.Header)
	}
	report, err := audit.VerifyPack(t.Context(), strings.NewReader(a.Body), int64(len(a.Body)), keyText)
	must(t, err)
	if report.Records != 20 {
		t.Errorf("%+v", report)
	}
}
