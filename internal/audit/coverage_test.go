package audit

import (
	"fmt"
	"testing"
)

// The summary is read whole when a pack is verified, so its tables are bounded; the total is of all of them.
func TestTheSummaryOfManyTablesIsBoundedAndItsTotalIsNot(t *testing.T) {
	var tables []TableCoverage
	for i := range 1000 {
		tables = append(tables, TableCoverage{Connection: "eu", DatastoreID: "ds", TableID: fmt.Sprintf("t%03d", 999-i),
			End: &CoverageFigures{Total: 2, Encrypted: 1, Sensitive: 1, Verified: 1}})
	}
	rows, more, total := coverageRows(tables, 100*440)
	if len(rows)+more != 1000 || len(rows) < 90 || len(rows) > 110 || rows[0].TableID != "t000" {
		t.Errorf("%d rows and %d more, the first of %s", len(rows), more, rows[0].TableID)
	}
	if total.AllEnd != "50 % (1000 of 2000)" || total.SensitiveEnd != "100 % (1000 of 1000)" || total.AllStart != "not known" {
		t.Errorf("total %+v", total)
	}
}

func TestOnlyTheConditionsOnTablesLeaveTablesOut(t *testing.T) {
	table := TableCoverage{Connection: "eu", DatastoreID: "ds", TableID: "t1"}
	for text, want := range map[string]bool{
		"": true, "actor:olga outcome:FAILURE word": true, "connection:eu table:t1": true, "table:t1 table:t2": true, "-table:t2": true,
		"connection:us": false, "table:t2": false, "-table:t1": false, "datastore:other": false, "-connection:eu": false,
	} {
		q, err := ParseQuery(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := q.concerns(table); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}
