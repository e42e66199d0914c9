package walletfederation

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/litentry/wallet-federation/api/v1alpha1"
	"github.com/litentry/wallet-federation/internal/awsapi"
	"github.com/litentry/wallet-federation/internal/confinement"
	"github.com/litentry/wallet-federation/internal/document"
)

// ensureRoleConfined finds what the role's own policies give beyond a wallet's
// prefix, takes it out where the spec says so, and sets RoleConfined.
func (p *pass) ensureRoleConfined(ctx context.Context) error {
	role := p.world.Role
	if p.carriesTag() {
		p.False(v1alpha1.ConditionRoleConfined, v1alpha1.ReasonWalletTagOnRole, "%s", p.walletTagMessage())
		p.requeueWithin(retryInterval)
		return nil
	}
	grants, err := p.broadGrants()
	if err != nil {
		p.False(v1alpha1.ConditionRoleConfined, v1alpha1.ReasonPolicyInvalid, "%v", err)
		p.requeueWithin(retryInterval)
		return nil
	}
	if p.removes(grants) {
		if err := p.removeGrants(ctx, grants); err != nil {
			return p.reject(v1alpha1.ConditionRoleConfined, err)
		}
		if grants, err = p.broadGrants(); err != nil {
			return p.reject(v1alpha1.ConditionRoleConfined, err)
		}
	}
	if len(grants) == 0 {
		p.True(v1alpha1.ConditionRoleConfined, v1alpha1.ReasonConfined, "No policy of role %q reaches S3 beyond a wallet's prefix", role.Name)
		return nil
	}
	p.False(v1alpha1.ConditionRoleConfined, v1alpha1.ReasonBroadGrant, "%s. %s", describeGrants(grants), p.remedy())
	for _, grant := range grants {
		p.differs("role", role.Name, grant.String())
	}
	p.requeueWithin(retryInterval)
	return nil
}

func (p *pass) walletTagMessage() string {
	return fmt.Sprintf("Role %q carries the tag %q, which every session without a tag of its own would inherit: untag the role",
		p.world.Role.Name, p.documents.WalletTagKey)
}

// remedy says what to do about grants that are still there.
func (p *pass) remedy() string {
	switch {
	case p.readOnly() != "":
		return p.readOnly() + ": nothing is removed"
	case p.federation.Spec.Role.BroadGrants == v1alpha1.BroadGrantsRemove:
		return "Detach the attached policies: they may serve other roles, so they are not touched"
	}
	return "Remove them, or set spec.role.broadGrants to Remove"
}

// removes reports whether any of the grants is to be removed.
func (p *pass) removes(grants []confinement.Grant) bool {
	return p.federation.Spec.Role.BroadGrants == v1alpha1.BroadGrantsRemove && p.readOnly() == "" &&
		slices.ContainsFunc(grants, func(g confinement.Grant) bool { return g.Kind == confinement.Inline })
}

// maxGrants bounds how many grants a message names.
const maxGrants = 5

func describeGrants(grants []confinement.Grant) string {
	var described []string
	for _, grant := range grants[:min(len(grants), maxGrants)] {
		described = append(described, grant.String())
	}
	if more := len(grants) - maxGrants; more > 0 {
		described = append(described, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(described, "; ")
}

func (p *pass) broadGrants() ([]confinement.Grant, error) {
	return confinement.BroadGrants(p.roleAnalysed(), p.buckets(), p.documents.WalletTagKey)
}

// carriesTag reports whether the role itself carries the wallet tag.
func (p *pass) carriesTag() bool {
	return confinement.CarriesTag(p.roleAnalysed(), p.documents.WalletTagKey)
}

// roleAnalysed is the role as the analysis knows it.
func (p *pass) roleAnalysed() confinement.Role {
	role := confinement.Role{
		ARN: p.world.Role.ARN, Tags: p.world.Role.Tags,
		Inline: policiesAnalysed(p.world.Inline), Attached: policiesAnalysed(p.world.Attached),
	}
	if boundary := p.world.Boundary; boundary != nil {
		role.Boundary = &confinement.Policy{Name: boundary.Name, Document: boundary.Document}
	}
	return role
}

func policiesAnalysed(policies []awsapi.NamedPolicy) []confinement.Policy {
	analysed := make([]confinement.Policy, 0, len(policies))
	for _, policy := range policies {
		analysed = append(analysed, confinement.Policy{Name: policy.Name, Document: policy.Document})
	}
	return analysed
}

// removeGrants takes the granting statements out of the inline policies and
// leaves every other statement as it is.
func (p *pass) removeGrants(ctx context.Context, grants []confinement.Grant) error {
	for i := range p.world.Inline {
		policy := &p.world.Inline[i]
		broad := map[int]bool{}
		var named []confinement.Grant
		for _, grant := range grants {
			if grant.Kind == confinement.Inline && grant.PolicyName == policy.Name {
				broad[grant.Statement] = true
				named = append(named, grant)
			}
		}
		if len(broad) == 0 {
			continue
		}
		if err := p.removeStatements(ctx, policy, broad, describeGrants(named)); err != nil {
			return err
		}
	}
	p.world.Inline = slices.DeleteFunc(p.world.Inline, func(policy awsapi.NamedPolicy) bool { return policy.Document == nil })
	return nil
}

func (p *pass) removeStatements(ctx context.Context, policy *awsapi.NamedPolicy, broad map[int]bool, description string) error {
	rest, _, err := document.RemoveStatements(policy.Document, func(index int, _ string) bool { return broad[index] })
	if err != nil {
		return fmt.Errorf("removing statements of inline policy %q: %w", policy.Name, err)
	}
	role := p.world.Role.Name
	what := write{
		kind: inlinePolicy, name: policy.Name, original: policy.Document,
		difference: description, reason: v1alpha1.ReasonGrantRemoved,
	}
	err = p.write(ctx, what, func() error {
		if rest == nil {
			return p.aws.DeleteInlinePolicy(ctx, role, policy.Name)
		}
		return p.aws.PutInlinePolicy(ctx, role, policy.Name, rest)
	})
	if err == nil {
		policy.Document = rest
	}
	return err
}
