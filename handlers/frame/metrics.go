package frame

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// requestMetrics measures requests. Labels are routes and not paths, so that ids make no new series.
type requestMetrics struct {
	durations *prometheus.HistogramVec
	serve     http.Handler
}

func newRequestMetrics(registry *prometheus.Registry) (*requestMetrics, error) {
	m := &requestMetrics{
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "cxseal_http_request_duration_seconds", Help: "How long requests took, by route.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"method", "route", "status"}),
		serve: promhttp.HandlerFor(registry, promhttp.HandlerOpts{}),
	}
	return m, register(registry, m.durations)
}

// Register adds an area's figures to /metrics.
func (f *Frame) Register(c prometheus.Collector) error { return register(f.cfg.Metrics, c) }

func register(registry *prometheus.Registry, c prometheus.Collector) error {
	if err := registry.Register(c); err != nil {
		return fmt.Errorf("handlers: metrics: %w", err)
	}
	return nil
}

func (m *requestMetrics) observe(c echo.Context, took time.Duration) {
	rt, known := c.Get(ctxRoute).(Route)
	if !known {
		rt.Path = "none"
	}
	method := c.Request().Method
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost:
	default:
		method = "other" // a client can make up methods, which must make no new series
	}
	m.durations.WithLabelValues(method, rt.Path, strconv.Itoa(c.Response().Status)).Observe(took.Seconds())
}

func (m *requestMetrics) handler(c echo.Context) error {
	m.serve.ServeHTTP(c.Response(), c.Request())
	return nil
}
