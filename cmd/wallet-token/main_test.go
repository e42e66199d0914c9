package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"

	"github.com/litentry/wallet-federation/broker"
	"github.com/litentry/wallet-federation/internal/brokerconfig"
	"github.com/litentry/wallet-federation/internal/discovery"
	"github.com/litentry/wallet-federation/internal/session"
	"github.com/litentry/wallet-federation/internal/signingkey"
	"github.com/litentry/wallet-federation/internal/wallet"
)

const (
	role      = "arn:aws:iam::123456789012:role/bots"
	otherRole = "arn:aws:iam::123456789012:role/others"

	// The first account that hardhat gives everybody.
	knownKey     = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
	knownAddress = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266"
)

// newBroker serves a real broker, whose issuer is the test server's own URL.
func newBroker(t *testing.T, change func(*brokerconfig.Config)) (issuer string) {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	config := brokerconfig.Default()
	config.Issuer = "http://" + server.Listener.Addr().String()
	config.Admission.Mode = brokerconfig.Open
	config.Login.ChainIDs = []uint64{1, 8453}
	config.Roles = []string{role, otherRole}
	change(config)
	keys, err := signingkey.New(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	server.Config.Handler, err = broker.New(broker.Options{State: broker.State{Config: config, Keys: keys, SessionKeys: session.NewKeySet(time.Now())}})
	if err != nil {
		t.Fatal(err)
	}
	server.Start()
	t.Cleanup(server.Close)
	return config.Issuer
}

func unchanged(*brokerconfig.Config) {}

// keyFile returns a file with a key in some spelling.
func keyFile(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "wallet.key")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestNewKeyIsForItsOwnerAloneAndPrintsTheAddress(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "wallet.key")
	var stdout bytes.Buffer
	if err := run(t.Context(), []string{"--new-key", path}, &stdout, io.Discard); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != 0o600 {
		t.Errorf("the mode is %v", info.Mode())
	}
	key, err := wallet.ParseKey(strings.TrimSuffix(read(t, path), "\n"))
	if err != nil {
		t.Fatal(err)
	}
	if want := string(key.Address()) + "\n"; stdout.String() != want {
		t.Errorf("it printed %q, want %q", stdout.String(), want)
	}
	// The key that was written is the key that is read.
	var address bytes.Buffer
	if err := run(t.Context(), []string{"--address", "--key", path}, &address, io.Discard); err != nil {
		t.Fatal(err)
	}
	if address.String() != stdout.String() {
		t.Errorf("--address says %q, --new-key said %q", address.String(), stdout.String())
	}
}

func TestNewKeyNeverReplacesAnything(t *testing.T) {
	t.Parallel()
	for name, occupy := range map[string]func(path, elsewhere string) error{
		"a key":                  func(path, _ string) error { return os.WriteFile(path, []byte(knownKey), 0o600) },
		"an empty file":          func(path, _ string) error { return os.WriteFile(path, nil, 0o600) },
		"a directory":            func(path, _ string) error { return os.Mkdir(path, 0o700) },
		"a link to a key":        func(path, elsewhere string) error { return os.Symlink(elsewhere, path) },
		"a link that leads away": func(path, elsewhere string) error { return os.Symlink(elsewhere+".missing", path) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path, elsewhere := filepath.Join(t.TempDir(), "wallet.key"), keyFile(t, knownKey)
			if err := occupy(path, elsewhere); err != nil {
				t.Fatal(err)
			}
			before, err := os.Lstat(path)
			if err != nil {
				t.Fatal(err)
			}
			var stdout bytes.Buffer
			if err := run(t.Context(), []string{"--new-key", path}, &stdout, io.Discard); !errors.Is(err, os.ErrExist) {
				t.Errorf("got %v, want that it exists", err)
			}
			if stdout.Len() > 0 {
				t.Errorf("it printed %q", stdout.String())
			}
			after, err := os.Lstat(path)
			if err != nil || after.Mode() != before.Mode() || after.Size() != before.Size() || !after.ModTime().Equal(before.ModTime()) {
				t.Errorf("it was %v and is %v, %v", before, after, err)
			}
			if read(t, elsewhere) != knownKey {
				t.Error("the key that the link leads to was changed")
			}
			if _, err := os.Lstat(elsewhere + ".missing"); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the link was followed: %v", err)
			}
		})
	}
}

