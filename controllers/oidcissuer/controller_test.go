package oidcissuer_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/litentry/wallet-federation/api/v1alpha1"
	"github.com/litentry/wallet-federation/internal/brokerconfig"
	"github.com/litentry/wallet-federation/internal/discovery"
	"github.com/litentry/wallet-federation/internal/localaws"
	"github.com/litentry/wallet-federation/internal/probewallet"
	"github.com/litentry/wallet-federation/internal/signingkey"
	"github.com/litentry/wallet-federation/internal/wallet"
	"github.com/litentry/wallet-federation/test/harness"
)

var _ = Describe("Applying an OIDCIssuer", func() {
	It("makes the keys, runs the broker, sees the documents in public and registers the provider", func(ctx context.Context) {
		w := newWorld(ctx)
		w.settle(ctx)
		Expect(w.issuer.Status.ActiveKeyID).NotTo(BeEmpty())
		Expect(w.issuer.Status.JWKSURL).To(HavePrefix(w.issuer.Spec.IssuerURL))
		Expect(w.provider(ctx).ClientIDList).To(ConsistOf("sts.amazonaws.com"))
		Expect(w.provider(ctx).ThumbprintList).To(BeEmpty(), "a placeholder would stand in the way of a public CA")
		Expect(w.told()).To(ContainElement(ContainSubstring(v1alpha1.ReasonPlainHTTP)))
	})

	It("runs the broker with what restricted Pod Security asks for, and no token of the API server", func(ctx context.Context) {
		w := newWorld(ctx)
		w.settle(ctx)
		deployment := &appsv1.Deployment{}
		w.get(ctx, w.issuer.BrokerName(), deployment)
		pod := deployment.Spec.Template.Spec
		Expect(*pod.AutomountServiceAccountToken).To(BeFalse())
		Expect(*pod.SecurityContext.RunAsNonRoot).To(BeTrue())
		Expect(pod.SecurityContext.SeccompProfile.Type).To(Equal(corev1.SeccompProfileTypeRuntimeDefault))
		container := pod.Containers[0]
		Expect(container.Image).To(Equal("registry.example.org/broker:1"))
		Expect(*container.SecurityContext.AllowPrivilegeEscalation).To(BeFalse())
		Expect(*container.SecurityContext.ReadOnlyRootFilesystem).To(BeTrue())
		Expect(container.SecurityContext.Capabilities.Drop).To(ConsistOf(corev1.Capability("ALL")))
	})

	It("writes nothing to AWS and nothing to the API server once it is settled", func(ctx context.Context) {
		w := newWorld(ctx)
		w.settle(ctx)
		kid := w.issuer.Status.ActiveKeyID
		before := w.versions(ctx)
		h.Cloud.ResetCalls()
		for range 3 {
			Expect(w.reconcile(ctx)).To(Succeed())
		}
		Expect(h.Writes()).To(BeEmpty())
		Expect(w.versions(ctx)).To(Equal(before))
		Expect(w.issuer.Status.ActiveKeyID).To(Equal(kid))
	})

	It("puts a changed Deployment right, and leaves alone what others own in it", func(ctx context.Context) {
		w := newWorld(ctx)
		w.settle(ctx)
		deployment := &appsv1.Deployment{}
		w.get(ctx, w.issuer.BrokerName(), deployment)
		base := client.MergeFrom(deployment.DeepCopy())
		deployment.Spec.Template.Spec.Containers[0].Args = []string{"--listen=:1"}
		deployment.Annotations = map[string]string{"example.org/theirs": "kept"}
		Expect(h.Client.Patch(ctx, deployment, base)).To(Succeed())
		Expect(w.reconcile(ctx)).To(Succeed())
		w.get(ctx, w.issuer.BrokerName(), deployment)
		Expect(deployment.Spec.Template.Spec.Containers[0].Args).To(ContainElement("--listen=:8080"))
		Expect(deployment.Annotations).To(HaveKeyWithValue("example.org/theirs", "kept"))
	})

	It("pins tokens to the roles that federations declare, and admits the probe's wallets", func(ctx context.Context) {
		w := newWorld(ctx)
		w.issuer.Spec.Login.Admission = v1alpha1.AdmissionSpec{
			Mode: v1alpha1.AdmissionAllowList, Wallets: []string{"0x00000000000000000000000000000000000000aa"},
		}
		w.settle(ctx)
		federation := harness.Federation(w.issuer, w.issuer.Namespace)
		Expect(h.Client.Create(ctx, federation)).To(Succeed())
		federation.Status.RoleARN = "arn:aws:iam::123456789012:role/example"
		Expect(h.Client.Status().Update(ctx, federation)).To(Succeed())
		Expect(w.reconcile(ctx)).To(Succeed())

		config := &corev1.ConfigMap{}
		w.get(ctx, w.issuer.BrokerName(), config)
		parsed, err := brokerconfig.Parse([]byte(config.Data[brokerconfig.DataKey]))
		Expect(err).NotTo(HaveOccurred())
		Expect(parsed.Roles).To(ConsistOf("arn:aws:iam::123456789012:role/example"))
		Expect(parsed.Admission.Wallets).To(ConsistOf(wallet.Address("0x00000000000000000000000000000000000000aa")))
		pair, err := probewallet.Parse(w.secret(ctx, w.issuer.ProbeWalletSecretName()).Data)
		Expect(err).NotTo(HaveOccurred())
		Expect(parsed.Admission.ProbeWallets).To(Equal(pair.Addresses()))
	})
})

