package walletfederation_test

import (
	"context"
	"slices"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/litentry/wallet-federation/api/v1alpha1"
	"github.com/litentry/wallet-federation/test/administrator"
)

// gone reports whether the federation has left the API server.
func (w *world) gone(ctx context.Context) bool {
	return apierrors.IsNotFound(h.Client.Get(ctx, client.ObjectKeyFromObject(w.federation), &v1alpha1.WalletFederation{}))
}

var _ = Describe("Deleting a WalletFederation", func() {
	It("closes the role first, and leaves everything as it was found", func(ctx context.Context) {
		w := newWorld(ctx)
		w.settle(ctx)
		h.Cloud.ResetCalls()
		Expect(h.Client.Delete(ctx, w.federation)).To(Succeed())
		Expect(w.reconcile(ctx)).To(Succeed())

		Expect(w.gone(ctx)).To(BeTrue())
		Expect(w.trustPolicy(ctx)).To(Equal(administrator.OriginalTrust))
		Expect(w.bucketPolicy(ctx)).To(Equal(administrator.ForeignPolicy(w.name)))
		key := client.ObjectKey{Namespace: w.federation.Namespace, Name: w.federation.OriginalsSecretName()}
		Expect(apierrors.IsNotFound(h.Client.Get(ctx, key, &corev1.Secret{}))).To(BeTrue(), "the originals are put back")
		writes := h.Writes()
		Expect(slices.Index(writes, "iam:UpdateAssumeRolePolicy")).To(BeNumerically("<", slices.Index(writes, "s3:PutBucketPolicy")))
	})

	It("leaves every document where the policy is Retain, and keeps the originals", func(ctx context.Context) {
		w := newWorld(ctx)
		w.federation.Spec.DeletionPolicy = v1alpha1.DeletionRetain
		w.settle(ctx)
		trust, bucket := w.trustPolicy(ctx), w.bucketPolicy(ctx)
		Expect(h.Client.Delete(ctx, w.federation)).To(Succeed())
		Expect(w.reconcile(ctx)).To(Succeed())

		Expect(w.gone(ctx)).To(BeTrue())
		Expect(w.trustPolicy(ctx)).To(Equal(trust))
		Expect(w.bucketPolicy(ctx)).To(Equal(bucket))
		Expect(w.secret(ctx, w.federation.OriginalsSecretName()).OwnerReferences).To(BeEmpty())
	})

	It("keeps the guard until the last session has ended, if the role reaches further", func(ctx context.Context) {
		w := newWorld(ctx)
		w.settle(ctx)
		Expect(h.Admin.PutInlinePolicy(ctx, w.name, "quick-fix", everything)).To(Succeed())
		Expect(h.Client.Delete(ctx, w.federation)).To(Succeed())
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.gone(ctx)).To(BeFalse())
		Expect(w.open(ctx)).To(BeFalse())
		Expect(w.bucketPolicy(ctx)).To(ContainSubstring("DenyForeignObjects"))

		w.clock.advance(time.Hour + time.Second)
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.gone(ctx)).To(BeTrue())
		Expect(w.bucketPolicy(ctx)).To(Equal(administrator.ForeignPolicy(w.name)))
	})

	It("does not overwrite a trust policy that somebody changed", func(ctx context.Context) {
		w := newWorld(ctx)
		w.settle(ctx)
		const theirs = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"sts:AssumeRole","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}]}`
		w.setTrustPolicy(ctx, theirs)
		Expect(h.Client.Delete(ctx, w.federation)).To(Succeed())
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.gone(ctx)).To(BeTrue())
		Expect(w.trustPolicy(ctx)).To(Equal(theirs))
		Expect(w.told()).To(ContainElement(ContainSubstring(v1alpha1.ReasonNotRestored)))
	})

	It("ends at once for a federation that never reached AWS", func(ctx context.Context) {
		w := newWorld(ctx)
		w.federation.Spec.IssuerRef.Name = "absent"
		Expect(h.Client.Create(ctx, w.federation)).To(Succeed())
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(h.Client.Delete(ctx, w.federation)).To(Succeed())
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.gone(ctx)).To(BeTrue())
	})

	It("stays, and says why, as long as the credentials do not work", func(ctx context.Context) {
		w := newWorld(ctx)
		w.settle(ctx)
		secret := w.secret(ctx, "aws")
		secret.Data["aws_secret_access_key"] = []byte("wrong")
		Expect(h.Client.Update(ctx, secret)).To(Succeed())
		Expect(h.Client.Delete(ctx, w.federation)).To(Succeed())
		w.told()
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.gone(ctx)).To(BeFalse())
		Expect(w.told()).To(ContainElement(And(ContainSubstring(v1alpha1.ReasonDeletionBlocked), ContainSubstring("Retain"))))
	})
})
