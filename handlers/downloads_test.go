package handlers_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"cxseal/handlers/frame"
	"cxseal/internal/access"
	"cxseal/internal/audit"
	"cxseal/internal/console/consoletest"
	"cxseal/internal/encryption"
)

// TestEveryDownloadIsOnRecord fails when a file leaves the console without a record: every route of the kinds
// File and Stream is asked here (tried with seriesCSV calling Stream in place of Download, and with a route
// that the list lacks).
func TestEveryDownloadIsOnRecord(t *testing.T) {
	h := consoletest.Start(t)
	admin := h.As(access.Admin)
	h.WaitFor(admin.Launch("ssn"), encryption.Verified)
	form := url.Values{"connection": {"default"}, "datastore_id": {datastoreID}, "target": {"tables"}, "table_id": {tableID}}
	campaign := admin.Submit("/campaigns", "/campaigns", form).Header.Get("Location")
	record := h.Records(audit.Filter{Operation: string(audit.ColumnEncryption)})[0].Record.AuditID
	files := map[string]struct{ path, says string }{
		"/audit.csv":                      {"/audit.csv", "CSV of "},
		"/audit.jsonl":                    {"/audit.jsonl", "JSONL of "},
		"/audit/evidence.zip":             {"/audit/evidence.zip", "Evidence pack of "},
		"/audit/checkpoint":               {"/audit/checkpoint", "Checkpoint downloaded, filter none."},
		"/audit/:audit/proof":             {"/audit/" + record + "/proof", "Inclusion proof downloaded, filter record " + record + "."},
		"/charts/coverage.csv":            {"/charts/coverage.csv?table_id=" + tableID, "Coverage series downloaded, filter table_id=" + tableID + "."},
		"/charts/latency.csv":             {"/charts/latency.csv", "Latency series downloaded, filter none."},
		"/campaigns/:campaign/export.csv": {campaign + "/export.csv", "Campaign downloaded, filter campaign " + strings.TrimPrefix(campaign, "/campaigns/") + "."},
	}
	officer := h.As(access.Officer)
	for _, rt := range h.Pages.Routes() {
		if rt.Kind != frame.File && rt.Kind != frame.Stream || rt.Path == "/runs/:run/events" { // the moving part of a page
			continue
		}
		file, ok := files[rt.Path]
		if !ok {
			t.Errorf("%s downloads something that this test does not ask for", rt.Path)
			continue
		}
		of := audit.Filter{Operation: string(audit.AuditExport), Outcome: string(audit.Success), Actor: "officer-1"}
		before := len(h.Records(of))
		if a := officer.Do(http.MethodHead, file.path, nil); a.Status != 200 {
			t.Errorf("HEAD %s: %d", file.path, a.Status)
		}
		if a := officer.Get(file.path); a.Status != 200 {
			t.Errorf("%s: %d %s", file.path, a.Status, a.Body)
		}
		list := h.Records(of)
		if n := len(list) - before; n != 1 || !strings.HasPrefix(list[0].Record.Detail, file.says) {
			t.Errorf("%s left %d records, the newest says %q", file.path, n, list[0].Record.Detail)
		}
	}
	before := len(h.Records(audit.Filter{Actor: "officer-1"}))
	if a := officer.Submit("/rotations", "/rotations/feed", url.Values{"present": {consoletest.Password}}); a.Status != 200 {
		t.Errorf("a calendar address: %d", a.Status)
	}
	if list := h.Records(audit.Filter{Actor: "officer-1"}); len(list) != before+1 || list[0].Record.Detail != "Calendar feed of officer-1 made." {
		t.Errorf("the making of a calendar address left %d records", len(list)-before)
	}

	// What is downloaded again within the hour is one more record, with its number.
	for range 3 {
		officer.Get("/charts/latency.csv")
	}
	h.Advance(time.Hour)
	officer.Get("/healthz")
	again := h.Records(audit.Filter{Operation: string(audit.AuditExport), Query: `"more in the hour"`})
	if len(again) != 1 || !strings.HasPrefix(again[0].Record.Detail, "3 times more in the hour from ") ||
		!strings.HasSuffix(again[0].Record.Detail, ": Latency series downloaded, filter none.") {
		t.Errorf("%d records of repeats: %+v", len(again), again)
	}
}
