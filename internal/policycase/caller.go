package policycase

import (
	"cmp"
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"github.com/litentry/wallet-federation/internal/policy"
)

var accountPattern = regexp.MustCompile(`^\d{12}$`)

// unnamed is the name of a user, role or session of which a case tells no name.
const unnamed = "unnamed"

// caller is who makes the request of a case.
type caller struct {
	principal *policy.Principal
	tags      map[string]string
	// owner is the account that buckets belong to.
	owner string
	// administrator may do everything in the owner's account, whatever policies
	// the case tells.
	administrator bool
	// simulated: nobody makes the request; the policy simulator was asked without
	// a caller.
	simulated bool
}

// readCaller reads the member principal. Its type is a word or a few: what kind
// of principal it is and, after that, whose.
func (e *Evaluator) readCaller(raw json.RawMessage) (*caller, error) {
	o, err := parseObject("principal", raw)
	if err != nil {
		return nil, err
	}
	if err := o.known("type", "arn", "account", "role", "role_arn", "session_name", "unique_id", "provider_arn", "tags"); err != nil {
		return nil, err
	}
	var f callerFields
	if err := o.texts(
		textField{"type", &f.kind}, textField{"arn", &f.arn}, textField{"account", &f.account},
		textField{"role", &f.role}, textField{"role_arn", &f.roleARN}, textField{"session_name", &f.session},
		textField{"unique_id", &f.id}, textField{"provider_arn", &f.provider},
	); err != nil {
		return nil, err
	}
	c := &caller{owner: e.account}
	if o.has("tags") {
		if err := json.Unmarshal(o.get("tags"), &c.tags); err != nil {
			return nil, invalid("principal.tags", "must be an object of strings")
		}
	}
	if err := e.readAccount(&f, c); err != nil {
		return nil, err
	}
	return c, f.identify(c)
}

// callerFields are the members of principal.
type callerFields struct {
	kind, arn, account, role, roleARN, session, id, provider string
}

// readAccount finds the accounts of the caller and of the buckets. Told nothing
// else, both are the account of the evaluator.
func (e *Evaluator) readAccount(f *callerFields, c *caller) error {
	words := strings.Fields(f.kind)
	if n := len(words); n > 1 && accountPattern.MatchString(words[n-1]) {
		c.owner = words[n-1]
	}
	whose := strings.ToLower(f.kind + " " + f.account)
	_, ofARN := arnAccount(f.firstARN())
	switch {
	case f.firstARN() != "" && !accountPattern.MatchString(ofARN):
		return invalid("principal", "%q is not the ARN of a user, role or session", f.firstARN())
	case ofARN != "":
		f.account = ofARN
		if strings.Contains(whose, "same") {
			c.owner = ofARN
		}
	case accountPattern.MatchString(f.account):
	case strings.Contains(whose, "another") || strings.Contains(whose, "other account"):
		f.account = e.other
	case f.account == "" || strings.HasPrefix(f.account, "same"):
		f.account = c.owner
	default:
		return unsupported("principal.account: it is not clear which account %q is", f.account)
	}
	return nil
}

func (f *callerFields) firstARN() string {
	if f.arn != "" {
		return f.arn
	}
	return f.roleARN
}

// arnAccount returns the partition and the account of an ARN, empty if it is none.
func arnAccount(arn string) (partition, account string) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" {
		return "", ""
	}
	return parts[1], parts[4]
}

// identify makes the principal, by the kind that its type begins with.
func (f *callerFields) identify(c *caller) error {
	kind := strings.ToLower(f.kind)
	is := func(names ...string) bool {
		return slices.ContainsFunc(names, func(name string) bool {
			rest, ok := strings.CutPrefix(kind, name)
			return ok && (rest == "" || rest[0] == ' ')
		})
	}
	c.principal = &policy.Principal{Account: f.account, ARN: f.arn, UniqueID: f.id}
	switch {
	case is("anonymous"):
		c.principal = &policy.Principal{Type: policy.Anonymous}
	case is("none"):
		c.simulated = true
		c.principal.Type = policy.User
	case is("bucket owner", "bucket-owner", "owner", "administrator", "admin"):
		c.administrator = true
		c.owner = f.account
		f.asUser(c.principal)
	case is("root"):
		c.principal.Type = policy.Root
		c.principal.ARN = "arn:" + f.partition() + ":iam::" + f.account + ":root"
	case is("user"):
		f.asUser(c.principal)
	case is("assumed-role", "role"):
		f.asSession(c.principal)
	case is("web-identity"):
		if f.provider == "" {
			return invalid("principal.provider_arn", "missing")
		}
		c.principal = &policy.Principal{Type: policy.WebIdentity, Account: f.account, ProviderARN: f.provider}
	case kind == "":
		return invalid("principal.type", "missing")
	default:
		return unsupported("principal.type: %q is none of anonymous, none, bucket owner, administrator, root, user, assumed-role, web-identity", f.kind)
	}
	return nil
}

func (f *callerFields) partition() string {
	if partition, _ := arnAccount(f.firstARN()); partition != "" {
		return partition
	}
	return "aws"
}

func (f *callerFields) asUser(p *policy.Principal) {
	p.Type = policy.User
	if p.ARN == "" {
		p.ARN = "arn:" + f.partition() + ":iam::" + f.account + ":user/" + unnamed
	}
}

// asSession makes a session of a role, which is told by its ARN, its name, or
// the ARN of the session.
func (f *callerFields) asSession(p *policy.Principal) {
	p.Type = policy.AssumedRole
	p.ProviderARN = f.provider
	if _, name, ok := strings.Cut(f.arn, ":assumed-role/"); ok {
		role, session, _ := strings.Cut(name, "/")
		f.role, f.session = cmp.Or(f.role, role), session
	} else if f.arn != "" {
		f.roleARN = cmp.Or(f.roleARN, f.arn)
	}
	p.SessionName = cmp.Or(f.session, unnamed)
	iam, sts := "arn:"+f.partition()+":iam::"+f.account+":role/", "arn:"+f.partition()+":sts::"+f.account+":assumed-role/"
	p.RoleARN = cmp.Or(f.roleARN, iam+cmp.Or(f.role, unnamed))
	p.ARN = sts + p.RoleARN[strings.LastIndexByte(p.RoleARN, '/')+1:] + "/" + p.SessionName
}