var _ = Describe("The Secrets of an OIDCIssuer", func() {
	It("are left as they are when they cannot be read, and the condition says what to do", func(ctx context.Context) {
		w := newWorld(ctx)
		w.settle(ctx)
		secret := w.secret(ctx, w.issuer.SigningKeySecretName())
		good := secret.Data["keys.json"]
		secret.Data["keys.json"] = []byte(`{"keys":[`)
		Expect(h.Client.Update(ctx, secret)).To(Succeed())
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.condition(v1alpha1.ConditionSigningKeyReady)).To(And(
			HaveField("Status", metav1.ConditionFalse), HaveField("Reason", v1alpha1.ReasonKeySecretDamaged),
			HaveField("Message", And(ContainSubstring(secret.Name), ContainSubstring("Restore it from a backup")))))
		Expect(w.secret(ctx, secret.Name).Data["keys.json"]).To(Equal([]byte(`{"keys":[`)))

		secret = w.secret(ctx, secret.Name)
		secret.Data["keys.json"] = good
		Expect(h.Client.Update(ctx, secret)).To(Succeed())
		w.untilReady(ctx)
	})

	It("are made anew when they are gone, with an event", func(ctx context.Context) {
		w := newWorld(ctx)
		w.settle(ctx)
		kid := w.issuer.Status.ActiveKeyID
		w.told()
		Expect(h.Client.Delete(ctx, w.secret(ctx, w.issuer.SigningKeySecretName()))).To(Succeed())
		w.untilReady(ctx)
		Expect(w.issuer.Status.ActiveKeyID).NotTo(Equal(kid))
		Expect(w.told()).To(ContainElement(ContainSubstring(v1alpha1.ReasonKeyCreated)))
	})
})

