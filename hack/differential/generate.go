package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/litentry/wallet-federation/internal/document"
	"github.com/litentry/wallet-federation/internal/policy"
)

const (
	home, abroad = "123456789012", "111122223333"
	bucketARN    = "arn:aws:s3:::agentkeys-vault"
	walletA      = "0xaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	walletB      = "0xbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
)

// Where we decide otherwise than the simulator on purpose; README.md says why.
const (
	sessionGrant    = "a grant to everybody or to the session itself is not limited by session policies"
	noValue         = "a variable without value matches nothing, so that negations and NotResource apply; an empty value is one"
	starPassesColon = "a star that ends a component of an ARN may stand for several"
	incompleteARN   = "an incomplete ARN is completed in NotResource, too"
	oldVersion      = "the language of 2008 has no variables"
	predefined      = "${$} and the like stand for their character in every string operator"
)

type (
	object    = map[string]any
	list      = []any
	generator struct{ *rand.Rand }
)

// next makes a case of a random class.
func (g generator) next() (*testCase, error) {
	if g.IntN(4) == 0 {
		return g.guard()
	}
	return pick(g, g.conditions, g.resources, g.composition)(), nil
}

func pick[T any](g generator, choices ...T) T { return choices[g.IntN(len(choices))] }

// some picks one to most of the choices.
func some[T any](g generator, most int, choices ...T) []T {
	g.Shuffle(len(choices), func(i, j int) { choices[i], choices[j] = choices[j], choices[i] })
	return slices.Clone(choices[:1+g.IntN(min(most, len(choices)))])
}

func policyOf(version string, statements ...any) documents {
	text, err := json.Marshal(object{"Version": version, "Statement": statements})
	if err != nil {
		return documents{nil} // which is not parsed
	}
	return documents{text}
}

func statement(effect, action, resource any) object {
	return object{"Effect": effect, "Action": action, "Resource": resource}
}

// newCase begins a case of a user or a session of the account.
func (g generator) newCase(class, account string) *testCase {
	c := &testCase{Class: class, Context: object{}, kind: policy.Bucket}
	c.principal = pick(g,
		&policy.Principal{Type: policy.User, ARN: "arn:aws:iam::" + account + ":user/team/reader", UniqueID: "AIDAEXAMPLEEXAMPLE", Account: account},
		&policy.Principal{
			Type: policy.AssumedRole, ARN: "arn:aws:sts::" + account + ":assumed-role/reader/session", SessionName: "session",
			RoleARN: "arn:aws:iam::" + account + ":role/team/reader", UniqueID: "AROAEXAMPLEEXAMPLE", Account: account,
		})
	c.Caller = c.principal.ARN
	if tag := pick(g, walletA, walletA, walletB, "", "0x*", "none"); tag != "none" {
		c.tags = map[string]string{"wallet": tag}
	}
	return c
}

// guard asks for objects and lists in a bucket with the statements of a
// federation, whose role may do nothing, everything, or the like.
func (g generator) guard() (*testCase, error) {
	c := g.newCase("guard", home)
	if c.tags["wallet"] == "" {
		c.Known = noValue
	}
	role := "arn:aws:iam::" + home + ":role/team/reader"
	federation := document.Federation{Partition: "aws", RoleARN: role, WalletTagKey: "wallet"}
	statements, err := federation.BucketStatements(document.Bucket{
		Name: "agentkeys-vault", Prefix: pick(g, "", "bots/", "a/b/"),
		Access: some(g, 4, document.AccessList, document.AccessRead, document.AccessWrite, document.AccessDelete),
	})
	if err != nil {
		return nil, err
	}
	merged, _, err := document.MergeBucketPolicy(nil, federation.SidPrefix(), statements)
	if err != nil {
		return nil, err
	}
	c.Resource = documents{merged}
	key := pick(g, "", "bots/", "a/b/") + pick(g, walletA, walletB, "", "0x*") + pick(g, "", "/", "0/k", "/k", "/k/l")
	c.Target = pick(g, bucketARN+"/"+key, bucketARN, bucketARN+"-other/"+key)
	c.Action = pick(g, "s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket", "s3:ListBucketVersions",
		"s3:GetObjectVersion", "s3:PutObjectAcl", "s3:GetBucketPolicy", "s3:GetBucketLocation", "s3:ListBucketMultipartUploads")
	if g.IntN(2) == 0 {
		c.Context["s3:prefix"] = key
	}
	if g.IntN(8) == 0 {
		c.Context["s3:DataAccessPointArn"] = "arn:aws:s3:eu-west-1:" + home + ":accesspoint/x"
	}
	c.Identity = pick(g, nil, policyOf("2012-10-17", statement("Allow", pick(g, "s3:*", "s3:Get*", "*"), pick(g, "*", bucketARN+"/*"))))
	c.Boundary = pick(g, nil, nil, policyOf("2012-10-17", statement("Allow", pick(g, "s3:Get*", "s3:*"), "*")))
	return c, nil
}

