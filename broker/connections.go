package broker

import (
	"crypto/tls"
	"net"
	"net/http"
	"sync"
)

// connections is a listener that bounds how many connections are open. At the
// bound new ones wait, in the kernel, and idle ones are closed to make room, so
// that nobody keeps others out with connections that he does not use. It has to
// be told by the server which those are.
type connections struct {
	net.Listener
	slots  chan struct{}
	closed chan struct{}
	close  func() error

	mu      sync.Mutex
	idle    map[net.Conn]struct{}
	waiting bool
}

func limitConnections(listener net.Listener, limit int) *connections {
	c := &connections{
		Listener: listener, slots: make(chan struct{}, limit), closed: make(chan struct{}), idle: map[net.Conn]struct{}{},
	}
	c.close = sync.OnceValue(func() error {
		close(c.closed)
		return listener.Close()
	})
	return c
}

// Accept implements [net.Listener]. The connection that waits for a slot is one
// more than the limit.
func (c *connections) Accept() (net.Conn, error) {
	connection, err := c.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if !c.acquire() {
		_ = connection.Close() // nobody has been answered on it
		return nil, net.ErrClosed
	}
	return &counted{Conn: connection, release: sync.OnceFunc(c.release)}, nil
}

// Close implements [net.Listener].
func (c *connections) Close() error { return c.close() }

// acquire waits for a slot, and reports false when the listener is closed first.
func (c *connections) acquire() bool {
	select {
	case c.slots <- struct{}{}:
		return true
	default:
	}
	c.makeRoom()
	defer c.stopWaiting()
	select {
	case c.slots <- struct{}{}:
		return true
	case <-c.closed:
		return false
	}
}

func (c *connections) release() { <-c.slots }

// makeRoom closes an idle connection, now or as soon as there is one. Any will
// do: who has most of them loses most.
func (c *connections) makeRoom() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for connection := range c.idle {
		delete(c.idle, connection)
		hangUp(connection)
		return
	}
	c.waiting = true
}

func (c *connections) stopWaiting() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting = false
}

// note is the hook [http.Server.ConnState].
func (c *connections) note(connection net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if state != http.StateIdle {
		delete(c.idle, connection)
		return
	}
	if c.waiting {
		c.waiting = false
		hangUp(connection)
		return
	}
	c.idle[connection] = struct{}{}
}

// hangUp closes a connection without the farewell of TLS, which may block.
func hangUp(connection net.Conn) {
	if secured, ok := connection.(*tls.Conn); ok {
		connection = secured.NetConn()
	}
	_ = connection.Close() // the server reports nothing of it either
}

// counted is a connection that gives its slot back.
type counted struct {
	net.Conn
	release func()
}

// Close implements [net.Conn].
func (c *counted) Close() error {
	defer c.release()
	return c.Conn.Close()
}

// CloseWrite ends what is sent and lets the server wait until the client has
// read it, so that a refusal is not lost with what the client still sends.
func (c *counted) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}
