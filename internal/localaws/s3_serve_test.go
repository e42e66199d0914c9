package localaws

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"testing"
)

func TestPanicOfTheStoreIsAnsweredAndLogged(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s := newBucketServer(t, shared)
	s.options.Logger = slog.New(slog.NewTextHandler(&log, nil))
	s.storage.protocol = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		panic("index out of range") //nolint:forbidigo // It stands for gofakes3, which does.
	})
	if code := s.call(t, http.MethodGet, "/"+shared+"/key?tagging", ""); code != "InternalError" {
		t.Errorf("answered %q", code)
	}
	if !strings.Contains(log.String(), "index out of range") {
		t.Errorf("the log does not tell: %q", &log)
	}
}
