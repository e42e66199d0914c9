package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/litentry/wallet-federation/internal/brokerconfig"
	"github.com/litentry/wallet-federation/internal/session"
	"github.com/litentry/wallet-federation/internal/signingkey"
)

// files writes what the operator mounts and returns the flags that name it.
func files(t *testing.T) []string {
	t.Helper()
	config := brokerconfig.Default()
	config.Issuer, config.Admission.Mode = "https://broker.example.org", brokerconfig.Open
	configData, err := config.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := signingkey.New(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	keyData, err := keys.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	sessionData, err := session.NewKeySet(time.Now()).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var flags []string
	for name, data := range map[string][]byte{"config": configData, "keys": keyData, "session-keys": sessionData} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		flags = append(flags, "--"+name+"="+path)
	}
	return flags
}

func TestRunServesFromFilesUntilItIsTold(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	reader, writer := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := run(ctx, append(files(t), "--listen=127.0.0.1:0", "--metrics-listen=127.0.0.1:0", "--shutdown-delay=0s"), writer, io.Discard)
		_ = writer.Close()
		done <- err
	}()
	addresses := listening(t, reader)
	for url, want := range map[string]int{
		"http://" + addresses["listening"] + "/readyz":        http.StatusOK,
		"http://" + addresses["listening"] + "/metrics":       http.StatusNotFound,
		"http://" + addresses["serving metrics"] + "/readyz":  http.StatusOK,
		"http://" + addresses["serving metrics"] + "/metrics": http.StatusOK,
	} {
		if got := get(t, url); got != want {
			t.Errorf("%s answered %d, want %d", url, got, want)
		}
	}
	stop()
	if err := <-done; err != nil {
		t.Errorf("run returned %v", err)
	}
}

func get(t *testing.T, url string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	client := http.Client{Timeout: 10 * time.Second}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	return response.StatusCode
}

// listening returns the addresses in the lines that say one, by what they say,
// up to the one of the API, and goes on reading so that the log never blocks.
func listening(t *testing.T, log io.Reader) map[string]string {
	t.Helper()
	addresses := map[string]string{}
	lines := bufio.NewScanner(log)
	for lines.Scan() {
		var line struct{ Msg, Address string }
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatalf("log line %q: %v", lines.Text(), err)
		}
		if line.Address != "" {
			addresses[line.Msg] = line.Address
		}
		if line.Msg == "listening" {
			go func() { _, _ = io.Copy(io.Discard, log) }()
			return addresses
		}
	}
	t.Fatal("the log ended before the broker listened")
	return nil
}

func TestRunRefuses(t *testing.T) {
	t.Parallel()
	good := files(t)
	for name, c := range map[string]struct {
		arguments []string
		reason    string
	}{
		"no flags":                {nil, "are required"},
		"a flag nobody knows":     {append(good[:3:3], "--insecure"), "flag provided but not defined"},
		"a word after the flags":  {append(good[:3:3], "serve"), `unexpected argument "serve"`},
		"a file that is missing":  {append(good[:3:3], "--config=/nonexistent"), "reading configuration"},
		"an address that is none": {append(good[:3:3], "--listen=nowhere"), "nowhere"},
		"a certificate alone":     {append(good[:3:3], "--tls-cert=/tls.crt"), "go together"},
		"a key alone":             {append(good[:3:3], "--tls-key=/tls.key"), "go together"},
		"a pair that is missing":  {append(good[:3:3], "--tls-cert=/nonexistent", "--tls-key=/nonexistent"), "reading TLS certificate"},
		"a delay of a day":        {append(good[:3:3], "--shutdown-delay=24h"), "not between 0s and 5m0s"},
		"a delay before it began": {append(good[:3:3], "--shutdown-delay=-1s"), "not between 0s and 5m0s"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := run(t.Context(), c.arguments, io.Discard, io.Discard)
			if err == nil || !strings.Contains(err.Error(), c.reason) {
				t.Errorf("got %v, want it to say %q", err, c.reason)
			}
		})
	}
}