var _ = Describe("The provider of an OIDCIssuer", func() {
	It("is adopted with the audiences that it has, and outlives the issuer", func(ctx context.Context) {
		w := newWorld(ctx)
		_, err := h.Admin.IAM.CreateOpenIDConnectProvider(ctx, &iam.CreateOpenIDConnectProviderInput{
			Url: &w.issuer.Spec.IssuerURL, ClientIDList: []string{"theirs"},
		})
		Expect(err).NotTo(HaveOccurred())
		w.settle(ctx)
		Expect(w.provider(ctx).ClientIDList).To(ConsistOf("theirs", "sts.amazonaws.com"))
		Expect(h.Client.Delete(ctx, w.issuer)).To(Succeed())
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.gone(ctx)).To(BeTrue())
		Expect(w.provider(ctx).ClientIDList).To(ContainElement("theirs"))
	})

	It("is deleted with the issuer that it was made for", func(ctx context.Context) {
		w := newWorld(ctx)
		w.settle(ctx)
		Expect(h.Client.Delete(ctx, w.issuer)).To(Succeed())
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.gone(ctx)).To(BeTrue())
		arn := w.providerARN()
		_, err := h.Admin.IAM.GetOpenIDConnectProvider(ctx, &iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: &arn})
		Expect(err).To(MatchError(ContainSubstring("NoSuchEntity")))
	})

	It("keeps no issuer from going whose account never let us in", func(ctx context.Context) {
		w := newWorld(ctx)
		w.issuer.Spec.Accounts[0].CredentialsSecretRef.Name = "absent"
		Expect(h.Client.Create(ctx, w.issuer)).To(Succeed())
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.condition(v1alpha1.ConditionProviderRegistered)).To(And(
			HaveField("Reason", v1alpha1.ReasonCredentialsMissing), HaveField("Message", ContainSubstring("aws_access_key_id"))))
		Expect(h.Client.Delete(ctx, w.issuer)).To(Succeed())
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.gone(ctx)).To(BeTrue())
	})

	It("stays as long as a federation uses the issuer", func(ctx context.Context) {
		w := newWorld(ctx)
		w.settle(ctx)
		federation := harness.Federation(w.issuer, w.issuer.Namespace)
		Expect(h.Client.Create(ctx, federation)).To(Succeed())
		Expect(h.Client.Delete(ctx, w.issuer)).To(Succeed())
		w.told()
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.gone(ctx)).To(BeFalse())
		Expect(w.told()).To(ContainElement(And(ContainSubstring(v1alpha1.ReasonInUse), ContainSubstring(federation.Name))))
		Expect(w.condition(v1alpha1.ConditionReady)).To(And(HaveField("Status", metav1.ConditionFalse), HaveField("Reason", v1alpha1.ReasonInUse)))
		Expect(h.Client.Delete(ctx, federation)).To(Succeed())
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.gone(ctx)).To(BeTrue())
	})

	It("is a condition that names the call, the code and the request id when AWS refuses", func(ctx context.Context) {
		w := newWorld(ctx)
		h.InjectFault(func(call localaws.Call) *localaws.Fault {
			if call.Operation == "CreateOpenIDConnectProvider" {
				return &localaws.Fault{Code: "AccessDenied", Status: 403, Message: "not authorized"}
			}
			return nil
		})
		Expect(h.Client.Create(ctx, w.issuer)).To(Succeed())
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.condition(v1alpha1.ConditionProviderRegistered)).To(And(
			HaveField("Status", metav1.ConditionFalse), HaveField("Reason", v1alpha1.ReasonAWSError),
			HaveField("Message", And(ContainSubstring("iam:CreateOpenIDConnectProvider"), ContainSubstring("AccessDenied"), ContainSubstring("request id")))))
	})
})

