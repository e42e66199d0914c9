package broker

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"github.com/litentry/wallet-federation/internal/challenge"
)

// observed is a route that is counted, timed and, if tracing is on, traced.
type observed struct {
	server  *Server
	name    string
	next    http.Handler
	metrics routeMetrics
}

// observe wraps the handler of a route, whose name is one of a fixed set.
func (s *Server) observe(name string, next http.Handler) http.Handler {
	return &observed{server: s, name: name, next: next, metrics: s.metrics.route(name)}
}

// ServeHTTP implements [http.Handler].
func (o *observed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	begun := o.server.now()
	watched := &statusWriter{ResponseWriter: w}
	o.server.metrics.inFlight.Inc()
	var span trace.Span
	if o.traced() {
		r, span = o.server.startSpan(o.name, r)
	}
	returned := false
	defer func() {
		status := watched.result(returned)
		o.server.metrics.inFlight.Dec()
		o.metrics.observe(status, o.server.now().Sub(begun))
		if span != nil {
			endSpan(span, status)
		}
	}()
	o.next.ServeHTTP(watched, r)
	returned = true
}

// traced leaves out health: kubelet asks every few seconds.
func (o *observed) traced() bool {
	return o.server.tracer != nil && o.name != healthPath && o.name != readyPath
}

// statusWriter remembers the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements [http.ResponseWriter].
func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// ReadFrom lets what is beneath choose how it copies.
func (w *statusWriter) ReadFrom(r io.Reader) (int64, error) { return io.Copy(w.ResponseWriter, r) }

// Unwrap is for [http.ResponseController], and for what else needs the server's
// own writer.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// result is the status that the client got. A handler that panicked gave none,
// unless it did before.
func (w *statusWriter) result(returned bool) int {
	switch {
	case w.status != 0:
		return w.status
	case returned:
		return http.StatusOK
	default:
		return http.StatusInternalServerError
	}
}

// observedStore counts the failures of a store and, if there is tracing, shows
// how long the store took.
type observedStore struct {
	challenge.Store
	failures prometheus.Counter
	tracer   trace.Tracer
}

// Use implements [challenge.Store].
func (o *observedStore) Use(ctx context.Context, epoch challenge.Epoch, nonce challenge.Nonce, until time.Time) (bool, error) {
	if o.tracer != nil {
		var span trace.Span
		ctx, span = o.tracer.Start(ctx, "use nonce", trace.WithSpanKind(trace.SpanKindClient))
		defer span.End()
	}
	first, err := o.Store.Use(ctx, epoch, nonce, until)
	if err != nil {
		o.failures.Inc()
	}
	return first, err
}

// stateCollector reads what is so at the moment of the scrape.
type stateCollector struct {
	server *Server

	signingKey, signingKeyAge, sessionKeyAge, storeUp, admitted *prometheus.Desc
}

func newStateCollector(s *Server) *stateCollector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(namespace+"_"+name, help, labels, nil)
	}
	return &stateCollector{
		server:        s,
		signingKey:    desc("signing_key_info", "The key that signs, by kid; always 1.", "kid"),
		signingKeyAge: desc("signing_key_age_seconds", "Time since the key that signs was made."),
		sessionKeyAge: desc("session_key_age_seconds", "Time since the session key that signs became Active."),
		storeUp:       desc("nonce_store_up", "1 if the nonce store answers, 0 if sign-in is not possible."),
		admitted: desc("admitted_wallets", "Wallets that are admitted by name, by where: the configuration, with the probe's, or the lists.",
			"source"),
	}
}

// Describe implements [prometheus.Collector].
func (c *stateCollector) Describe(descriptions chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.signingKey, c.signingKeyAge, c.sessionKeyAge, c.storeUp, c.admitted} {
		descriptions <- d
	}
}

// Collect implements [prometheus.Collector]. Of all kids only the present one is
// a label.
func (c *stateCollector) Collect(collected chan<- prometheus.Metric) {
	state, now := c.server.current.Load(), c.server.now()
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		metric, err := prometheus.NewConstMetric(d, prometheus.GaugeValue, value, labels...)
		if err != nil {
			metric = prometheus.NewInvalidMetric(d, err)
		}
		collected <- metric
	}
	gauge(c.signingKey, 1, state.activeKey.ID)
	gauge(c.signingKeyAge, now.Sub(state.activeKey.CreatedAt).Seconds())
	gauge(c.sessionKeyAge, now.Sub(state.sessionKey.Since).Seconds())
	up := 1.0
	if _, err := c.server.nonces.Epoch(); err != nil {
		up = 0
	}
	gauge(c.storeUp, up)
	gauge(c.admitted, float64(state.admitted.Len()), "configuration")
	gauge(c.admitted, float64(state.listed.Len()), "lists")
}
