package localaws

import (
	"bytes"
	"encoding/json"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/litentry/wallet-federation/internal/policy"
)

// Quotas of IAM. Policy sizes are in characters and do not count white space.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const (
	maxRoles               = 1000
	maxManagedPolicies     = 1500
	maxProviders           = 100
	maxTrustPolicy         = 2048
	maxInlinePolicies      = 10240 // all inline policies of a role together
	maxManagedPolicy       = 6144
	maxAttached            = 10
	maxAudiences           = 100
	maxThumbprints         = 5
	minSessionSeconds      = 3600
	maxSessionSeconds      = 43200
	maxPolicyParameterSize = 131072
)

var (
	namePattern = regexp.MustCompile(`^[\w+=,.@-]+$`)
	pathPattern = regexp.MustCompile(`^(/|/[\x21-\x7e]+/)$`)

	roleNameRule    = rule{1, 64, namePattern}
	policyNameRule  = rule{1, 128, namePattern}
	pathRule        = rule{1, 512, pathPattern}
	pathPrefixRule  = rule{1, 512, regexp.MustCompile(`^/[\x21-\x7e]*$`)}
	descriptionRule = rule{0, 1000, regexp.MustCompile(`^[\t\n\r\x20-\x7e\xa1-\xff]*$`)}
	arnRule         = rule{20, 2048, nil}
	documentRule    = rule{1, maxPolicyParameterSize, regexp.MustCompile(`^[\t\n\r\x20-\x{ff}]+$`)}
)

// iamAPI is IAM as far as it is needed.
var iamAPI = queryAPI{
	service:   "iam",
	namespace: "https://iam.amazonaws.com/doc/2010-05-08/",
	version:   "2010-05-08",
	exclusive: true,
	operations: map[string]operation{
		"CreateRole":             {write: true, target: newRoleTarget, run: (*Server).createRole},
		"GetRole":                {target: roleTarget, run: (*Server).getRole},
		"ListRoles":              {target: listTarget("role"), run: (*Server).listRoles},
		"UpdateRole":             {write: true, target: roleTarget, run: (*Server).updateRole},
		"UpdateAssumeRolePolicy": {write: true, target: roleTarget, run: (*Server).updateAssumeRolePolicy},
		"DeleteRole":             {write: true, target: roleTarget, run: (*Server).deleteRole},
		"TagRole":                {write: true, target: roleTarget, run: (*Server).tagRole},
		"UntagRole":              {write: true, target: roleTarget, run: (*Server).untagRole},
		"ListRoleTags":           {target: roleTarget, run: (*Server).listRoleTags},

		"PutRolePolicy":    {write: true, target: roleTarget, run: (*Server).putRolePolicy},
		"GetRolePolicy":    {target: roleTarget, run: (*Server).getRolePolicy},
		"ListRolePolicies": {target: roleTarget, run: (*Server).listRolePolicies},
		"DeleteRolePolicy": {write: true, target: roleTarget, run: (*Server).deleteRolePolicy},

		"AttachRolePolicy":              {write: true, target: roleTarget, run: (*Server).attachRolePolicy},
		"DetachRolePolicy":              {write: true, target: roleTarget, run: (*Server).detachRolePolicy},
		"ListAttachedRolePolicies":      {target: roleTarget, run: (*Server).listAttachedRolePolicies},
		"PutRolePermissionsBoundary":    {write: true, target: roleTarget, run: (*Server).putRolePermissionsBoundary},
		"DeleteRolePermissionsBoundary": {write: true, target: roleTarget, run: (*Server).deleteRolePermissionsBoundary},

		"CreatePolicy":     {write: true, target: newPolicyTarget, run: (*Server).createPolicy},
		"GetPolicy":        {target: policyTarget, run: (*Server).getPolicy},
		"GetPolicyVersion": {target: policyTarget, run: (*Server).getPolicyVersion},
		"ListPolicies":     {target: listTarget("policy"), run: (*Server).listPolicies},
		"DeletePolicy":     {write: true, target: policyTarget, run: (*Server).deletePolicy},

		"CreateOpenIDConnectProvider":             {write: true, target: newProviderTarget, run: (*Server).createProvider},
		"GetOpenIDConnectProvider":                {target: providerTarget, run: (*Server).getProvider},
		"ListOpenIDConnectProviders":              {target: listTarget("oidc-provider"), run: (*Server).listProviders},
		"DeleteOpenIDConnectProvider":             {write: true, target: providerTarget, run: (*Server).deleteProvider},
		"UpdateOpenIDConnectProviderThumbprint":   {write: true, target: providerTarget, run: (*Server).updateProviderThumbprint},
		"AddClientIDToOpenIDConnectProvider":      {write: true, target: providerTarget, run: (*Server).addClientID},
		"RemoveClientIDFromOpenIDConnectProvider": {write: true, target: providerTarget, run: (*Server).removeClientID},
		"TagOpenIDConnectProvider":                {write: true, target: providerTarget, run: (*Server).tagProvider},
		"UntagOpenIDConnectProvider":              {write: true, target: providerTarget, run: (*Server).untagProvider},
		"ListOpenIDConnectProviderTags":           {target: providerTarget, run: (*Server).listProviderTags},

		"GetAccountAuthorizationDetails": {target: anyTarget, run: (*Server).getAccountAuthorizationDetails},
	},
}

