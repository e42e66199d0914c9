package harness

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"
)

// door keeps an address for a broker that does not run yet. Who knocks meanwhile
// is turned away at once, as by an address where nobody listens, and not kept
// waiting.
type door struct {
	listener *net.TCPListener
	closed   chan struct{}
}

func newDoor() (*door, error) {
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, fmt.Errorf("keeping an address for a broker: %w", err)
	}
	d := &door{listener: listener, closed: make(chan struct{})}
	go d.turnAway()
	return d, nil
}

func (d *door) turnAway() {
	defer close(d.closed)
	for {
		connection, err := d.listener.Accept()
		if err != nil {
			return
		}
		_ = connection.Close()
	}
}

// hand hands the address over to whoever serves there.
func (d *door) hand() (net.Listener, error) {
	if err := d.listener.SetDeadline(time.Now()); err != nil {
		return nil, err
	}
	<-d.closed
	return d.listener, d.listener.SetDeadline(time.Time{})
}

// listener returns the listener that was kept for an address, or a new one if a
// broker has closed it.
func (h *Harness) listener(ctx context.Context, address string) (net.Listener, error) {
	h.mu.Lock()
	kept := h.doors[address]
	delete(h.doors, address)
	h.mu.Unlock()
	if kept != nil {
		return kept.hand()
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listening for a broker: %w", err)
	}
	return listener, nil
}

// closeDoors closes the addresses that no broker took.
func (h *Harness) closeDoors() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	var errs []error
	for _, d := range h.doors {
		if err := d.listener.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
			errs = append(errs, err)
		}
		<-d.closed
	}
	return errors.Join(errs...)
}
