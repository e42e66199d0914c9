package localaws

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/litentry/wallet-federation/internal/policy"
)

// IAM's words for what is wrong with a policy document, as they were recorded.
// They rarely tell where it is wrong; that is logged.
const (
	invalidJSON   = "This policy contains invalid Json"
	syntaxErrors  = "Syntax errors in policy."
	legacyParsing = "The policy failed legacy parsing"
)

// admitPolicy reads a policy document that a call carries.
func (s *Server) admitPolicy(q *query, name string, kind policy.Kind) (policyText, *apiError) {
	text, failure := q.matching(name, documentRule)
	if failure != nil {
		return policyText{}, failure
	}
	document, err := policy.Parse(kind, []byte(text))
	if err != nil {
		s.options.Logger.Debug("refused", "action", "iam:"+q.operation, "reason", err.Error())
		return policyText{}, malformedPolicy("%s", wordSyntaxError(kind, text, err))
	}
	if complaint := identityComplaint(document); complaint != "" {
		return policyText{}, malformedPolicy("%s", complaint)
	}
	return policyText{text: text, document: document}, nil
}

// identityComplaint is what IAM finds wrong with the resources of a policy that
// is well formed. A trust policy has none.
func identityComplaint(document *policy.Document) string {
	for i := range document.Statements {
		s := &document.Statements[i]
		for _, resource := range append(s.Resources, s.NotResources...) {
			if complaint := resourceComplaint(resource); complaint != "" {
				return complaint
			}
		}
	}
	return ""
}

var (
	// iamResource takes a path that has a wildcard or a variable for any.
	iamResource = regexp.MustCompile(`^(\*|root|.*[*?$].*|(user|federated-user|role|group|instance-profile|mfa|server-certificate|policy|sms-mfa|` +
		`saml-provider|oidc-provider|report|access-report)/.*)$`)
	partition = regexp.MustCompile(`^(\*|aws(-[a-z]+)*)$`)
)

// resourceComplaint is what IAM finds wrong with a resource. It fills an ARN that
// ends early with wildcards.
func resourceComplaint(resource string) string {
	if resource == "*" {
		return ""
	}
	parts := strings.SplitN(resource, ":", 6)
	switch given := len(parts); {
	case given == 1:
		return fmt.Sprintf("Resource %s must be in ARN format or \"*\".", resource)
	case given == 5 && partition.MatchString(parts[1]):
		return legacyParsing
	default:
		for range 6 - given {
			parts = append(parts, "*")
		}
	}
	parts[0] = "arn"
	return arnComplaint(strings.Join(parts, ":"), parts)
}

func arnComplaint(arn string, parts []string) string {
	service, region, account, path := parts[2], parts[3], parts[4], parts[5]
	switch {
	case !partition.MatchString(parts[1]):
		return fmt.Sprintf("Partition %q is not valid for resource %q.", parts[1], arn)
	case service == "":
		return legacyParsing
	case strings.ContainsAny(service, "*?"):
		return "Resource vendor must be fully qualified and cannot contain regexes."
	case service == "iam" && region != "":
		return fmt.Sprintf("IAM resource %s cannot contain region information.", arn)
	case service == "s3" && region != "" && region != "*" && account == "":
		return fmt.Sprintf("Resource %s can not contain region information.", arn)
	case service == "iam" && !iamResource.MatchString(path):
		return `IAM resource path must either be "*", root, or start with user/, federated-user/, role/, group/, ` +
			"instance-profile/, mfa/, server-certificate/, policy/, sms-mfa/, saml-provider/, oidc-provider/, report/, access-report/."
	}
	return ""
}

// faultyPart finds the element of a statement in the path of a syntax error.
var faultyPart = regexp.MustCompile(`^Statement\[(\d+)\](?:\.(\w+)(.*))?$`)

// wordSyntaxError words the error of policy.Parse as IAM does, by where it is and
// what the document has there.
func wordSyntaxError(kind policy.Kind, text string, err error) string {
	var syntax *policy.SyntaxError
	var document struct{ Statement any }
	if !errors.As(err, &syntax) || json.Unmarshal([]byte(text), &document) != nil {
		if kind == policy.Trust {
			return invalidJSON
		}
		return syntaxErrors
	}
	found := faultyPart.FindStringSubmatch(syntax.Path)
	if found == nil || found[2] == "" {
		return syntaxErrors
	}
	number, _ := strconv.Atoi(found[1]) // the pattern has digits only
	statements, isList := document.Statement.([]any)
	if !isList {
		statements = []any{document.Statement}
	}
	if number >= len(statements) {
		return syntaxErrors
	}
	statement, isObject := statements[number].(map[string]any)
	if !isObject {
		return syntaxErrors
	}
	return wordFault(kind, statement, found[2], found[3])
}

