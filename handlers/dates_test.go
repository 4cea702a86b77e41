package handlers_test

import (
	"archive/zip"
	"bytes"
	"net/http"
	"strings"
	"testing"

	"cxseal/internal/access"
	"cxseal/internal/console/consoletest"
	"cxseal/internal/encryption"
)

// Every surface reads its dates in one place: a period that ends with the last date there is, or begins before
// 1970, holds everything.
func TestAPeriodOfAllTimesFindsEverythingOnEverySurface(t *testing.T) {
	h := consoletest.Start(t)
	admin := h.As(access.Admin)
	h.WaitFor(admin.Launch("ssn"), encryption.Verified)
	seed(h, 3)
	officer := h.As(access.Officer)
	for _, c := range []struct {
		path, sign string // the sign is on the page that found something
		query      func(from, to string) string
	}{
		{"/audit", "seeder", nil},
		{"/audit", "seeder", func(from, to string) string { return "q=from%3A" + from + "+to%3A" + to }},
		{"/audit.csv", "seeder", nil},
		{"/audit.jsonl", "seeder", nil},
		{"/runs", "Verified", nil},
		{"/verifications", "Accepted", nil},
		{"/charts/coverage.csv", "tbl-contacts,", nil},
		{"/charts/latency.csv", ",kms,1,", nil},
		{"/charts", "Encryption of 1 column of", nil},
		{"/rotations", "ssn", func(from, to string) string { return "from=" + from + "&until=" + to }},
	} {
		for _, p := range [][2]string{{"2020-01-01", "9999-12-31"}, {"1960-01-01", "9999-12-31"}, {"0001-01-01", "9999-12-31"}, {"0000-01-01", "9998-12-31"}} {
			query := "from=" + p[0] + "&to=" + p[1]
			if c.query != nil {
				query = c.query(p[0], p[1])
			}
			if a := officer.Get(c.path + "?" + query); a.Status != http.StatusOK || !strings.Contains(a.Body, c.sign) {
				t.Errorf("%s?%s: %d, without %q", c.path, query, a.Status, c.sign)
			}
		}
		for _, bad := range []string{"10000-01-01", "2026-02-30", "99999999999-01-01"} {
			query := "from=" + bad
			if strings.HasPrefix(query, "from") && c.query != nil {
				query = c.query(bad, "9999-12-31")
			}
			if a := officer.Get(c.path + "?" + query); a.Status != http.StatusBadRequest {
				t.Errorf("%s?%s: %d", c.path, query, a.Status)
			}
		}
	}
	for path, want := range map[string]int{"/rotations/month?month=9999-12": 200, "/rotations/month?month=0001-01": 200, "/rotations/month?month=0000-12": 400, "/rotations/month?month=10000-01": 400} {
		a := officer.Get(path)
		if a.Status != want || strings.Contains(a.Body, "10000") || strings.Contains(a.Body, "month=0000") {
			t.Errorf("%s: %d, or it leads to a month that there is not", path, a.Status)
		}
	}
	for _, empty := range []bool{false, true} {
		query := "to=9999-12-31"
		if empty {
			query = "to=1960-01-01"
		}
		a := officer.Get("/audit/evidence.zip?" + query)
		z, err := zip.NewReader(bytes.NewReader([]byte(a.Body)), int64(len(a.Body)))
		must(t, err)
		readme, err := z.Open("README.txt")
		must(t, err)
		var text bytes.Buffer
		_, err = text.ReadFrom(readme)
		must(t, err)
		if got := strings.HasPrefix(text.String(), "The pack is empty: the log has no record before 1960-01-02"); got != empty {
			t.Errorf("the pack of %s says that it is empty: %v", query, got)
		}
	}
}
