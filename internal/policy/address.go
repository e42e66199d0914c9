package policy

import (
	"net/netip"
	"strconv"
	"strings"
)

// prefixOperand is a value of IpAddress: a range of addresses.
type prefixOperand netip.Prefix

func (o prefixOperand) match(_ Context, value string) verdict {
	addr, ok := parseRequestAddress(value)
	return verdictOf(ok && netip.Prefix(o).Contains(addr))
}

// parseRequestAddress reads the address of a request. An IPv4 address in IPv6
// form is an IPv4 address; a range of a policy keeps the family it is written in.
func parseRequestAddress(s string) (netip.Addr, bool) {
	addr, ok := parseAddress(s)
	return addr.Unmap(), ok
}

// parsePrefix reads a range in CIDR notation or a single address. Bits of an IPv4
// range beyond its prefix do not matter; in an IPv6 range AWS takes none.
func parsePrefix(s string) (netip.Prefix, bool) {
	host, suffix, hasSuffix := strings.Cut(s, "/")
	addr, ok := parseAddress(host)
	if !ok || addr.Is6() && strings.Contains(host, ".") {
		return netip.Prefix{}, false
	}
	bits := addr.BitLen()
	if hasSuffix {
		var err error
		if bits, err = strconv.Atoi(suffix); err != nil || bits < 0 || bits > addr.BitLen() {
			return netip.Prefix{}, false
		}
	}
	prefix := netip.PrefixFrom(addr, bits)
	return prefix.Masked(), addr.Is4() || prefix == prefix.Masked()
}

// parseAddress reads an address as leniently as AWS was seen to.
func parseAddress(s string) (netip.Addr, bool) {
	addr, err := netip.ParseAddr(s)
	if err != nil {
		addr, err = netip.ParseAddr(canonicalAddress(s))
	}
	if err != nil || addr.Zone() != "" || (addr.Is6() && !addr.Is4In6() && strings.Contains(s, ".")) {
		return netip.Addr{}, false
	}
	return addr, true
}

// canonicalAddress rewrites spellings that AWS takes and Go does not: zeros
// before the numbers of an IPv4 address; in an IPv6 address a colon too many at
// the end or beside the double one, and at the front a group that is left out.
func canonicalAddress(s string) string {
	if !strings.Contains(s, ":") {
		parts := strings.Split(s, ".")
		for i, part := range parts {
			if trimmed := strings.TrimLeft(part, "0"); trimmed != "" || part == "" {
				parts[i] = trimmed
			} else {
				parts[i] = "0"
			}
		}
		return strings.Join(parts, ".")
	}
	if strings.HasPrefix(s, ":") && !strings.HasPrefix(s, "::") {
		s = "0" + s
	}
	left, right, compressed := strings.Cut(s, "::")
	switch {
	case !compressed:
		return strings.TrimSuffix(s, ":")
	case strings.Contains(right, "::"):
		return s
	default:
		return left + "::" + strings.Trim(right, ":")
	}
}
