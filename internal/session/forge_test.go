package session_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha512"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/litentry/wallet-federation/internal/session"
)

// known is a set whose keys the tests know: 2 is Active, 1 Retiring and 3 Pending.
func known(t testing.TB) *session.KeySet {
	t.Helper()
	return parse(t, storedSet(stored("Retiring", since, secret(1)), stored("Active", since, secret(2)), stored("Pending", since, secret(3))))
}

func knownKey(b byte) []byte { return bytes.Repeat([]byte{b}, 32) }

// encode and decode are base64url, as a token has it.
func encode(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func decode(t testing.TB, part string) string {
	t.Helper()
	decoded, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		t.Fatal(err)
	}
	return string(decoded)
}

// sign makes a token of a header and a payload with a key, as HS256 does.
func sign(key []byte, header, payload string) string {
	signed := encode(header) + "." + encode(payload)
	return signed + "." + encode(string(mac(crypto.SHA256, key, signed)))
}

func mac(hash crypto.Hash, key []byte, signed string) []byte {
	h := hmac.New(hash.New, key)
	h.Write([]byte(signed))
	return h.Sum(nil)
}

// good is a bearer of alice's, issued at noon, and its decoded parts.
func good(t testing.TB) (bearer, header, payload string) {
	t.Helper()
	bearer, _ = newCodec(t, known(t), issuer).Issue(alice, "SESSION1", noon(), lifetime)
	parts := strings.Split(bearer, ".")
	return bearer, decode(t, parts[0]), decode(t, parts[1])
}

// signEncoded signs what is encoded already.
func signEncoded(key []byte, signed string) string {
	return signed + "." + encode(string(mac(crypto.SHA256, key, signed)))
}

// sign512 signs as HS512 does.
func sign512(key []byte, header, payload string) string {
	signed := encode(header) + "." + encode(payload)
	h := hmac.New(sha512.New, key)
	h.Write([]byte(signed))
	return signed + "." + base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// signES256 signs as the issuer's tokens are, with a key of its own.
func signES256(t *testing.T, header, payload string) string {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signed := encode(header) + "." + encode(payload)
	hash := crypto.SHA256.New()
	hash.Write([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, private, hash.Sum(nil))
	if err != nil {
		t.Fatal(err)
	}
	signature := append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// otherSpelling returns another encoding of the same bytes: the last character
// has bits that are not theirs.
func otherSpelling(t *testing.T, encoded string) string {
	t.Helper()
	for _, last := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" {
		other := encoded[:len(encoded)-1] + string(last)
		if decoded, err := base64.RawURLEncoding.DecodeString(other); other != encoded && err == nil && string(decoded) == decode(t, encoded) {
			return other
		}
	}
	t.Fatal("there is no other spelling: make the sample longer")
	return ""
}
