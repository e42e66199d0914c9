package trustedissuer

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/litentry/wallet-federation/internal/wallet"
)

const (
	// MaxLifetime is the most that exp may be after iat.
	MaxLifetime = 24 * time.Hour
	// Tolerance is how far an issuer's clock may be ahead.
	Tolerance = 60 * time.Second

	// maxAudiences bounds the aud claim of a token.
	maxAudiences = 64
	// maxID is the longest jti that is worth a place in a record.
	maxID = 128
	// maxTime is the end of the year 9999: a time after it is an error, such as
	// one in milliseconds.
	maxTime = 253_402_300_799
)

// claims are those of a token that was not verified.
type claims map[string]any

// checkTimes returns the iat claim. exp has no tolerance: a token that is almost
// over is not worth trusting another clock for.
func (c claims) checkTimes(now time.Time) (int64, error) {
	issuedAt, hasIssuedAt, err := c.time("iat")
	if err != nil {
		return 0, err
	}
	expires, hasExpires, err := c.time("exp")
	if err != nil {
		return 0, err
	}
	notBefore, _, err := c.time("nbf")
	if err != nil {
		return 0, err
	}
	latest := now.Add(Tolerance).Unix()
	switch {
	case !hasIssuedAt, !hasExpires, expires <= issuedAt, expires-issuedAt > int64(MaxLifetime/time.Second):
		return 0, WrongTimes
	case expires <= now.Unix():
		return 0, Expired
	case issuedAt > latest, notBefore > latest:
		return 0, NotYetValid
	default:
		return issuedAt, nil
	}
}

// time reads a NumericDate, which may have a fraction (RFC 7519, section 2). The
// fraction is cut off, and so a token ends no later than it says.
func (c claims) time(name string) (seconds int64, given bool, err error) {
	value, given := c[name]
	if !given {
		return 0, false, nil
	}
	switch number := value.(type) {
	case int64:
		seconds = number
	case float64:
		// Written so that a number that is none fails too.
		if !(number >= 0 && number <= maxTime) {
			return 0, false, Malformed
		}
		seconds = int64(math.Floor(number))
	default:
		return 0, false, Malformed
	}
	if seconds < 0 || seconds > maxTime {
		return 0, false, Malformed
	}
	return seconds, true, nil
}

// checkAudience refuses tokens for others, and those for several of whom none
// of ours asked for it (OpenID Connect Core 1.0, section 3.1.3.7).
func (c claims) checkAudience(ours []string) error {
	audiences, err := c.audiences()
	if err != nil {
		return err
	}
	isOurs := func(audience string) bool { return slices.Contains(ours, audience) }
	if !slices.ContainsFunc(audiences, isOurs) {
		return WrongAudience
	}
	party, given := c["azp"]
	name, isText := party.(string)
	switch {
	case given && !isText:
		return Malformed
	case len(audiences) > 1 && !isOurs(name):
		return WrongAudience
	default:
		return nil
	}
}

// audiences reads the aud claim, a string or a list of strings.
func (c claims) audiences() ([]string, error) {
	switch value := c["aud"].(type) {
	case nil:
		return nil, nil
	case string:
		return []string{value}, nil
	case []any:
		if len(value) > maxAudiences {
			return nil, Malformed
		}
		audiences := make([]string, len(value))
		for i, item := range value {
			text, ok := item.(string)
			if !ok {
				return nil, Malformed
			}
			audiences[i] = text
		}
		return audiences, nil
	default:
		return nil, Malformed
	}
}

// wallet reads the claim that names the wallet.
func (c claims) wallet(name string) (wallet.Address, error) {
	text, ok := c[name].(string)
	if !ok {
		return "", NoWallet
	}
	address, err := wallet.Parse(text)
	if err != nil {
		return "", NoWallet
	}
	return address, nil
}

// id reads the jti claim.
func (c claims) id() (string, error) {
	value, given := c["jti"]
	text, ok := value.(string)
	if given && !ok {
		return "", Malformed
	}
	unprintable := func(r rune) bool { return r < ' ' || r > '~' }
	if len(text) > maxID || strings.ContainsFunc(text, unprintable) {
		return "", nil
	}
	return text, nil
}
