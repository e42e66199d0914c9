package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"

	"github.com/litentry/wallet-federation/internal/wallet"
	"github.com/litentry/wallet-federation/test/standalone"
)

// role is what tokens are pinned to: that of docs/broker.md.
const role = "arn:aws:iam::123456789012:role/bots"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "interop:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, arguments []string) error {
	if len(arguments) > 0 && arguments[0] == "parse" {
		return parse(os.Stdin, os.Stdout)
	}
	folder, err := os.MkdirTemp("", "interop-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	return tryAll(ctx, folder, arguments)
}

// tryAll starts the brokers and runs the clients. The second broker has an issuer
// with a path, for whoever has to find its documents.
func tryAll(ctx context.Context, folder string, arguments []string) (err error) {
	if err := build(ctx, folder); err != nil {
		return err
	}
	pair, err := standalone.NewPair()
	if err != nil {
		return err
	}
	// The clients of others are told whom to trust by file.
	if err := os.WriteFile(filepath.Join(folder, standalone.CertificateName), pair.CertPEM, 0o600); err != nil {
		return err
	}
	outcast, err := wallet.GenerateKey()
	if err != nil {
		return err
	}
	plain, err := startBroker(ctx, folder, "", pair, outcast.Address())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, plain.stop()) }()
	below, err := startBroker(ctx, folder, "/issuers/a", pair, outcast.Address())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, below.stop()) }()
	return runClients(ctx, folder, arguments,
		"ISSUER="+plain.issuer, "ISSUER_WITH_PATH="+below.issuer, "OUTCAST_KEY="+outcast.Hex())
}

func runClients(ctx context.Context, folder string, arguments []string, environment ...string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	authority := filepath.Join(folder, "tls.crt")
	clients := exec.CommandContext(ctx, "node", append([]string{"hack/interop/run.mjs"}, arguments...)...) //nolint:gosec // the user's own argument
	clients.Stdout, clients.Stderr = os.Stdout, os.Stderr
	clients.Env = append(append(os.Environ(), environment...),
		"ROLE="+role, "PARSER="+self, "FOLDER="+folder,
		"NODE_EXTRA_CA_CERTS="+authority, "CURL_CA_BUNDLE="+authority, "SSL_CERT_FILE="+authority,
		"PATH="+folder+string(os.PathListSeparator)+os.Getenv("PATH"))
	return clients.Run()
}

// build builds what is tried, and the command that docs/broker.md calls.
func build(ctx context.Context, folder string) error {
	output, err := exec.CommandContext(ctx, "go", "build", "-o", folder, "./cmd/broker", "./cmd/wallet-token").CombinedOutput() //nolint:gosec // a folder of our own
	if err != nil {
		return fmt.Errorf("building: %w: %s", err, output)
	}
	return nil
}
