package broker

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

const (
	namespace = "wallet_federation_broker"

	// otherLabel stands for every value that is not in a label's set: what
	// callers choose must not become a label.
	otherLabel = "other"
	// otherRoute is the route of every path that there is nothing at.
	otherRoute = otherLabel
)

// statuses are those that the broker answers with. Each is the label of a
// counter of each route, which exists from the beginning.
var statuses = [...]int{
	http.StatusOK, http.StatusNotModified,
	http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound,
	http.StatusMethodNotAllowed, http.StatusGone, http.StatusPreconditionFailed,
	http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType,
	http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusServiceUnavailable,
}

// latencyBuckets are in seconds. A mint takes well under a millisecond; what
// takes seconds waits for a slow client or another service.
var latencyBuckets = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}

// metrics are what one server counts, in a registry of its own. No label takes
// a value that a caller can choose.
type metrics struct {
	registry *prometheus.Registry

	requests  *prometheus.CounterVec
	durations *prometheus.HistogramVec
	inFlight  prometheus.Gauge
	exchanges *prometheus.CounterVec
	// granted are the counters of exchanges that succeeded, by event, looked up
	// once: they are on the way of every mint.
	granted      map[string]prometheus.Counter
	omitted      prometheus.Counter
	storeErrors  prometheus.Counter
	reloads      *prometheus.CounterVec
	lastReloaded prometheus.Gauge
}

// newMetrics registers those of a server, whose state is read at each scrape.
func newMetrics(s *Server) (*metrics, error) {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: newCounters("requests_total", "HTTP requests by route, as the path below the issuer, and status.",
			"route", "status"),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: namespace, Name: "request_duration_seconds", Help: "Time to answer HTTP requests by route.",
			Buckets: latencyBuckets,
		}, []string{"route"}),
		inFlight: newGauge("requests_in_flight", "HTTP requests that are being answered."),
		exchanges: newCounters("exchanges_total", "Sign-ins and mints by outcome and reason, as in the audit log.",
			"event", "outcome", "reason"),
		granted:     make(map[string]prometheus.Counter, len(auditEvents)),
		omitted:     newCounter("audit_records_omitted_total", "Refusals without a proven wallet that the audit log left out because there were too many."),
		storeErrors: newCounter("nonce_store_errors_total", "Calls of the nonce store that failed, each for one sign-in."),
		reloads:     newCounters("reloads_total", "Changed files that were taken (ok) or not (refused), by part.", "part", "outcome"),
		lastReloaded: newGauge("last_reload_success_timestamp_seconds",
			"When the state in force was taken, in seconds since the epoch."),
	}
	for _, event := range auditEvents {
		m.granted[event] = m.exchanges.WithLabelValues(event, outcomeOK, reasonOK)
	}
	for _, part := range []string{partConfig, partKeys, partSessionKeys, partLists, partRedis, partCertificate, partTogether} {
		m.reloads.WithLabelValues(part, outcomeOK)
		m.reloads.WithLabelValues(part, outcomeRefused)
	}
	for _, collector := range []prometheus.Collector{
		m.requests, m.durations, m.inFlight, m.exchanges, m.omitted, m.storeErrors, m.reloads, m.lastReloaded,
		newStateCollector(s),
		collectors.NewBuildInfoCollector(), collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	} {
		if err := m.registry.Register(collector); err != nil {
			return nil, fmt.Errorf("registering metrics: %w", err)
		}
	}
	return m, nil
}

func newCounter(name, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help})
}

func newGauge(name, help string) prometheus.Gauge {
	return prometheus.NewGauge(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help})
}

func newCounters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
}

// exchanged counts an audit record.
func (m *metrics) exchanged(r *record) {
	if granted, known := m.granted[r.event]; known && r.reason == reasonOK {
		granted.Inc()
		return
	}
	event, reason := otherLabel, otherLabel
	if _, known := m.granted[r.event]; known {
		event = r.event
	}
	if auditReasons[r.reason] {
		reason = r.reason
	}
	m.exchanges.WithLabelValues(event, r.outcome(), reason).Inc()
}

// noteReload takes what became of a changed part of the state; see [Source].
func (s *Server) noteReload(part string, err error) {
	outcome := outcomeOK
	if err != nil {
		outcome = outcomeRefused
	}
	s.metrics.reloads.WithLabelValues(part, outcome).Inc()
	s.health.reloaded(part, err)
}

// routeMetrics are those of one route. Looking them up for each request would
// cost more than counting.
type routeMetrics struct {
	requests map[int]prometheus.Counter
	other    prometheus.Counter
	duration prometheus.Observer
}

func (m *metrics) route(name string) routeMetrics {
	r := routeMetrics{
		requests: make(map[int]prometheus.Counter, len(statuses)),
		other:    m.requests.WithLabelValues(name, otherLabel),
		duration: m.durations.WithLabelValues(name),
	}
	for _, status := range statuses {
		r.requests[status] = m.requests.WithLabelValues(name, strconv.Itoa(status))
	}
	return r
}

func (r routeMetrics) observe(status int, took time.Duration) {
	counter, known := r.requests[status]
	if !known {
		counter = r.other
	}
	counter.Inc()
	r.duration.Observe(took.Seconds())
}

// monitor answers on the port that is not for callers.
func (s *Server) monitor() http.Handler {
	exposition := promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{
		MaxRequestsInFlight: 4, ErrorHandling: promhttp.HTTPErrorOnError,
	})
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", exposition)
	mux.HandleFunc("GET "+healthPath, s.healthz)
	mux.HandleFunc("GET "+readyPath, s.readyz)
	return mux
}
