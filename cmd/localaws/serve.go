package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"

	"github.com/litentry/wallet-federation/internal/localaws"
)

// listen opens the address, which must be a loopback address unless others are
// allowed to reach it.
func listen(ctx context.Context, address string, allowRemote bool) (net.Listener, error) {
	resolved, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("resolving --listen: %w", err)
	}
	if err := permit(address, resolved, allowRemote); err != nil {
		return nil, err
	}
	// By the address that was looked at: a name may resolve otherwise next time.
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", resolved.String())
	if err != nil {
		return nil, fmt.Errorf("opening --listen: %w", err)
	}
	return listener, nil
}

// permit refuses an address that other machines can reach, unless they may. An
// address without a host is every address of the machine. What counts is what a
// name resolves to, even that of localhost.
func permit(address string, resolved *net.TCPAddr, allowRemote bool) error {
	if allowRemote || resolved.IP.IsLoopback() {
		return nil
	}
	return fmt.Errorf("--listen %s can be reached from other machines, and the administrator's credentials are known to everybody: "+
		"use a loopback address, or --allow-remote if that is what you want", address)
}

// serve answers requests until ctx ends, lets those go that a fault holds, and
// lets the others finish.
func serve(ctx context.Context, listener net.Listener, handler *localaws.Server, logger *slog.Logger) error {
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: readHeaderTimeout, IdleTimeout: idleTimeout,
		ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		handler.ClearFaults()
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
		defer cancel()
		stopped <- server.Shutdown(grace)
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving: %w", err)
	}
	if err := <-stopped; err != nil {
		return errors.Join(fmt.Errorf("waiting for calls under way to finish: %w", err), server.Close())
	}
	return nil
}
