package broker

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// maxHops bounds how many proxies a request may have come through.
const maxHops = 32

// clientAddress returns the address of who made a request: that of the
// connection, or, as long as that is a trusted proxy's, the one it was told by.
//
// X-Forwarded-For is read from the right, where each proxy adds the address that
// it saw; whatever is left of an address that is no trusted proxy's may be made
// up. An entry that is no address ends the search at the proxy that passed it
// on. The result is not valid if the connection's address is none.
func clientAddress(r *http.Request, proxies []netip.Prefix) netip.Addr {
	client, ok := parseHop(r.RemoteAddr)
	if !ok || !trusted(client, proxies) {
		return client
	}
	hops := 0
	for _, value := range slices.Backward(r.Header["X-Forwarded-For"]) {
		for rest, more := value, true; more; {
			var entry string
			rest, entry, more = cutLast(rest)
			hop, ok := parseHop(entry)
			hops++
			if !ok || hops > maxHops {
				return client
			}
			if client = hop; !trusted(client, proxies) {
				return client
			}
		}
	}
	return client
}

// cutLast splits a list before its last entry.
func cutLast(list string) (before, last string, more bool) {
	if i := strings.LastIndexByte(list, ','); i >= 0 {
		return list[:i], strings.Trim(list[i+1:], " \t"), true
	}
	return "", strings.Trim(list, " \t"), false
}

// parseHop reads an address with or without a port or brackets. An IPv4 address
// in IPv6 form is the IPv4 address, and a zone, which has a meaning on one host
// only, is not part of who it is.
func parseHop(s string) (netip.Addr, bool) {
	if hop, err := netip.ParseAddrPort(s); err == nil {
		return hop.Addr().Unmap().WithZone(""), true
	}
	if inner, bracketed := strings.CutPrefix(s, "["); bracketed {
		inner, closed := strings.CutSuffix(inner, "]")
		hop, err := netip.ParseAddr(inner)
		if err != nil || !closed || !hop.Is6() {
			return netip.Addr{}, false
		}
		return hop.Unmap().WithZone(""), true
	}
	hop, err := netip.ParseAddr(s)
	return hop.Unmap().WithZone(""), err == nil
}

func trusted(address netip.Addr, proxies []netip.Prefix) bool {
	return slices.ContainsFunc(proxies, func(p netip.Prefix) bool { return p.Contains(address) })
}
