package broker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// tracerName is the instrumentation scope of all spans.
const tracerName = "github.com/litentry/wallet-federation/broker"

// tracingShutdownTimeout is how long a stop waits for the last spans.
const tracingShutdownTimeout = 5 * time.Second

// defaultServiceName is what spans say where OTEL_SERVICE_NAME does not.
const defaultServiceName = "wallet-federation-broker"

// NewTracing returns a provider that exports spans by OTLP over HTTP as the
// standard environment of OpenTelemetry says (OTEL_EXPORTER_OTLP_*,
// OTEL_TRACES_EXPORTER, OTEL_TRACES_SAMPLER, OTEL_SERVICE_NAME,
// OTEL_RESOURCE_ATTRIBUTES, OTEL_BSP_*), or nil if it names no endpoint and no
// exporter. Its Shutdown sends what is left. It never blocks a request: what
// cannot be sent in time is dropped.
func NewTracing(ctx context.Context, logger *slog.Logger) (*sdktrace.TracerProvider, error) {
	wanted, err := tracingWanted(os.Getenv)
	if err != nil || !wanted {
		return nil, err
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("creating trace exporter: %w", err)
	}
	described, err := resource.New(ctx,
		resource.WithAttributes(attribute.String("service.name", defaultServiceName)),
		resource.WithTelemetrySDK(), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("describing the service to tracing: %w", err)
	}
	return sdktrace.NewTracerProvider(sdktrace.WithBatcher(loggedExporter{exporter, logger}), sdktrace.WithResource(described)), nil
}

// shutdownTracing sends what is left, within the time that a graceful stop has.
func shutdownTracing(ctx context.Context, tracing *sdktrace.TracerProvider) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tracingShutdownTimeout)
	defer cancel()
	return tracing.Shutdown(ctx)
}

// tracingWanted refuses what it would otherwise have to ignore.
func tracingWanted(getenv func(string) string) (bool, error) {
	endpoint, traces := "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
	exporter := getenv("OTEL_TRACES_EXPORTER")
	switch {
	case strings.EqualFold(getenv("OTEL_SDK_DISABLED"), "true"), exporter == "none":
		return false, nil
	case exporter == "" && getenv(endpoint) == "" && getenv(traces) == "":
		return false, nil
	case exporter != "" && exporter != "otlp":
		return false, errors.New("OTEL_TRACES_EXPORTER is neither otlp nor none")
	}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"} {
		if !slices.Contains([]string{"", "http/protobuf"}, getenv(name)) {
			return false, fmt.Errorf("%s is not http/protobuf", name)
		}
	}
	for _, name := range []string{endpoint, traces} {
		// The error leaves the value out: it can hold a password.
		u, err := url.Parse(getenv(name))
		if getenv(name) != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
			return false, fmt.Errorf("%s is not an http or https URL", name)
		}
	}
	return true, nil
}

// loggedExporter reports failures to our log: where the library would report
// them is one place for the whole process.
type loggedExporter struct {
	sdktrace.SpanExporter
	logger *slog.Logger
}

// ExportSpans implements [sdktrace.SpanExporter].
func (e loggedExporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	if err := e.SpanExporter.ExportSpans(ctx, spans); err != nil {
		e.logger.WarnContext(ctx, "spans were lost", "spans", len(spans), "error", err)
	}
	return nil
}

// startSpan begins the span of a request, as a child of the caller's if the
// request names one (W3C Trace Context). No attribute is taken from the request,
// nor from who sent it.
func (s *Server) startSpan(route string, r *http.Request) (*http.Request, trace.Span) {
	ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
	method := methodLabel(r.Method)
	ctx, span := s.tracer.Start(ctx, method+" "+route, trace.WithSpanKind(trace.SpanKindServer),
		trace.WithAttributes(attribute.String("http.request.method", method), attribute.String("http.route", route)))
	return r.WithContext(ctx), span
}

func endSpan(span trace.Span, status int) {
	span.SetAttributes(attribute.Int("http.response.status_code", status))
	if status >= http.StatusInternalServerError {
		span.SetStatus(codes.Error, http.StatusText(status))
	}
	span.End()
}

// methodLabel is one of a fixed set: callers may make methods up.
func methodLabel(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodConnect, http.MethodOptions, http.MethodTrace:
		return method
	default:
		return "_OTHER"
	}
}
