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

// replacementSeen is what became of a replica that was told to stop.
type replacementSeen struct {
	done bool
	// held are the requests that were under way when it stopped to listen, and
	// finished those of them that were answered well.
	held, finished int
	first          error
}

// replace tells a replica to stop while requests are under way, and starts
// another in its place.
func (t *trial) replace(ctx context.Context) error {
	t.traffic.tally.enter(restart)
	leaver := t.deployment.replicas[len(t.deployment.replicas)-1]
	if err := t.countInternal(ctx, leaver); err != nil {
		return err
	}
	bearer, err := t.session(ctx)
	if err != nil {
		return err
	}
	if err := t.stopHolding(ctx, leaver, bearer); err != nil {
		return err
	}
	if err := leaver.wait(); err != nil {
		return fmt.Errorf("%s was told to stop and ended with: %w", leaver.name, err)
	}
	if err := leaver.start(ctx); err != nil {
		return err
	}
	err = eventually(ctx, "the proxy serves from every replica", func() bool { return len(*t.deployment.proxy.serving.Load()) == len(t.deployment.replicas) })
	if err != nil {
		return err
	}
	t.replaced.done = true
	return wait(ctx, t.o.restart)
}

// session signs the holder in.
func (t *trial) session(ctx context.Context) (string, error) {
	u := user{caller: t.traffic.from(t.deployment, nth(honest, 0xff20)), key: t.holder, tally: t.traffic.tally}
	bearer, got, err := u.prove(ctx)
	if err == nil && bearer == "" {
		err = got.failure("signing in")
	}
	return bearer, err
}

// stopHolding tells a replica to stop while it waits for the second half of some
// requests, and sends that when it takes no more connections.
func (t *trial) stopHolding(ctx context.Context, leaver *replica, bearer string) error {
	var held []*heldRequest
	defer func() {
		for _, h := range held {
			_ = h.connection.Close()
		}
	}()
	for _, of := range []struct{ path, bearer, body string }{
		{startPath, "", fmt.Sprintf(`{"address":%q,"chain_id":1}`, t.holder.Address())},
		{mintPath, bearer, fmt.Sprintf(`{"role_arn":%q}`, role)},
	} {
		h, err := hold(ctx, leaver, of.path, of.bearer, of.body)
		if err != nil {
			return err
		}
		held = append(held, h)
	}
	if err := leaver.terminate(); err != nil {
		return err
	}
	address := leaver.at.Load().address
	err := eventually(ctx, "the replica takes no more connections", func() bool {
		var dialer net.Dialer
		connection, err := dialer.DialContext(ctx, "tcp", address)
		if err == nil {
			_ = connection.Close()
		}
		return err != nil
	})
	for _, h := range held {
		t.replaced.held++
		if failed := h.finish(); failed != nil {
			t.replaced.first = failed
			continue
		}
		t.replaced.finished++
	}
	return err
}

// heldRequest is a request that was sent but for the rest of its body.
type heldRequest struct {
	connection net.Conn
	rest       string
}

func hold(ctx context.Context, r *replica, path, bearer, body string) (*heldRequest, error) {
	dialer := tls.Dialer{Config: &tls.Config{RootCAs: r.roots, MinVersion: tls.VersionTLS12}}
	connection, err := dialer.DialContext(ctx, "tcp", r.at.Load().address)
	if err != nil {
		return nil, err
	}
	request := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: broker\r\nContent-Type: %s\r\nContent-Length: %d\r\n", path, typeJSON, len(body))
	if bearer != "" {
		request += "Authorization: Bearer " + bearer + "\r\n"
	}
	half := len(body) / 2
	if _, err := io.WriteString(connection, request+"\r\n"+body[:half]); err != nil {
		return nil, errors.Join(err, connection.Close())
	}
	return &heldRequest{connection, body[half:]}, nil
}

// finish sends the rest and returns an error unless that was answered well.
func (h *heldRequest) finish() error {
	if err := h.connection.SetDeadline(time.Now().Add(answerTimeout)); err != nil {
		return err
	}
	if _, err := io.WriteString(h.connection, h.rest); err != nil {
		return err
	}
	response, err := http.ReadResponse(bufio.NewReader(h.connection), nil)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return answer{status: response.StatusCode, body: body}.failure("a request under way")
	}
	return nil
}
