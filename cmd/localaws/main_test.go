package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestServesUntilStopped(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	output, stdout := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- run(ctx, []string{"--listen", "127.0.0.1:0", "--account", "210987654321"}, stdout, io.Discard)
	}()
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	_, endpoint, found := strings.Cut(line, "AWS_ENDPOINT_URL=")
	endpoint, _, _ = strings.Cut(endpoint, " ")
	if !found {
		t.Fatalf("the line does not say where: %q", line)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint+"/?Action=GetCallerIdentity&Version=2011-06-15", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := new(http.Client).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusForbidden {
		t.Errorf("an unsigned call is answered with %s, want 403", response.Status)
	}
	stop()
	select {
	case err := <-done:
		if err != nil {
			t.Errorf("stopping: %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Error("it does not stop")
	}
}

func TestCommandLineRefusals(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		args []string
		want string
	}{
		"every interface":       {[]string{"--listen", ":0"}, "--allow-remote"},
		"every interface, IPv4": {[]string{"--listen", "0.0.0.0:0"}, "--allow-remote"},
		"a public address":      {[]string{"--listen", "192.0.2.1:0"}, "--allow-remote"},
		"no port":               {[]string{"--listen", "127.0.0.1"}, "--listen"},
		"an argument":           {[]string{"serve"}, `"serve"`},
		"an account of 3":       {[]string{"--account", "123"}, "12 digits"},
		"an unknown flag":       {[]string{"--port", "1"}, errUsage.Error()},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			err := run(ctx, test.args, io.Discard, io.Discard)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q in it", err, test.want)
			}
		})
	}
}

func TestRemoteAddressOnRequest(t *testing.T) {
	t.Parallel()
	listener, err := listen(t.Context(), "0.0.0.0:0", true)
	if err != nil {
		t.Fatal(err)
	}
	if err := listener.Close(); err != nil {
		t.Error(err)
	}
}
