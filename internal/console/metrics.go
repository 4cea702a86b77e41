package console

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"cxseal/store"
)

// newMetrics is the registry behind /metrics, with the process's own figures
// and the database's.
func newMetrics(s *store.Store) *prometheus.Registry {
	registry := prometheus.NewRegistry()
	gauge := func(name, help string, value func(store.Stats) float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "cxseal", Name: name, Help: help},
			func() float64 { return value(s.Stats()) })
	}
	registry.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		gauge("database_bytes", "Size of the database file.", func(s store.Stats) float64 { return float64(s.DatabaseBytes) }),
		gauge("wal_bytes", "Size of the write-ahead log.", func(s store.Stats) float64 { return float64(s.WALBytes) }),
		gauge("writes_waiting", "Writes that wait for the one writer.", func(s store.Stats) float64 { return float64(s.Queued) }),
	)
	return registry
}
