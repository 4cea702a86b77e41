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

	"cxseal/cxone/sandbox"
	"cxseal/handlers"
	"cxseal/internal/access"
	"cxseal/internal/audit"
)

// seed appends n records by "seeder", a second apart, from 2026-01-01T00:00:00Z.
func (h *house) seed(n int) {
	h.t.Helper()
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var batch []audit.Record
	for i := range n {
		r := audit.NewRecord(start.Add(time.Duration(i)*time.Second), audit.DriftDetected, audit.Success, audit.Actor{Name: "seeder", Role: "system"})
		r.Detail = fmt.Sprintf("=seeded %d", i)
		if batch = append(batch, r); len(batch) == 500 || i == n-1 {
			must(h.t, h.db.AppendRecords(h.t.Context(), batch...))
			batch = batch[:0]
		}
	}
}

func TestExportsParseBackToTheLedger(t *testing.T) {
	h := newHouse(t)
	h.seed(1100)
	officer := h.as(access.Officer)
	a := officer.get("/audit.csv?actor=seeder&from=2026-01-01&to=2026-01-01")
	if a.status != 200 || a.header.Get("Content-Encoding") != "" {
		t.Fatalf("%d %v", a.status, a.header)
	}
	if name := a.header.Get("Content-Disposition"); !regexp.MustCompile(`^attachment; filename=cxseal-audit-\d{8}T\d{6}Z\.csv$`).MatchString(name) {
		t.Errorf("Content-Disposition %q", name)
	}
	rows, err := csv.NewReader(strings.NewReader(a.body)).ReadAll()
	must(t, err)
	if len(rows) != 1101 || rows[1][24] != "'=seeded 0" || rows[1100][24] != "'=seeded 1099" {
		t.Fatalf("%d rows, %q, %q", len(rows), rows[1], rows[len(rows)-1])
	}
	lines := officer.get("/audit.jsonl?actor=seeder")
	n := 0
	for line := range strings.Lines(lines.body) {
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
	exports := h.records(audit.Filter{Operation: string(audit.AuditExport)})
	if len(exports) != 2 {
		t.Fatalf("%d exports on record", len(exports))
	}
	sum := sha256.Sum256([]byte(a.body))
	for _, want := range []string{"CSV of 1100 records", hex.EncodeToString(sum[:]), "filter actor:seeder from:2026-01-01"} {
		if detail := exports[1].Record.Detail; !strings.Contains(detail, want) {
			t.Errorf("the record %q lacks %q", detail, want)
		}
	}
	whole := officer.get("/audit.jsonl")
	if strings.Contains(whole.body, h.records(audit.Filter{Operation: string(audit.AuditExport)})[0].Record.AuditID) {
		t.Error("an export holds its own record")
	}
}

// broken is the ledger of which an export breaks off.
type broken struct{ handlers.AuditReader }

func (b broken) ExportCSV(ctx context.Context, f audit.Filter, w io.Writer) (int64, error) {
	n, err := b.AuditReader.ExportCSV(ctx, f, w)
	return n, errors.Join(err, errors.New("the disk is gone"))
}

func TestABrokenExportNeverLooksWhole(t *testing.T) {
	h := newHouse(t, func(c *handlers.Config, _ *sandbox.Config) { c.Audit = broken{c.Audit} })
	h.seed(600)
	officer := h.as(access.Officer)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.server.URL+"/audit.csv", nil)
	must(t, err)
	resp, err := officer.client.Do(req)
	if err == nil {
		defer resp.Body.Close() //nolint:errcheck // a test's answer
		_, err = io.ReadAll(resp.Body)
	}
	if err == nil {
		t.Error("the client was told that the file is whole")
	}
	if list := h.records(audit.Filter{Operation: string(audit.AuditExport), Outcome: string(audit.Failure)}); len(list) != 1 {
		t.Errorf("%d failed exports on record", len(list))
	}
}

