package probewallet

import (
	"errors"
	"fmt"

	"github.com/litentry/wallet-federation/internal/wallet"
)

var names = [2]string{"a", "b"}

// Pair is two wallets that must not reach each other's prefix.
type Pair [2]*wallet.Key

// New makes two wallets.
func New() (Pair, error) {
	var pair Pair
	for i := range pair {
		key, err := wallet.GenerateKey()
		if err != nil {
			return Pair{}, fmt.Errorf("generating a probe wallet: %w", err)
		}
		pair[i] = key
	}
	return pair, nil
}

// Parse reads a Secret's data.
func Parse(data map[string][]byte) (Pair, error) {
	var pair Pair
	for i, name := range names {
		key, err := wallet.ParseKey(string(data[name]))
		if err != nil {
			return Pair{}, fmt.Errorf("reading key %q: %w", name, err)
		}
		pair[i] = key
	}
	if pair[0].Address() == pair[1].Address() {
		return Pair{}, errors.New("the two probe wallets are the same")
	}
	return pair, nil
}

// Marshal returns a Secret's data.
func (p Pair) Marshal() map[string][]byte {
	data := make(map[string][]byte, len(p))
	for i, name := range names {
		data[name] = []byte(p[i].Hex())
	}
	return data
}

// Addresses returns the two addresses.
func (p Pair) Addresses() []wallet.Address {
	return []wallet.Address{p[0].Address(), p[1].Address()}
}
