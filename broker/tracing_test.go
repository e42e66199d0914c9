package broker_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/litentry/wallet-federation/broker"
)

// receiver takes spans by OTLP over HTTP.
type receiver struct {
	mu       sync.Mutex
	requests int
	raw      []byte
	spans    []*trace.Span
	services []string
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	var export collector.ExportTraceServiceRequest
	if err != nil || request.URL.Path != "/v1/traces" || proto.Unmarshal(body, &export) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests++
	r.raw = append(r.raw, body...)
	for _, resource := range export.GetResourceSpans() {
		for _, attribute := range resource.GetResource().GetAttributes() {
			if attribute.GetKey() == "service.name" {
				r.services = append(r.services, attribute.GetValue().GetStringValue())
			}
		}
		for _, scope := range resource.GetScopeSpans() {
			r.spans = append(r.spans, scope.GetSpans()...)
		}
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
}

func attributesOf(span *trace.Span) map[string]string {
	found := map[string]string{}
	for _, attribute := range span.GetAttributes() {
		found[attribute.GetKey()] = attribute.GetValue().GetStringValue()
		if number := attribute.GetValue().GetIntValue(); number != 0 {
			found[attribute.GetKey()] = http.StatusText(int(number))
		}
	}
	return found
}

// The environment is the process's: the test cannot run beside others.
func TestSpansAreExportedAsTheEnvironmentSays(t *testing.T) {
	taken := &receiver{}
	server := httptest.NewServer(taken)
	t.Cleanup(server.Close)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.URL)
	tracing, err := broker.NewTracing(t.Context(), slog.New(slog.DiscardHandler))
	if err != nil || tracing == nil {
		t.Fatalf("got %v, %v", tracing, err)
	}
	f := newFixture(t)
	f = f.replica(t, func(o *broker.Options) {
		o.Tracing, o.Logger = tracing, slog.New(slog.NewJSONHandler(f.log, nil))
	})
	key := newKey(t)
	bearer := f.signIn(t, key)
	const traceID, parentID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	minted := f.send(t, http.MethodPost, mintPath, "", "Authorization", "Bearer "+bearer,
		"Traceparent", "00-"+traceID+"-"+parentID+"-01", "Tracestate", "vendor=mark3r").text(t, "jwt")
	f.send(t, "MARK3R", "/mark3r?mark3r", "", "Traceparent", "00-mark3r", "User-Agent", "mark3r")
	f.send(t, http.MethodGet, "/healthz", "")
	f.send(t, http.MethodGet, "/readyz", "")
	if err := tracing.Shutdown(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}

	taken.mu.Lock()
	defer taken.mu.Unlock()
	names := map[string]*trace.Span{}
	for _, span := range taken.spans {
		names[span.GetName()] = span
	}
	want := []string{"POST " + startPath, "POST " + verifyPath, "POST " + mintPath, "_OTHER other", "use nonce"}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(names))); diff != "" {
		t.Fatalf("spans (-want +got):\n%s", diff)
	}
	span := names["POST "+mintPath]
	if hex.EncodeToString(span.GetTraceId()) != traceID || hex.EncodeToString(span.GetParentSpanId()) != parentID {
		t.Errorf("the span is not the child that the caller asked for: %v", span)
	}
	wantAttributes := map[string]string{
		"http.request.method": "POST", "http.route": mintPath, "http.response.status_code": "OK",
		"audit.event": "mint", "audit.outcome": "ok", "audit.reason": "ok",
	}
	if diff := cmp.Diff(wantAttributes, attributesOf(span)); diff != "" {
		t.Errorf("attributes (-want +got):\n%s", diff)
	}
	if !slices.Contains(taken.services, "wallet-federation-broker") {
		t.Errorf("the services are %v", taken.services)
	}
	if use, verify := names["use nonce"], names["POST "+verifyPath]; !bytes.Equal(use.GetParentSpanId(), verify.GetSpanId()) {
		t.Error("the nonce store's span is not a child of the sign-in's")
	}
	records := f.log.records(t)
	if last := records[len(records)-1]; last["trace_id"] != traceID {
		t.Errorf("the audit record is %v", last)
	}
	for _, secret := range []string{string(key.Address()), string(key.Address())[2:], bearer, minted, "MARK3R", "/mark3r", "mark3r?"} {
		if strings.Contains(string(taken.raw), secret) {
			t.Errorf("the spans show %q", secret)
		}
	}
}

func TestTheEnvironmentOfTracing(t *testing.T) {
	for name, c := range map[string]struct {
		environment map[string]string
		on          bool
		reason      string
	}{
		"nothing":                     {},
		"an endpoint":                 {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}, true, ""},
		"an endpoint of traces":       {map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:1/t"}, true, ""},
		"an exporter alone":           {map[string]string{"OTEL_TRACES_EXPORTER": "otlp"}, true, ""},
		"an endpoint, for other uses": {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_TRACES_EXPORTER": "none"}, false, ""},
		"disabled":                    {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_SDK_DISABLED": "true"}, false, ""},
		"an exporter nobody knows":    {map[string]string{"OTEL_TRACES_EXPORTER": "zipkin"}, false, "OTEL_TRACES_EXPORTER"},
		"a protocol that is not here": {map[string]string{"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, false, "OTEL_EXPORTER_OTLP_PROTOCOL"},
		"an endpoint that is none":    {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "user:secret@collector"}, false, "OTEL_EXPORTER_OTLP_ENDPOINT"},
	} {
		t.Run(name, func(t *testing.T) {
			for variable, value := range c.environment {
				t.Setenv(variable, value)
			}
			tracing, err := broker.NewTracing(t.Context(), slog.New(slog.DiscardHandler))
			if (tracing != nil) != c.on || (err != nil) != (c.reason != "") {
				t.Fatalf("got %v, %v", tracing, err)
			}
			if err != nil && (!strings.Contains(err.Error(), c.reason) || strings.Contains(err.Error(), "secret")) {
				t.Errorf("got %v", err)
			}
			if tracing != nil {
				_ = tracing.Shutdown(context.WithoutCancel(t.Context()))
			}
		})
	}
}

func TestACollectorThatIsAwayIsReportedAndHindersNobody(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.URL)
	log := &buffer{}
	tracing, err := broker.NewTracing(t.Context(), slog.New(slog.NewJSONHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	f := newFixture(t).replica(t, func(o *broker.Options) { o.Tracing = tracing })
	f.mint(t, f.signIn(t, newKey(t)), "").members(t)
	if err := tracing.Shutdown(context.WithoutCancel(t.Context())); err != nil {
		t.Error(err)
	}
	if !strings.Contains(log.String(), "spans were lost") {
		t.Errorf("the log is %q", log.String())
	}
}
