package localaws

import (
	"encoding/json"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	tagsClaim           = "https://aws.amazon.com/tags"
	principalTagsClaim  = "https://aws.amazon.com/tags/principal_tags/"
	transitiveTagsClaim = "https://aws.amazon.com/tags/transitive_tag_keys"
	sourceIdentityClaim = "https://aws.amazon.com/source_identity"
	rolesClaim          = "https://aws.amazon.com/roles"
)

// clockTolerance is how far STS lets a token's times be off.
const clockTolerance = 5 * time.Minute

var roleARNPattern = regexp.MustCompile(`^arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+$`)

// claims are the claims of a token, as decoded JSON. Numbers are json.Number.
type claims map[string]any

// required checks that the claims which STS needs are there.
func (c claims) required() *apiError {
	for _, name := range []string{"iss", "sub", "aud", "iat", "exp"} {
		if _, ok := c[name]; !ok {
			return invalidIdentityToken("Missing a required claim: %s", name)
		}
	}
	return nil
}

// subject is the claim sub. STS takes a number for a string, and stumbles over
// anything else.
func (c claims) subject() (string, *apiError) {
	switch sub := c["sub"].(type) {
	case string:
		return sub, nil
	case json.Number:
		return sub.String(), nil
	default:
		return "", internalFailure("Unknown error validating third-party token")
	}
}

// audience is the party that the token is for, which must be registered with
// the provider: azp if there is one, or else the only aud.
func (c claims) audience(p *provider) (string, *apiError) {
	list := c.texts("aud")
	party, hasParty := c["azp"]
	audience, _ := party.(string)
	switch {
	case list == nil:
		return "", couldNotValidate()
	case len(list) == 0:
		return "", invalidIdentityToken("Claim is not allowed to be empty: aud")
	case !hasParty && len(list) > 1:
		return "", invalidIdentityToken("Token audience contains more than one audience while authorized party is not present")
	case !hasParty:
		audience = list[0]
	}
	if audience == "" || !slices.Contains(p.audiences, audience) {
		return "", couldNotValidate()
	}
	return audience, nil
}

// texts reads a claim that is a string or an array of strings. It is nil if the
// claim is neither.
func (c claims) texts(name string) []string {
	switch value := c[name].(type) {
	case string:
		return []string{value}
	case []any:
		list := make([]string, 0, len(value))
		for _, member := range value {
			text, ok := member.(string)
			if !ok {
				return nil
			}
			list = append(list, text)
		}
		return list
	default:
		return nil
	}
}

// checkTimes checks iat, nbf and exp, in whole seconds.
func (c claims) checkTimes(now time.Time) *apiError {
	issued, ok1 := c.seconds("iat")
	expires, ok2 := c.seconds("exp")
	notBefore, ok3 := int64(math.MinInt64), true
	if _, given := c["nbf"]; given {
		notBefore, ok3 = c.seconds("nbf")
	}
	earliest, latest := now.Add(-clockTolerance).Unix(), now.Add(clockTolerance).Unix()
	switch {
	case !ok1 || !ok2 || !ok3:
		return invalidIdentityToken("Invalid timestamp in token claims.")
	case issued > latest:
		return invalidIdentityToken("Token issued in the future: %d", issued)
	case notBefore > latest:
		return invalidIdentityToken("Token not yet valid: current date/time %d must be after or equal to the not-before date/time %d", latest, notBefore)
	case expires <= earliest:
		return newError(400, "ExpiredTokenException",
			"Token expired: current date/time %d must be before the expiration date/time %d", earliest, expires)
	}
	return nil
}