func TestAddressReadsEverySpellingOfAKey(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{
		"as it is written":       knownKey + "\n",
		"without a line end":     knownKey,
		"without its prefix":     knownKey[2:] + "\n",
		"in upper case":          "0x" + strings.ToUpper(knownKey[2:]),
		"with a line end of DOS": knownKey + "\r\n",
		"amid white space":       " \t" + knownKey + "\n\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stdout bytes.Buffer
			if err := run(t.Context(), []string{"--address", "--key", keyFile(t, content)}, &stdout, io.Discard); err != nil {
				t.Fatal(err)
			}
			if stdout.String() != knownAddress+"\n" {
				t.Errorf("it printed %q", stdout.String())
			}
		})
	}
}

func TestItPrintsATokenOfTheWallet(t *testing.T) {
	t.Parallel()
	issuer := newBroker(t, unchanged)
	for name, c := range map[string]struct {
		flags []string
		roles []string
	}{
		"for every role":     {nil, []string{role, otherRole}},
		"for one role":       {[]string{"--role-arn", otherRole}, []string{otherRole}},
		"on another chain":   {[]string{"--chain-id", "8453"}, []string{role, otherRole}},
		"chain given in hex": {[]string{"--chain-id", "0x2105"}, []string{role, otherRole}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr bytes.Buffer
			flags := append([]string{"--issuer", issuer, "--key", keyFile(t, knownKey)}, c.flags...)
			if err := run(t.Context(), flags, &stdout, &stderr); err != nil {
				t.Fatal(err)
			}
			printed, ended := strings.CutSuffix(stdout.String(), "\n")
			if !ended || strings.ContainsAny(printed, " \n") || stderr.Len() > 0 {
				t.Fatalf("it printed %q, and %q beside it", stdout.String(), stderr.String())
			}
			claims := verify(t, issuer, printed)
			if claims.Subject != "agentkeys:agent:"+knownAddress {
				t.Errorf("the subject is %q", claims.Subject)
			}
			if diff := cmp.Diff(c.roles, claims.Roles); diff != "" {
				t.Errorf("roles (-want +got):\n%s", diff)
			}
		})
	}
}

type claims struct {
	Subject string   `json:"sub"`
	Roles   []string `json:"https://aws.amazon.com/roles"`
}

