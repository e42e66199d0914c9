package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/litentry/wallet-federation/internal/signingkey"
	"github.com/litentry/wallet-federation/test/standalone"
)

// bareSide is the least that could mint: a handler of net/http in a process of
// its own that verifies one HMAC and makes one ES256 signature, for anybody. It
// shows how much of the broker's time is the machine's, the standard library's
// and the cryptography's.
type bareSide struct {
	*target
	process *exec.Cmd
}

// bareClaims is about the size of the broker's.
const bareClaims = 800

func startBare(ctx context.Context, b *brokerSide) (*bareSide, error) {
	address, err := standalone.FreeAddress(ctx)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	process := exec.CommandContext(ctx, self, "--serve-bare="+address, "--tls-cert="+b.path(standalone.CertificateName), "--tls-key="+b.path(standalone.KeyName)) //nolint:gosec // ourselves
	process.Stderr = os.Stderr
	if err := process.Start(); err != nil {
		return nil, err
	}
	side := &bareSide{process: process, target: b.mintAt(address)}
	if err := side.wait(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("waiting for the bare handler: %w", err), side.stop())
	}
	return side, nil
}

func (b *bareSide) stop() error {
	err := b.process.Process.Signal(syscall.SIGTERM)
	var exit *exec.ExitError
	if ended := b.process.Wait(); ended != nil && !errors.As(ended, &exit) {
		err = errors.Join(err, ended)
	}
	return err
}

// serveBare is that process.
func serveBare(ctx context.Context, address, certFile, keyFile string) error {
	keys, err := signingkey.New(time.Now())
	if err != nil {
		return err
	}
	server := &http.Server{Handler: bareHandler(keys.Active()), ReadHeaderTimeout: time.Minute}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	return server.ServeTLS(listener, certFile, keyFile)
}

func bareHandler(key *signingkey.Key) http.Handler {
	secret := make([]byte, sha256.Size)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(r.Header.Get("Authorization")))
		jwt := base64.RawURLEncoding.AppendEncode(nil, append(make([]byte, bareClaims), mac.Sum(nil)...))
		signature, err := key.Sign(jwt)
		if err != nil {
			http.Error(w, "signing failed", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"jwt":"%s.%s"}`, jwt, base64.RawURLEncoding.EncodeToString(signature))
	})
}
