package wallet_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/litentry/wallet-federation/internal/wallet"
)

// The key, address and signature of the web3.js documentation of accounts.sign.
const (
	knownKey       = "0x4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318"
	knownAddress   = "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23"
	knownMessage   = "Some data"
	knownSignature = "0xb91467e570a6466aa9e9876cbcd013baba02900b8979d43fe208a4a4f339f5fd6007e74cd82e037b800186422fc2da167c747ef045e5d18a5f5d4300f8e1a0291c"
)

func mustKey(t testing.TB, spelling string) *wallet.Key {
	t.Helper()
	key, err := wallet.ParseKey(spelling)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestKeyHasItsKnownAddress(t *testing.T) {
	t.Parallel()
	for name, vector := range map[string]struct{ key, address string }{
		"web3.js documentation": {knownKey, knownAddress},
		"the key one":           {"0x" + strings.Repeat("0", 63) + "1", "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf"},
		"first hardhat account": {"0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80", "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			key := mustKey(t, vector.key)
			if got := key.Address().Checksum(); got != vector.address {
				t.Errorf("got %s, want %s", got, vector.address)
			}
			if key.Hex() != vector.key {
				t.Error("Hex does not give the key back")
			}
			if without := mustKey(t, strings.TrimPrefix(vector.key, "0x")); without.Address() != key.Address() {
				t.Error("the key without 0x is another")
			}
		})
	}
}

func TestGeneratedKeysDifferAndRoundTrip(t *testing.T) {
	t.Parallel()
	first, err := wallet.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	second, err := wallet.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	if first.Address() == second.Address() {
		t.Error("two generated keys have one address")
	}
	if again := mustKey(t, first.Hex()); again.Address() != first.Address() {
		t.Error("the written key parses to another")
	}
}

func TestParseKeyRefuses(t *testing.T) {
	t.Parallel()
	for name, spelling := range map[string]string{
		"nothing":               "",
		"zero":                  strings.Repeat("0", 64),
		"the group order":       "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",
		"more than the order":   strings.Repeat("f", 64),
		"a byte short":          strings.Repeat("1", 62),
		"a byte long":           strings.Repeat("1", 66),
		"not hexadecimal":       strings.Repeat("g", 64),
		"two prefixes":          "0x0x" + strings.Repeat("1", 60),
		"a line feed at an end": strings.Repeat("1", 64) + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := wallet.ParseKey(spelling)
			if !errors.Is(err, wallet.ErrKey) {
				t.Fatalf("got %v, want ErrKey", err)
			}
			if spelling != "" && strings.Contains(err.Error(), spelling) {
				t.Error("the error repeats the key")
			}
		})
	}
}

func TestKeyIsNeverPrinted(t *testing.T) {
	t.Parallel()
	key := mustKey(t, knownKey)
	secret := strings.TrimPrefix(knownKey, "0x")
	holder := struct {
		Name string
		Key  *wallet.Key
		Copy wallet.Key
	}{"probe", key, *key}

	shown := map[string]string{"Error": fmt.Errorf("using %v", key).Error(), "String": key.String(), "GoString": key.GoString()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T"} {
		shown["pointer "+verb] = fmt.Sprintf(verb, key)
		shown["value "+verb] = fmt.Sprintf(verb, *key)
		shown["inside "+verb] = fmt.Sprintf(verb, holder)
	}
	encoded, err := json.Marshal(holder)
	if err != nil {
		t.Fatal(err)
	}
	shown["JSON"] = string(encoded)
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "key", key, "holder", holder)
	slog.New(slog.NewTextHandler(&log, nil)).Info("m", "key", key, "holder", holder)
	shown["slog"] = log.String()

	// The decimal and byte-wise forms that %d would give of the same secret.
	for name, text := range shown {
		if strings.Contains(strings.ToLower(text), secret) || strings.Contains(text, "76 8 131 166") {
			t.Errorf("%s shows the key: %s", name, text)
		}
	}
}