// verify returns the claims of a token that verifies with the keys that the
// issuer serves.
func verify(t *testing.T, issuer, token string) claims {
	t.Helper()
	keys, err := jwk.Fetch(t.Context(), issuer+discovery.JWKSPath)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := jws.Verify([]byte(token), jws.WithKeySet(keys, jws.WithRequireKid(true)))
	if err != nil {
		t.Fatalf("what was printed does not verify: %v", err)
	}
	var c claims
	if err := json.Unmarshal(payload, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestRunRefuses(t *testing.T) {
	t.Parallel()
	open := newBroker(t, unchanged)
	closed := newBroker(t, func(c *brokerconfig.Config) { c.Admission.Mode = brokerconfig.AllowList })
	withoutRoles := newBroker(t, func(c *brokerconfig.Config) { c.Roles = nil })
	key := keyFile(t, knownKey)
	cut, twice := keyFile(t, knownKey[:60]), keyFile(t, knownKey+"\n"+knownKey)
	missing := filepath.Join(t.TempDir(), "missing")
	t.Cleanup(func() {
		if _, err := os.Lstat(missing); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("a refused run left a file: %v", err)
		}
	})
	for name, c := range map[string]struct {
		flags  []string
		reason string
	}{
		"nothing to do":               {nil, "--key is required"},
		"no issuer":                   {[]string{"--key", key}, "--issuer is required"},
		"no key":                      {[]string{"--issuer", open}, "--key is required"},
		"the address of no key":       {[]string{"--address"}, "--key is required"},
		"a flag nobody knows":         {[]string{"--insecure"}, "flag provided but not defined"},
		"a word after the flags":      {[]string{"--issuer", open, "--key", key, "mint"}, `unexpected argument "mint"`},
		"a new key after the flags":   {[]string{"--new-key", missing, key}, "unexpected argument"},
		"a new key in no directory":   {[]string{"--new-key", filepath.Join(missing, "key")}, "no such file"},
		"a key that is missing":       {[]string{"--issuer", open, "--key", missing}, "no such file"},
		"a key that is a directory":   {[]string{"--issuer", open, "--key", filepath.Dir(key)}, "is a directory"},
		"a key that is cut short":     {[]string{"--issuer", open, "--key", cut}, "not a secp256k1 private key"},
		"two keys":                    {[]string{"--address", "--key", twice}, "not a secp256k1 private key"},
		"an empty key":                {[]string{"--address", "--key", keyFile(t, "\n")}, "not a secp256k1 private key"},
		"a key of zero":               {[]string{"--address", "--key", keyFile(t, strings.Repeat("0", 64))}, "not a secp256k1 private key"},
		"an issuer with a slash":      {[]string{"--issuer", open + "/", "--key", key}, "invalid issuer URL"},
		"an issuer that is elsewhere": {[]string{"--issuer", open + "/elsewhere", "--key", key}, "404 not_found"},
		"an issuer that is away":      {[]string{"--issuer", "http://127.0.0.1:1", "--key", key}, "connect"},
		"a chain that is not taken":   {[]string{"--issuer", open, "--key", key, "--chain-id", "5"}, "400 unsupported_chain"},
		"a chain that is no number":   {[]string{"--issuer", open, "--key", key, "--chain-id", "-1"}, "invalid value"},
		"a role that is not declared": {[]string{"--issuer", open, "--key", key, "--role-arn", role + "x"}, "400 invalid_role"},
		"a wallet that is not let in": {[]string{"--issuer", closed, "--key", key}, "403 not_admitted"},
		"an issuer without roles":     {[]string{"--issuer", withoutRoles, "--key", key}, "503 no_roles"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr bytes.Buffer
			err := run(t.Context(), c.flags, &stdout, &stderr)
			if err == nil || !strings.Contains(err.Error(), c.reason) {
				t.Fatalf("got %v, want it to say %q", err, c.reason)
			}
			// What is printed goes to a file that an SDK reads.
			if stdout.Len() > 0 {
				t.Errorf("it printed %q", stdout.String())
			}
			if shown := err.Error() + stderr.String(); strings.Contains(shown, knownKey[2:20]) {
				t.Errorf("the key is shown: %s", shown)
			}
		})
	}
}

func TestRunStopsWhenItIsTold(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	stop()
	err := run(ctx, []string{"--issuer", newBroker(t, unchanged), "--key", keyFile(t, knownKey)}, io.Discard, io.Discard)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// full is a file on a disk without space.
type full struct{}

var errFull = errors.New("no space left on device")

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestRunReportsOutputThatIsLost(t *testing.T) {
	t.Parallel()
	key := keyFile(t, knownKey)
	for name, flags := range map[string][]string{
		"a token":         {"--issuer", newBroker(t, unchanged), "--key", key},
		"an address":      {"--address", "--key", key},
		"a key's address": {"--new-key", filepath.Join(t.TempDir(), "wallet.key")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := run(t.Context(), flags, full{}, io.Discard); !errors.Is(err, errFull) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestHelpNamesEveryFlag(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	if err := run(t.Context(), []string{"--help"}, &stdout, &stderr); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("got %v", err)
	}
	for _, name := range []string{"-issuer", "-key", "-role-arn", "-chain-id", "-new-key", "-address"} {
		if !strings.Contains(stderr.String(), "\n  "+name) {
			t.Errorf("the help lacks %s:\n%s", name, stderr.String())
		}
	}
	if stdout.Len() > 0 {
		t.Errorf("it printed %q", stdout.String())
	}
}