var _ = Describe("The public documents of an OIDCIssuer", func() {
	It("are unknown as long as nobody serves them", func(ctx context.Context) {
		w := newWorld(ctx)
		w.issuer.Spec.IssuerURL = "http://127.0.0.1:1"
		Expect(h.Client.Create(ctx, w.issuer)).To(Succeed())
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.condition(v1alpha1.ConditionDiscoveryPublished)).To(And(
			HaveField("Status", metav1.ConditionUnknown), HaveField("Reason", v1alpha1.ReasonUnreachable),
			HaveField("Message", ContainSubstring("Route http://127.0.0.1:1"))))
	})

	It("are refused when they hold a key that is not the issuer's", func(ctx context.Context) {
		w := newWorld(ctx)
		var issuerURL string
		var served []byte
		public := httptest.NewServer(http.HandlerFunc(func(response http.ResponseWriter, request *http.Request) {
			if request.URL.Path == discovery.JWKSPath {
				_, _ = response.Write(served)
				return
			}
			_ = json.NewEncoder(response).Encode(discovery.New(issuerURL))
		}))
		DeferCleanup(public.Close)
		issuerURL = public.URL
		w.issuer.Spec.IssuerURL = issuerURL
		Expect(h.Client.Create(ctx, w.issuer)).To(Succeed())
		served = []byte(`{"keys":[]}`)
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.condition(v1alpha1.ConditionDiscoveryPublished)).To(HaveField("Reason", v1alpha1.ReasonKeyNotPublished))

		ours, err := signingkey.Parse(w.secret(ctx, w.issuer.SigningKeySecretName()).Data[signingkey.DataKey])
		Expect(err).NotTo(HaveOccurred())
		served, err = ours.JWKS()
		Expect(err).NotTo(HaveOccurred())
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.condition(v1alpha1.ConditionDiscoveryPublished)).To(HaveField("Status", metav1.ConditionTrue))

		strangers, err := signingkey.New(time.Now())
		Expect(err).NotTo(HaveOccurred())
		theirs, err := strangers.JWKS()
		Expect(err).NotTo(HaveOccurred())
		served = []byte(strings.TrimSuffix(strings.TrimSpace(string(served)), "]}") + "," + strings.TrimPrefix(string(theirs), `{"keys":[`))
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.condition(v1alpha1.ConditionDiscoveryPublished)).To(And(
			HaveField("Status", metav1.ConditionFalse), HaveField("Reason", v1alpha1.ReasonDocumentInvalid),
			HaveField("Message", ContainSubstring(strangers.Active().ID))))
	})

	It("lack the key that signs until the broker has read it", func(ctx context.Context) {
		w := newWorld(ctx)
		w.settle(ctx)
		Expect(h.Client.Delete(ctx, w.secret(ctx, w.issuer.SigningKeySecretName()))).To(Succeed())
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.condition(v1alpha1.ConditionDiscoveryPublished)).To(HaveField("Reason", v1alpha1.ReasonKeyNotPublished))
		w.untilReady(ctx)
	})
})

func (w *world) providerARN() string {
	return "arn:aws:iam::123456789012:oidc-provider/" + w.issuer.Spec.IssuerURL[len("http://"):]
}

func (w *world) provider(ctx context.Context) *iam.GetOpenIDConnectProviderOutput {
	GinkgoHelper()
	arn := w.providerARN()
	out, err := h.Admin.IAM.GetOpenIDConnectProvider(ctx, &iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: &arn})
	Expect(err).NotTo(HaveOccurred())
	return out
}

func (w *world) gone(ctx context.Context) bool {
	return apierrors.IsNotFound(h.Client.Get(ctx, client.ObjectKeyFromObject(w.issuer), &v1alpha1.OIDCIssuer{}))
}

// versions are the resource versions of everything that belongs to the issuer.
func (w *world) versions(ctx context.Context) string {
	GinkgoHelper()
	seen := map[string]string{"issuer": w.issuer.ResourceVersion}
	for _, name := range []string{w.issuer.SigningKeySecretName(), w.issuer.SessionKeySecretName(), w.issuer.ProbeWalletSecretName()} {
		seen[name] = w.secret(ctx, name).ResourceVersion
	}
	for kind, object := range map[string]client.Object{"config": &corev1.ConfigMap{}, "service": &corev1.Service{}, "deployment": &appsv1.Deployment{}, "budget": &policyv1.PodDisruptionBudget{}} {
		w.get(ctx, w.issuer.BrokerName(), object)
		seen[kind] = object.GetResourceVersion()
	}
	text, err := json.Marshal(seen)
	Expect(err).NotTo(HaveOccurred())
	return string(text)
}
