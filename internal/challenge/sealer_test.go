package challenge_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/litentry/wallet-federation/internal/challenge"
	"github.com/litentry/wallet-federation/internal/wallet"
)

var (
	key      = bytes.Repeat([]byte{1}, 32)
	otherKey = bytes.Repeat([]byte{2}, 32)
)

func sample() challenge.Challenge {
	return challenge.Challenge{
		Address:  "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
		ChainID:  1,
		Nonce:    challenge.Nonce{1, 2, 3},
		IssuedAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		Template: challenge.NewTemplate("template"),
		Epoch:    challenge.Epoch{9, 8, 7},
	}
}

func seal(t testing.TB, s challenge.Sealer, c challenge.Challenge) string {
	t.Helper()
	handle, err := s.Seal(c)
	if err != nil {
		t.Fatal(err)
	}
	return handle
}

func TestHandleHoldsTheChallenge(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	sealer := challenge.NewSealer(key)
	for range 1000 {
		want := sample()
		address := []byte(want.Address)
		for i := 2; i < len(address); i++ {
			address[i] = "0123456789abcdef"[random.IntN(16)]
		}
		want.Address, want.ChainID = wallet.Address(address), random.Uint64()
		want.Nonce, want.Epoch = challenge.NewNonce(), challenge.Epoch{byte(random.Uint32())}
		// A year before the epoch, or of five digits, is no time of ours, but it is kept.
		want.IssuedAt = time.Unix(random.Int64N(1<<40)-1<<39, 0).UTC()
		got, err := sealer.Open(seal(t, sealer, want))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	}
}

func TestHandleHoldsTheExtremes(t *testing.T) {
	t.Parallel()
	sealer := challenge.NewSealer(key)
	want := challenge.Challenge{Address: wallet.Address("0x" + strings.Repeat("f", 40)), ChainID: math.MaxUint64, IssuedAt: time.Unix(-1, 0).UTC()}
	got, err := sealer.Open(seal(t, sealer, want))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestHandleIsShortAndSafeInAURL(t *testing.T) {
	t.Parallel()
	handle := seal(t, challenge.NewSealer(key), sample())
	if len(handle) != 135 {
		t.Errorf("it has %d characters", len(handle))
	}
	if strings.Trim(handle, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
		t.Errorf("it has other characters: %s", handle)
	}
}

func TestSealRefuses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		sealer challenge.Sealer
		wallet wallet.Address
	}{
		"without a key":            {challenge.NewSealer(), sample().Address},
		"no address":               {challenge.NewSealer(key), ""},
		"half an address":          {challenge.NewSealer(key), sample().Address[:22]},
		"an address of other text": {challenge.NewSealer(key), wallet.Address("0x" + strings.Repeat("g", 40))},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := sample()
			c.Address = test.wallet
			if handle, err := test.sealer.Seal(c); err == nil || handle != "" {
				t.Errorf("sealed: %q, %v", handle, err)
			}
		})
	}
}

func TestOpenRefusesEveryOtherByte(t *testing.T) {
	t.Parallel()
	sealer := challenge.NewSealer(otherKey, key)
	sealed, err := base64.RawURLEncoding.DecodeString(seal(t, challenge.NewSealer(key), sample()))
	if err != nil {
		t.Fatal(err)
	}
	for i := range sealed {
		for bit := range 8 {
			forged := bytes.Clone(sealed)
			forged[i] ^= 1 << bit
			if _, err := sealer.Open(base64.RawURLEncoding.EncodeToString(forged)); !errors.Is(err, challenge.ErrHandle) {
				t.Errorf("byte %d with bit %d flipped: %v", i, bit, err)
			}
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	handle := seal(t, challenge.NewSealer(key), sample())
	sealed, err := base64.RawURLEncoding.DecodeString(handle)
	if err != nil {
		t.Fatal(err)
	}
	standard := base64.RawStdEncoding.EncodeToString(sealed)
	if standard == handle {
		t.Fatal("the sample does not tell the alphabets apart")
	}
	// 135 characters hold 810 bits, of which the last 2 are not the handle's.
	last := strings.IndexByte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", handle[134])
	for name, handle := range map[string]string{
		"nothing":                          "",
		"the first half":                   handle[:67],
		"one character less":               handle[:134],
		"one character more":               handle + "A",
		"padding":                          handle + "=",
		"a handle twice":                   handle + handle,
		"the standard alphabet":            standard,
		"other bits behind the last byte":  handle[:134] + string("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[last^1]),
		"a line break at the end":          handle + "\n",
		"a line break for the last byte":   handle[:134] + "\n",
		"line breaks alone":                strings.Repeat("\n", 135),
		"line breaks for all but the body": handle[:92] + strings.Repeat("\r\n", 21) + "\n",
		"a space":                          " " + handle[1:],
		"text":                             strings.Repeat("!", 135),
		"zeros":                            strings.Repeat("A", 135),
		"a megabyte":                       strings.Repeat("A", 1<<20),
		"the MAC of another key":           seal(t, challenge.NewSealer(otherKey), sample()),
		"the MAC of an empty key":          seal(t, challenge.NewSealer(nil), sample()),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := challenge.NewSealer(key).Open(handle)
			if !errors.Is(err, challenge.ErrHandle) || got != (challenge.Challenge{}) {
				t.Errorf("opened: %+v, %v", got, err)
			}
		})
	}
}

func TestSealerWithoutKeysOpensNothing(t *testing.T) {
	t.Parallel()
	if _, err := challenge.NewSealer().Open(seal(t, challenge.NewSealer(key), sample())); !errors.Is(err, challenge.ErrHandle) {
		t.Error(err)
	}
}

func TestSealerOpensWhatAnOldKeySealed(t *testing.T) {
	t.Parallel()
	before, after := challenge.NewSealer(key), challenge.NewSealer(otherKey, key)
	if _, err := after.Open(seal(t, before, sample())); err != nil {
		t.Error(err)
	}
	// What the new key seals, those who know both open, and who knows the old one alone does not.
	if _, err := challenge.NewSealer(key, otherKey).Open(seal(t, after, sample())); err != nil {
		t.Error(err)
	}
	if _, err := before.Open(seal(t, after, sample())); !errors.Is(err, challenge.ErrHandle) {
		t.Error("it seals with the old key")
	}
}

func TestNoncesAreOf26LettersAndDigits(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 1000 {
		nonce := challenge.NewNonce().String()
		if len(nonce) != 26 || strings.Trim(nonce, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") != "" {
			t.Fatal(nonce)
		}
		seen[nonce] = true
	}
	if len(seen) != 1000 {
		t.Errorf("%d of 1000 differ", len(seen))
	}
}

func FuzzOpen(f *testing.F) {
	sealer := challenge.NewSealer(key)
	handle := seal(f, sealer, sample())
	f.Add(handle)
	f.Add(handle[:134] + "\n")
	f.Add(strings.Repeat("\n", 135))
	f.Fuzz(func(t *testing.T, handle string) {
		c, err := sealer.Open(handle)
		if err == nil && seal(t, sealer, c) != handle {
			t.Errorf("%q opens and is no handle of the sealer", handle)
		}
	})
}

func BenchmarkOpen(b *testing.B) {
	sealer := challenge.NewSealer(otherKey, key)
	handle := seal(b, challenge.NewSealer(key), sample())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := sealer.Open(handle); err != nil {
			b.Fatal(err)
		}
	}
}
