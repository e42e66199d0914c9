package broker_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"testing"
	"time"

	"github.com/litentry/wallet-federation/broker"
)

// serve runs a broker on a loopback port until stop is called or the test ends.
func serve(t *testing.T, f *fixture, how broker.Serving) (address string, stop func() error) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() { stopped <- f.server.Serve(ctx, listener, how) }()
	t.Cleanup(cancel)
	return listener.Addr().String(), func() error {
		cancel()
		return <-stopped
	}
}

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	connection, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close() })
	if err := connection.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return connection
}

func TestServeFinishesWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	address, stop := serve(t, f, broker.Serving{})
	connection := dial(t, address)
	body := `{"address":"` + alice + `","chain_id":1}`
	// The server asks for the body only once the handler reads it: from then on
	// the request is under way.
	_, err := fmt.Fprintf(connection, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n", startPath, len(body))
	if err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(connection)
	line, err := reader.ReadString('\n')
	if err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatalf("got %q, %v", line, err)
	}
	if _, err := reader.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- stop() }()
	eventually(t, "new connections are refused", func() bool {
		connection, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
		if err == nil {
			_ = connection.Close()
		}
		return err != nil
	})
	if _, err := io.WriteString(connection, body); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		t.Errorf("the request under way got %s", response.Status)
	}
	if err := <-stopped; err != nil {
		t.Errorf("Serve returned %v", err)
	}
}

// ask sends a request without a body over a connection, and returns the status
// of the answer and whether the connection is to be closed.
func ask(t *testing.T, connection net.Conn, path string) (status int, last bool) {
	t.Helper()
	if _, err := io.WriteString(connection, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	return response.StatusCode, response.Close
}

func TestServeIsNotReadyBeforeItRefuses(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	address, stop := serve(t, f, broker.Serving{ShutdownDelay: 2 * time.Second})
	kept := dial(t, address)
	if status, last := ask(t, kept, "/readyz"); status != http.StatusOK || last {
		t.Fatalf("got %d before, to be closed: %v", status, last)
	}
	told := time.Now()
	stopped := make(chan error, 1)
	go func() { stopped <- stop() }()
	eventually(t, "it is not ready", func() bool {
		return f.send(t, http.MethodGet, "/readyz", "").status == http.StatusServiceUnavailable
	})
	if got := f.send(t, http.MethodGet, "/readyz", "").body; !strings.Contains(got, `"serving":"failed"`) || !strings.Contains(got, `"signing":"ok"`) {
		t.Errorf("got %s", got)
	}
	for name, connection := range map[string]net.Conn{"a connection kept open": kept, "a new connection": dial(t, address)} {
		if status, last := ask(t, connection, jwksPath); status != http.StatusOK || !last {
			t.Errorf("%s: got %d, to be closed: %v", name, status, last)
		}
	}
	if err := <-stopped; err != nil {
		t.Errorf("Serve returned %v", err)
	}
	if after := time.Since(told); after < 2*time.Second {
		t.Errorf("it stopped after %s", after)
	}
	if connection, err := new(net.Dialer).DialContext(t.Context(), "tcp", address); err == nil {
		_ = connection.Close()
		t.Error("a connection was taken after the stop")
	}
}

// What an HTTP/2 client has just sent when it is told to go away is lost, and not
// every client can send a body again. One that looks whether the broker is ready
// has gone by itself before it is told.
func TestAnHTTP2ConnectionGoesOnUntilTheBrokerStopsToListen(t *testing.T) {
	t.Parallel()
	f, pair := newFixture(t), newPair(t, 1)
	secret := newVolume(t, pair)
	certificate, err := broker.NewCertificate(secret.path(certName), secret.path(keyName), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	address, stop := serve(t, f, broker.Serving{Certificate: certificate, ShutdownDelay: 5 * time.Second})
	client := secureClient(t, true, pair)
	reused := false
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) { reused = info.Reused }})
	ask := func(path string) int {
		t.Helper()
		status, protocol, _, err := get(ctx, client, "https://"+address+path)
		if err != nil || protocol != "HTTP/2.0" {
			t.Fatalf("%s, %v", protocol, err)
		}
		return status
	}
	ask("/readyz")
	stopped := make(chan error, 1)
	go func() { stopped <- stop() }()
	eventually(t, "it is not ready", func() bool { return ask("/readyz") == http.StatusServiceUnavailable })
	for range 5 {
		if status := ask(jwksPath); status != http.StatusOK || !reused {
			t.Errorf("got %d, on the same connection: %v", status, reused)
		}
	}
	if err := <-stopped; err != nil {
		t.Errorf("Serve returned %v", err)
	}
}

