package trustedissuer

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"
)

const (
	dialTimeout      = 3 * time.Second
	handshakeTimeout = 3 * time.Second
	maxHeaderBytes   = 32 << 10
)

var errForbidden = errors.New("not a public address")

// newClient returns the client that reads one issuer. It uses no proxy, even if
// the environment names one: a proxy would connect to addresses that nobody
// checked.
func newClient(issuer string, options *Options) *http.Client {
	guard := &guard{loopback: onLoopback(issuer)}
	dialer := &net.Dialer{Timeout: dialTimeout, Resolver: options.Resolver, ControlContext: guard.check}
	return &http.Client{Transport: &http.Transport{
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: options.RootCAs},
		TLSHandshakeTimeout:    handshakeTimeout,
		MaxResponseHeaderBytes: maxHeaderBytes,
		// Keys are read every few minutes: a connection is not worth keeping, and
		// what is unpacked is not worth measuring.
		DisableKeepAlives:  true,
		DisableCompression: true,
	}}
}

// onLoopback reports whether an issuer's URL says that it is on this machine, as
// it is in tests and development. A name that only resolves to it does not count.
func onLoopback(issuer string) bool {
	parsed, err := url.Parse(issuer)
	if err != nil {
		return false
	}
	address, err := netip.ParseAddr(parsed.Hostname())
	return parsed.Hostname() == "localhost" || err == nil && address.Unmap().IsLoopback()
}

// guard decides which addresses may be connected to.
type guard struct {
	loopback bool
}

// check is asked after names are resolved, for the very address that is about to
// be connected to: whatever DNS answers, and however often, cannot get around it.
func (g *guard) check(_ context.Context, _, address string, _ syscall.RawConn) error {
	target, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %s", errForbidden, address)
	}
	ip := target.Addr().Unmap()
	if isPublic(ip) || g.loopback && ip.IsLoopback() {
		return nil
	}
	return fmt.Errorf("%w: %s", errForbidden, ip)
}

// nat64 is where IPv6-only networks put the IPv4 internet (RFC 6052, section
// 2.1): the last four bytes are the IPv4 address.
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

// unicast6 is all of IPv6 that is assigned to be reached from anywhere (RFC 4291,
// section 2.4).
var unicast6 = netip.MustParsePrefix("2000::/3")

// special are the networks among the rest that are not for everyone
// (https://www.iana.org/assignments/iana-ipv4-special-registry and
// https://www.iana.org/assignments/iana-ipv6-special-registry).
var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),       // this network
	netip.MustParsePrefix("10.0.0.0/8"),      // private use
	netip.MustParsePrefix("100.64.0.0/10"),   // carrier-grade NAT
	netip.MustParsePrefix("127.0.0.0/8"),     // loopback
	netip.MustParsePrefix("169.254.0.0/16"),  // link-local, the metadata of clouds among it
	netip.MustParsePrefix("172.16.0.0/12"),   // private use
	netip.MustParsePrefix("192.0.0.0/24"),    // protocol assignments
	netip.MustParsePrefix("192.0.2.0/24"),    // documentation
	netip.MustParsePrefix("192.88.99.0/24"),  // 6to4 relays
	netip.MustParsePrefix("192.168.0.0/16"),  // private use
	netip.MustParsePrefix("198.18.0.0/15"),   // benchmarks
	netip.MustParsePrefix("198.51.100.0/24"), // documentation
	netip.MustParsePrefix("203.0.113.0/24"),  // documentation
	netip.MustParsePrefix("224.0.0.0/3"),     // multicast, reserved, broadcast
	netip.MustParsePrefix("2001::/23"),       // protocol assignments, Teredo among them
	netip.MustParsePrefix("2001:db8::/32"),   // documentation
	netip.MustParsePrefix("2002::/16"),       // 6to4, which holds an IPv4 address
	netip.MustParsePrefix("3fff::/20"),       // documentation
}

// isPublic reports whether an address is on the internet. It is not mapped.
func isPublic(ip netip.Addr) bool {
	if nat64.Contains(ip) {
		bytes := ip.As16()
		ip = netip.AddrFrom4([4]byte(bytes[12:]))
	}
	if ip.Is6() && !unicast6.Contains(ip) {
		return false
	}
	for _, network := range special {
		if network.Contains(ip) {
			return false
		}
	}
	return ip.IsValid()
}
