package challenge

import (
	"crypto/x509"
	"testing"
)

// Bound makes the store take no more than so many nonces in a generation.
func (m *Memory) Bound(generation int) { m.maxGeneration = generation }

// Trust makes the store believe certificates of other roots than the system's.
func (r *Redis) Trust(roots *x509.CertPool) { r.current.client.Options().TLSConfig.RootCAs = roots }

// Command sends a command to the Redis that the store is in.
func (r *Redis) Command(t testing.TB, words ...any) {
	t.Helper()
	if err := r.current.client.Do(t.Context(), words...).Err(); err != nil {
		t.Fatal(err)
	}
}
