package api

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/keiro-net/keiro/controller/api/collect"
)

type metrics struct {
	handler  http.Handler
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
}

// newMetrics makes a registry of its own, so that nothing registers itself
// there unseen.
func newMetrics(cfg Config, watches chan struct{}) (*metrics, error) {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "keiro_api_requests_total", Help: "API requests by route and status.",
		}, []string{"route", "status"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "keiro_api_request_duration_seconds", Help: "Time to answer an API request, watches excepted.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 4, 9),
		}, []string{"route"}),
	}
	open := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "keiro_api_watches", Help: "Watches that are open.",
	}, func() float64 { return float64(len(watches)) })
	state := collect.Source{Version: cfg.Version, State: cfg.Backend.State, Peers: cfg.Backend.Peers}
	if cfg.Alerts != nil {
		state.Deliveries = cfg.Alerts.Deliveries
	}
	registry := prometheus.NewRegistry()
	all := []prometheus.Collector{
		m.requests, m.duration, open, state, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	}
	for _, c := range append(all, cfg.Collectors...) {
		if err := registry.Register(c); err != nil {
			return nil, fmt.Errorf("register metrics: %w", err)
		}
	}
	m.handler = promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
	return m, nil
}

// observe counts a request. The route is the pattern, so that a client cannot
// make series as it likes.
func (m *metrics) observe(r *http.Request, status int, took time.Duration) {
	route := r.Pattern
	if route == "" {
		route = "none"
	}
	m.requests.WithLabelValues(route, strconv.Itoa(status)).Inc()
	if route != "GET /api/v1/watch" {
		m.duration.WithLabelValues(route).Observe(took.Seconds())
	}
}