// seconds reads a time: a whole number without an exponent, or a string of
// digits. What does not fit into 64 bits is no time.
func (c claims) seconds(name string) (int64, bool) {
	var digits string
	switch value := c[name].(type) {
	case json.Number:
		digits = value.String()
	case string:
		if strings.Trim(value, "0123456789") != "" { // a sign, a blank
			return 0, false
		}
		digits = value
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	return n, err == nil
}

func badTagsClaim() *apiError {
	return invalidIdentityToken("principal_tags passed in claim is not in correct format.")
}

// sessionTags reads the session tags, in the nested or in the flat form. A
// token that mixes the two is refused.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_adding-assume-role-idp
func (c claims) sessionTags() (tagSet, []string, *apiError) {
	flat, failure := c.flatTags()
	if failure != nil {
		return nil, nil, failure
	}
	_, flatTransitive := c[transitiveTagsClaim]
	nested, isNested := c[tagsClaim]
	if !isNested {
		return c.withTransitive(flat, transitiveTagsClaim)
	}
	object, ok := nested.(map[string]any)
	if !ok || len(flat) > 0 || flatTransitive {
		return nil, nil, badTagsClaim()
	}
	tags, failure := nestedTags(object)
	if failure != nil {
		return nil, nil, failure
	}
	return claims(object).withTransitive(tags, "transitive_tag_keys")
}

// flatTags reads one claim for each tag; their values are strings.
func (c claims) flatTags() (tagSet, *apiError) {
	values := map[string]string{}
	for name, value := range c {
		key, ok := strings.CutPrefix(name, principalTagsClaim)
		if !ok {
			continue
		}
		text, ok := value.(string)
		if !ok {
			return nil, badTagsClaim()
		}
		values[key] = text
	}
	return sortedTags(values), nil
}

// nestedTags reads principal_tags; each value is an array of one string.
func nestedTags(object claims) (tagSet, *apiError) {
	given, present := object["principal_tags"]
	if !present {
		return nil, nil
	}
	tags, ok := given.(map[string]any)
	if !ok {
		return nil, badTagsClaim()
	}
	values := map[string]string{}
	for key, value := range tags {
		list, _ := value.([]any)
		if len(list) != 1 {
			return nil, badTagsClaim()
		}
		if values[key], ok = list[0].(string); !ok {
			return nil, badTagsClaim()
		}
	}
	return sortedTags(values), nil
}

// withTransitive reads the array of transitive keys that goes with tags.
func (c claims) withTransitive(tags tagSet, name string) (tagSet, []string, *apiError) {
	given, present := c[name]
	if !present {
		return tags, nil, nil
	}
	if _, isList := given.([]any); !isList {
		return nil, nil, badTagsClaim()
	}
	keys := c.texts(name)
	if keys == nil {
		return nil, nil, badTagsClaim()
	}
	return tags, keys, nil
}

// sourceIdentity reads the claim that names who is behind the session.
func (c claims) sourceIdentity() (string, *apiError) {
	value, present := c[sourceIdentityClaim]
	if !present {
		return "", nil
	}
	text, ok := value.(string)
	if !ok {
		return "", couldNotValidate()
	}
	return text, sourceIdentityRule.check("sourceIdentity", text)
}

// authorizesRole tells whether the token is pinned to roles, the one that is
// asked for among them. A token that is pinned to others only is refused. A
// token without the claim, or with null, is not pinned: false, and no refusal.
func (c claims) authorizesRole(roleARN string) (bool, *apiError) {
	var entries []string
	switch value := c[rolesClaim].(type) {
	case nil:
		return false, nil
	case string:
		for entry := range strings.SplitSeq(value, ";") {
			entries = append(entries, strings.TrimSpace(entry))
		}
	case []any:
		for _, member := range value {
			if entry, ok := member.(string); ok {
				entries = append(entries, entry)
			}
		}
	default:
		return false, invalidIdentityToken("The roles claim is not in a supported format")
	}
	if !slices.ContainsFunc(entries, roleARNPattern.MatchString) {
		return false, invalidIdentityToken("The roles claim contains no valid role ARNs")
	}
	if !slices.Contains(entries, roleARN) {
		return false, invalidIdentityToken("The target role ARN is not present in the roles claim of the identity token")
	}
	return true, nil
}
