package trustedissuer_test

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/litentry/wallet-federation/internal/brokerconfig"
	"github.com/litentry/wallet-federation/internal/trustedissuer"
)

// nameServer answers every question about IPv4 with one address, and every other
// one with none (RFC 1035, section 4.1).
func nameServer(t *testing.T, address netip.Addr) *net.Resolver {
	t.Helper()
	connection, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close() })
	go func() {
		buffer := make([]byte, 512)
		for {
			n, from, err := connection.ReadFrom(buffer)
			if err != nil {
				return
			}
			_, _ = connection.WriteTo(reply(buffer[:n], address), from)
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", connection.LocalAddr().String())
	}}
}

func reply(query []byte, address netip.Addr) []byte {
	const headerBytes, typeA, typeAAAA = 12, 1, 28
	end := headerBytes
	for query[end] != 0 {
		end += 1 + int(query[end])
	}
	end += 1 + 4
	kind := binary.BigEndian.Uint16(query[end-4:])
	answer := append([]byte{query[0], query[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, query[headerBytes:end]...)
	if kind == typeA && address.Is4() || kind == typeAAAA && address.Is6() {
		answer[7] = 1
		answer = append(answer, 0xc0, headerBytes, byte(kind>>8), byte(kind), 0, 1, 0, 0, 0, 60, 0, byte(address.BitLen()/8))
		answer = append(answer, address.AsSlice()...)
	}
	return answer
}

// A name of an issuer that resolves to an address inside is how a server is made
// to fetch what its caller cannot.
func TestANameThatResolvesInsideIsNotConnectedTo(t *testing.T) {
	t.Parallel()
	key := newES256(t, "k")
	for _, address := range []string{
		"127.0.0.1", "169.254.169.254", "10.0.0.1", "192.168.1.1", "100.64.0.1", "0.0.0.0", "224.0.0.1",
		"::1", "::ffff:127.0.0.1", "fd00:ec2::254", "fe80::1", "64:ff9b::7f00:1",
	} {
		t.Run(address, func(t *testing.T) {
			t.Parallel()
			p := newProvider(t, key.public)
			port := p.URL[strings.LastIndexByte(p.URL, ':'):]
			// The certificate of httptest is for this name, too.
			issuer := "https://example.com" + port
			p.document(`{"issuer":"` + issuer + `","jwks_uri":"` + issuer + `/.well-known/jwks.json"}`)
			options := p.options(&clock{now: epoch})
			options.Resolver = nameServer(t, netip.MustParseAddr(address))
			var failure error
			options.Report = func(_ string, err error) { failure = err }
			trusted := p.trusted()
			trusted.Issuer = issuer
			v := trustedissuer.New(options).With([]brokerconfig.TrustedIssuer{trusted})
			token := key.sign(t, key.header(nil), p.claims(map[string]any{"iss": issuer}))
			if _, err := v.Verify(t.Context(), token); !errors.Is(err, trustedissuer.ErrUnavailable) {
				t.Errorf("got %v", err)
			}
			// Where there is no IPv6, it fails before anyone is asked.
			asked := failure != nil && strings.Contains(failure.Error(), "not a public address")
			if p.reads() != [2]int{} || !asked && netip.MustParseAddr(address).Is4() {
				t.Errorf("%v reads, %v", p.reads(), failure)
			}
		})
	}
}

// An issuer on this machine may send the broker to itself, and no further in.
func TestKeysInsideAreNotRead(t *testing.T) {
	t.Parallel()
	key := newES256(t, "k")
	for _, target := range []string{"https://169.254.169.254/latest", "https://10.255.255.1/keys", "https://metadata.internal/"} {
		t.Run(target, func(t *testing.T) {
			t.Parallel()
			p := newProvider(t, key.public)
			p.document(`{"issuer":"URL","jwks_uri":"` + target + `"}`)
			options := p.options(&clock{now: epoch})
			options.Resolver = nameServer(t, netip.MustParseAddr("169.254.169.254"))
			var failure error
			options.Report = func(_ string, err error) { failure = err }
			v := trustedissuer.New(options).With([]brokerconfig.TrustedIssuer{p.trusted()})
			if _, err := v.Verify(t.Context(), p.token(t, key)); !errors.Is(err, trustedissuer.ErrUnavailable) {
				t.Errorf("got %v", err)
			}
			if failure == nil || !strings.Contains(failure.Error(), "not a public address") {
				t.Errorf("it was tried: %v", failure)
			}
		})
	}
}
