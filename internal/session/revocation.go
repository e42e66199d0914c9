package session

import (
	"time"

	"github.com/litentry/wallet-federation/internal/wallet"
)

// Revocations end what was issued to a wallet before a time. The zero value
// revokes nothing.
type Revocations struct {
	everybody int64
	wallets   map[wallet.Address]int64
}

// Revoke adds a revocation, of one wallet or, if it is empty, of all. Of several
// for one wallet the latest counts. Bearers say in whole seconds when they were
// issued: of a second that began before the time, all are void.
func (r *Revocations) Revoke(w wallet.Address, before time.Time) {
	second := wholeSeconds(before).Unix()
	if w == "" {
		r.everybody = max(r.everybody, second)
		return
	}
	if r.wallets == nil {
		r.wallets = make(map[wallet.Address]int64)
	}
	r.wallets[w] = max(r.wallets[w], second)
}

// Revoked reports whether what was issued to a wallet at a time, in seconds
// since the epoch, is void.
func (r *Revocations) Revoked(w wallet.Address, issuedAt int64) bool {
	return issuedAt < r.everybody || issuedAt < r.wallets[w]
}
