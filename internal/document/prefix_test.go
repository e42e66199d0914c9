package document

import "testing"

func TestAPrefixWithinAWallet(t *testing.T) {
	t.Parallel()

	tests := map[string]struct {
		outer, inner string
		want         bool
	}{
		"the same":                             {"bots/", "bots/", false},
		"below it, in a folder":                {"bots/", "bots/archive/", false},
		"the bucket and a folder":              {"", "bots/", false},
		"below a wallet":                       {"bots/", "bots/" + ownWallet + "/", true},
		"below a wallet of the whole bucket":   {"", ownWallet + "/inbox/", true},
		"below what AWS takes for a wallet":    {"", "0xZZZZZZZZZZZZZZZZZZZZ/ZZZZZZZZZZZZZZZZZZZ/", true},
		"below what is too short for a wallet": {"", "0x1/", false},
		"the other way round":                  {"bots/" + ownWallet + "/", "bots/", false},
		"beside it":                            {"people/", "bots/" + ownWallet + "/", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := WithinWallet(test.outer, test.inner); got != test.want {
				t.Errorf("got %t, want %t", got, test.want)
			}
		})
	}
}
