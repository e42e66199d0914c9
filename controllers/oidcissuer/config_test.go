package oidcissuer_test

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/litentry/wallet-federation/api/v1alpha1"
	brokerclient "github.com/litentry/wallet-federation/broker/client"
	"github.com/litentry/wallet-federation/internal/brokerconfig"
	"github.com/litentry/wallet-federation/internal/wallet"
	"github.com/litentry/wallet-federation/test/harness"
)

const (
	alice = "0x00000000000000000000000000000000000000aa"
	bob   = "0x00000000000000000000000000000000000000bb"
)

var _ = DescribeTable("The broker's configuration has of the spec",
	func(ctx context.Context, change func(*v1alpha1.OIDCIssuerSpec), want func(*brokerconfig.Config)) {
		w := newWorld(ctx)
		change(&w.issuer.Spec)
		Expect(h.Client.Create(ctx, w.issuer)).To(Succeed())
		Expect(w.reconcile(ctx)).To(Succeed())
		got := w.config(ctx)
		expected := brokerconfig.Default()
		expected.Issuer, expected.Admission.Mode = w.issuer.Spec.IssuerURL, brokerconfig.Open
		expected.Admission.ProbeWallets = got.Admission.ProbeWallets
		want(expected)
		Expect(got).To(Equal(expected))
	},
	Entry("the defaults of the API, which are the broker's own",
		func(*v1alpha1.OIDCIssuerSpec) {}, func(*brokerconfig.Config) {}),
	Entry("the lifetime of sessions",
		func(s *v1alpha1.OIDCIssuerSpec) { s.Login.SessionLifetime.Duration = 24 * time.Hour },
		func(c *brokerconfig.Config) { c.Session.LifetimeSeconds = 86400 }),
	Entry("the statement",
		func(s *v1alpha1.OIDCIssuerSpec) { s.Login.Statement = "Sign in [to] see your bots, it's free!" },
		func(c *brokerconfig.Config) { c.Login.Statement = "Sign in [to] see your bots, it's free!" }),
	Entry("the chains",
		func(s *v1alpha1.OIDCIssuerSpec) { s.Login.ChainIDs = []int64{8453, 1} },
		func(c *brokerconfig.Config) { c.Login.ChainIDs = []uint64{8453, 1} }),
	Entry("the admitted wallets and the directories of lists, sorted",
		func(s *v1alpha1.OIDCIssuerSpec) {
			s.Login.Admission = v1alpha1.AdmissionSpec{
				Mode: v1alpha1.AdmissionAllowList, Wallets: []string{bob, alice},
				ConfigMapRefs: []v1alpha1.ConfigMapReference{{Name: "partners"}, {Name: "customers.eu"}},
			}
		},
		func(c *brokerconfig.Config) {
			c.Admission.Mode, c.Admission.Wallets = brokerconfig.AllowList, []wallet.Address{alice, bob}
			c.Admission.Directories = []string{"/etc/broker/admission/customers.eu", "/etc/broker/admission/partners"}
		}),
	Entry("a list of nobody",
		func(s *v1alpha1.OIDCIssuerSpec) { s.Login.Admission.Mode = v1alpha1.AdmissionAllowList },
		func(c *brokerconfig.Config) { c.Admission.Mode = brokerconfig.AllowList }),
	Entry("trusted issuers, with the default algorithms and with others",
		func(s *v1alpha1.OIDCIssuerSpec) {
			s.Login.TrustedIssuers = []v1alpha1.TrustedIssuer{
				{IssuerURL: "https://tenant.example.com/", Audiences: []string{"wallets"}, WalletClaim: "https://example.com/wallet"},
				{IssuerURL: "http://[::1]:8080", Audiences: []string{"a", "b"}, WalletClaim: "wallet", Algorithms: []v1alpha1.SignatureAlgorithm{"EdDSA"}},
			}
		},
		func(c *brokerconfig.Config) {
			c.Login.TrustedIssuers = []brokerconfig.TrustedIssuer{
				{Issuer: "https://tenant.example.com/", Audiences: []string{"wallets"}, WalletClaim: "https://example.com/wallet", Algorithms: []string{"RS256", "ES256"}},
				{Issuer: "http://[::1]:8080", Audiences: []string{"a", "b"}, WalletClaim: "wallet", Algorithms: []string{"EdDSA"}},
			}
		}),
	Entry("revocations of a wallet and of everybody",
		func(s *v1alpha1.OIDCIssuerSpec) {
			at := metav1.NewTime(time.Unix(1_767_323_045, 0))
			s.Login.Revocations = []v1alpha1.Revocation{{Wallet: alice, Before: &at}, {Before: &at}}
		},
		func(c *brokerconfig.Config) {
			at := time.Unix(1_767_323_045, 0).UTC()
			c.Revocations = []brokerconfig.Revocation{{Wallet: alice, Before: at}, {Before: at}}
		}),
	Entry("limits below one a second, and none",
		func(s *v1alpha1.OIDCIssuerSpec) {
			s.Login.RateLimits = v1alpha1.RateLimitsSpec{PerClient: rate("700m", 3), PerWallet: rate("0", 1)}
		},
		func(c *brokerconfig.Config) {
			c.Limits.Client = brokerconfig.Rate{PerSecond: 0.7, Burst: 3}
			c.Limits.Wallet = brokerconfig.Rate{PerSecond: 0, Burst: 1}
		}),
	Entry("the highest limit for clients, and the default for wallets",
		func(s *v1alpha1.OIDCIssuerSpec) { s.Login.RateLimits.PerClient = rate("1M", 1_000_000) },
		func(c *brokerconfig.Config) {
			c.Limits.Client = brokerconfig.Rate{PerSecond: 1_000_000, Burst: 1_000_000}
		}),
	Entry("trusted proxies, sorted, each once",
		func(s *v1alpha1.OIDCIssuerSpec) {
			s.Broker.TrustedProxies = []string{"fd00::/8", "FD00::/8", "10.0.0.0/8", "192.0.2.1/32"}
		},
		func(c *brokerconfig.Config) {
			c.Limits.TrustedProxies = []netip.Prefix{
				netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.1/32"), netip.MustParsePrefix("fd00::/8"),
			}
		}),
)

