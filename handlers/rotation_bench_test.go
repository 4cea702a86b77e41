//go:build bench

package handlers_test

import (
	"io"
	"net/http"
	"runtime"
	"slices"
	"testing"
	"time"

	"cxseal/internal/access"
	"cxseal/internal/console/consoletest"
)

// TestRotationsOf100kColumns prints how long the pages and the feed take over
// HTTP. It is no benchmark of the testing package so that one run makes the
// ledger once and says all of it.
func TestRotationsOf100kColumns(t *testing.T) {
	h := consoletest.Start(t)
	admin := h.As(access.Admin)
	fillLedger(h, 1000, 100)
	feed := newFeedAddress(admin)
	var etag string
	for _, m := range []struct {
		name, path string
		header     map[string]string
	}{
		{"list, first page", "/rotations", nil}, {"list, overdue", "/rotations?status=overdue", nil}, {"list, on time", "/rotations?status=on_time", nil},
		{"month", "/rotations/month", nil}, {"timeline", "/rotations/timeline", nil},
		{"feed, gzip", feed, map[string]string{"Accept-Encoding": "gzip"}}, {"feed, plain", feed, map[string]string{"Accept-Encoding": "identity"}},
		{"feed, asked again", feed, map[string]string{"If-None-Match": "etag"}},
	} {
		var took []time.Duration
		var size int64
		var status int
		stop, peak := watchHeap()
		for range 11 {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.URL+m.path, nil)
			must(t, err)
			for k, v := range m.header {
				if v == "etag" {
					v = etag
				}
				req.Header.Set(k, v)
			}
			began := time.Now()
			resp, err := admin.Client.Do(req)
			must(t, err)
			size, err = io.Copy(io.Discard, resp.Body)
			must(t, err)
			must(t, resp.Body.Close())
			took = append(took, time.Since(began))
			status = resp.StatusCode
			if tag := resp.Header.Get("ETag"); tag != "" && m.path == feed {
				etag = tag
			}
		}
		close(stop)
		slices.Sort(took)
		t.Logf("%-20s %d  %9d bytes  median %8s  worst %8s  heap at most %3d MiB", m.name, status, size,
			took[len(took)/2].Round(100*time.Microsecond), took[len(took)-1].Round(100*time.Microsecond), <-peak>>20)
	}
}

// watchHeap follows the heap until stop is closed, then gives its peak.
func watchHeap() (stop chan struct{}, peak chan uint64) {
	stop, peak = make(chan struct{}), make(chan uint64, 1)
	runtime.GC()
	go func() {
		var most uint64
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapInuse)
			select {
			case <-tick.C:
			case <-stop:
				peak <- most
				return
			}
		}
	}()
	return stop, peak
}
