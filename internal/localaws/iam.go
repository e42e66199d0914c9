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
	maxUsers               = 5000
	maxAccessKeys          = 2
	maxManagedPolicies     = 1500
	maxProviders           = 100
	maxTrustPolicy         = 2048
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

	roleNameRule          = rule{1, 64, namePattern}
	newUserRule           = rule{1, 64, namePattern}
	existingUserRule      = rule{1, 128, namePattern}
	policyNameRule        = rule{1, 128, namePattern}
	accessKeyRule         = rule{16, 128, regexp.MustCompile(`^\w+$`)}
	pathRule              = rule{1, 512, pathPattern}
	pathPrefixRule        = rule{1, 512, regexp.MustCompile(`^/[\x21-\x7f]*$`)}
	policyPathRule        = rule{1, 512, regexp.MustCompile(`^((/[A-Za-z0-9.,+@=_-]+)*)/$`)}
	descriptionRule       = rule{0, 1000, regexp.MustCompile(`^[\t\n\r\x20-\x7e\xa1-\xff]*$`)}
	policyDescriptionRule = rule{0, 1000, nil}
	arnRule               = rule{20, 2048, nil}
	versionRule           = rule{0, 2048, regexp.MustCompile(`^v[1-9][0-9]*(\.[A-Za-z0-9-]*)?$`)}
	documentRule          = rule{1, maxPolicyParameterSize, regexp.MustCompile(`^[\t\n\r\x20-\x{ff}]+$`)}
)

// iamAPI is IAM as far as it is needed.
var iamAPI = queryAPI{
	service:   "iam",
	namespace: "https://iam.amazonaws.com/doc/2010-05-08/",
	version:   "2010-05-08",
	exclusive: true,
	quiet:     true,
	check:     params.checkTagShapes,
	operations: map[string]operation{
		"CreateRole":                  {write: true, target: roleEntity.newTarget, run: (*Server).createRole},
		"GetRole":                     {target: roleEntity.target, run: (*Server).getRole},
		"ListRoles":                   {target: listTarget("role"), run: (*Server).listRoles},
		"UpdateRole":                  {write: true, target: roleEntity.target, run: (*Server).updateRole},
		"UpdateRoleDescription":       {write: true, target: roleEntity.target, run: (*Server).updateRoleDescription},
		"UpdateAssumeRolePolicy":      {write: true, target: roleEntity.target, run: (*Server).updateAssumeRolePolicy},
		"DeleteRole":                  {write: true, target: roleEntity.target, run: (*Server).deleteRole},
		"ListInstanceProfilesForRole": {target: roleEntity.target, run: (*Server).listInstanceProfilesForRole},

		"TagRole":                       {write: true, target: roleEntity.target, run: roleEntity.tag},
		"UntagRole":                     {write: true, target: roleEntity.target, run: roleEntity.untag},
		"ListRoleTags":                  {target: roleEntity.target, run: roleEntity.listTags},
		"PutRolePolicy":                 {write: true, target: roleEntity.target, run: roleEntity.putPolicy},
		"GetRolePolicy":                 {target: roleEntity.target, run: roleEntity.getPolicy},
		"ListRolePolicies":              {target: roleEntity.target, run: roleEntity.listPolicies},
		"DeleteRolePolicy":              {write: true, target: roleEntity.target, run: roleEntity.deletePolicy},
		"AttachRolePolicy":              {write: true, target: roleEntity.target, run: roleEntity.attach},
		"DetachRolePolicy":              {write: true, target: roleEntity.target, run: roleEntity.detach},
		"ListAttachedRolePolicies":      {target: roleEntity.target, run: roleEntity.listAttached},
		"PutRolePermissionsBoundary":    {write: true, target: roleEntity.target, run: roleEntity.putBoundary},
		"DeleteRolePermissionsBoundary": {write: true, target: roleEntity.target, run: roleEntity.deleteBoundary},

		"CreateUser":      {write: true, target: userEntity.newTarget, run: (*Server).createUser},
		"GetUser":         {target: selfTarget, run: (*Server).getUser},
		"ListUsers":       {target: listTarget("user"), run: (*Server).listUsers},
		"DeleteUser":      {write: true, target: userEntity.target, run: (*Server).deleteUser},
		"CreateAccessKey": {write: true, target: selfTarget, run: (*Server).createAccessKey},
		"ListAccessKeys":  {target: selfTarget, run: (*Server).listAccessKeys},
		"UpdateAccessKey": {write: true, target: selfTarget, run: (*Server).updateAccessKey},
		"DeleteAccessKey": {write: true, target: selfTarget, run: (*Server).deleteAccessKey},

		"TagUser":                       {write: true, target: userEntity.target, run: userEntity.tag},
		"UntagUser":                     {write: true, target: userEntity.target, run: userEntity.untag},
		"ListUserTags":                  {target: userEntity.target, run: userEntity.listTags},
		"PutUserPolicy":                 {write: true, target: userEntity.target, run: userEntity.putPolicy},
		"GetUserPolicy":                 {target: userEntity.target, run: userEntity.getPolicy},
		"ListUserPolicies":              {target: userEntity.target, run: userEntity.listPolicies},
		"DeleteUserPolicy":              {write: true, target: userEntity.target, run: userEntity.deletePolicy},
		"AttachUserPolicy":              {write: true, target: userEntity.target, run: userEntity.attach},
		"DetachUserPolicy":              {write: true, target: userEntity.target, run: userEntity.detach},
		"ListAttachedUserPolicies":      {target: userEntity.target, run: userEntity.listAttached},
		"PutUserPermissionsBoundary":    {write: true, target: userEntity.target, run: userEntity.putBoundary},
		"DeleteUserPermissionsBoundary": {write: true, target: userEntity.target, run: userEntity.deleteBoundary},

		"CreatePolicy":            {write: true, target: newPolicyTarget, run: (*Server).createPolicy},
		"GetPolicy":               {target: policyTarget, run: (*Server).getPolicy},
		"ListPolicies":            {target: listTarget("policy"), run: (*Server).listPolicies},
		"DeletePolicy":            {write: true, target: policyTarget, run: (*Server).deletePolicy},
		"CreatePolicyVersion":     {write: true, target: policyTarget, run: (*Server).createPolicyVersion},
		"GetPolicyVersion":        {target: policyTarget, run: (*Server).getPolicyVersion},
		"ListPolicyVersions":      {target: policyTarget, run: (*Server).listPolicyVersions},
		"SetDefaultPolicyVersion": {write: true, target: policyTarget, run: (*Server).setDefaultPolicyVersion},
		"DeletePolicyVersion":     {write: true, target: policyTarget, run: (*Server).deletePolicyVersion},
		"ListEntitiesForPolicy":   {target: policyTarget, run: (*Server).listEntitiesForPolicy},
		"TagPolicy":               {write: true, target: policyTarget, run: (*Server).tagPolicy},
		"UntagPolicy":             {write: true, target: policyTarget, run: (*Server).untagPolicy},
		"ListPolicyTags":          {target: policyTarget, run: (*Server).listPolicyTags},

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
		"GetAccountSummary":              {target: anyTarget, run: (*Server).getAccountSummary},
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

func quotaError(quota string, limit int) *apiError {
	return limitExceeded("Cannot exceed quota for %s: %s", quota, strconv.Itoa(limit))
}
