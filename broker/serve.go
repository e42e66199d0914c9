package broker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/time/rate"
)

// Limits of a connection. The honest request is a few hundred bytes and takes
// milliseconds; the rest is for slow networks, not for slow attackers. Over
// HTTP/2 the times hold for each request, and for the handshake of TLS.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 10 * time.Second
	writeTimeout      = 10 * time.Second
	// idleTimeout is longer than that of the usual proxies, so that they, who
	// know whether they are about to send, close first.
	idleTimeout    = 2 * time.Minute
	maxHeaderBytes = 16 << 10

	// maxConnections take some 90 MiB with TLS and HTTP/2, half of that without.
	maxConnections = 2048
	// maxStreams bounds the requests of one HTTP/2 connection. Streams that are
	// reset count until their handlers return, and a client that opens four
	// times as many is hung up on (CVE-2023-44487).
	maxStreams = 64
	// The windows of HTTP/2 are what the server is ready to buffer.
	maxStreamBuffer     = 4 * maxBodyBytes
	maxConnectionBuffer = 64 << 10

	// What net/http reports of connections.
	logPerSecond = 1
	logBurst     = 20

	// shutdownTimeout is longer than any request can take.
	shutdownTimeout = 15 * time.Second
)

// Serving says how a server meets the network. The zero value serves plain HTTP.
type Serving struct {
	// Certificate makes it serve TLS, HTTP/1.1 and HTTP/2, from version 1.2 on.
	Certificate *Certificate
	// ShutdownDelay is how long it goes on after it was told to stop, not ready
	// any more, so that load balancers turn away before connections are refused.
	ShutdownDelay time.Duration
}

// Serve answers requests on the listener, which it closes, until ctx ends. Then
// it is not ready, and asks clients of HTTP/1.1 to close their connections, for
// the delay; after that it takes no new requests, lets those under way finish for
// at most 15 seconds, and returns nil if they did. It is called once.
func (s *Server) Serve(ctx context.Context, listener net.Listener, how Serving) error {
	unwatch := context.AfterFunc(ctx, func() { s.stopping.Store(true) })
	defer unwatch()
	return s.serve(ctx, listener, how, http.HandlerFunc(s.serveConnection))
}

// ServeMonitor is [Server.Serve] for /metrics, in the text format of
// Prometheus, /healthz and /readyz: what concerns who runs the broker, and not
// who calls it.
func (s *Server) ServeMonitor(ctx context.Context, listener net.Listener) error {
	return s.serve(ctx, listener, Serving{}, s.monitor())
}

func (s *Server) serve(ctx context.Context, listener net.Listener, how Serving, handler http.Handler) error {
	limited := limitConnections(listener, maxConnections)
	server := s.newHTTPServer(limited, handler)
	answer := func() error { return server.Serve(limited) }
	if how.Certificate != nil {
		server.TLSConfig = how.Certificate.config()
		answer = func() error { return server.ServeTLS(limited, "", "") }
	}
	failed := make(chan error, 1)
	go func() { failed <- answer() }()
	select {
	case err := <-failed:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	delay := time.NewTimer(how.ShutdownDelay)
	defer delay.Stop()
	select {
	case err := <-failed:
		return fmt.Errorf("serving: %w", err)
	case <-delay.C:
	}
	return shutDown(context.WithoutCancel(ctx), server)
}

func (s *Server) newHTTPServer(limited *connections, handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ConnState:         limited.note,
		// OPTIONS * is as unknown as everything else that there is nothing at.
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     slog.NewLogLogger(newSparing(s.logger.Handler()), slog.LevelWarn),
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams:          maxStreams,
			MaxReceiveBufferPerStream:     maxStreamBuffer,
			MaxReceiveBufferPerConnection: maxConnectionBuffer,
		},
	}
}

// serveConnection asks the client to connect anew, to another replica, when this
// one stops. Of HTTP/2 that would be GOAWAY at once, and what the client has sent
// meanwhile would be lost; there it comes at the end of the delay, when clients
// that look whether the broker is ready have gone.
//
// A connection also ends with a chunked body, which HTTP/2 does not have: if a
// proxy in front went by a Content-Length beside it, which net/http drops, what
// follows is not the request of who it seems to be (RFC 9112, section 6.3).
func (s *Server) serveConnection(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor == 1 && (s.stopping.Load() || len(r.TransferEncoding) > 0) {
		w.Header().Set("Connection", "close")
	}
	s.ServeHTTP(w, r)
}

// sparing is a log that cannot be flooded: anyone can fail at TLS, and the server
// reports each.
type sparing struct {
	slog.Handler
	limiter *rate.Limiter
}

func newSparing(handler slog.Handler) sparing {
	return sparing{handler, rate.NewLimiter(logPerSecond, logBurst)}
}

// Handle implements [slog.Handler].
func (s sparing) Handle(ctx context.Context, record slog.Record) error {
	if !s.limiter.AllowN(record.Time, 1) {
		return nil
	}
	return s.Handler.Handle(ctx, record)
}

func shutDown(ctx context.Context, server *http.Server) error {
	graceful, cancel := context.WithTimeout(ctx, shutdownTimeout)
	defer cancel()
	err := server.Shutdown(graceful)
	if errors.Is(err, context.DeadlineExceeded) {
		err = errors.Join(err, server.Close())
	}
	if err != nil {
		return fmt.Errorf("stopping: %w", err)
	}
	return nil
}
