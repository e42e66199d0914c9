// Package chain_test runs the whole chain in one process, with the manager wired
// as in a cluster and under the RBAC role that is generated for it: two wallets
// sign in, buy sessions with an unmodified AWS SDK, and meet each other's prefix.
package chain_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/yaml"

	"github.com/litentry/wallet-federation/api/v1alpha1"
	brokerclient "github.com/litentry/wallet-federation/broker/client"
	"github.com/litentry/wallet-federation/controllers"
	"github.com/litentry/wallet-federation/internal/wallet"
	"github.com/litentry/wallet-federation/test/administrator"
	"github.com/litentry/wallet-federation/test/harness"
)

func TestChain(t *testing.T) {
	t.Parallel()
	RegisterFailHandler(Fail)
	RunSpecs(t, "The whole chain")
}

var (
	h        *harness.Harness
	registry = prometheus.NewRegistry()
)

var _ = BeforeSuite(func(ctx context.Context) {
	var err error
	h, err = harness.Start(ctx)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { Expect(h.Stop()).To(Succeed()) })
	startManager(ctx)
})

// startManager runs the manager as a user who has the generated role and no other right.
func startManager(ctx context.Context) {
	GinkgoHelper()
	const user = "manager"
	role := &rbacv1.ClusterRole{}
	data, err := os.ReadFile(filepath.Join(h.Root, "config", "rbac", "role.yaml"))
	Expect(err).NotTo(HaveOccurred())
	Expect(yaml.UnmarshalStrict(data, role)).To(Succeed())
	Expect(h.Client.Create(ctx, role)).To(Succeed())
	Expect(h.Client.Create(ctx, &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: user},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role.Name},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.UserKind, APIGroup: rbacv1.GroupName, Name: user}},
	})).To(Succeed())
	restConfig, err := h.AddUser(user)
	Expect(err).NotTo(HaveOccurred())

	controllers.Pace(restConfig)
	ctrl.SetLogger(GinkgoLogr)
	mgr, err := ctrl.NewManager(restConfig, ctrl.Options{
		Scheme: h.Scheme, Cache: controllers.CacheOptions(), Client: controllers.ClientOptions(),
		Metrics: metricsserver.Options{BindAddress: "0"},
	})
	Expect(err).NotTo(HaveOccurred())
	Expect(controllers.Setup(mgr, controllers.Options{BrokerImage: "broker", Resync: time.Second, Registerer: registry})).To(Succeed())
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	stopped := make(chan error, 1)
	go func() { stopped <- mgr.Start(running) }()
	DeferCleanup(func() {
		stop()
		Expect(<-stopped).To(Succeed())
	})
}

// apply makes an issuer and a federation, as a user does, and waits for the proof.
func apply(ctx context.Context) (*v1alpha1.OIDCIssuer, *v1alpha1.WalletFederation) {
	GinkgoHelper()
	namespace, err := h.Namespace(ctx)
	Expect(err).NotTo(HaveOccurred())
	Expect(h.Admin.CreateRole(ctx, namespace)).To(Succeed())
	Expect(h.Admin.CreateBucket(ctx, namespace)).To(Succeed())
	issuer, err := h.Issuer(namespace, "issuer")
	Expect(err).NotTo(HaveOccurred())
	federation := harness.Federation(issuer, namespace)
	federation.Spec.Role.BroadGrants = v1alpha1.BroadGrantsRemove
	// The order in which a user applies things must not matter.
	Expect(h.Client.Create(ctx, federation)).To(Succeed())
	Expect(h.Client.Create(ctx, issuer)).To(Succeed())
	eventuallyVerified(ctx, federation, metav1.ConditionTrue)
	return issuer, federation
}

func eventuallyVerified(ctx context.Context, federation *v1alpha1.WalletFederation, status metav1.ConditionStatus) {
	GinkgoHelper()
	Eventually(ctx, func(g Gomega) {
		g.Expect(h.Client.Get(ctx, client.ObjectKeyFromObject(federation), federation)).To(Succeed())
		g.Expect(meta.FindStatusCondition(federation.Status.Conditions, v1alpha1.ConditionIsolationVerified)).To(And(
			HaveField("Status", status), HaveField("ObservedGeneration", federation.Generation)), "%+v", federation.Status)
	}).WithTimeout(90 * time.Second).WithPolling(200 * time.Millisecond).Should(Succeed())
}

// signer gives the SDK a fresh JWT whenever it asks for one.
type signer struct {
	ctx    context.Context
	broker *brokerclient.Client
	key    *wallet.Key
}

func (s *signer) GetIdentityToken() ([]byte, error) {
	session, err := s.broker.SignIn(s.ctx, brokerclient.KeySigner(s.key))
	if err != nil {
		return nil, err
	}
	token, err := s.broker.Mint(s.ctx, session, "")
	return []byte(token.JWT), err
}

// newWallet returns a wallet's address and S3 as it reaches it.
func newWallet(ctx context.Context, issuer *v1alpha1.OIDCIssuer, federation *v1alpha1.WalletFederation) (string, *s3.Client) {
	GinkgoHelper()
	key, err := wallet.GenerateKey()
	Expect(err).NotTo(HaveOccurred())
	broker, err := brokerclient.New(issuer.Spec.IssuerURL, nil)
	Expect(err).NotTo(HaveOccurred())
	anonymous := sts.New(sts.Options{Region: "us-east-1", BaseEndpoint: &h.CloudURL})
	provider := stscreds.NewWebIdentityRoleProvider(anonymous, federation.Status.RoleARN, &signer{ctx: ctx, broker: broker, key: key})
	return string(key.Address()), s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: &h.CloudURL, UsePathStyle: true, Credentials: aws.NewCredentialsCache(provider),
	})
}

