package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// target is one kind of request to one server. The client is as small as one
// can be: what it spends is taken from both servers, on the same cores, and
// makes the faster one look slower than it is.
type target struct {
	address string
	tls     *tls.Config
	request []byte
	want    int
}

// connection is a kept connection of HTTP/1.1, so that neither server is helped
// by many requests that share one.
type connection struct {
	net.Conn
	reader *bufio.Reader
	target *target
}

func (t *target) dial(ctx context.Context) (*connection, error) {
	config := t.tls.Clone()
	config.NextProtos = []string{"http/1.1"}
	dialer := tls.Dialer{Config: config}
	conn, err := dialer.DialContext(ctx, "tcp", t.address)
	if err != nil {
		return nil, err
	}
	return &connection{Conn: conn, reader: bufio.NewReader(conn), target: t}, nil
}

// startTimeout is how long a server may take to begin to serve.
const startTimeout = 10 * time.Second

// wait asks until the server answers as it should.
func (t *target) wait(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for {
		err := t.askOnce(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-ticker.C:
		}
	}
}

func (t *target) askOnce(ctx context.Context) error {
	c, err := t.dial(ctx)
	if err != nil {
		return err
	}
	return errors.Join(c.ask(), c.Close())
}

// ask makes the request and reads the answer to its end.
func (c *connection) ask() error {
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return err
	}
	if _, err := c.Write(c.target.request); err != nil {
		return err
	}
	answer, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != c.target.want {
		err = fmt.Errorf("answered %s: %.200s", answer.Status, body)
	}
	return errors.Join(err, answer.Body.Close())
}
