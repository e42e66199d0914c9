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
	"github.com/litentry/wallet-federation/internal/session"
	"github.com/litentry/wallet-federation/internal/signingkey"
)

// written are files that a test spoils.
type written struct {
	Files
	config       *brokerconfig.Config
	keys         *signingkey.Set
	sessions     *session.KeySet
	log          bytes.Buffer
	source       *Source
	server       *Server
	admissionDir string
}

func newWritten(t *testing.T) *written {
	t.Helper()
	dir := t.TempDir()
	w := &written{
		Files:    Files{Config: filepath.Join(dir, "config"), Keys: filepath.Join(dir, "keys"), SessionKeys: filepath.Join(dir, "sessions")},
		config:   brokerconfig.Default(),
		sessions: session.NewKeySet(time.Unix(0, 0)), admissionDir: filepath.Join(dir, "admission"),
	}
	w.config.Issuer, w.config.Admission.Mode = "https://broker.example.org", brokerconfig.AllowList
	w.config.Admission.Directories = []string{w.admissionDir}
	var err error
	if w.keys, err = signingkey.New(time.Unix(0, 0)); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(w.admissionDir, 0o700); err != nil {
		t.Fatal(err)
	}
	w.putConfig(t)
	w.put(t, w.Keys, marshal(t, w.keys.Marshal))
	w.put(t, w.SessionKeys, marshal(t, w.sessions.Marshal))
	w.put(t, w.list(), []byte("0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed\n"))
	logger := slog.New(slog.NewTextHandler(&w.log, nil))
	if w.source, err = NewSource(w.Files, logger); err != nil {
		t.Fatal(err)
	}
	if w.server, err = New(Options{State: w.source.State(), Logger: logger}); err != nil {
		t.Fatal(err)
	}
	return w
}

func marshal(t *testing.T, write func() ([]byte, error)) []byte {
	t.Helper()
	data, err := write()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func (w *written) list() string { return filepath.Join(w.admissionDir, "bots") }

func (w *written) putConfig(t *testing.T) {
	t.Helper()
	w.put(t, w.Config, marshal(t, w.config.Marshal))
}

func (*written) put(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// look drives the step that Watch repeats, and returns what it logged.
func (w *written) look(t *testing.T) string {
	t.Helper()
	w.log.Reset()
	w.source.reloadIfChanged(t.Context(), w.server)
	return w.log.String()
}

func TestWatchingReportsOncePerContent(t *testing.T) {
	t.Parallel()
	w := newWritten(t)
	good := marshal(t, w.keys.Marshal)
	for _, step := range []struct {
		name   string
		change func()
		report string
	}{
		{"nothing new", func() {}, ""},
		{"bad keys", func() { w.put(t, w.Keys, []byte("{}")) }, "reading signing keys"},
		{"other bad keys", func() { w.put(t, w.Keys, []byte("[]")) }, "reading signing keys"},
		{"good keys again", func() { w.put(t, w.Keys, good) }, "msg=loaded"},
		{"no keys", func() { _ = os.Remove(w.Keys) }, "reading signing keys"},
		{"good keys once more", func() { w.put(t, w.Keys, good) }, "msg=loaded"},
		{"a bad list", func() { w.put(t, w.list(), []byte("vitalik.eth")) }, "reading admission lists"},
		{"no lists", func() { _ = os.Remove(w.list()) }, "msg=loaded"},
	} {
		step.change()
		if got := w.look(t); !strings.Contains(got, step.report) || (step.report == "") != (got == "") {
			t.Errorf("%s: logged %q, want %q", step.name, got, step.report)
		}
		if got := w.look(t); got != "" {
			t.Errorf("%s: reported again: %s", step.name, got)
		}
	}
}

func TestABadFileDoesNotHoldUpAnother(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*testing.T, *written){
		"bad configuration": func(t *testing.T, w *written) { t.Helper(); w.put(t, w.Config, []byte("{}")) },
		"another issuer": func(t *testing.T, w *written) {
			t.Helper()
			w.config.Issuer = "https://other.example.org"
			w.putConfig(t)
		},
		"bad session keys":     func(t *testing.T, w *written) { t.Helper(); w.put(t, w.SessionKeys, []byte("{}")) },
		"a bad admission list": func(t *testing.T, w *written) { t.Helper(); w.put(t, w.list(), []byte("x")) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWritten(t)
			spoil(t, w)
			if got := w.look(t); !strings.Contains(got, "reload refused") {
				t.Fatalf("not reported: %q", got)
			}
			next, err := signingkey.New(time.Unix(1, 0))
			if err != nil {
				t.Fatal(err)
			}
			w.put(t, w.Keys, marshal(t, next.Marshal))
			w.look(t)
			if got := w.server.current.Load().activeKey.ID; got != next.Active().ID {
				t.Errorf("key %s signs, want the new one, %s", got, next.Active().ID)
			}
		})
	}
}
