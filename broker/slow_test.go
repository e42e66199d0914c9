package broker

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/litentry/wallet-federation/internal/brokerconfig"
	"github.com/litentry/wallet-federation/internal/session"
	"github.com/litentry/wallet-federation/internal/signingkey"
)

// exposed is a server on a loopback port whose times a test can shorten.
type exposed struct {
	*Server
	address string
}

func expose(t *testing.T, change func(*http.Server)) *exposed {
	t.Helper()
	config := brokerconfig.Default()
	config.Issuer, config.Admission.Mode = "https://broker.example.org", brokerconfig.Open
	config.Limits.Client.PerSecond = 0
	keys, err := signingkey.New(time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	server, err := New(Options{State: State{Config: config, Keys: keys, SessionKeys: session.NewKeySet(time.Unix(0, 0))}})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	limited := limitConnections(listener, maxConnections)
	carrier := server.newHTTPServer(limited, server)
	change(carrier)
	served := make(chan error, 1)
	go func() { served <- carrier.Serve(limited) }()
	t.Cleanup(func() {
		if err := shutDown(context.WithoutCancel(t.Context()), carrier); err != nil {
			t.Error(err)
		}
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return &exposed{server, listener.Addr().String()}
}

func (e *exposed) dial(t *testing.T) net.Conn {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", e.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// poll waits for at most ten seconds.
func poll(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.NewTimer(10 * time.Second)
	defer deadline.Stop()
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for !holds() {
		select {
		case <-ticker.C:
		case <-deadline.C:
			t.Fatalf("in ten seconds it did not happen that %s", what)
		}
	}
}

func TestTheServersTimesAreSet(t *testing.T) {
	t.Parallel()
	expose(t, func(s *http.Server) {
		for name, period := range map[string]time.Duration{
			"headers": s.ReadHeaderTimeout, "a request": s.ReadTimeout, "an answer": s.WriteTimeout, "idleness": s.IdleTimeout,
		} {
			if period <= 0 || period > 2*time.Minute {
				t.Errorf("the time for %s is %s", name, period)
			}
		}
		if s.ReadTimeout+s.WriteTimeout > shutdownTimeout+5*time.Second {
			t.Error("a request can take longer than stopping waits")
		}
	})
}

func TestWhoSendsNoHeadersIsHungUpOn(t *testing.T) {
	t.Parallel()
	e := expose(t, func(s *http.Server) { s.ReadHeaderTimeout = 50 * time.Millisecond })
	for name, sent := range map[string]string{"nothing": "", "half of the headers": "POST /v1/mint-oidc-jwt HTTP/1.1\r\nHost: x\r\nX-A"} {
		conn := e.dial(t)
		if _, err := io.WriteString(conn, sent); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, conn); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhoSendsHalfABodyIsHungUpOn(t *testing.T) {
	t.Parallel()
	e := expose(t, func(s *http.Server) { s.ReadTimeout = 50 * time.Millisecond })
	conn := e.dial(t)
	const request = "POST " + startPath + " HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil || !strings.Contains(string(answer), "400 Bad Request") {
		t.Errorf("got %q, %v", answer, err)
	}
	poll(t, "nothing is under way", func() bool { return e.underWay.Load() == 0 })
}

func TestTooManyRequestsUnderWayAreRefusedAtOnce(t *testing.T) {
	t.Parallel()
	e := expose(t, func(*http.Server) {})
	e.underWay.Add(maxUnderWay)
	conn := e.dial(t)
	if _, err := io.WriteString(conn, "POST "+startPath+" HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusServiceUnavailable || response.Header.Get("Retry-After") != "1" {
		t.Errorf("got %s, Retry-After %q", response.Status, response.Header.Get("Retry-After"))
	}
	if got := e.underWay.Load(); got != maxUnderWay {
		t.Errorf("%d are under way after it, want %d", got, maxUnderWay)
	}
}

// Frames of HTTP/2 (RFC 9113, section 6), and what is in their headers (RFC 7541).
const (
	frameHeaders, frameReset, frameSettings, frameGoAway = 1, 3, 4, 7

	endHeaders = 4

	enhanceYourCalm = 11
)

func frame(kind, flags byte, stream uint32, payload string) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(payload))<<8|uint32(kind))
	b = binary.BigEndian.AppendUint32(append(b, flags), stream)
	return append(b, payload...)
}

// openStream begins a request whose body never comes.
func openStream(stream uint32) []byte {
	const post, http, authority = "\x83", "\x86", "\x01\x01x"
	return frame(frameHeaders, endHeaders, stream, post+http+authority+
		"\x04"+string(rune(len(startPath)))+startPath+"\x0f\x10\x10application/json")
}

// http2 is a connection that speaks HTTP/2 without TLS, which the broker itself
// does not.
func (e *exposed) http2(t *testing.T) net.Conn {
	t.Helper()
	conn := e.dial(t)
	_, err := conn.Write(append([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), frame(frameSettings, 0, 0, "")...))
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func overHTTP2(s *http.Server) {
	s.Protocols = new(http.Protocols)
	s.Protocols.SetUnencryptedHTTP2(true)
}

func TestTheStreamsOfAConnectionAreBounded(t *testing.T) {
	t.Parallel()
	e := expose(t, overHTTP2)
	conn := e.http2(t)
	for n := range uint32(maxStreams) {
		if _, err := conn.Write(openStream(2*n + 1)); err != nil {
			t.Fatal(err)
		}
	}
	poll(t, "all streams are under way", func() bool { return e.underWay.Load() == maxStreams })
	if _, err := conn.Write(openStream(2*maxStreams + 1)); err != nil {
		t.Fatal(err)
	}
	reset := readUntil(t, conn, frameReset)
	if stream := binary.BigEndian.Uint32(reset.stream[:]); stream != 2*maxStreams+1 {
		t.Errorf("stream %d was refused", stream)
	}
	if got := e.underWay.Load(); got != maxStreams {
		t.Errorf("%d streams are under way", got)
	}
	_ = conn.Close()
	poll(t, "nothing is under way", func() bool { return e.underWay.Load() == 0 })
}

// CVE-2023-44487: streams that are reset at once must not keep more handlers
// busy than streams that are not, even if those take no notice.
func TestRapidResetsEndTheConnection(t *testing.T) {
	t.Parallel()
	var busy atomic.Int64
	goOn := make(chan struct{})
	e := expose(t, func(s *http.Server) {
		overHTTP2(s)
		s.Handler = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			busy.Add(1)
			<-goOn
		})
	})
	t.Cleanup(func() { close(goOn) })
	conn := e.http2(t)
	var flood []byte
	for n := range uint32(10 * maxStreams) {
		stream := 2*n + 1
		flood = append(append(flood, openStream(stream)...), frame(frameReset, 0, stream, "\x00\x00\x00\x08")...)
	}
	_, _ = conn.Write(flood) // the server may hang up meanwhile
	goAway := readUntil(t, conn, frameGoAway)
	if code := binary.BigEndian.Uint32(goAway.payload[4:]); code != enhanceYourCalm {
		t.Errorf("hung up with code %d", code)
	}
	if got := busy.Load(); got > maxStreams {
		t.Errorf("%d handlers are busy", got)
	}
}

// received is a frame of the server.
type received struct {
	kind    byte
	stream  [4]byte
	payload []byte
}

func readUntil(t *testing.T, r io.Reader, kind byte) received {
	t.Helper()
	for {
		var head [9]byte
		if _, err := io.ReadFull(r, head[:]); err != nil {
			t.Fatalf("waiting for a frame of type %d: %v", kind, err)
		}
		f := received{kind: head[3], stream: [4]byte(head[5:]), payload: make([]byte, int(head[0])<<16|int(head[1])<<8|int(head[2]))}
		if _, err := io.ReadFull(r, f.payload); err != nil {
			t.Fatal(err)
		}
		if f.kind == kind {
			return f
		}
	}
}
