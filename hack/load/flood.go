package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// floodRate is how often a second an address floods, if the machine is fast
	// enough: many times what it may. floodWidth is how much of that is at once.
	floodRate  = 400
	floodWidth = 8
)

// flooder asks for challenges, and for nothing else, as fast as he can. He
// claims to be somebody else each time, which the proxy does not pass on.
type flooder struct {
	attacker
	let *atomic.Int64 // how many were let through
}

func (a *flooder) round(ctx context.Context) {
	var all sync.WaitGroup
	for range floodWidth {
		all.Go(func() { a.once(ctx) })
	}
	all.Wait()
}

func (a *flooder) once(ctx context.Context) {
	//nolint:gosec // Nothing secret depends on it.
	claimed := fmt.Sprintf("10.%d.%d.%d", rand.IntN(256), rand.IntN(256), rand.IntN(256))
	body := fmt.Sprintf(`{"address":%q,"chain_id":1}`, a.key.Address())
	header := http.Header{"Content-Type": {typeJSON}, "X-Forwarded-For": {claimed}, "Forwarded": {"for=" + claimed}}
	got, err := a.send(ctx, http.MethodPost, startPath, header, strings.NewReader(body))
	if err == nil && got.status == http.StatusOK {
		a.let.Add(1)
		a.tally.putOff(flood)
		return
	}
	if err == nil && got.comeBack() {
		a.tally.putOff(flood)
		return
	}
	if err == nil && got.status == http.StatusTooManyRequests && got.header.Get("Retry-After") == "" {
		err = errors.New("429 without Retry-After")
	}
	a.expect(flood, got, err, http.StatusTooManyRequests)
}

// dawdler opens a connection at a replica, and says as little as keeps it. The
// replica must hang up.
type dawdler struct {
	tally   *tally
	replica *replica
	source  netip.Addr
	// secured is whether it speaks TLS, and says what it says before it goes on
	// with a byte a second; nothing means that it is silent.
	secured bool
	says    string
}

// newDawdlers returns one for each way to be slow.
func newDawdlers(t *tally, r *replica, source netip.Addr) []*dawdler {
	head := "POST " + startPath + " HTTP/1.1\r\nHost: broker\r\nContent-Type: application/json\r\n"
	return []*dawdler{
		{t, r, source, false, ""},
		{t, r, source, true, ""},
		{t, r, source, true, head + "X-Slow: "},
		{t, r, source, true, head + "Content-Length: 4000\r\n\r\n{"},
	}
}

func (d *dawdler) round(ctx context.Context) {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: d.source.AsSlice()}, Timeout: answerTimeout}
	connection, err := dialer.DialContext(ctx, "tcp", d.replica.at.Load().address)
	if err != nil {
		// The replica is being started.
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	context.AfterFunc(ctx, func() { _ = connection.Close() })
	if d.secured {
		connection = tls.Client(connection, &tls.Config{RootCAs: d.replica.roots, ServerName: "127.0.0.1", MinVersion: tls.VersionTLS12})
	}
	if d.says != "" {
		go dribble(ctx, connection, d.says)
	}
	_ = connection.SetReadDeadline(time.Now().Add(patience))
	_, err = io.Copy(io.Discard, connection)
	if ctx.Err() != nil {
		return
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		d.tally.bad(dawdle, errors.New("a slow connection was kept"))
		return
	}
	d.tally.good(dawdle)
}

func dribble(ctx context.Context, to io.Writer, text string) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		if _, err := io.WriteString(to, text); err != nil {
			return
		}
		text = "x"
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
