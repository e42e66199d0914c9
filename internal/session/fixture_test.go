package session_test

import (
	"testing"
	"time"

	"github.com/litentry/wallet-federation/internal/session"
)

const (
	issuer = "https://broker.example.org"
	alice  = "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"
	bob    = "0xfb6916095ca1df60bb79ce92ce3ea74c37c5d359"
)

// noon is when the tests take place.
func noon() time.Time { return time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC) }

func newCodec(t testing.TB, keys *session.KeySet, issuer string) *session.Codec {
	t.Helper()
	codec, err := session.NewCodec(keys, issuer)
	if err != nil {
		t.Fatal(err)
	}
	return codec
}
