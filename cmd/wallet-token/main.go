// Command wallet-token signs in to a broker with a wallet's key and prints the
// JWT that AWS STS takes. An AWS SDK needs no more than the file it is written to:
//
//	wallet-token --new-key wallet.key
//	wallet-token --issuer https://broker.example.org --key wallet.key > wallet.jwt
//	AWS_WEB_IDENTITY_TOKEN_FILE=wallet.jwt AWS_ROLE_ARN=arn:aws:iam::...:role/... aws s3 ls ...
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/litentry/wallet-federation/broker/client"
	"github.com/litentry/wallet-federation/internal/wallet"
)

type options struct {
	issuer, key, role, newKey string
	address                   bool
	chain                     uint64
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "wallet-token:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, arguments []string, stdout, stderr io.Writer) error {
	var o options
	flags := flag.NewFlagSet("wallet-token", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.issuer, "issuer", "", "the issuer `URL`, which is the broker's")
	flags.StringVar(&o.key, "key", "", "`file` with the wallet's private key, 64 hexadecimal digits")
	flags.StringVar(&o.role, "role-arn", "", "pin the token to this `role`; default: every role of the issuer")
	flags.Uint64Var(&o.chain, "chain-id", 1, "the EIP-155 `chain` to sign in for: one that the issuer takes")
	flags.StringVar(&o.newKey, "new-key", "", "make a key, write it to this `file`, which must not exist, and print its address")
	flags.BoolVar(&o.address, "address", false, "print the wallet's address and nothing else")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if o.newKey != "" {
		return makeKey(o.newKey, stdout)
	}
	key, err := readKey(o.key)
	if err != nil {
		return err
	}
	if o.address {
		_, err := fmt.Fprintln(stdout, key.Address())
		return err
	}
	return mint(ctx, o, key, stdout)
}

// makeKey never replaces a file: it may be the only copy of a wallet.
func makeKey(path string, stdout io.Writer) error {
	key, err := wallet.GenerateKey()
	if err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) //nolint:gosec // The user's own choice.
	if err != nil {
		return err
	}
	_, err = file.WriteString(key.Hex() + "\n")
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	_, err = fmt.Fprintln(stdout, key.Address())
	return err
}

func readKey(path string) (*wallet.Key, error) {
	if path == "" {
		return nil, errors.New("--key is required")
	}
	data, err := os.ReadFile(path) //nolint:gosec // The user's own choice.
	if err != nil {
		return nil, err
	}
	key, err := wallet.ParseKey(string(bytes.TrimSpace(data)))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return key, nil
}

func mint(ctx context.Context, o options, key *wallet.Key, stdout io.Writer) error {
	if o.issuer == "" {
		return errors.New("--issuer is required")
	}
	broker, err := client.New(o.issuer, nil)
	if err != nil {
		return err
	}
	broker.ChainID = o.chain
	source := client.NewSource(broker, client.KeySigner(key), client.SourceOptions{RoleARN: o.role})
	token, err := source.Token(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(stdout, token.JWT)
	return err
}