func TestServeRefusesHeadersWithoutEnd(t *testing.T) {
	t.Parallel()
	address, _ := serve(t, newFixture(t), broker.Serving{})
	connection := dial(t, address)
	if _, err := io.WriteString(connection, "GET /healthz HTTP/1.1\r\nHost: x\r\nX: "+strings.Repeat("a", 21<<10)); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(connection).ReadString('\n')
	if err != nil || !strings.Contains(line, "431") {
		t.Errorf("got %q, %v", line, err)
	}
}

// exchangeRaw sends bytes and returns all that comes back. The server has to close
// the connection.
func exchangeRaw(t *testing.T, address, request string) string {
	t.Helper()
	connection := dial(t, address)
	if _, err := io.WriteString(connection, request); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(connection)
	if err != nil {
		t.Fatalf("the connection is not closed: %v; got %q", err, answer)
	}
	return string(answer)
}

func TestNothingIsSmuggledBehindABody(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	address, _ := serve(t, f, broker.Serving{})
	bearer := f.signIn(t, newKey(t))
	request := "POST " + mintPath + " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + bearer + "\r\nContent-Type: application/json\r\n"
	const smuggled = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
	for name, c := range map[string]struct {
		rest   string
		status string
	}{
		"a length and chunks":         {"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled, "200 OK"},
		"chunks":                      {"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n" + smuggled, "200 OK"},
		"chunks, said with a tab":     {"Transfer-Encoding:\tchunked\r\n\r\n0\r\n\r\n" + smuggled, "200 OK"},
		"two encodings":               {"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + smuggled, "501 Not Implemented"},
		"an encoding nobody knows":    {"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + smuggled, "501 Not Implemented"},
		"a space before the colon":    {"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + smuggled, "400 Bad Request"},
		"two lengths":                 {"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}" + smuggled, "400 Bad Request"},
		"a length with a sign":        {"Content-Length: +2\r\n\r\n{}" + smuggled, "400 Bad Request"},
		"a length beyond 64 bits":     {"Content-Length: 99999999999999999999\r\n\r\n{}" + smuggled, "400 Bad Request"},
		"chunks ended by LF":          {"Transfer-Encoding: chunked\r\n\r\n2\n{}\n0\n\n" + smuggled, "400 Bad Request"},
		"a chunk beyond 64 bits":      {"Transfer-Encoding: chunked\r\n\r\n10000000000000002\r\n{}\r\n0\r\n\r\n" + smuggled, "400 Bad Request"},
		"a body that is too large":    {"Content-Length: 5000\r\n\r\n" + strings.Repeat(" ", 5000) + smuggled, "413 Request Entity Too Large"},
		"a trailer":                   {"Transfer-Encoding: chunked\r\nTrailer: X\r\n\r\n0\r\nAuthorization: Bearer x\r\n\r\n" + smuggled, "200 OK"},
		"a bare CR in a header":       {"X: a\rY: b\r\n\r\n" + smuggled, "400 Bad Request"},
		"a second Host":               {"Host: y\r\nContent-Length: 0\r\n\r\n" + smuggled, "400 Bad Request"},
		"a header without a name":     {": x\r\n\r\n" + smuggled, "400 Bad Request"},
		"an expectation nobody knows": {"Expect: 200-ok\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", "417 Expectation Failed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := exchangeRaw(t, address, request+c.rest)
			if !strings.HasPrefix(got, "HTTP/1.1 "+c.status) || strings.Count(got, "HTTP/1.1 ") != 1 {
				t.Errorf("got %q, want %s and nothing after", got, c.status)
			}
		})
	}
}

func TestOnlyPathsAreAnswered(t *testing.T) {
	t.Parallel()
	address, _ := serve(t, newFixture(t), broker.Serving{})
	for _, line := range []string{"OPTIONS *", "GET *", "CONNECT x:443", "GET http://evil.example/v1", "POST //evil.example" + mintPath} {
		got := exchangeRaw(t, address, line+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		if !strings.HasPrefix(got, "HTTP/1.1 404") || !strings.HasSuffix(got, `{"error":"not_found","message":"there is nothing at this path"}`) {
			t.Errorf("%s: got %q", line, got)
		}
	}
}

func TestServeReportsAListenerThatFails(t *testing.T) {
	t.Parallel()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	if err := newFixture(t).server.Serve(t.Context(), listener, broker.Serving{}); err == nil || !strings.Contains(err.Error(), "serving") {
		t.Errorf("got %v", err)
	}
}
