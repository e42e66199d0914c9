package localaws

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/litentry/wallet-federation/internal/policy"
)

const (
	minAssumeSeconds     = 900
	defaultAssumeSeconds = 3600
	maxChainedSeconds    = 3600
	maxSessionPolicy     = 2048 // characters
	maxSessionPolicyARNs = 10
)

// AWS names these patterns, as they are, in its refusals.
var (
	sessionNamePattern = regexp.MustCompile(`^[\w+=,.@-]*$`)
	sessionNameRule    = rule{2, 64, sessionNamePattern}
	sourceIdentityRule = rule{2, 64, sessionNamePattern}
	externalIDRule     = rule{2, 1224, regexp.MustCompile(`^[\w+=,.@:\/-]*$`)}
	transitiveKeyRule  = rule{1, maxTagKeyLen, tagKeyPattern}
	sessionPolicyRule  = rule{1, maxSessionPolicy, documentRule.pattern}
)

// stsAPI is STS as far as it is needed. GetCallerIdentity needs no permission,
// and the calls that assume a role are judged by its trust policy.
var stsAPI = queryAPI{
	service:   "sts",
	namespace: "https://sts.amazonaws.com/doc/2011-06-15/",
	version:   "2011-06-15",
	operations: map[string]operation{
		"GetCallerIdentity":         {run: (*Server).getCallerIdentity},
		"AssumeRole":                {run: (*Server).assumeRole},
		"AssumeRoleWithWebIdentity": {unsigned: true, run: (*Server).assumeRoleWithWebIdentity},
	},
}

func (s *Server) getCallerIdentity(q *query) (any, *apiError) {
	p := q.caller.principal
	userID := p.UniqueID
	if q.caller.session != nil {
		userID += ":" + p.SessionName
	}
	return struct {
		Arn     string
		UserID  string `xml:"UserId"`
		Account string
	}{p.ARN, userID, p.Account}, nil
}

// assumption is a request to assume a role, as both calls make it.
type assumption struct {
	roleARN        string
	sessionName    string
	duration       time.Duration
	policies       []sessionPolicy
	policySize     int
	tags           tagSet
	transitive     []string
	sourceIdentity string
	provider       string // ARN, for a web identity
	subject        string // for a web identity
}

// readAssumption reads the parameters that both calls share.
func (s *Server) readAssumption(q *query) (*assumption, *apiError) {
	a := &assumption{}
	var failure *apiError
	if a.roleARN, failure = readRoleARN(q); failure != nil {
		return nil, failure
	}
	if a.sessionName, failure = q.matching("RoleSessionName", sessionNameRule); failure != nil {
		return nil, failure
	}
	seconds, failure := q.number("DurationSeconds", defaultAssumeSeconds, minAssumeSeconds, maxSessionSeconds)
	if failure != nil {
		return nil, failure
	}
	a.duration = time.Duration(seconds) * time.Second
	return a, s.readSessionPolicies(q, a)
}

// readRoleARN reads the role that is asked for. AWS tells what is no ARN from an
// ARN that is not a role's, such as the provider's.
func readRoleARN(q *query) (string, *apiError) {
	arn, failure := q.matching("RoleArn", arnRule)
	if failure != nil {
		return "", failure
	}
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[1] == "" || parts[2] == "" || parts[5] == "" {
		return "", validationError("%s is invalid", arn)
	}
	name, isRole := strings.CutPrefix(parts[5], "role/")
	if parts[2] != "iam" || parts[3] != "" || !accountPattern.MatchString(parts[4]) || !isRole || name == "" {
		return "", validationError("Request ARN is invalid")
	}
	return arn, nil
}