func TestBadFiltersAreSentencesAndNeverIgnored(t *testing.T) {
	h := newHouse(t)
	b := h.as(access.Officer)
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
		if a := b.get(path); a.status != 400 || !strings.Contains(a.body, sentence) {
			t.Errorf("%.60s: %d, sentence shown: %v", path, a.status, strings.Contains(a.body, sentence))
		}
	}
	for _, path := range []string{"/audit.csv?outcome=MAYBE", "/audit.jsonl?actr=admin", "/audit.csv?from=x", "/audit.csv?q=colour:red"} {
		if a := b.get(path); a.status != 400 || strings.Contains(a.header.Get("Content-Type"), "csv") {
			t.Errorf("%s: %d %s", path, a.status, a.header.Get("Content-Type"))
		}
	}
	if a := b.get("/audit?outcome=MAYBE", "Accept", "application/json"); a.status != 400 || !strings.Contains(a.body, `"code":"invalid"`) {
		t.Errorf("JSON: %d %s", a.status, a.body)
	}
}

func TestADateInToIncludesThatDay(t *testing.T) {
	h := newHouse(t)
	h.seed(3)
	b := h.as(access.Officer)
	for query, want := range map[string]int{
		"to=2026-01-01": 3, "to=2025-12-31": 0, "from=2026-01-01": 3, "from=2026-01-02&to=2026-01-03": 0,
		"to=2026-01-01T00:00:02Z": 2, "from=2026-01-01T01:00:01%2B01:00": 2, "from=2026-01-01T01:00:01+01:00": 2,
	} {
		a := b.get("/audit.jsonl?actor=seeder&" + query)
		if n := strings.Count(a.body, "\n"); a.status != 200 || n != want {
			t.Errorf("%s: %d, %d records, want %d", query, a.status, n, want)
		}
	}
}

var (
	recordLink = regexp.MustCompile(`href="/audit/([0-9a-f-]{36})"`)
	pagerLink  = regexp.MustCompile(`rel="(prev|next)" href="([^"]+)"`)
)

func TestTheLogIsPagedToItsEndAndBack(t *testing.T) {
	h := newHouse(t)
	h.seed(120)
	b := h.as(access.Officer)
	var seen []string
	walk := func(path, rel string) (last string) {
		for path != "" {
			a := b.get(path)
			if a.status != 200 {
				t.Fatalf("%s: %d", path, a.status)
			}
			last, seen = path, append(seen, ids(a.body)...)
			path = ""
			for _, m := range pagerLink.FindAllStringSubmatch(a.body, -1) {
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
	h := newHouse(t)
	h.seed(5)
	b := h.as(access.Officer)
	entry := h.records(audit.Filter{Actor: "seeder"})[2]
	page := b.get("/audit/" + entry.Record.AuditID)
	keyText := regexp.MustCompile(`cxseal/test\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+`).FindString(page.body)
	if page.status != 200 || keyText == "" || !strings.Contains(page.body, audit.HexHash(entry.LeafHash)) {
		t.Fatalf("record: %d, key %q", page.status, keyText)
	}
	a := b.get("/audit/" + entry.Record.AuditID + "/proof")
	proof, err := audit.ParseProof([]byte(a.body))
	must(t, err)
	proved, checkpoint, err := proof.Verify(nil, keyText)
	must(t, err)
	if proved.Seq != entry.Seq || proved.Record.AuditID != entry.Record.AuditID || checkpoint.Size < entry.Seq {
		t.Errorf("%+v under %+v", proved, checkpoint)
	}
	text := b.get("/audit/checkpoint")
	if _, err := audit.OpenCheckpoint([]byte(text.body), keyText); err != nil {
		t.Errorf("checkpoint: %v", err)
	}
}

func TestAnEvidencePackChecksWithTheKeyShown(t *testing.T) {
	h := newHouse(t)
	h.seed(20)
	b := h.as(access.Officer)
	keyText := regexp.MustCompile(`cxseal/test\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+`).FindString(b.get("/system").body)
	a := b.get("/audit/evidence.zip?actor=seeder")
	if a.status != 200 || a.header.Get("Content-Type") != "application/zip" {
		t.Fatalf("%d %v", a.status, a.header)
	}
	report, err := audit.VerifyPack(t.Context(), strings.NewReader(a.body), int64(len(a.body)), keyText)
	must(t, err)
	if report.Records != 20 {
		t.Errorf("%+v", report)
	}
}
