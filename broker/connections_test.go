package broker

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// crowd is a server whose handler waits until it is told to go on, behind a
// listener for so many connections.
type crowd struct {
	address string
	entered chan struct{}
	goOn    chan struct{}
	release func()
}

func newCrowd(t *testing.T, limit int) *crowd {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &crowd{address: listener.Addr().String(), entered: make(chan struct{}, 100), goOn: make(chan struct{})}
	c.release = sync.OnceFunc(func() { close(c.goOn) })
	limited := limitConnections(listener, limit)
	server := &http.Server{
		ReadHeaderTimeout: time.Minute, ConnState: limited.note,
		Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			c.entered <- struct{}{}
			if r.URL.Path == "/wait" {
				<-c.goOn
			}
		}),
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(limited) }()
	t.Cleanup(func() {
		c.release()
		if err := server.Shutdown(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return c
}

// connection is a client's, for one request after another.
type connection struct {
	net.Conn
	reader *bufio.Reader
}

func (c *crowd) connect(t *testing.T) *connection {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", c.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return &connection{conn, bufio.NewReader(conn)}
}

func (c *connection) ask(t *testing.T, path string) {
	t.Helper()
	if _, err := io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
}

func (c *connection) answered(t *testing.T) {
	t.Helper()
	response, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("got %s", response.Status)
	}
}

func TestAnIdleConnectionMakesRoomForANewOne(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, 2)
	var idle []*connection
	for range 2 {
		one := c.connect(t)
		one.ask(t, "/")
		one.answered(t)
		idle = append(idle, one)
	}
	for range 10 {
		one := c.connect(t)
		one.ask(t, "/")
		one.answered(t)
		idle = append(idle, one)
	}
	closed := 0
	for _, one := range idle {
		if err := one.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		if _, err := one.reader.ReadByte(); err == io.EOF {
			closed++
		}
	}
	if closed != 10 {
		t.Errorf("%d of 12 idle connections were closed, want 10", closed)
	}
}

func TestANewConnectionWaitsWhileAllAreInUse(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, 2)
	busy := []*connection{c.connect(t), c.connect(t)}
	for _, one := range busy {
		one.ask(t, "/wait")
		<-c.entered
	}
	late := c.connect(t)
	late.ask(t, "/")
	select {
	case <-c.entered:
		t.Fatal("a third request is under way")
	case <-time.After(100 * time.Millisecond):
	}
	c.release()
	late.answered(t)
	for _, one := range busy {
		one.answered(t)
	}
}

func TestAClosedListenerLetsWhoWaitsGo(t *testing.T) {
	t.Parallel()
	inner, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	limited := limitConnections(inner, 1)
	accepted := make(chan error, 2)
	go func() {
		for range 2 {
			_, err := limited.Accept()
			accepted <- err
		}
	}()
	for range 2 {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
	}
	if err := <-accepted; err != nil {
		t.Fatal(err)
	}
	if err := limited.Close(); err != nil {
		t.Fatal(err)
	}
	if err := limited.Close(); err != nil {
		t.Errorf("closing twice: %v", err)
	}
	if err := <-accepted; err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("got %v", err)
	}
}
