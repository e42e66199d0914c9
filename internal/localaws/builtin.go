package localaws

import (
	"fmt"
	"time"

	"github.com/litentry/wallet-federation/internal/policy"
)

// builtinPolicy is a policy that AWS itself manages.
type builtinPolicy struct {
	name, id, document string
}

// builtinPolicies are those of AWS's policies that can be attached here, with
// AWS's own documents.
// https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html
func builtinPolicies() []builtinPolicy {
	return []builtinPolicy{
		{"AdministratorAccess", "ANPAIWMBCKSKIEE64ZLYK",
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`},
		{"AmazonS3FullAccess", "ANPAIFIR6V6BVTRAHWINE",
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:*","s3-object-lambda:*"],"Resource":"*"}]}`},
		{"AmazonS3ReadOnlyAccess", "ANPAIZTJ4DXE7G6AGAE6M",
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:Get*","s3:List*","s3:Describe*","s3-object-lambda:Get*","s3-object-lambda:List*"],"Resource":"*"}]}`},
	}
}

// addBuiltinPolicies fills a new account. AWS's policies belong to the account
// "aws", which is how they are told from the customer's.
func (s *Server) addBuiltinPolicies() error {
	for _, b := range builtinPolicies() {
		document, err := policy.Parse(policy.Identity, []byte(b.document))
		if err != nil {
			return fmt.Errorf("parsing the managed policy %q: %w", b.name, err)
		}
		arn := "arn:" + s.options.Partition + ":iam::aws:policy/" + b.name
		created := time.Date(2015, time.February, 6, 18, 40, 0, 0, time.UTC)
		s.state.policies[arn] = &managedPolicy{
			name: b.name, path: "/", id: b.id, arn: arn, created: created, updated: created,
			versions: []policyVersion{{number: 1, created: created, policyText: policyText{text: b.document, document: document}}},
			inForce:  1, lastVersion: 1,
		}
	}
	s.administratorAccess = *s.state.managed(s.administratorAccessARN())
	return nil
}

func (s *Server) administratorAccessARN() string {
	return "arn:" + s.options.Partition + ":iam::aws:policy/AdministratorAccess"
}

// addAdministrator makes the user whose key the options say, unless the account
// has that user already. The key is the user's as any other, but it comes back
// at every start.
func (s *Server) addAdministrator() {
	now := s.options.Now()
	if s.state.users[administrator] == nil {
		s.state.users[administrator] = &user{entity{
			name: administrator, path: "/", id: newID("AIDA"), arn: s.arn("iam", "user/"+administrator),
			created: now, attached: []string{s.administratorAccessARN()},
		}}
	}
	s.state.keys[s.options.AccessKeyID] = &accessKey{
		id: s.options.AccessKeyID, secret: s.options.SecretAccessKey, user: administrator, created: now, configured: true,
	}
}

// administrator is the caller with the administrator's credentials, which cannot
// be taken away.
func (s *Server) administrator() *caller {
	_, _, c, _ := s.credential(s.options.AccessKeyID)
	return c
}