// conditions puts a condition on an Allow, or on a Deny beside one.
func (g generator) conditions() *testCase {
	c := g.newCase("conditions", home)
	c.Action, c.Target = "s3:GetObject", bucketARN+"/k"
	operator, values := g.operator()
	if operator != "Null" {
		operator = pick(g, "", "", "ForAllValues:", "ForAnyValue:") + operator + pick(g, "", "", "IfExists")
	}
	keys := object{}
	for _, key := range some(g, 2, "t:a", "T:A", "t:b", "t:list") {
		keys[key] = pick[any](g, some(g, 3, values...), pick(g, values...))
	}
	for _, key := range some(g, 3, "t:a", "t:b", "t:list") {
		c.Context[key] = fmt.Sprint(pick(g, values...))
	}
	if value, ok := c.Context["t:list"].(string); ok {
		c.Context["t:list"] = pick(g, []string{value}, []string{value, fmt.Sprint(pick(g, values...))})
	}
	version := pick(g, "2012-10-17", "2012-10-17", "2008-10-17")
	c.Class += fmt.Sprint(" ", operator, keys)
	switch {
	case version == "2008-10-17" && strings.Contains(c.Class, "${"):
		c.Known = oldVersion
	case strings.Contains(c.Class, "${$}"):
		c.Known = predefined
	case strings.Contains(c.Class, "${t:") && (strings.Contains(operator, "Not") || c.Context["t:b"] == ""):
		c.Known = noValue
	}
	conditional := statement(pick(g, "Allow", "Deny"), "s3:*", "*")
	conditional["Condition"] = object{operator: keys}
	allowed := map[any]string{"Allow": "iam:*", "Deny": "*"}[conditional["Effect"]]
	c.Identity = policyOf(version, statement("Allow", allowed, "*"), conditional)
	return c
}

// operator makes the name of a condition operator, and values that it takes.
func (g generator) operator() (string, list) {
	not, compare := pick(g, "", "Not"), pick(g, "Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals")
	role := "arn:aws:iam::" + home + ":role/"
	switch g.IntN(10) {
	case 0:
		return "Null", list{"true", "false"}
	case 1:
		return "Bool", list{"true", "false", true}
	case 2:
		return "Numeric" + compare, list{1, "2", "10", "2.5", "-3", "010"}
	case 3:
		return "Date" + compare, list{"2026-03-01T12:00:00Z", "2026-03-01T13:00:00+01:00", "2026-03-02", "2027-01-01T00:00:00.5Z"}
	case 4:
		return not + "IpAddress", list{"203.0.113.7", "203.0.113.0", "203.0.113.0/24", "10.0.0.0/8", "10.1.2.3"}
	case 5:
		return not + "IpAddress", list{"2001:db8::/32", "2001:db8::1", "2001:db8:1::/48", "::/0"}
	case 6:
		return "Arn" + not + pick(g, "Equals", "Like"), list{role + "a", "arn:aws:iam::*:role/*", "arn:aws:sns:eu-west-1:1:a:b", "arn:aws:sns:*:?:a:*", role + "${t:b}"}
	case 7:
		return "String" + not + "Like", list{"a*", "a/b", "?b*", "*", "${t:b}*", "${t:b, 'a'}/b", "${*}", "[a]", "a.b", ""}
	case 8:
		return "String" + not + "EqualsIgnoreCase", list{"a", "A", "É", "é", "${t:b}", "${t:none}"}
	default:
		return "String" + not + "Equals", list{"a", "A", "b", "a*", "${t:b}", "${t:none, 'a'}", "${t:none}", "${$}{a}"}
	}
}

