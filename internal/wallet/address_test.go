package wallet_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/litentry/wallet-federation/internal/wallet"
)

// checksummed are the test addresses of EIP-55.
var checksummed = []string{
	"0x52908400098527886E0F7030069857D2E4169EE7",
	"0x8617E340B3D01FA5F11F306F4090FD50E238070D",
	"0xde709f2102306220921060314715629080e2fb77",
	"0x27b1fdb04752bbc536007a920d24acb045561c26",
	"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
	"0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
	"0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
	"0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
}

func TestParseTakesEIP55SpellingsAndCanonicalisesThem(t *testing.T) {
	t.Parallel()
	for _, spelling := range checksummed {
		t.Run(spelling, func(t *testing.T) {
			t.Parallel()
			address, err := wallet.Parse(spelling)
			if err != nil {
				t.Fatal(err)
			}
			if want := strings.ToLower(spelling); string(address) != want {
				t.Errorf("got %s, want %s", address, want)
			}
			if address.Checksum() != spelling {
				t.Errorf("Checksum() = %s, want %s", address.Checksum(), spelling)
			}
			again, err := wallet.Parse(string(address))
			if err != nil || again != address {
				t.Errorf("the canonical spelling does not parse back: %q, %v", again, err)
			}
		})
	}
}

func TestParseTakesDigitsOfOneCaseWithoutAChecksum(t *testing.T) {
	t.Parallel()
	const canonical = "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"
	for _, spelling := range []string{canonical, "0x" + strings.ToUpper(canonical[2:])} {
		if address, err := wallet.Parse(spelling); err != nil || address != canonical {
			t.Errorf("Parse(%q) = %q, %v", spelling, address, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for name, spelling := range map[string]string{
		"nothing":                               "",
		"only the prefix":                       "0x",
		"one digit short":                       "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beae",
		"one digit long":                        "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed0",
		"no prefix":                             "5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
		"no prefix, padded to length":           "005aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
		"upper-case prefix":                     "0X5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
		"mixed case with one letter flipped":    "0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
		"a letter that is not hexadecimal":      "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaeg",
		"a space at the end":                    "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beae ",
		"a line feed at the end":                "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed\n",
		"a Cyrillic a in place of two digits":   "0x5\u0430eb6053f3e94c9b9a09f33669435e7ef1beaed",
		"full-width digits":                     "0x\uff10\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18\uff19\uff10\uff11\uff1200",
		"an ICAN-like prefix of another scheme": "XE5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if address, err := wallet.Parse(spelling); !errors.Is(err, wallet.ErrAddress) || address != "" {
				t.Errorf("Parse(%q) = %q, %v, want ErrAddress", spelling, address, err)
			}
		})
	}
}

func TestAddressDecodesStrictlyFromJSON(t *testing.T) {
	t.Parallel()
	var decoded struct{ Wallets []wallet.Address }
	if err := json.Unmarshal([]byte(`{"Wallets":["0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"]}`), &decoded); err != nil {
		t.Fatal(err)
	}
	if want := wallet.Address("0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"); decoded.Wallets[0] != want {
		t.Errorf("got %s, want %s", decoded.Wallets[0], want)
	}
	if err := json.Unmarshal([]byte(`{"Wallets":["0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"]}`), &decoded); err == nil {
		t.Error("a wrong checksum was decoded")
	}
}

func TestChecksumLeavesWhatIsNoAddressAlone(t *testing.T) {
	t.Parallel()
	for _, address := range []wallet.Address{"", "0x", "0x12"} {
		if got := address.Checksum(); got != string(address) {
			t.Errorf("Checksum of %q is %q", address, got)
		}
	}
}
