package awsapi

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// Role is an IAM role with its trust policy.
type Role struct {
	Name, ARN string
	// UniqueID is AROA...: another one after the role was deleted and made again.
	UniqueID string
	// TrustPolicy is the trust policy as IAM keeps it.
	TrustPolicy []byte
	// Tags are the role's own tags.
	Tags map[string]string
	// BoundaryARN is the permissions boundary's ARN, or empty.
	BoundaryARN string
	// MaxSession is the longest session that the role gives.
	MaxSession time.Duration
	// Created is when the role was made. It says nothing of what a session may do.
	Created time.Time `json:"-"`
}

// NamedPolicy is a policy document with its name, and its ARN if it is attached.
type NamedPolicy struct {
	Name, ARN string
	Document  []byte
}

// Role reads a role. An absent one is an error of class NotFound.
func (a *Account) Role(ctx context.Context, name string) (*Role, error) {
	out, err := a.iam.GetRole(ctx, &iam.GetRoleInput{RoleName: &name})
	if err != nil {
		return nil, err
	}
	trust, err := decodeDocument(out.Role.AssumeRolePolicyDocument)
	if err != nil {
		return nil, fmt.Errorf("decoding the trust policy of role %q: %w", name, err)
	}
	role := &Role{
		Name:        name,
		ARN:         aws.ToString(out.Role.Arn),
		UniqueID:    aws.ToString(out.Role.RoleId),
		TrustPolicy: trust,
		Tags:        tagMap(out.Role.Tags),
		MaxSession:  time.Duration(aws.ToInt32(out.Role.MaxSessionDuration)) * time.Second,
		Created:     aws.ToTime(out.Role.CreateDate),
	}
	if boundary := out.Role.PermissionsBoundary; boundary != nil {
		role.BoundaryARN = aws.ToString(boundary.PermissionsBoundaryArn)
	}
	return role, nil
}

// InlinePolicies reads the inline policies of a role.
func (a *Account) InlinePolicies(ctx context.Context, role string) ([]NamedPolicy, error) {
	var policies []NamedPolicy
	pages := iam.NewListRolePoliciesPaginator(a.iam, &iam.ListRolePoliciesInput{RoleName: &role})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, name := range page.PolicyNames {
			out, err := a.iam.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: &role, PolicyName: &name})
			if Is(err, NotFound) {
				continue // Deleted since it was listed.
			}
			if err != nil {
				return nil, err
			}
			document, err := decodeDocument(out.PolicyDocument)
			if err != nil {
				return nil, fmt.Errorf("decoding inline policy %q of role %q: %w", name, role, err)
			}
			policies = append(policies, NamedPolicy{Name: name, Document: document})
		}
	}
	return policies, nil
}

// AttachedPolicies reads the managed policies attached to a role, in their default version.
func (a *Account) AttachedPolicies(ctx context.Context, role string) ([]NamedPolicy, error) {
	var policies []NamedPolicy
	pages := iam.NewListAttachedRolePoliciesPaginator(a.iam, &iam.ListAttachedRolePoliciesInput{RoleName: &role})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, attached := range page.AttachedPolicies {
			policy, err := a.ManagedPolicy(ctx, aws.ToString(attached.PolicyArn))
			if err != nil {
				return nil, err
			}
			policies = append(policies, *policy)
		}
	}
	return policies, nil
}

// ManagedPolicy reads the default version of a managed policy.
func (a *Account) ManagedPolicy(ctx context.Context, policyARN string) (*NamedPolicy, error) {
	out, err := a.iam.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: &policyARN})
	if err != nil {
		return nil, err
	}
	version, err := a.iam.GetPolicyVersion(ctx, &iam.GetPolicyVersionInput{PolicyArn: &policyARN, VersionId: out.Policy.DefaultVersionId})
	if err != nil {
		return nil, err
	}
	document, err := decodeDocument(version.PolicyVersion.Document)
	if err != nil {
		return nil, fmt.Errorf("decoding policy %q: %w", policyARN, err)
	}
	return &NamedPolicy{Name: aws.ToString(out.Policy.PolicyName), ARN: policyARN, Document: document}, nil
}

// PutTrustPolicy replaces the trust policy of a role.
func (a *Account) PutTrustPolicy(ctx context.Context, role string, document []byte) error {
	_, err := a.iam.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: &role, PolicyDocument: aws.String(string(document))})
	return err
}

// PutInlinePolicy writes an inline policy of a role.
func (a *Account) PutInlinePolicy(ctx context.Context, role, name string, document []byte) error {
	_, err := a.iam.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: &role, PolicyName: &name, PolicyDocument: aws.String(string(document))})
	return err
}

// DeleteInlinePolicy deletes an inline policy of a role; an absent one is a success.
func (a *Account) DeleteInlinePolicy(ctx context.Context, role, name string) error {
	_, err := a.iam.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: &role, PolicyName: &name})
	if Is(err, NotFound) {
		return nil
	}
	return err
}

// decodeDocument undoes the URL encoding in which IAM returns documents (RFC 3986).
func decodeDocument(document *string) ([]byte, error) {
	decoded, err := url.PathUnescape(aws.ToString(document))
	return []byte(decoded), err
}
