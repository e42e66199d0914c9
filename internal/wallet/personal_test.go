package wallet_test

import (
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/litentry/wallet-federation/internal/wallet"
)

func TestSignPersonalGivesTheKnownSignature(t *testing.T) {
	t.Parallel()
	if got := mustKey(t, knownKey).SignPersonal(knownMessage); got != knownSignature {
		t.Errorf("got %s, want %s", got, knownSignature)
	}
}

func TestRecoverPersonalFindsTheSigner(t *testing.T) {
	t.Parallel()
	key := mustKey(t, knownKey)
	body := strings.TrimSuffix(knownSignature, "1c")
	for name, c := range map[string]struct{ message, signature string }{
		"known vector":                 {knownMessage, knownSignature},
		"v as 1 instead of 28":         {knownMessage, body + "01"},
		"upper-case hexadecimal":       {knownMessage, "0x" + strings.ToUpper(knownSignature[2:])},
		"empty message":                {"", key.SignPersonal("")},
		"length counted in bytes":      {"gr\u00fc\u00df dich \U0001f98a", key.SignPersonal("gr\u00fc\u00df dich \U0001f98a")},
		"message with line feeds":      {"a\nb\n", key.SignPersonal("a\nb\n")},
		"message longer than a block":  {strings.Repeat("x", 1000), key.SignPersonal(strings.Repeat("x", 1000))},
		"message with an EIP-191 head": {"\x19Ethereum Signed Message:\n1a", key.SignPersonal("\x19Ethereum Signed Message:\n1a")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := wallet.RecoverPersonal(c.message, c.signature)
			if err != nil || got != key.Address() {
				t.Errorf("got %s, %v, want %s", got, err, key.Address())
			}
		})
	}
}

func TestRecoverPersonalDoesNotFindTheSigner(t *testing.T) {
	t.Parallel()
	body := strings.TrimSuffix(knownSignature, "1c")
	for name, c := range map[string]struct{ message, signature string }{
		"another message":           {"Some datA", knownSignature},
		"the other recovery id":     {knownMessage, body + "1b"},
		"the other recovery id raw": {knownMessage, body + "00"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := wallet.RecoverPersonal(c.message, c.signature)
			if err == nil && got == mustKey(t, knownKey).Address() {
				t.Error("the signer was found all the same")
			}
		})
	}
}

func TestRecoverPersonalRefuses(t *testing.T) {
	t.Parallel()
	r, s := knownSignature[2:66], knownSignature[66:130]
	zero := strings.Repeat("0", 64)
	order := "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"
	for name, signature := range map[string]string{
		"nothing":                       "",
		"no prefix":                     r + s + "1c",
		"no prefix, padded":             "00" + r + s + "1c",
		"64 bytes, EIP-2098":            "0x" + r + s,
		"66 bytes":                      knownSignature + "00",
		"trailing line feed":            knownSignature + "\n",
		"not hexadecimal":               "0x" + strings.Repeat("zz", 65),
		"high-s twin":                   "0x" + r + negate(t, s) + "1b",
		"high-s twin, v kept":           "0x" + r + negate(t, s) + "1c",
		"v of 2":                        "0x" + r + s + "02",
		"v of 26":                       "0x" + r + s + "1a",
		"v of 29, an overflowing r":     "0x" + r + s + "1d",
		"v of 37, EIP-155 of chain 1":   "0x" + r + s + "25",
		"v of 255":                      "0x" + r + s + "ff",
		"r of zero":                     "0x" + zero + s + "1c",
		"s of zero":                     "0x" + r + zero + "1c",
		"r of the group order":          "0x" + order + s + "1c",
		"s of the group order":          "0x" + r + order + "1c",
		"r that is no x on the curve":   "0x" + strings.Repeat("0", 63) + "5" + s + "1c",
		"everything zero":               "0x" + zero + zero + "00",
		"a compact signature of dcrec":  "0x1c" + r + s,
		"everything in the top bits on": "0x" + strings.Repeat("f", 130),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, err := wallet.RecoverPersonal(knownMessage, signature); !errors.Is(err, wallet.ErrSignature) || got != "" {
				t.Errorf("got %q, %v, want ErrSignature", got, err)
			}
		})
	}
}

// negate returns the group order minus s: with the other v, a second signature
// that verifiers which do not look take for the same.
func negate(t *testing.T, s string) string {
	t.Helper()
	order, ok := new(big.Int).SetString("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", 16)
	n, ok2 := new(big.Int).SetString(s, 16)
	if !ok || !ok2 {
		t.Fatal("not a number")
	}
	text := n.Sub(order, n).Text(16)
	return strings.Repeat("0", 64-len(text)) + text
}

func FuzzRecoverPersonal(f *testing.F) {
	f.Add(knownMessage, knownSignature)
	f.Add("", "0x")
	f.Fuzz(func(t *testing.T, message, signature string) {
		address, err := wallet.RecoverPersonal(message, signature)
		if err != nil {
			return
		}
		if canonical, err := wallet.Parse(string(address)); err != nil || canonical != address {
			t.Errorf("recovered %q, which is not canonical", address)
		}
	})
}