// readSessionPolicies reads the inline session policy and the managed ones.
func (s *Server) readSessionPolicies(q *query, a *assumption) *apiError {
	if q.has("Policy") {
		if _, failure := q.matching("Policy", sessionPolicyRule); failure != nil {
			return failure
		}
		inline, failure := q.parsePolicy("Policy", policy.Session)
		if failure != nil {
			return failure
		}
		a.policies = append(a.policies, sessionPolicy{"session policy", inline})
		a.policySize = policySize(inline.text)
	}
	arns, failure := readPolicyARNs(q)
	if failure != nil {
		return failure
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, arn := range arns {
		p := s.seen().policies[arn]
		if p == nil {
			return malformedPolicy("Policy %s does not exist or is not attachable.", arn)
		}
		a.policies = append(a.policies, sessionPolicy{"session policy " + p.arn, p.version(p.inForce).policyText})
		a.policySize += len(arn)
	}
	return nil
}

// readPolicyARNs reads which managed policies are to be session policies.
func readPolicyARNs(q *query) ([]string, *apiError) {
	var arns []string
	for i := range maxListMembers {
		key := fmt.Sprintf("PolicyArns.member.%d.arn", i+1)
		if !q.has(key) {
			break
		}
		if failure := arnRule.check(fmt.Sprintf("policyArns.%d.member.arn", i+1), q.text(key)); failure != nil {
			return nil, failure
		}
		arns = append(arns, q.text(key))
	}
	return arns, checkListLength("policyArns", len(arns), maxSessionPolicyARNs)
}

func checkListLength(name string, length, most int) *apiError {
	if length > most {
		return constraintError(fmt.Sprint(length), name, fmt.Sprintf("Member must have length less than or equal to %d", most))
	}
	return nil
}

// trustContext adds to ctx what the trust policy of r may ask about a request.
func (a *assumption) trustContext(ctx policy.Context, requested tagSet, r *role) {
	for _, t := range r.tags {
		ctx.Set("aws:ResourceTag/"+t.Key, t.Value)
		ctx.Set("iam:ResourceTag/"+t.Key, t.Value)
	}
	ctx.Set("sts:RoleSessionName", a.sessionName)
	if a.sourceIdentity != "" {
		ctx.Set("sts:SourceIdentity", a.sourceIdentity)
	}
	for _, t := range requested {
		ctx.Set("aws:RequestTag/"+t.Key, t.Value)
	}
	if len(requested) > 0 {
		ctx.SetList("aws:TagKeys", requested.keys()...)
	}
	if len(a.transitive) > 0 {
		ctx.SetList("sts:TransitiveTagKeys", a.transitive...)
	}
}

// actions are what the trust policy must allow: assuming the role and, where
// the session gets them, tagging it and naming its source.
func (a *assumption) actions(assume string) []string {
	actions := []string{assume}
	if len(a.tags) > 0 {
		actions = append(actions, "sts:TagSession")
	}
	if a.sourceIdentity != "" {
		actions = append(actions, "sts:SetSourceIdentity")
	}
	return actions
}

// checkTags holds session tags to AWS's rules.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html
func (a *assumption) checkTags() *apiError {
	if failure := checkListLength("tags", len(a.tags), maxTags); failure != nil {
		return failure
	}
	reserved := func(t tag) bool { return hasReservedPrefix(t.Key) || hasReservedPrefix(t.Value) }
	if slices.ContainsFunc(a.tags, reserved) {
		return invalidParameter("Tag keys and values must not begin with aws:, which is reserved.")
	}
	if failure := a.tags.check("tags"); failure != nil {
		return failure
	}
	if a.tags.duplicateKey(strings.EqualFold) {
		return invalidParameter("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
	}
	if failure := checkListLength("transitiveTagKeys", len(a.transitive), maxTags); failure != nil {
		return failure
	}
	for i, key := range a.transitive {
		if failure := transitiveKeyRule.check(fmt.Sprintf("transitiveTagKeys.%d.member", i+1), key); failure != nil {
			return failure
		}
	}
	if slices.ContainsFunc(a.transitive, func(key string) bool { return a.tags.index(key) < 0 }) {
		return invalidParameter("The specified transitive tag key must be included in the requested tags.")
	}
	return nil
}

func invalidParameter(message string) *apiError {
	return newError(400, "InvalidParameterValue", "%s", message)
}

// findRole finds the role to be assumed; nil if there is none.
func (s *Server) findRole(arn string) *role {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen().roleByARN(arn)
}

// checkDuration holds a session to the longest that its role gives.
func (a *assumption) checkDuration(r *role) *apiError {
	if a.duration > r.maxSession {
		return validationError("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	return nil
}
