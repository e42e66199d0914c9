package session_test

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"strings"
	"testing"
	"time"

	"github.com/litentry/wallet-federation/internal/session"
)

func BenchmarkVerify(b *testing.B) {
	now := time.Now()
	codec := newCodec(b, session.NewKeySet(now), issuer)
	bearer, _ := codec.Issue(alice, rand.Text(), now, time.Hour)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := codec.Verify(bearer, now); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkVerifyMAC is what of that cannot be avoided.
func BenchmarkVerifyMAC(b *testing.B) {
	now := time.Now()
	bearer, _ := newCodec(b, session.NewKeySet(now), issuer).Issue(alice, rand.Text(), now, time.Hour)
	signed := []byte(bearer[:strings.LastIndexByte(bearer, '.')])
	mac := hmac.New(sha256.New, make([]byte, 32))
	var sum [sha256.Size]byte
	for b.Loop() {
		mac.Reset()
		mac.Write(signed)
		mac.Sum(sum[:0])
	}
}

func BenchmarkIssue(b *testing.B) {
	now := time.Now()
	codec := newCodec(b, session.NewKeySet(now), issuer)
	id := rand.Text()
	b.ReportAllocs()
	for b.Loop() {
		codec.Issue(alice, id, now, time.Hour)
	}
}
