package broker

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/litentry/wallet-federation/internal/brokerconfig"
	"github.com/litentry/wallet-federation/internal/signingkey"
)

// TestWatchingReportsOncePerContent drives the step that Watch repeats.
func TestWatchingReportsOncePerContent(t *testing.T) {
	t.Parallel()
	config := brokerconfig.Default()
	config.Issuer, config.Admission.Mode = "https://broker.example.org", brokerconfig.Open
	keys, err := signingkey.New(time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	server, err := New(Options{
		Config: config, Keys: keys, SessionKey: make([]byte, minSessionKey),
		Logger: slog.New(slog.NewTextHandler(&log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	goodConfig, err := config.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	goodKeys, err := keys.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	files := Files{Config: filepath.Join(dir, "config"), Keys: filepath.Join(dir, "keys")}
	write := func(path string, data []byte) {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	seen := ""
	for _, step := range []struct {
		name   string
		change func()
		report string
	}{
		{"no files", func() {}, "reload failed"},
		{"good files", func() { write(files.Config, goodConfig); write(files.Keys, goodKeys) }, "msg=loaded"},
		{"bad keys", func() { write(files.Keys, []byte("{}")) }, "reload refused"},
		{"other bad keys", func() { write(files.Keys, []byte("[]")) }, "reload refused"},
		{"good files again", func() { write(files.Keys, goodKeys) }, "msg=loaded"},
		{"no files again", func() { _ = os.Remove(files.Keys) }, "reload failed"},
	} {
		step.change()
		for look := range 3 {
			log.Reset()
			seen = files.reloadIfChanged(t.Context(), server, seen)
			want := 0
			if look == 0 {
				want = 1
			}
			if got := strings.Count(log.String(), step.report); got != want {
				t.Errorf("%s, look %d: reported %d times, want %d:\n%s", step.name, look+1, got, want, log.String())
			}
		}
	}
}
