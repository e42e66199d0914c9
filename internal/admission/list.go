package admission

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/litentry/wallet-federation/internal/wallet"
)

const (
	// MaxWallets bounds a list.
	MaxWallets = 200_000
	// maxLine is some times what a line with an address or a comment needs.
	maxLine = 1024
	// byteOrderMark is what some editors put before a text, unseen.
	byteOrderMark = "\ufeff"

	addressBytes  = 20
	addressDigits = 2 * addressBytes
)

// address is an Ethereum address as it is: the text takes more than twice that.
type address [addressBytes]byte

// List is a set of wallets that does not change. The zero value is empty.
type List struct {
	sorted []address
}

// NewList returns a list of wallets. Errors name the index of one that is not a
// canonical address.
func NewList(wallets []wallet.Address) (*List, error) {
	addresses := make([]address, 0, len(wallets))
	for i, w := range wallets {
		a, ok := newAddress(w)
		if !ok {
			return nil, fmt.Errorf("[%d]: %w", i, wallet.ErrAddress)
		}
		addresses = append(addresses, a)
	}
	return newList(addresses)
}

// Parse reads the text of one file. Errors name the line, not its content.
func Parse(text io.Reader) (*List, error) {
	addresses, err := parse(text, nil)
	if err != nil {
		return nil, err
	}
	return newList(addresses)
}

// parse appends the addresses of a text.
func parse(text io.Reader, addresses []address) ([]address, error) {
	lines := bufio.NewReader(text)
	for number := 1; ; number++ {
		line, err := lines.ReadSlice('\n')
		last := errors.Is(err, io.EOF)
		switch {
		case len(line) > maxLine: // the reader's buffer is longer
			return nil, fmt.Errorf("line %d: longer than %d bytes", number, maxLine)
		case err != nil && !last:
			return nil, err
		case number == 1 && bytes.HasPrefix(line, []byte(byteOrderMark)):
			return nil, errors.New("line 1: begins with a byte order mark: save the file as UTF-8 without one")
		}
		if entry := bytes.Trim(line, " \t\r\n"); len(entry) > 0 && entry[0] != '#' {
			w, err := wallet.Parse(string(entry))
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", number, err)
			}
			a, _ := newAddress(w)
			addresses = append(addresses, a)
		}
		if last {
			return addresses, nil
		}
	}
}

// newList returns a list of addresses in any order, with any repeated. It keeps
// none of the memory that is not needed.
func newList(addresses []address) (*List, error) {
	slices.SortFunc(addresses, compare)
	addresses = slices.Compact(addresses)
	if len(addresses) > MaxWallets {
		return nil, fmt.Errorf("more than %d wallets", MaxWallets)
	}
	return &List{sorted: append(make([]address, 0, len(addresses)), addresses...)}, nil
}

func compare(a, b address) int { return bytes.Compare(a[:], b[:]) }

// newAddress reports whether a wallet is a canonical address, but for the case
// of its digits.
func newAddress(w wallet.Address) (a address, ok bool) {
	if len(w) != 2+addressDigits || w[:2] != "0x" {
		return address{}, false
	}
	var digits [addressDigits]byte // a conversion would take memory
	copy(digits[:], w[2:])
	_, err := hex.Decode(a[:], digits[:])
	return a, err == nil
}

// Contains reports whether a wallet, a canonical address, is on the list.
func (l *List) Contains(w wallet.Address) bool {
	a, ok := newAddress(w)
	if !ok {
		return false
	}
	_, found := slices.BinarySearchFunc(l.sorted, a, compare)
	return found
}

// Len returns how many wallets are on the list.
func (l *List) Len() int { return len(l.sorted) }