// wordFault words what is wrong with an element of a statement; rest is where in
// it the fault is.
func wordFault(kind policy.Kind, statement map[string]any, element, rest string) string {
	value, present := statement[element]
	text, isText := value.(string)
	values, isList := value.([]any)
	if isText {
		values = []any{text}
	}
	absent := !present || isList && len(values) == 0
	if _, both := statement[counterpart(element)]; both && present {
		return syntaxErrors
	}
	switch element {
	case "Sid":
		if isText {
			return wordSidFault(text)
		}
	case "Effect":
		if strings.EqualFold(text, "Allow") || strings.EqualFold(text, "Deny") {
			return legacyParsing
		}
	case "Principal", "NotPrincipal":
		return wordPrincipalFault(kind, present, element)
	case "Action", "NotAction":
		return wordActionsFault(kind, values, absent)
	case "Resource", "NotResource":
		return wordResourcesFault(kind, values, absent, element)
	case "Condition":
		return wordConditionFault(value, rest)
	}
	return syntaxErrors
}

func wordSidFault(text string) string {
	if !sid.MatchString(text) {
		return "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*"
	}
	return "Statement IDs (SID) in a single policy must be unique."
}

func wordActionsFault(kind policy.Kind, values []any, absent bool) string {
	switch {
	case kind == policy.Trust && absent:
		return "Missing required field Action"
	case kind == policy.Trust:
		return "AssumeRole policy may only specify STS AssumeRole actions."
	case absent:
		return "Policy statement must contain actions."
	}
	return wordFirst(values, actionComplaint)
}

func wordResourcesFault(kind policy.Kind, values []any, absent bool, element string) string {
	switch {
	case kind == policy.Trust:
		return "Has prohibited field " + element
	case absent:
		return "Policy statement must contain resources."
	}
	return wordFirst(values, resourceComplaint)
}

func wordPrincipalFault(kind policy.Kind, present bool, element string) string {
	switch {
	case kind == policy.Identity:
		return "Policy document should not specify a principal."
	case !present:
		return "Missing required field Principal"
	case element == "NotPrincipal":
		return "AssumeRole policy must not contain NotPrincipal field."
	default:
		return syntaxErrors
	}
}

// counterpart is the element that cannot stand beside another one.
func counterpart(element string) string {
	if plain, negated := strings.CutPrefix(element, "Not"); negated {
		return plain
	}
	return "Not" + element
}

// wordFirst words the first of the values that there is a complaint about, if all
// are texts.
func wordFirst(values []any, word func(string) string) string {
	first := ""
	for _, value := range values {
		text, ok := value.(string)
		if !ok {
			return syntaxErrors
		}
		if first == "" {
			first = word(text)
		}
	}
	if first == "" {
		return syntaxErrors
	}
	return first
}

var (
	sid    = regexp.MustCompile(`^[0-9A-Za-z]*$`)
	vendor = regexp.MustCompile(`^[\w-]+$`)
)

func actionComplaint(action string) string {
	service, name, ok := strings.Cut(action, ":")
	switch {
	case action == "*":
		return ""
	case !ok:
		return "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
	case strings.Contains(name, ":"):
		return "Actions/Condition can contain only one colon."
	case !vendor.MatchString(service):
		return fmt.Sprintf("Vendor %s is not valid", service)
	}
	return ""
}

// wordConditionFault tells a date that is none from a condition that is malformed.
// where begins with the operator.
func wordConditionFault(condition any, where string) string {
	operator, _, _ := strings.Cut(strings.TrimPrefix(where, "."), ".")
	operators, _ := condition.(map[string]any)
	keys, _ := operators[operator].(map[string]any)
	for _, value := range keys {
		if _, isText := value.(string); isText && strings.HasPrefix(operator, "Date") {
			return legacyParsing
		}
	}
	return syntaxErrors
}
