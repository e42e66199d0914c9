package localaws

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/litentry/wallet-federation/internal/policy"
)

const (
	// A range of addresses that is no larger than this is not the public.
	minFixedBits4, minFixedBits6 = 8, 32
)

// isPublic tells whether AWS would call a bucket policy public: whether one of
// its statements allows something to everybody, without a condition that ties it
// to a fixed account, network or principal, and without a Deny that takes the
// same back.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html#access-control-block-public-access-policy-status
//
// It is simpler than AWS's analysis, and wrong on the side of "public": a Deny
// only counts where it names the very actions and resources of the Allow.
func isPublic(document *policy.Document) bool {
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

// takesBack tells whether deny leaves nothing of allow to the public.
func takesBack(deny, allow *policy.Statement) bool {
	same := deny.Effect == policy.EffectDeny && isEverybody(deny.Principal) &&
		len(deny.Actions) > 0 && slices.Equal(deny.Actions, allow.Actions) &&
		len(deny.Resources) > 0 && slices.Equal(deny.Resources, allow.Resources)
	if !same || len(deny.Conditions) == 0 {
		return same
	}
	if len(deny.Conditions) > 1 {
		return false
	}
	condition := deny.Conditions[0]
	positive := strings.Replace(condition.Operator, "Not", "", 1)
	return positive != condition.Operator && anchors(positive, condition)
}

// isAnchored tells whether one of the statement's conditions holds for fixed
// callers or networks only.
func isAnchored(statement *policy.Statement) bool {
	return slices.ContainsFunc(statement.Conditions, func(c policy.Condition) bool {
		operator := strings.TrimPrefix(c.Operator, "ForAnyValue:")
		weak, ifExists := strings.CutSuffix(operator, "IfExists")
		weak, forAll := strings.CutPrefix(weak, "ForAllValues:")
		if (ifExists || forAll) && !requiresKey(statement, c.Key) {
			return false // true for a request without the key
		}
		return anchors(weak, c)
	})
}

// requiresKey tells whether the statement demands that a key be present.
func requiresKey(statement *policy.Statement, key string) bool {
	return slices.ContainsFunc(statement.Conditions, func(c policy.Condition) bool {
		return c.Operator == "Null" && strings.EqualFold(c.Key, key) && slices.Equal(c.Values, []string{"false"})
	})
}

// anchors tells whether the condition, under a positive operator, ties a
// statement to fixed callers or networks.
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
	case "StringEquals", "StringEqualsIgnoreCase":
		return true // a wildcard is an ordinary character
	case "StringLike":
		return !strings.ContainsAny(value, "*?")
	}
	return false
}

// fixedUserID accepts all sessions of a role too: AROA...:*.
func fixedUserID(operator, value string) bool {
	if operator == "StringLike" {
		value, _ = strings.CutSuffix(value, ":*")
	}
	return fixedText(operator, value)
}

// fixedARN accepts what leaves the account no choice.
func fixedARN(operator, value string) bool {
	switch operator {
	case "ArnEquals", "ArnLike", "StringEquals", "StringLike":
	default:
		return false
	}
	parts := strings.SplitN(value, ":", 6)
	return len(parts) == 6 && accountPattern.MatchString(parts[4])
}

func fixedNetwork(operator, value string) bool {
	if operator != "IpAddress" {
		return false
	}
	network, err := netip.ParsePrefix(value)
	if err != nil {
		_, err = netip.ParseAddr(value)
		return err == nil
	}
	if network.Addr().Is4() {
		return network.Bits() >= minFixedBits4
	}
	return network.Bits() >= minFixedBits6
}
