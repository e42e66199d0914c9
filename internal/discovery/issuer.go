package discovery

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"strings"
)

// maxIssuerLength is what IAM accepts for the URL of an OIDC provider.
const maxIssuerLength = 255

// ErrIssuer is the error that [ParseIssuer] wraps.
var ErrIssuer = errors.New("invalid issuer URL")

// ParseIssuer checks an issuer URL and returns its parts. It has to be the one
// spelling that can be compared byte for byte: http or https, a lower-case
// ASCII host with an optional port, an optional clean path, and no user,
// query, fragment, percent-encoding or trailing slash. Whether http and ports
// are allowed (AWS takes neither) is for the caller to decide. The error wraps
// [ErrIssuer].
func ParseIssuer(issuer string) (*url.URL, error) {
	if len(issuer) > maxIssuerLength {
		return nil, fmt.Errorf("%w: longer than %d bytes", ErrIssuer, maxIssuerLength)
	}
	if strings.ContainsFunc(issuer, notInIssuer) {
		return nil, fmt.Errorf("%w: a character other than letters, digits and -._~:/[]", ErrIssuer)
	}
	parsed, err := url.Parse(issuer)
	if err != nil {
		return nil, fmt.Errorf("%w: not a URL", ErrIssuer)
	}
	if parsed.Scheme != "https" && parsed.Scheme != "http" {
		return nil, fmt.Errorf("%w: the scheme is neither https nor http", ErrIssuer)
	}
	if parsed.Hostname() == "" || parsed.Host != strings.ToLower(parsed.Host) || strings.HasSuffix(parsed.Host, ":") {
		return nil, fmt.Errorf("%w: the host is missing or not in lower case", ErrIssuer)
	}
	// Go's URLs tolerate brackets that belong to no IPv6 address; RFC 3986 does
	// not, and so no wallet could sign in to such an issuer.
	if strings.ContainsAny(parsed.Hostname()+parsed.Path, "[]") {
		return nil, fmt.Errorf("%w: brackets that are not around an IPv6 address", ErrIssuer)
	}
	if parsed.Path != "" && (strings.HasSuffix(parsed.Path, "/") || path.Clean(parsed.Path) != parsed.Path) {
		return nil, fmt.Errorf("%w: the path ends in a slash or is not clean", ErrIssuer)
	}
	if parsed.String() != issuer {
		return nil, fmt.Errorf("%w: not in its canonical spelling", ErrIssuer)
	}
	return parsed, nil
}

// notInIssuer reports the characters that an issuer URL has no use for, among
// them @, ?, #, % and everything outside ASCII.
func notInIssuer(r rune) bool {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
		return false
	default:
		return !strings.ContainsRune("-._~:/[]", r)
	}
}
