package policycase

import (
	"encoding/json"
	"maps"
	"strings"

	"github.com/litentry/wallet-federation/internal/policy"
)

// stubUserID is the aws:userid that the policy simulator puts in where it is
// asked without a caller.
const stubUserID = "STUB_PRINCIPAL_FOR_POLICY_SIMULATOR"

// multivalued tells whether a key is multivalued by definition, however many
// values a request has for it.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
func multivalued(key string) bool {
	switch strings.ToLower(key) {
	case "aws:tagkeys", "aws:calledvia", "aws:principalorgpaths", "aws:resourceorgpaths", "aws:sourceorgpaths",
		"aws:principalservicenameslist", "aws:vpcesourceorgpaths", "s3:requestobjecttagkeys":
		return true
	default:
		return false
	}
}

// readContext reads the members context and context_types of a request: values
// by key, and types as SimulateCustomPolicy names them, of which only those that
// end in List make a difference.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ContextEntry.html
func readContext(request *object) (policy.Context, error) {
	types := map[string]string{}
	if request.has("context_types") {
		if err := json.Unmarshal(request.get("context_types"), &types); err != nil {
			return nil, invalid("request.context_types", "must be an object of strings")
		}
	}
	if !request.has("context") {
		return nil, nil
	}
	keys, err := parseObject("request.context", request.get("context"))
	if err != nil {
		return nil, err
	}
	ctx := policy.Context{}
	for _, m := range keys.members {
		values, err := readValues(keys.at(m.name), m.raw)
		if err != nil {
			return nil, err
		}
		list := multivalued(m.name)
		if kind, typed := types[m.name]; typed {
			list = strings.HasSuffix(kind, "List")
		}
		if list || len(values) != 1 {
			ctx.SetList(m.name, values...)
		} else {
			ctx.Set(m.name, values[0])
		}
	}
	return ctx, nil
}

// readValues reads one value or a list. Numbers and booleans are taken as they
// are spelled.
func readValues(path string, raw json.RawMessage) ([]string, error) {
	list := []json.RawMessage{raw}
	if raw[0] == '[' {
		list = parseList(raw)
	}
	values := make([]string, 0, len(list))
	for _, item := range list {
		switch item[0] {
		case '{', '[', 'n':
			return nil, invalid(path, "must hold strings, numbers or booleans only")
		case '"':
			value, err := text(path, item)
			if err != nil {
				return nil, err
			}
			values = append(values, value)
		default:
			values = append(values, string(item))
		}
	}
	return values, nil
}

// baseContext makes the condition keys that follow from who calls and whose the
// resource is. What a case tells replaces what follows: see complete.
func (c *testCase) baseContext(resourceAccount string) policy.Context {
	ctx := policy.Context{}
	if c.caller.simulated {
		ctx.Set("aws:userid", stubUserID)
		return ctx
	}
	c.caller.principal.AddTo(ctx, c.caller.tags)
	if p := c.caller.principal; p.UniqueID == "" && (p.Type == policy.User || p.Type == policy.AssumedRole) {
		delete(ctx, "aws:userid") // it begins with the unique id, which nobody told
	}
	if resourceAccount != "" {
		ctx.Set("aws:ResourceAccount", resourceAccount)
	}
	return ctx
}

// complete adds the keys that the case tells to those that follow from it.
func (c *testCase) complete(ctx policy.Context) policy.Context {
	maps.Copy(ctx, c.request.context)
	return ctx
}
