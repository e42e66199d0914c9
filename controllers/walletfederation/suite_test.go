package walletfederation_test

import (
	"context"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/litentry/wallet-federation/api/v1alpha1"
	"github.com/litentry/wallet-federation/controllers/oidcissuer"
	"github.com/litentry/wallet-federation/controllers/walletfederation"
	"github.com/litentry/wallet-federation/internal/account"
	"github.com/litentry/wallet-federation/internal/awsapi"
	"github.com/litentry/wallet-federation/internal/event"
	"github.com/litentry/wallet-federation/test/harness"
)

func TestWalletFederation(t *testing.T) {
	t.Parallel()
	RegisterFailHandler(Fail)
	RunSpecs(t, "WalletFederation controller")
}

var h *harness.Harness

var _ = BeforeSuite(func(ctx context.Context) {
	var err error
	h, err = harness.Start(ctx)
	Expect(err).NotTo(HaveOccurred())
})

var _ = AfterSuite(func() {
	if h != nil {
		Expect(h.Stop()).To(Succeed())
	}
})

// clock is a clock that tests move.
type clock struct {
	mu     sync.Mutex
	offset time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.offset)
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset += d
}

// world is one test's own issuer, role, bucket and federation, and the two
// controllers that it reconciles by hand.
type world struct {
	issuers     *oidcissuer.Reconciler
	federations *walletfederation.Reconciler
	events      *events.FakeRecorder
	clock       *clock

	issuer     *v1alpha1.OIDCIssuer
	federation *v1alpha1.WalletFederation
	// name is that of the federation, its role and its bucket.
	name string
}

// newWorld prepares a namespace, an issuer, a role and a bucket. The federation
// is not created yet, so that a test can change it first.
func newWorld(ctx context.Context) *world {
	GinkgoHelper()
	namespace, err := h.Namespace(ctx)
	Expect(err).NotTo(HaveOccurred())
	accounts, err := awsapi.NewAccounts(prometheus.NewRegistry())
	Expect(err).NotTo(HaveOccurred())
	w := &world{events: events.NewFakeRecorder(1000), clock: &clock{}, name: namespace}
	opener := &account.Opener{Reader: h.Client, Accounts: accounts}
	w.issuers = &oidcissuer.Reconciler{
		Client: h.Client, Accounts: opener, HTTPClient: &http.Client{}, Events: event.Recorder{EventRecorder: w.events},
		BrokerImage: "broker", Resync: time.Minute, Now: w.clock.now,
	}
	w.federations = &walletfederation.Reconciler{
		Client: h.Client, Accounts: opener, HTTPClient: &http.Client{}, Events: event.Recorder{EventRecorder: w.events},
		Resync: time.Minute, Backoff: walletfederation.NewBackoff(), Now: w.clock.now,
	}
	w.issuer, err = h.Issuer(namespace, "issuer")
	Expect(err).NotTo(HaveOccurred())
	Expect(h.Client.Create(ctx, w.issuer)).To(Succeed())
	Expect(h.Admin.CreateRole(ctx, w.name)).To(Succeed())
	Expect(h.Admin.CreateBucket(ctx, w.name)).To(Succeed())
	w.federation = harness.Federation(w.issuer, w.name)
	DeferCleanup(func() { h.InjectFault(nil) })
	return w
}

// reconcileIssuer reconciles the issuer once.
func (w *world) reconcileIssuer(ctx context.Context) {
	GinkgoHelper()
	_, err := w.issuers.Reconcile(ctx, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(w.issuer)})
	Expect(err).NotTo(HaveOccurred())
}

// reconcile reconciles the federation once and reads it again.
func (w *world) reconcile(ctx context.Context) error {
	GinkgoHelper()
	_, err := w.federations.Reconcile(ctx, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(w.federation)})
	w.refresh(ctx)
	return err
}

func (w *world) refresh(ctx context.Context) {
	GinkgoHelper()
	err := h.Client.Get(ctx, client.ObjectKeyFromObject(w.federation), w.federation)
	Expect(client.IgnoreNotFound(err)).To(Succeed())
}

// settle creates the federation and reconciles until the isolation is proven.
func (w *world) settle(ctx context.Context) {
	GinkgoHelper()
	Expect(h.Client.Create(ctx, w.federation)).To(Succeed())
	w.untilVerified(ctx)
}

// untilVerified reconciles both objects until the isolation is proven.
func (w *world) untilVerified(ctx context.Context) {
	GinkgoHelper()
	Eventually(ctx, func(g Gomega) {
		w.reconcileIssuer(ctx)
		g.Expect(w.reconcile(ctx)).To(Succeed())
		g.Expect(w.condition(v1alpha1.ConditionIsolationVerified)).To(HaveField("Status", metav1.ConditionTrue), "%+v", w.federation.Status)
	}).WithTimeout(60 * time.Second).WithPolling(100 * time.Millisecond).Should(Succeed())
	Expect(w.condition(v1alpha1.ConditionReady)).To(HaveField("Status", metav1.ConditionTrue))
}

// update changes the federation's spec.
func (w *world) update(ctx context.Context, change func(*v1alpha1.WalletFederationSpec)) {
	GinkgoHelper()
	w.refresh(ctx)
	base := client.MergeFrom(w.federation.DeepCopy())
	change(&w.federation.Spec)
	Expect(h.Client.Patch(ctx, w.federation, base)).To(Succeed())
}

func (w *world) condition(conditionType string) *metav1.Condition {
	return meta.FindStatusCondition(w.federation.Status.Conditions, conditionType)
}

// told drains the events that were told since the last call.
func (w *world) told() []string {
	var told []string
	for {
		select {
		case event := <-w.events.Events:
			told = append(told, event)
		default:
			return told
		}
	}
}

func (w *world) trustPolicy(ctx context.Context) string {
	GinkgoHelper()
	policy, err := h.Admin.TrustPolicy(ctx, w.name)
	Expect(err).NotTo(HaveOccurred())
	return policy
}

func (w *world) bucketPolicy(ctx context.Context) string {
	GinkgoHelper()
	policy, err := h.Admin.BucketPolicy(ctx, w.name)
	Expect(err).NotTo(HaveOccurred())
	return policy
}

func (w *world) secret(ctx context.Context, name string) *corev1.Secret {
	GinkgoHelper()
	secret := &corev1.Secret{}
	Expect(h.Client.Get(ctx, client.ObjectKey{Namespace: w.federation.Namespace, Name: name}, secret)).To(Succeed())
	return secret
}

func (w *world) inlinePolicy(ctx context.Context, name string) string {
	GinkgoHelper()
	out, err := h.Admin.IAM.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: &w.name, PolicyName: &name})
	Expect(err).NotTo(HaveOccurred())
	policy, err := url.PathUnescape(*out.PolicyDocument)
	Expect(err).NotTo(HaveOccurred())
	return policy
}

func (w *world) tagRole(ctx context.Context, key string) {
	GinkgoHelper()
	_, err := h.Admin.IAM.TagRole(ctx, &iam.TagRoleInput{RoleName: &w.name, Tags: []types.Tag{{Key: &key, Value: aws.String("0x")}}})
	Expect(err).NotTo(HaveOccurred())
}

func (w *world) setTrustPolicy(ctx context.Context, document string) {
	GinkgoHelper()
	_, err := h.Admin.IAM.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: &w.name, PolicyDocument: &document})
	Expect(err).NotTo(HaveOccurred())
}
