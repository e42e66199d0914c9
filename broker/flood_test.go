package broker_test

import (
	"testing"
	"time"

	"github.com/litentry/wallet-federation/broker"
	"github.com/litentry/wallet-federation/internal/brokerconfig"
)

// A flood of refusals that cost their sender nothing must neither fill the log
// nor hide in it what matters.
func TestAFloodOfRefusalsIsBoundedInTheLogAndCounted(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *brokerconfig.Config) { c.Limits.Client.PerSecond, c.Limits.Wallet.PerSecond = 0, 0 })
	key := newKey(t)
	bearer := f.signIn(t, key)
	victim := f.start(t, alice)
	forged := newKey(t).SignPersonal(victim.message)
	used := f.start(t, string(key.Address()))
	good := key.SignPersonal(used.message)
	f.verify(t, used.handle, good)
	before := len(f.log.records(t))

	const flood = 2 * broker.AnonymousBurst
	for range flood / 2 {
		f.mint(t, "x", "")
		// To name a wallet is not to prove it.
		f.verify(t, victim.handle, forged)
	}
	records := f.log.records(t)[before:]
	if len(records) != broker.AnonymousBurst {
		t.Errorf("%d of %d refusals were written, want %d", len(records), flood, broker.AnonymousBurst)
	}

	// None of what has a proven wallet is left out, at any rate.
	for name, action := range map[string]func(){
		"mint":    func() { f.mint(t, bearer, "") },
		"refused": func() { f.mint(t, bearer, `{"role_arn":"x"}`) },
		"replay":  func() { f.verify(t, used.handle, good) },
	} {
		before := len(f.log.records(t))
		for range 20 {
			action()
		}
		if got := len(f.log.records(t)) - before; got != 20 {
			t.Errorf("%s: %d of 20 records were written", name, got)
		}
	}
	var omitted float64
	for _, record := range f.log.records(t) {
		if n, ok := record["omitted"].(float64); ok {
			omitted += n
		}
	}
	if omitted != flood-broker.AnonymousBurst {
		t.Errorf("the records say that %v were left out, want %d", omitted, flood-broker.AnonymousBurst)
	}
	if got := f.value(t, "audit_records_omitted_total"); got != omitted {
		t.Errorf("%v were counted as left out", got)
	}
	if got := f.value(t, "exchanges_total", "event=sign_in", "outcome=refused", "reason=signature_of_another"); got != flood/2 {
		t.Errorf("%v refusals were counted, want all %d", got, flood/2)
	}
	f.clock.advance(time.Second)
	if record := lastRecord(t, f, func() { f.mint(t, "x", "") }); record["reason"] != "bearer_malformed" {
		t.Errorf("after the flood: %v", record)
	}
}
