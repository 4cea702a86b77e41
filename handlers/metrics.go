package handlers

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"cxseal/internal/encryption"
)

// requestMetrics counts what the console answers. Labels are routes, never
// paths: an id must not make a series.
type requestMetrics struct {
	durations *prometheus.HistogramVec
	serve     http.Handler
}

func newRequestMetrics(registry *prometheus.Registry, runs RunReader) (*requestMetrics, error) {
	m := &requestMetrics{
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "cxseal_http_request_duration_seconds", Help: "How long requests took, by route.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"method", "route", "status"}),
		serve: promhttp.HandlerFor(registry, promhttp.HandlerOpts{}),
	}
	for _, c := range []prometheus.Collector{m.durations, runStates{runs}} {
		if err := registry.Register(c); err != nil {
			return nil, fmt.Errorf("handlers: metrics: %w", err)
		}
	}
	return m, nil
}

func (m *requestMetrics) observe(c echo.Context, took time.Duration) {
	rt, known := c.Get(ctxRoute).(route)
	if !known {
		rt.path = "none"
	}
	method := c.Request().Method
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost:
	default:
		method = "other" // a stranger may make up methods
	}
	m.durations.WithLabelValues(method, rt.path, strconv.Itoa(c.Response().Status)).Observe(took.Seconds())
}

func (m *requestMetrics) handler(c echo.Context) error {
	m.serve.ServeHTTP(c.Response(), c.Request())
	return nil
}

// runStates is the gauge of runs by state, counted when it is asked for.
type runStates struct{ runs RunReader }

var runStatesDesc = prometheus.NewDesc("cxseal_runs", "Runs by state.", []string{"state"}, nil)

func (r runStates) Describe(out chan<- *prometheus.Desc) { out <- runStatesDesc }

func (r runStates) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	counts, err := r.runs.RunCounts(ctx)
	if err != nil {
		out <- prometheus.NewInvalidMetric(runStatesDesc, err)
		return
	}
	for _, state := range encryption.States {
		out <- prometheus.MustNewConstMetric(runStatesDesc, prometheus.GaugeValue, float64(counts[state]), string(state))
	}
}
