package challenge

import "crypto/x509"

// Bound makes the store take no more than so many nonces in a generation.
func (m *Memory) Bound(generation int) { m.maxGeneration = generation }

// Trust makes the store believe certificates of other roots than the system's.
func (r *Redis) Trust(roots *x509.CertPool) { r.client.Options().TLSConfig.RootCAs = roots }