func list(ctx context.Context, storage *s3.Client, bucket, prefix string) error {
	_, err := storage.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &prefix})
	return err
}

func put(ctx context.Context, storage *s3.Client, bucket, key string) error {
	_, err := storage.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader("mine")})
	return err
}

func get(ctx context.Context, storage *s3.Client, bucket, key string) error {
	out, err := storage.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return err
	}
	return out.Body.Close()
}

func code(err error) string {
	if answer, ok := errors.AsType[smithy.APIError](err); ok {
		return answer.ErrorCode()
	}
	return fmt.Sprint(err)
}

var _ = Describe("Two wallets of one federation", func() {
	It("reach their own prefixes and never each other's", func(ctx context.Context) {
		issuer, federation := apply(ctx)
		bucket := federation.Spec.Buckets[0].Name
		addressA, walletA := newWallet(ctx, issuer, federation)
		addressB, walletB := newWallet(ctx, issuer, federation)
		prefixA, prefixB := "bots/"+addressA+"/", "bots/"+addressB+"/"

		Expect(put(ctx, walletA, bucket, prefixA+"memory")).To(Succeed())
		Expect(get(ctx, walletA, bucket, prefixA+"memory")).To(Succeed())
		Expect(list(ctx, walletA, bucket, prefixA)).To(Succeed())
		Expect(put(ctx, walletB, bucket, prefixB+"memory")).To(Succeed())

		for what, err := range map[string]error{
			"get of the other's object": get(ctx, walletA, bucket, prefixB+"memory"),
			"put under the other's":     put(ctx, walletA, bucket, prefixB+"planted"),
			"list of the other's":       list(ctx, walletA, bucket, prefixB),
			"list of all wallets":       list(ctx, walletA, bucket, "bots/"),
			"list of the bucket":        list(ctx, walletA, bucket, ""),
			"list without the slash":    list(ctx, walletA, bucket, "bots/"+addressA),
			"the other way round":       get(ctx, walletB, bucket, prefixA+"memory"),
		} {
			Expect(code(err)).To(Equal("AccessDenied"), what)
		}
	})

	It("cannot be served by a session that STS gives without a token", func(ctx context.Context) {
		_, federation := apply(ctx)
		admin := sts.New(sts.Options{Region: "us-east-1", BaseEndpoint: &h.CloudURL,
			Credentials: credentials.NewStaticCredentialsProvider("localaws", "localaws", "")})
		_, err := admin.AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: &federation.Status.RoleARN, RoleSessionName: aws.String("untagged")})
		Expect(code(err)).To(Equal("AccessDenied"))
	})
})

// evidenceVersion is another one after each proof.
func evidenceVersion(ctx context.Context, federation *v1alpha1.WalletFederation) string {
	GinkgoHelper()
	evidence := &corev1.ConfigMap{}
	Expect(h.Client.Get(ctx, client.ObjectKey{Namespace: federation.Namespace, Name: federation.EvidenceConfigMapName()}, evidence)).To(Succeed())
	return evidence.ResourceVersion
}

var _ = Describe("The manager", func() {
	It("finds a sabotage by itself, repairs it and proves the repair", func(ctx context.Context) {
		_, federation := apply(ctx)
		bucket := federation.Spec.Buckets[0].Name
		before := evidenceVersion(ctx, federation)
		Expect(h.Admin.PutInlinePolicy(ctx, federation.Spec.Role.Name, "quick-fix",
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}`)).To(Succeed())
		Expect(h.Admin.StripGuard(ctx, bucket)).To(Succeed())
		Eventually(ctx, func(g Gomega) {
			g.Expect(h.Admin.BucketPolicy(ctx, bucket)).To(And(ContainSubstring("DenyForeignObjects"), ContainSubstring(administrator.ForeignSid)))
			g.Expect(h.Admin.InlinePolicies(ctx, federation.Spec.Role.Name)).To(BeEmpty())
			g.Expect(h.Client.Get(ctx, client.ObjectKeyFromObject(federation), federation)).To(Succeed())
			g.Expect(meta.IsStatusConditionTrue(federation.Status.Conditions, v1alpha1.ConditionReady)).To(BeTrue(), "%+v", federation.Status)
			g.Expect(evidenceVersion(ctx, federation)).NotTo(Equal(before))
		}).WithTimeout(60 * time.Second).WithPolling(200 * time.Millisecond).Should(Succeed())
	})

	It("lets a federation and its issuer go when a user deletes them together", func(ctx context.Context) {
		issuer, federation := apply(ctx)
		Expect(h.Client.Delete(ctx, issuer)).To(Succeed())
		Expect(h.Client.Delete(ctx, federation)).To(Succeed())
		for _, object := range []client.Object{issuer, federation} {
			Eventually(ctx, func(g Gomega) {
				g.Expect(h.Client.Get(ctx, client.ObjectKeyFromObject(object), object)).To(MatchError(ContainSubstring("not found")))
			}).WithTimeout(60 * time.Second).WithPolling(200 * time.Millisecond).Should(Succeed())
		}
		Expect(h.Admin.TrustPolicy(ctx, federation.Spec.Role.Name)).To(Equal(administrator.OriginalTrust))
	})

	It("counts its calls to AWS without naming a wallet", func(ctx context.Context) {
		apply(ctx)
		families, err := registry.Gather()
		Expect(err).NotTo(HaveOccurred())
		Expect(families).NotTo(BeEmpty())
		for _, family := range families {
			Expect(family.String()).NotTo(MatchRegexp(`0x[0-9a-fA-F]{40}`))
		}
	})
})
