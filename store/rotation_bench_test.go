package store

import (
	"fmt"
	"io"
	"testing"
	"time"

	"cxseal/internal/rotation"
)

// manyColumns is a ledger of 100,000 columns, due over the next year, of which
// the scan has looked at every one.
func manyColumns(b *testing.B) (*Store, time.Time) {
	b.Helper()
	s := open(b)
	err := s.write(b.Context(), func(t *tx) error {
		for i := range 100_000 {
			seen := rotation.Sighting{At: noon, How: rotation.ByTable, KeyVersion: 1, Next: noon.Add(time.Duration(1+i%365) * 24 * time.Hour)}
			c := rotation.New(rotation.Key{Connection: "default", DatastoreID: "ds", TableID: fmt.Sprint("t", i/10), Column: fmt.Sprint("c", i%10)}, seen, rotation.DefaultRule)
			c.See(seen, false)
			c.Step(noon, rotation.DefaultLeads, rotation.DefaultRule)
			if err := t.saveLedger(c); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	return s, noon
}

func BenchmarkScanOf100kColumnsAtRest(b *testing.B) {
	s, now := manyColumns(b)
	for b.Loop() {
		if due, err := s.DueColumns(b.Context(), now, 500); err != nil || len(due) > 0 {
			b.Fatal(len(due), err)
		}
	}
}

func BenchmarkLedgerFirstPageOf100k(b *testing.B) {
	s, now := manyColumns(b)
	for _, status := range append([]rotation.Status{""}, rotation.Statuses()...) {
		b.Run("status="+string(status), func(b *testing.B) {
			for b.Loop() {
				if _, err := s.Ledger(b.Context(), rotation.Filter{Status: status, Now: now, Leads: rotation.DefaultLeads}, nil, 51); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkLedgerMonthOf100k(b *testing.B) {
	s, now := manyColumns(b)
	for b.Loop() {
		if _, err := s.LedgerDays(b.Context(), rotation.Filter{From: now, Until: now.AddDate(0, 1, 0)}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFeedOf100kColumns(b *testing.B) {
	s, now := manyColumns(b)
	for b.Loop() {
		n := 0
		calendar := rotation.NewCalendar(io.Discard, "https://seal.example.org")
		add := func(c *rotation.Column) {
			calendar.Add(c, c.StatusAt(now, rotation.DefaultLeads), "/datastores/ds/tables/t")
		}
		var after rotation.Key
		for page := 1000; page == 1000; n += page {
			var err error
			if page, err = s.LedgerDates(b.Context(), now, now.AddDate(2, 0, 0), &after, 1000, add); err != nil {
				b.Fatal(err)
			}
			if err := calendar.Flush(); err != nil {
				b.Fatal(err)
			}
		}
		if n != 100_000 {
			b.Fatal(n)
		}
	}
}
