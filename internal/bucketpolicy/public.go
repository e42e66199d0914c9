package bucketpolicy

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/litentry/wallet-federation/internal/policy"
)

const (
	// A range of addresses that is no larger than this is not the public.
	minFixedBits4, minFixedBits6 = 8, 32

	// arnParts is how many components an ARN has; the fifth is the account.
	arnParts   = 6
	arnAccount = 4
)

// IsPublic tells whether AWS would call a bucket policy public: whether one of
// its statements allows something to everybody, without a condition that ties it
// to a fixed account, network or principal, and without a Deny that takes the
// same back. What counts as fixed follows recordings of AWS, which know
// aws:SourceOwner as no anchor and all sessions of a role as one, contrary to
// the documentation.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html#access-control-block-public-access-policy-status
//
// It is simpler than AWS's analysis, and wrong on the side of "public": a Deny
// only counts where it alone covers all of the Allow.
func IsPublic(document *policy.Document) bool {
	for i := range document.Statements {
		allow := &document.Statements[i]
		if allow.Effect != policy.EffectAllow || !isEverybody(allow.Principal) || isAnchored(allow) {
			continue
		}
		if !slices.ContainsFunc(document.Statements, func(deny policy.Statement) bool { return takesBack(&deny, allow) }) {
			return true
		}
	}
	return false
}

func isEverybody(principals *policy.Principals) bool {
	return principals != nil && (principals.Any || slices.Contains(principals.AWS, "*"))
}

// takesBack tells whether deny leaves nothing of allow to the public: nothing at
// all or, if its conditions are of the kind "not these fixed callers", nothing to
// others than them.
func takesBack(deny, allow *policy.Statement) bool {
	if deny.Effect != policy.EffectDeny || !isEverybody(deny.Principal) ||
		!covers(lowered(deny.Actions), lowered(allow.Actions)) || !covers(deny.Resources, allow.Resources) {
		return false
	}
	return !slices.ContainsFunc(deny.Conditions, func(c policy.Condition) bool {
		// It must deny a request without the key, too, as StringNotEquals does. An
		// empty list of values holds for no request.
		operator := strings.TrimSuffix(strings.ToLower(c.Operator), "ifexists")
		positive := strings.Replace(operator, "not", "", 1)
		return positive == operator || len(c.Values) == 0 || !anchors(positive, c)
	})
}

// covers tells whether whatever one of the narrow patterns matches is matched by
// one of the wide ones.
func covers(wide, narrow []string) bool {
	return len(narrow) > 0 && !slices.ContainsFunc(narrow, func(pattern string) bool {
		return !slices.ContainsFunc(wide, func(w string) bool {
			// A star of the narrow pattern is matched by a star only, and so
			// stands for whatever it stands for.
			return w == pattern || !strings.ContainsAny(w, "?$") && !strings.Contains(pattern, "$") && policy.Match(w, pattern)
		})
	})
}

func lowered(texts []string) []string {
	lower := make([]string, len(texts))
	for i, text := range texts {
		lower[i] = strings.ToLower(text)
	}
	return lower
}

// isAnchored tells whether one of the statement's conditions holds for fixed
// callers or networks only.
func isAnchored(statement *policy.Statement) bool {
	return slices.ContainsFunc(statement.Conditions, func(c policy.Condition) bool {
		operator := strings.TrimPrefix(strings.ToLower(c.Operator), "foranyvalue:")
		operator, ifExists := strings.CutSuffix(operator, "ifexists")
		operator, forAll := strings.CutPrefix(operator, "forallvalues:")
		if (ifExists || forAll) && !requiresKey(statement, c.Key) {
			return false // true for a request without the key
		}
		return anchors(operator, c)
	})
}

// requiresKey tells whether the statement demands that a key be present.
func requiresKey(statement *policy.Statement, key string) bool {
	return slices.ContainsFunc(statement.Conditions, func(c policy.Condition) bool {
		return strings.EqualFold(c.Operator, "Null") && strings.EqualFold(c.Key, key) &&
			len(c.Values) == 1 && strings.EqualFold(c.Values[0], "false")
	})
}

// anchors tells whether the condition, under a positive operator in lower case,
// ties a statement to fixed callers or networks.
func anchors(operator string, c policy.Condition) bool {
	var fixed func(operator, value string) bool
	switch strings.ToLower(c.Key) {
	case "aws:principalarn", "aws:sourcearn", "s3:dataaccesspointarn":
		fixed = fixedARN
	case "aws:sourceip":
		fixed = fixedNetwork
	case "aws:userid":
		fixed = fixedUserID
	case "aws:principalaccount", "aws:principalorgid", "aws:sourceaccount", "aws:sourceorgid",
		"aws:sourcevpc", "aws:sourcevpce", "s3:dataaccesspointaccount":
		fixed = fixedText
	default:
		return false
	}
	return !slices.ContainsFunc(c.Values, func(value string) bool {
		return strings.Contains(value, "${") || !fixed(operator, value)
	})
}

func fixedText(operator, value string) bool {
	switch operator {
	case "stringequals", "stringequalsignorecase":
		return true // a wildcard is an ordinary character
	case "stringlike":
		return !strings.ContainsAny(value, "*?")
	}
	return false
}

// fixedUserID accepts all sessions of a role too: AROA...:*.
func fixedUserID(operator, value string) bool {
	if operator == "stringlike" {
		value, _ = strings.CutSuffix(value, ":*")
	}
	return fixedText(operator, value)
}

// fixedARN accepts one ARN, and wildcards that leave the account no choice.
func fixedARN(operator, value string) bool {
	switch operator {
	case "stringequals", "stringequalsignorecase":
		return true
	case "arnequals", "arnlike", "stringlike":
	default:
		return false
	}
	parts := strings.SplitN(value, ":", arnParts)
	return !strings.ContainsAny(value, "*?") || len(parts) == arnParts && accountPattern.MatchString(parts[arnAccount])
}

func fixedNetwork(operator, value string) bool {
	if operator != "ipaddress" {
		return false
	}
	network, err := netip.ParsePrefix(value)
	if err != nil {
		_, err = netip.ParseAddr(value)
		return err == nil
	}
	switch addr := network.Addr(); {
	case addr.Is4():
		return network.Bits() >= minFixedBits4
	case addr.Is4In6():
		return network.Bits() >= addr.BitLen()-addr.Unmap().BitLen()+minFixedBits4
	default:
		return network.Bits() >= minFixedBits6
	}
}