var _ = Describe("A configuration that no broker would take", func() {
	It("is a condition that names the member, and the broker keeps the one it has", func(ctx context.Context) {
		w := newWorld(ctx)
		w.settle(ctx)
		before := w.config(ctx)
		federation := harness.Federation(w.issuer, w.issuer.Namespace)
		Expect(h.Client.Create(ctx, federation)).To(Succeed())
		federation.Status.RoleARN = "arn:aws:iam::123456789012:role/a b/example"
		Expect(h.Client.Status().Update(ctx, federation)).To(Succeed())
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.condition(v1alpha1.ConditionBrokerAvailable)).To(And(
			HaveField("Status", metav1.ConditionFalse), HaveField("Reason", v1alpha1.ReasonConfigInvalid),
			HaveField("Message", ContainSubstring("roles: [0]: not the ARN of an IAM role"))))
		Expect(w.config(ctx)).To(Equal(before))
	})
})

var _ = Describe("The wallets of a ConfigMap", func() {
	It("are admitted as long as they are listed, without a restart", func(ctx context.Context) {
		listed, err := wallet.GenerateKey()
		Expect(err).NotTo(HaveOccurred())
		stranger, err := wallet.GenerateKey()
		Expect(err).NotTo(HaveOccurred())
		w := newWorld(ctx)
		list := &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Namespace: w.issuer.Namespace, Name: "customers"},
			Data:       map[string]string{"europe": "# customers\n" + listed.Address().Checksum() + "\n"},
		}
		Expect(h.Client.Create(ctx, list)).To(Succeed())
		w.issuer.Spec.Login.Admission = v1alpha1.AdmissionSpec{
			Mode: v1alpha1.AdmissionAllowList, ConfigMapRefs: []v1alpha1.ConfigMapReference{{Name: list.Name}},
		}
		w.settle(ctx)
		broker, err := brokerclient.New(w.issuer.Spec.IssuerURL, nil)
		Expect(err).NotTo(HaveOccurred())
		signIn := func(key *wallet.Key) error {
			_, err := broker.SignIn(ctx, brokerclient.KeySigner(key))
			return err
		}
		Expect(signIn(listed)).To(Succeed())
		Expect(status(signIn(stranger))).To(Equal(http.StatusForbidden))

		list.Data["asia"] = string(stranger.Address())
		Expect(h.Client.Update(ctx, list)).To(Succeed())
		soon(ctx, func(g Gomega) { g.Expect(signIn(stranger)).To(Succeed()) })
	})
})

// status is the HTTP status of a refusal, 0 for none.
func status(err error) int {
	if refusal, ok := errors.AsType[*brokerclient.Error](err); ok {
		return refusal.Status
	}
	return 0
}

func rate(perSecond string, burst int32) *v1alpha1.RateLimit {
	quantity := resource.MustParse(perSecond)
	return &v1alpha1.RateLimit{PerSecond: &quantity, Burst: burst}
}

// config is the configuration that the broker's ConfigMap holds.
func (w *world) config(ctx context.Context) *brokerconfig.Config {
	GinkgoHelper()
	config := &corev1.ConfigMap{}
	w.get(ctx, w.issuer.BrokerName(), config)
	parsed, err := brokerconfig.Parse([]byte(config.Data[brokerconfig.DataKey]))
	Expect(err).NotTo(HaveOccurred())
	return parsed
}
