package session_test

import (
	"testing"
	"time"

	"github.com/litentry/wallet-federation/internal/session"
	"github.com/litentry/wallet-federation/internal/wallet"
)

func TestRevocations(t *testing.T) {
	t.Parallel()
	type revocation struct {
		wallet wallet.Address
		before time.Time
	}
	at := noon().Unix()
	for name, test := range map[string]struct {
		revocations []revocation
		issuedAt    int64
		alice, bob  bool
	}{
		"none":                                  {nil, at, false, false},
		"none, of what was issued in 1970":      {nil, 0, false, false},
		"of a wallet, issued before":            {[]revocation{{alice, noon()}}, at - 1, true, false},
		"of a wallet, issued in that second":    {[]revocation{{alice, noon()}}, at, false, false},
		"of a wallet, issued after":             {[]revocation{{alice, noon()}}, at + 1, false, false},
		"a fraction later, in that second":      {[]revocation{{alice, noon().Add(time.Millisecond)}}, at, true, false},
		"a fraction later, in the next":         {[]revocation{{alice, noon().Add(time.Millisecond)}}, at + 1, false, false},
		"of everybody, issued before":           {[]revocation{{"", noon()}}, at - 1, true, true},
		"of everybody, issued in that second":   {[]revocation{{"", noon()}}, at, false, false},
		"of both, each with a time of its own":  {[]revocation{{alice, noon()}, {bob, noon().Add(-time.Hour)}}, at - 60, true, false},
		"twice, the later one first":            {[]revocation{{alice, noon()}, {alice, noon().Add(-time.Hour)}}, at - 1, true, false},
		"twice, the later one last":             {[]revocation{{alice, noon().Add(-time.Hour)}, {alice, noon()}}, at - 1, true, false},
		"everybody twice, the later one first":  {[]revocation{{"", noon()}, {"", noon().Add(-time.Hour)}}, at - 1, true, true},
		"a wallet, and everybody before that":   {[]revocation{{alice, noon()}, {"", noon().Add(-time.Hour)}}, at - 1, true, false},
		"a wallet, and everybody after that":    {[]revocation{{alice, noon().Add(-time.Hour)}, {"", noon()}}, at - 1, true, true},
		"before the epoch, of what has no time": {[]revocation{{alice, time.Unix(-5, 0)}, {"", time.Time{}}}, 0, false, false},
		"a time to come":                        {[]revocation{{alice, noon().Add(time.Hour)}}, at, true, false},
		"a time in another zone":                {[]revocation{{alice, noon().In(time.FixedZone("zone", 3600))}}, at, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var revocations session.Revocations
			for _, r := range test.revocations {
				revocations.Revoke(r.wallet, r.before)
			}
			if got := revocations.Revoked(alice, test.issuedAt); got != test.alice {
				t.Errorf("of the one: %v", got)
			}
			if got := revocations.Revoked(bob, test.issuedAt); got != test.bob {
				t.Errorf("of the other: %v", got)
			}
		})
	}
}
