package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// maxIdleKiB is the goal for the resident memory of an idle broker.
const maxIdleKiB = 40 << 10

// build returns the path of the broker as it is shipped.
func build(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "broker")
	command := exec.CommandContext(t.Context(), "go", "build", "-ldflags=-s -w", "-o", path, ".") //nolint:gosec // The path is the test's own.
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, output)
	}
	return path
}

// resident returns the resident memory of a process in KiB.
func resident(t *testing.T, pid int) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Skip("this system does not tell how much memory a process has")
	}
	_, rest, _ := bytes.Cut(status, []byte("VmRSS:"))
	var kib int
	if _, err := fmt.Sscan(string(rest), &kib); err != nil {
		t.Fatalf("reading VmRSS: %v", err)
	}
	return kib
}

func TestAnIdleBrokerIsSmallAndStopsWhenItIsTold(t *testing.T) {
	t.Parallel()
	path := build(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, path, append(files(t), "--listen=127.0.0.1:0", "--shutdown-delay=0s")...) //nolint:gosec // As above.
	reader, writer := io.Pipe()
	command.Stdout, command.Stderr = writer, os.Stderr
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	addresses := listening(t, reader)
	client := http.Client{Timeout: 10 * time.Second}
	for range 100 {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addresses["listening"]+"/readyz", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
	}
	kib := resident(t, command.Process.Pid)
	t.Logf("%d KiB", kib)
	if kib > maxIdleKiB {
		t.Errorf("an idle broker has %d KiB, want at most %d", kib, maxIdleKiB)
	}
	if err := command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := command.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
}
