package runs

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"cxseal/internal/encryption"
)

// states is the gauge of runs by state, counted when it is asked for.
type states struct{ runs Runs }

var statesDesc = prometheus.NewDesc("cxseal_runs", "Runs by state.", []string{"state"}, nil)

// Describe implements prometheus.Collector.
func (s states) Describe(out chan<- *prometheus.Desc) { out <- statesDesc }

// Collect implements prometheus.Collector.
func (s states) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	counts, err := s.runs.RunCounts(ctx)
	if err != nil {
		out <- prometheus.NewInvalidMetric(statesDesc, err)
		return
	}
	for _, state := range encryption.States() {
		out <- prometheus.MustNewConstMetric(statesDesc, prometheus.GaugeValue, float64(counts[state]), string(state))
	}
}
