package siwe

import (
	"errors"
	"net/netip"
	"strings"
)

// Character classes of RFC 3986, section 2, beside letters and digits.
const (
	unreserved = "-._~"
	genDelims  = ":/?#[]@"
	subDelims  = "!$&'()*+,;="
)

// CheckStatement checks a statement: reserved and unreserved characters of
// RFC 3986 and spaces, or nothing at all for no statement.
func CheckStatement(s string) error {
	allowed := func(c byte) bool {
		return isAlphanumeric(c) || strings.IndexByte(unreserved+genDelims+subDelims+" ", c) >= 0
	}
	if !each(s, allowed) {
		return errors.New("the statement has a character that EIP-4361 does not allow")
	}
	return nil
}

// isURI reports whether s is an RFC 3986 URI: a scheme, a hierarchical part,
// and optionally a query and a fragment.
func isURI(s string) bool {
	scheme, rest, found := strings.Cut(s, ":")
	if !found || !isScheme(scheme) {
		return false
	}
	rest, fragment, _ := strings.Cut(rest, "#")
	hierarchy, query, _ := strings.Cut(rest, "?")
	return isHierarchy(hierarchy) && spelled(query, ":@/?") && spelled(fragment, ":@/?")
}

// isHierarchy is hier-part: an authority and a path, or only a path.
func isHierarchy(s string) bool {
	if authority, found := strings.CutPrefix(s, "//"); found {
		end := strings.IndexByte(authority, '/')
		if end < 0 {
			end = len(authority)
		}
		// A URI like file:///x has an authority without a host.
		return (end == 0 || isAuthority(authority[:end])) && spelled(authority[end:], ":@/")
	}
	return spelled(s, ":@/")
}

func isScheme(s string) bool {
	inner := func(c byte) bool { return isAlphanumeric(c) || strings.IndexByte("+-.", c) >= 0 }
	return s != "" && isAlpha(s[0]) && each(s, inner)
}

// isAuthority is [ userinfo "@" ] host [ ":" port ]. A host there must be; an
// IP literal must be IPv6.
func isAuthority(s string) bool {
	if at := strings.LastIndexByte(s, '@'); at >= 0 {
		if !spelled(s[:at], ":") {
			return false
		}
		s = s[at+1:]
	}
	host, port := s, ""
	if colon := strings.LastIndexByte(s, ':'); colon > strings.LastIndexByte(s, ']') {
		host, port = s[:colon], s[colon+1:]
	}
	return isHost(host) && each(port, isDigit)
}

func isHost(s string) bool {
	literal, found := strings.CutPrefix(s, "[")
	if !found {
		return s != "" && spelled(s, "")
	}
	literal, found = strings.CutSuffix(literal, "]")
	address, err := netip.ParseAddr(literal)
	return found && err == nil && address.Is6() && address.Zone() == ""
}

// isDateTime checks the shape of an RFC 3339 date-time, not its values.
func isDateTime(s string) bool {
	const seconds = "0000-00-00T00:00:00"
	if len(s) <= len(seconds) || !shaped(s[:len(seconds)], seconds) {
		return false
	}
	zone := s[len(seconds):]
	if fraction, found := strings.CutPrefix(zone, "."); found {
		zone = strings.TrimLeft(fraction, "0123456789")
		if zone == fraction {
			return false
		}
	}
	return zone == "Z" || shaped(zone, "+00:00") || shaped(zone, "-00:00")
}

// shaped compares byte by byte; a 0 in the shape stands for any digit.
func shaped(s, shape string) bool {
	if len(s) != len(shape) {
		return false
	}
	for i := range len(s) {
		if s[i] != shape[i] && (shape[i] != '0' || !isDigit(s[i])) {
			return false
		}
	}
	return true
}

// isSegment is *pchar.
func isSegment(s string) bool { return spelled(s, ":@") }

// spelled reports whether s consists of unreserved characters, sub-delims,
// percent-encoded bytes and the extra characters.
func spelled(s, extra string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] == '%' {
			if i+2 >= len(s) || !isHex(s[i+1]) || !isHex(s[i+2]) {
				return false
			}
			i += 2
			continue
		}
		if !isAlphanumeric(s[i]) && strings.IndexByte(unreserved+subDelims, s[i]) < 0 && strings.IndexByte(extra, s[i]) < 0 {
			return false
		}
	}
	return true
}

func each(s string, allowed func(byte) bool) bool {
	for i := range len(s) {
		if !allowed(s[i]) {
			return false
		}
	}
	return true
}

func isAlphanumeric(c byte) bool { return isAlpha(c) || isDigit(c) }

func isAlpha(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isHex(c byte) bool { return isDigit(c) || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F' }
