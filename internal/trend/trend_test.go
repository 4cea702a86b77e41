package trend

import (
	"strings"
	"testing"
	"time"
)

func TestPercentilesAreNearestRank(t *testing.T) {
	ten := []int64{10, 1, 9, 2, 8, 3, 7, 4, 6, 5}
	for _, c := range []struct {
		values []int64
		p      float64
		want   int64
	}{{nil, 0.5, 0}, {[]int64{7}, 0.95, 7}, {ten, 0.5, 5}, {ten, 0.95, 10}, {ten, 0.9, 9}, {[]int64{1, 2}, 0.5, 1}, {[]int64{3, 3, 9}, 0.5, 3}} {
		if got := Percentile(c.values, c.p); got != c.want {
			t.Errorf("p%v of %v is %d, want %d", c.p*100, c.values, got, c.want)
		}
	}
}

func TestACoverageFallsOnlyWhenItsShareDoes(t *testing.T) {
	counts := func(total, encrypted, sensitive, verified, unverified, refused int) Counts {
		return Counts{Total: total, Encrypted: encrypted, Sensitive: sensitive, Protected: Protected{verified, unverified, refused}}
	}
	was := counts(4, 3, 3, 1, 1, 0)
	for now, want := range map[Counts]bool{
		counts(4, 3, 3, 1, 1, 0): false,
		counts(8, 6, 6, 2, 2, 0): false,
		counts(5, 3, 3, 1, 1, 0): true,
		counts(4, 4, 4, 2, 0, 0): true, // more of all and of the verified, less of the sensitive
		counts(4, 3, 3, 0, 2, 0): true, // as many encrypted, less of them verified
		counts(4, 3, 3, 1, 0, 1): false,
		{}:                       false,
	} {
		if got := now.FellFrom(was); got != want {
			t.Errorf("%+v fell: %v", now, got)
		}
	}
}

// A tenant's ids are outside text: opened in a spreadsheet they must stay text.
func TestSeriesAreInertInASpreadsheet(t *testing.T) {
	var b strings.Builder
	out := NewCoverageCSV(&b)
	err := out.Coverage(Snapshot{Day: time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC), Connection: "=cmd()", DatastoreID: `a,"b"`, TableID: "@x",
		Counts: Counts{Total: 3, Encrypted: 1, Sensitive: 4, Protected: Protected{Verified: 2, Refused: 1}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := out.Flush(); err != nil {
		t.Fatal(err)
	}
	_, row, _ := strings.Cut(b.String(), "\r\n")
	if want := "2026-02-01,'=cmd(),\"a,\"\"b\"\"\",'@x,3,1,33.33,4,3,75,2,0,1\r\n"; row != want {
		t.Errorf("%q, want %q", row, want)
	}
	b.Reset()
	if err := NewLatencyCSV(&b).Flush(); err != nil || b.String() != "date,stage,runs,failed,p50_ms,p95_ms,max_ms\r\n" {
		t.Errorf("a series without rows is %q, %v", b.String(), err)
	}
}
