package store

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"cxseal/internal/audit"
)

// CXSEAL_BENCH_RECORDS is how large the ledger of the reading benchmarks is;
// CXSEAL_BENCH_DB keeps it in a file from one run to the next.
func ledger(b *testing.B) (*Store, int64) {
	b.Helper()
	size := 20_000
	if v := os.Getenv("CXSEAL_BENCH_RECORDS"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil {
			b.Fatal(err)
		}
		size = n
	}
	path := os.Getenv("CXSEAL_BENCH_DB")
	if path == "" {
		path = filepath.Join(b.TempDir(), "ledger.db")
	}
	s := openAt(b, path)
	have, err := s.TreeSize(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	fill(b, s, int(have), size)
	return s, int64(max(size, int(have)))
}

func BenchmarkAppend1(b *testing.B) {
	s := open(b)
	for i := 0; b.Loop(); i++ {
		if err := s.AppendRecords(context.Background(), variety(i)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppend32(b *testing.B) {
	s := open(b)
	work := make(chan int)
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			for i := range work {
				if err := s.AppendRecords(context.Background(), variety(i)); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for i := 0; b.Loop(); i++ {
		work <- i
	}
	close(work)
	wg.Wait()
}

type countingWriter struct{ n int64 }

func (w *countingWriter) Write(p []byte) (int, error) {
	w.n += int64(len(p))
	return len(p), nil
}

func benchExport(b *testing.B, export func(*Store, io.Writer) (int64, error)) {
	s, size := ledger(b)
	for b.Loop() {
		w := &countingWriter{}
		n, err := export(s, w)
		if err != nil || n != size {
			b.Fatal(n, err)
		}
		b.SetBytes(w.n)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(size), "ns/record")
}

func BenchmarkExportCSV(b *testing.B) {
	benchExport(b, func(s *Store, w io.Writer) (int64, error) {
		return s.ExportCSV(context.Background(), audit.Filter{}, w)
	})
}

func BenchmarkExportJSONL(b *testing.B) {
	benchExport(b, func(s *Store, w io.Writer) (int64, error) {
		return s.ExportJSONL(context.Background(), audit.Filter{}, w)
	})
}

func BenchmarkVerify(b *testing.B) {
	s, size := ledger(b)
	for b.Loop() {
		if report := verify(b, s); !report.OK() || report.Records != size {
			b.Fatal(report.Summary())
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(size), "ns/record")
}

func BenchmarkPage(b *testing.B) {
	s, size := ledger(b)
	for _, name := range []string{"none", "operation", "outcome", "actor", "connection", "datastore", "table", "role", "any of", "words", "one word", "plain word", "rare word", "period", "all at once"} {
		f := filters[name].f
		for _, depth := range []int64{0, size * 9 / 10} {
			before := int64(0)
			if depth > 0 {
				before = size - depth
			}
			b.Run(fmt.Sprintf("%s/%d", name, depth), func(b *testing.B) {
				for b.Loop() {
					if _, err := s.AuditPage(context.Background(), f, before, 50); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkFacetsAndCount(b *testing.B) {
	s, _ := ledger(b)
	for _, name := range []string{"none", "operation", "words"} {
		f := filters[name].f
		b.Run("facets/"+name, func(b *testing.B) {
			for b.Loop() {
				if _, err := s.AuditTotals(context.Background(), f, 10_000); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("count/"+name, func(b *testing.B) {
			for b.Loop() {
				if _, _, err := s.AuditCount(context.Background(), f, 10_000); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkSize reports bytes a record: the whole file, the table, the index of terms.
func BenchmarkSize(b *testing.B) {
	s, size := ledger(b)
	for b.Loop() {
		table := number(b, s, `SELECT sum(pgsize) FROM dbstat WHERE name = 'audit_records'`)
		terms := number(b, s, `SELECT sum(pgsize) FROM dbstat WHERE name = 'audit_terms'`)
		b.ReportMetric(float64(s.Stats().DatabaseBytes)/float64(size), "file-B/record")
		b.ReportMetric(float64(table)/float64(size), "table-B/record")
		b.ReportMetric(100*float64(terms)/float64(table), "terms-%of-table")
	}
}
