package walletfederation

import (
	"context"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/litentry/wallet-federation/api/v1alpha1"
	"github.com/litentry/wallet-federation/internal/document"
)

// prefixClaimed is the problem that an earlier federation, in whatever namespace,
// gives out the same keys of a bucket to somebody else; nil if none does. The
// earlier one is that which [precedes] says; it goes on undisturbed.
//
// A wallet is safe below its own prefix as long as only those may speak for it
// who speak for it in this federation. Two federations spoil that
//
//   - when they have the same prefix and the wallets of two issuers, or of one
//     under two tags: whoever gets the other one to vouch for a wallet has its
//     objects;
//   - when the prefix of one lies within a wallet's own prefix in the other: that
//     wallet has all that the inner one gives out, whoever the issuer is.
//
// They do not when one issuer gives out a prefix through two roles, one to read
// and one to write for example: the same wallets are proven by the same door. Nor
// when one prefix lies within the other but not within a wallet of it, such as
// "bots/" in "": no wallet is called "bots".
func (p *pass) prefixClaimed(ctx context.Context, bucket document.Bucket) *problem {
	if p.observes() {
		return nil // Who only observes gives nothing out.
	}
	others, err := p.otherFederations(ctx)
	if err != nil {
		return &problem{status: metav1.ConditionUnknown, reason: v1alpha1.ReasonAPIError, message: err.Error(), err: err}
	}
	for i := range others {
		other := &others[i]
		if !precedes(other, p.federation) {
			continue
		}
		for _, theirs := range other.Spec.Buckets {
			if theirs.Name != bucket.Name {
				continue
			}
			why, err := p.meets(ctx, other, bucket.Prefix, theirs.Prefix)
			if err != nil {
				return &problem{status: metav1.ConditionUnknown, reason: v1alpha1.ReasonAPIError, message: err.Error(), err: err}
			}
			if why != "" {
				return userMustAct(v1alpha1.ReasonPrefixClaimed,
					"WalletFederation %q gives out the prefix %q already, %s: use another prefix, or another bucket. Nothing was written",
					other.Namespace+"/"+other.Name, theirs.Prefix, why)
			}
		}
	}
	return nil
}

// meets says why two federations must not give out these prefixes of one
// bucket; empty if they may.
func (p *pass) meets(ctx context.Context, other *v1alpha1.WalletFederation, ours, theirs string) (why string, err error) {
	within := document.WithinWallet(ours, theirs) || document.WithinWallet(theirs, ours)
	if !within && ours != theirs {
		return "", nil
	}
	issuer := &v1alpha1.OIDCIssuer{}
	err = p.Client.Get(ctx, client.ObjectKey{Namespace: other.Namespace, Name: other.Spec.IssuerRef.Name}, issuer)
	switch {
	case apierrors.IsNotFound(err) && other.Status.DocumentsWrittenTime == nil:
		return "", nil // It has given out nothing, and cannot.
	case apierrors.IsNotFound(err):
		return "to the wallets of an issuer that is gone", nil
	case err != nil:
		return "", fmt.Errorf("reading the issuer of another federation: %w", err)
	}
	// With stand-ins, buckets of one name may be two.
	if account := accountSpec(issuer, other.Spec.Account); account != nil && account.EndpointURL != p.account.EndpointURL {
		return "", nil
	}
	if within {
		return "and one of the two lies within a single wallet's prefix of the other", nil
	}
	token := issuer.Spec.Token
	if issuer.Spec.IssuerURL != p.issuer.Spec.IssuerURL || !strings.EqualFold(token.WalletTagKey, p.issuer.Spec.Token.WalletTagKey) {
		return fmt.Sprintf("to the wallets of %s under the tag %q", issuer.Spec.IssuerURL, token.WalletTagKey), nil
	}
	return "", nil
}

// otherFederations are all other federations that write to AWS, listed once in a
// pass.
func (p *pass) otherFederations(ctx context.Context) ([]v1alpha1.WalletFederation, error) {
	if p.listed {
		return p.others, nil
	}
	var list v1alpha1.WalletFederationList
	if err := p.Client.List(ctx, &list); err != nil {
		return nil, fmt.Errorf("listing WalletFederations: %w", err)
	}
	for i := range list.Items {
		if other := &list.Items[i]; other.UID != p.federation.UID && manages(other) {
			p.others = append(p.others, *other)
		}
	}
	p.listed = true
	return p.others, nil
}