// listTarget is what a list of one kind of thing is authorized on.
func listTarget(kind string) func(*Server, *query) target {
	return func(s *Server, _ *query) target { return target{arn: s.arn("iam", kind+"/")} }
}

func anyTarget(*Server, *query) target { return target{arn: "*"} }

// members is a list in the Query protocol. An empty one is an empty element:
// clients tell that from an absent one.
type members[T any] struct {
	Member []T `xml:"member"`
}

// page is the end of every list answer.
type page struct {
	IsTruncated bool
	Marker      string `xml:",omitempty"`
}

func newPage(next string) page {
	return page{IsTruncated: next != "", Marker: next}
}

// timestamp formats a time as IAM and STS do: UTC, whole seconds.
func timestamp(t time.Time) string {
	return t.UTC().Truncate(time.Second).Format(time.RFC3339)
}

// encodeDocument encodes a policy document as IAM returns it: percent-encoding
// of RFC 3986, in which a space is %20 and not a plus sign.
func encodeDocument(document string) string {
	return strings.ReplaceAll(url.QueryEscape(document), "+", "%20")
}

// policySize counts the characters of a document as the quotas do.
func policySize(document string) int {
	var compact bytes.Buffer
	if err := json.Compact(&compact, []byte(document)); err != nil {
		return utf8.RuneCountInString(document)
	}
	return utf8.RuneCount(compact.Bytes())
}

// parsePolicy reads a policy document that a call carries.
func (p params) parsePolicy(name string, kind policy.Kind) (policyText, *apiError) {
	text, failure := p.matching(name, documentRule)
	if failure != nil {
		return policyText{}, failure
	}
	document, err := policy.Parse(kind, []byte(text))
	if err != nil {
		return policyText{}, malformedPolicy("%s", err)
	}
	return policyText{text: text, document: document}, nil
}

// mergeTags puts the tags of a call over those of a resource.
func (p params) mergeTags(old tagSet) (tagSet, *apiError) {
	given, failure := p.resourceTags()
	if failure != nil {
		return nil, failure
	}
	merged := old.with(given)
	if len(merged) > maxTags {
		return nil, limitExceeded("The number of tags has reached the maximum limit.")
	}
	return merged, nil
}

// tagPage is the answer of the calls that list tags.
type tagPage struct {
	Tags members[tag]
	page
}

func (p params) tagPage(tags tagSet) (any, *apiError) {
	list, next, failure := paginate(p, sortedTags(tags.toMap()), func(t tag) string { return t.Key })
	if failure != nil {
		return nil, failure
	}
	return tagPage{Tags: members[tag]{list}, page: newPage(next)}, nil
}

func quotaError(quota string, limit int) *apiError {
	return limitExceeded("Cannot exceed quota for %s: %s", quota, strconv.Itoa(limit))
}
