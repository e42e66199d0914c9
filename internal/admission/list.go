package admission

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/litentry/wallet-federation/internal/wallet"
)

const (
	// MaxWallets bounds a list.
	MaxWallets = 200_000
	// maxLine is some times what a line with an address and a comment needs.
	maxLine = 1024
)

// address is an Ethereum address as it is: the text takes more than twice that.
type address [20]byte

// List is a set of wallets that does not change. The zero value is empty.
type List struct {
	sorted []address
}

// NewList returns a list of wallets, which must be canonical addresses.
func NewList(wallets []wallet.Address) (*List, error) {
	l := &List{sorted: make([]address, 0, len(wallets))}
	for i, w := range wallets {
		if err := l.add(w); err != nil {
			return nil, fmt.Errorf("[%d]: %w", i, err)
		}
	}
	return l, l.finish()
}

// Parse reads the text of a file. Errors name the line, not its content.
func Parse(text []byte) (*List, error) {
	l := &List{}
	number := 0
	for line := range bytes.Lines(text) {
		number++
		if len(line) > maxLine {
			return nil, fmt.Errorf("line %d: longer than %d bytes", number, maxLine)
		}
		entry := strings.TrimSpace(string(line))
		if entry == "" || strings.HasPrefix(entry, "#") {
			continue
		}
		w, err := wallet.Parse(entry)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		if err := l.add(w); err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
	}
	return l, l.finish()
}

// Join returns a list of everyone on the lists.
func Join(lists ...*List) (*List, error) {
	joined := &List{}
	for _, l := range lists {
		joined.sorted = append(joined.sorted, l.sorted...)
	}
	return joined, joined.finish()
}

func (l *List) add(w wallet.Address) error {
	var a address
	if n, err := hex.Decode(a[:], []byte(strings.TrimPrefix(string(w), "0x"))); err != nil || n != len(a) {
		return wallet.ErrAddress
	}
	l.sorted = append(l.sorted, a)
	return nil
}

// finish makes the list what its methods expect.
func (l *List) finish() error {
	slices.SortFunc(l.sorted, func(a, b address) int { return bytes.Compare(a[:], b[:]) })
	l.sorted = slices.Clip(slices.Compact(l.sorted))
	if len(l.sorted) > MaxWallets {
		return fmt.Errorf("more than %d wallets", MaxWallets)
	}
	return nil
}

// Contains reports whether a wallet, a canonical address, is on the list.
func (l *List) Contains(w wallet.Address) bool {
	var a address
	if len(w) != 2+2*len(a) {
		return false
	}
	if _, err := hex.Decode(a[:], []byte(w[2:])); err != nil {
		return false
	}
	_, found := slices.BinarySearchFunc(l.sorted, a, func(a, b address) int { return bytes.Compare(a[:], b[:]) })
	return found
}

// Len returns how many wallets are on the list.
func (l *List) Len() int { return len(l.sorted) }

// errTooLarge is the error for files that cannot be lists.
var errTooLarge = errors.New("larger than a list can be")
