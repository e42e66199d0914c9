package document

import (
	"regexp"
	"strings"
)

// walletSegmentForm matches a text that begins with what the policies take for a
// wallet: see walletPattern.
var walletSegmentForm = regexp.MustCompile(`(?s)^0x.{40}/`)

// WithinWallet says whether keys under the prefix inner lie under the own prefix
// of a wallet below outer, so that this wallet would have all of them.
func WithinWallet(outer, inner string) bool {
	rest, below := strings.CutPrefix(inner, outer)
	return below && walletSegmentForm.MatchString(rest)
}