// resources matches resources and actions by patterns and variables.
func (g generator) resources() *testCase {
	c := g.newCase("resources", home)
	c.Action = pick(g, "s3:GetObject", "s3:ListBucket", "sqs:SendMessage")
	queue, topic := "arn:aws:sqs:eu-west-1:"+home+":queue", "arn:aws:sns:eu-west-1:"+home+":t:u"
	c.Target = pick(g, bucketARN, bucketARN+"/a/b", bucketARN+"/"+walletA+"/k", queue, topic)
	chosen := some(g, 3, "*", bucketARN+"*", bucketARN+"/?/*", bucketARN+"/*/k", bucketARN+"/${aws:PrincipalTag/wallet}/*", bucketARN+"/${aws:none, 'a'}/b",
		"arn:aws:s3:*", "arn:aws:sqs:*:*:queue", "arn:aws:sqs:eu-*-1:*:q*", "arn:aws:sqs", "arn:aws:sqs:eu-west-1:1234*9012:queue", "arn:*:sns:*:*:t:u",
		"arn:aws:sqs:eu-west-1?"+home+":queue:*", "arn:aws:sqs:e*"+home+":queue:*", "arn:aws:sqs:eu*:queue:*", "arn:aws:sns:eu*:t:u")
	element := pick(g, "Resource", "NotResource")
	conditional := object{
		"Effect": pick(g, "Allow", "Deny"), element: chosen,
		pick(g, "Action", "NotAction"): some(g, 2, "s3:*", "S3:get*", "*", "s3:?istBucket", "sqs:*Message", "iam:*"),
	}
	version := pick(g, "2012-10-17", "2012-10-17", "2008-10-17")
	c.Class += fmt.Sprint(" ", conditional)
	switch {
	case strings.Contains(c.Class, "${") && version == "2008-10-17":
		c.Known = oldVersion
	case strings.Contains(c.Class, "PrincipalTag") && c.tags["wallet"] == "":
		c.Known = noValue
	case slices.Contains(chosen, "arn:aws:sns:eu*:t:u"):
		c.Known = starPassesColon
	case element == "NotResource" && (slices.Contains(chosen, "arn:aws:sqs") || slices.Contains(chosen, "arn:aws:s3:*")):
		c.Known = incompleteARN
	}
	c.Identity = policyOf(version, statement("Allow", pick(g, "*", "iam:*"), "*"), conditional)
	return c
}

// layer is a policy that allows, is silent or denies, or none.
func (g generator) layer() documents {
	allow := statement("Allow", "*", "*")
	return pick(g, nil, policyOf("2012-10-17", allow), policyOf("2012-10-17", allow),
		policyOf("2012-10-17", statement("Allow", "iam:*", "*")), policyOf("2012-10-17", allow, statement("Deny", list{"s3:*", "sts:*"}, "*")))
}

// composition mixes identity, boundary and session policies with the policy of a
// bucket or the trust policy of a role, which name the caller in some way.
func (g generator) composition() *testCase {
	c := g.newCase("composition", pick(g, home, home, abroad))
	iam := "arn:aws:iam::" + c.principal.Account
	names := []string{c.principal.ARN, iam + ":root", c.principal.Account, "*", iam + ":role/team/reader", iam + ":user/team/reader", "arn:aws:iam::" + abroad + ":role/x"}
	c.Action, c.Target = "s3:GetObject", bucketARN+"/k"
	named := object{"Effect": pick(g, "Allow", "Allow", "Deny"), "Action": "s3:GetObject", "Resource": bucketARN + "/*"}
	if g.IntN(3) == 0 {
		c.kind, c.Action, c.Target = policy.Trust, "sts:AssumeRole", "arn:aws:iam::"+home+":role/target"
		named = object{"Effect": "Allow", "Action": "sts:AssumeRole"}
	}
	element := "Principal"
	if named["Effect"] == "Deny" {
		element = pick(g, "Principal", "NotPrincipal")
	}
	named[element] = object{"AWS": some(g, 2, names...)}
	c.Class += fmt.Sprint(" ", named)
	c.Resource = policyOf("2012-10-17", named)
	c.Identity, c.Boundary = g.layer(), g.layer()
	if c.principal.Type == policy.AssumedRole {
		if c.Session = g.layer(); c.Session != nil {
			c.Known = sessionGrant
		}
	}
	return c
}
