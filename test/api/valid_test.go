package api_test

import (
	"fmt"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/litentry/wallet-federation/api/v1alpha1"
)

const wallet = "0x00000000219ab540356cbb839cbe05303d7705fa"

// newIssuer returns an issuer with nothing but what is required.
func newIssuer(namespace string) *v1alpha1.OIDCIssuer {
	return &v1alpha1.OIDCIssuer{
		ObjectMeta: metav1.ObjectMeta{Name: "agentkeys", Namespace: namespace},
		Spec: v1alpha1.OIDCIssuerSpec{
			IssuerURL: "https://agentkeys.example.com",
			Login:     v1alpha1.LoginSpec{Admission: v1alpha1.AdmissionSpec{Mode: v1alpha1.AdmissionOpen}},
			Accounts:  []v1alpha1.AccountSpec{{Name: "production", Region: "eu-central-1"}},
		},
	}
}

// newFederation returns a federation with nothing but what is required.
func newFederation(namespace string) *v1alpha1.WalletFederation {
	return &v1alpha1.WalletFederation{
		ObjectMeta: metav1.ObjectMeta{Name: "agent-memory", Namespace: namespace},
		Spec: v1alpha1.WalletFederationSpec{
			IssuerRef: v1alpha1.IssuerReference{Name: "agentkeys"},
			Account:   "production",
			Role:      v1alpha1.RoleSpec{Name: "agentkeys-wallets"},
			Buckets:   []v1alpha1.BucketSpec{{Name: "agent-memory", Access: []v1alpha1.Access{v1alpha1.AccessRead}}},
		},
	}
}

// at moves an issuer to a stand-in for AWS and gives it a URL.
func at(url string) func(*v1alpha1.OIDCIssuer) {
	return func(i *v1alpha1.OIDCIssuer) {
		i.Spec.IssuerURL = url
		i.Spec.Accounts[0].EndpointURL = "http://127.0.0.1:4566"
		i.Spec.Accounts[0].CredentialsSecretRef = &v1alpha1.SecretReference{Name: "stand-in"}
	}
}

func called(url string) func(*v1alpha1.OIDCIssuer) {
	return func(i *v1alpha1.OIDCIssuer) { i.Spec.IssuerURL = url }
}

func lasting(lifetime time.Duration) func(*v1alpha1.OIDCIssuer) {
	return func(i *v1alpha1.OIDCIssuer) { i.Spec.Token.Lifetime.Duration = lifetime }
}

func tagged(key string) func(*v1alpha1.OIDCIssuer) {
	return func(i *v1alpha1.OIDCIssuer) { i.Spec.Token.WalletTagKey = key }
}

func in(region string) func(*v1alpha1.OIDCIssuer) {
	return func(i *v1alpha1.OIDCIssuer) { i.Spec.Accounts[0].Region = region }
}

func admitting(wallets ...string) func(*v1alpha1.OIDCIssuer) {
	return func(i *v1alpha1.OIDCIssuer) {
		i.Spec.Login.Admission = v1alpha1.AdmissionSpec{Mode: v1alpha1.AdmissionAllowList, Wallets: wallets}
	}
}

// trusting gives an issuer a trusted issuer.
func trusting(url string) func(*v1alpha1.OIDCIssuer) {
	return func(i *v1alpha1.OIDCIssuer) {
		i.Spec.Login.TrustedIssuers = []v1alpha1.TrustedIssuer{{IssuerURL: url, Audiences: []string{"wallets"}, WalletClaim: "wallet"}}
	}
}

// revoking gives an issuer a revocation of everybody's sessions before a time.
func revoking(before string) func(*v1alpha1.OIDCIssuer) {
	return func(i *v1alpha1.OIDCIssuer) {
		at, err := time.Parse(time.RFC3339, before)
		Expect(err).NotTo(HaveOccurred())
		i.Spec.Login.Revocations = []v1alpha1.Revocation{{Before: &metav1.Time{Time: at}}}
	}
}

// limited gives an issuer a limit for each client.
func limited(perSecond string, burst int32) func(*v1alpha1.OIDCIssuer) {
	return func(i *v1alpha1.OIDCIssuer) {
		quantity := resource.MustParse(perSecond)
		i.Spec.Login.RateLimits.PerClient = &v1alpha1.RateLimit{PerSecond: &quantity, Burst: burst}
	}
}

// behind gives the broker of an issuer trusted proxies.
func behind(proxies ...string) func(*v1alpha1.OIDCIssuer) {
	return func(i *v1alpha1.OIDCIssuer) { i.Spec.Broker.TrustedProxies = proxies }
}

// manyWallets returns as many different wallets as an AllowList may hold.
func manyWallets() []string {
	wallets := make([]string, 1000)
	for i := range wallets {
		wallets[i] = fmt.Sprintf("0x%040x", i+1)
	}
	return wallets
}

var _ = DescribeTable("an OIDCIssuer is accepted",
	func(ctx SpecContext, change func(*v1alpha1.OIDCIssuer)) {
		issuer := newIssuer(newNamespace(ctx, nil))
		change(issuer)
		Expect(strict.Create(ctx, issuer)).To(Succeed())
	},
	Entry("with a host of one letter", called("https://a")),
	Entry("with a path, upper case in it", called("https://example.com/Tenants/a-b_c~d.e")),
	Entry("with a path segment that begins with a dot", called("https://example.com/.well-known")),
	Entry("with the longest URL", called("https://example.com/"+strings.Repeat("a", 235))),
	Entry("over http with a stand-in", at("http://127.0.0.1")),
	Entry("on the lowest port with a stand-in", at("http://localhost:1/path")),
	Entry("on the highest port with a stand-in", at("https://localhost:65535")),
	Entry("with the shortest lifetime", lasting(time.Minute)),
	Entry("with the longest lifetime", lasting(time.Hour)),
	Entry("with a lifetime of hours, minutes and seconds", lasting(59*time.Minute+59*time.Second)),
	Entry("with another tag key", tagged("wallet")),
	Entry("with a tag key that has aws in it", tagged("my-aws.wallet")),
	Entry("with a tag key that has a claim in it", tagged("subject")),
	Entry("that admits listed wallets", admitting(wallet)),
	Entry("that admits nobody but the probe", admitting()),
	Entry("that admits as many wallets as it may", admitting(manyWallets()...)),
	Entry("that admits the wallets of ConfigMaps", func(i *v1alpha1.OIDCIssuer) {
		admitting()(i)
		for n := range 32 {
			ref := v1alpha1.ConfigMapReference{Name: fmt.Sprintf("customers.list-%d", n)}
			i.Spec.Login.Admission.ConfigMapRefs = append(i.Spec.Login.Admission.ConfigMapRefs, ref)
		}
	}),
	Entry("with a statement of every character that it may have", func(i *v1alpha1.OIDCIssuer) {
		i.Spec.Login.Statement = "AZ az 09 -._~ :/?#[]@ !$&'()*+,;="
	}),
	Entry("with the shortest sessions", func(i *v1alpha1.OIDCIssuer) { i.Spec.Login.SessionLifetime.Duration = time.Minute }),
	Entry("with the longest sessions", func(i *v1alpha1.OIDCIssuer) { i.Spec.Login.SessionLifetime.Duration = 24 * time.Hour }),
	Entry("with session keys of an hour", func(i *v1alpha1.OIDCIssuer) { i.Spec.Login.SessionKeyRotation.Interval.Duration = time.Hour }),
	Entry("with session keys of a year", func(i *v1alpha1.OIDCIssuer) { i.Spec.Login.SessionKeyRotation.Interval.Duration = 8760 * time.Hour }),
	Entry("with a session key that is never replaced", func(i *v1alpha1.OIDCIssuer) { i.Spec.Login.SessionKeyRotation.Policy = v1alpha1.RotationNever }),
	Entry("that trusts an issuer with a trailing slash", trusting("https://tenant.example.com/")),
	Entry("that trusts an issuer on a port, with a path", trusting("https://Accounts.example.com:8443/a/b:c@d")),
	Entry("that trusts a stand-in on IPv4 loopback", trusting("http://127.255.0.1:8080/path")),
	Entry("that trusts a stand-in on IPv6 loopback", trusting("http://[::1]:8080")),
	Entry("with a claim that is a URL, and every algorithm", func(i *v1alpha1.OIDCIssuer) {
		trusting("https://accounts.example.com")(i)
		i.Spec.Login.TrustedIssuers[0].WalletClaim = "https://example.com/wallet"
		i.Spec.Login.TrustedIssuers[0].Audiences = []string{"!#$[]^~", "other"}
		i.Spec.Login.TrustedIssuers[0].Algorithms = []v1alpha1.SignatureAlgorithm{
			"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
		}
	}),
	Entry("with a revocation in another time zone", revoking("2026-01-02T03:04:05+02:00")),
	Entry("with a revocation as early as it may be", revoking("1970-01-01T00:00:01Z")),
	Entry("with as many revocations as it may have", func(i *v1alpha1.OIDCIssuer) {
		for _, wallet := range manyWallets() {
			i.Spec.Login.Revocations = append(i.Spec.Login.Revocations, v1alpha1.Revocation{Wallet: wallet, Before: &metav1.Time{Time: time.Unix(1, 0)}})
		}
	}),
	Entry("without a limit", limited("0", 1)),
	Entry("with a limit of one in a thousand seconds", limited("1m", 1)),
	Entry("with a limit that is a fraction", limited("0.5", 1)),
	Entry("with the highest limit", limited("1M", 1_000_000)),
	Entry("behind proxies", behind("0.0.0.0/0", "10.0.0.0/8", "192.0.2.1/32", "fd00::/8", "2001:db8::1/128")),
	Entry("with as many replicas as it may have, and Redis", func(i *v1alpha1.OIDCIssuer) {
		i.Spec.Broker.Replicas = 20
		i.Spec.Broker.Redis = &v1alpha1.RedisSpec{URLSecretRef: v1alpha1.SecretKeyReference{Name: "redis.example", Key: "_url.txt"}}
	}),
	Entry("with a certificate", func(i *v1alpha1.OIDCIssuer) {
		i.Spec.Broker.TLS = &v1alpha1.TLSSpec{SecretRef: v1alpha1.SecretReference{Name: "broker-tls"}}
	}),
	Entry("in a partition of its own", in("us-gov-west-1")),
	Entry("in the sovereign cloud", in("eusc-de-east-1")),
	Entry("with the longest name", func(i *v1alpha1.OIDCIssuer) { i.Name = "a" + strings.Repeat("1", 47) }),
	Entry("with as many accounts as it may have", func(i *v1alpha1.OIDCIssuer) {
		i.Spec.Accounts = nil
		for n := range 20 {
			account := v1alpha1.AccountSpec{Name: fmt.Sprintf("account-%d", n), Region: "eu-central-1"}
			i.Spec.Accounts = append(i.Spec.Accounts, account)
		}
	}),
)

// under gives the bucket of a federation a prefix.
func under(prefix string) func(*v1alpha1.WalletFederation) {
	return func(f *v1alpha1.WalletFederation) { f.Spec.Buckets[0].Prefix = prefix }
}

func every(interval time.Duration) func(*v1alpha1.WalletFederation) {
	return func(f *v1alpha1.WalletFederation) { f.Spec.Verification.Interval.Duration = interval }
}

func allowed(role string) func(*v1alpha1.WalletFederation) {
	return func(f *v1alpha1.WalletFederation) { f.Spec.Role.Name = role }
}

var _ = DescribeTable("a WalletFederation is accepted",
	func(ctx SpecContext, change func(*v1alpha1.WalletFederation)) {
		federation := newFederation(newNamespace(ctx, nil))
		change(federation)
		Expect(strict.Create(ctx, federation)).To(Succeed())
	},
	Entry("without a prefix", under("")),
	Entry("with a nested prefix", under("teams/bots/")),
	Entry("with dots that are no path", under("v1.0/.hidden/")),
	Entry("with every character that a prefix may have", under("AZaz09_.=+@-/")),
	Entry("with the longest prefix", under(strings.Repeat("a", 255)+"/")),
	Entry("with the shortest interval", every(time.Minute)),
	Entry("with the longest interval", every(24*time.Hour)),
	Entry("with every character that a role may have", allowed("AZaz09_+=,.@-")),
	Entry("with a bucket that has dots", func(f *v1alpha1.WalletFederation) { f.Spec.Buckets[0].Name = "agent.memory.example" }),
	Entry("with the longest name", func(f *v1alpha1.WalletFederation) { f.Name = strings.Repeat("a", 48) }),
	Entry("with as many buckets as it may have", func(f *v1alpha1.WalletFederation) {
		bucket := f.Spec.Buckets[0]
		f.Spec.Buckets = nil
		for n := range 20 {
			bucket.Name = fmt.Sprintf("bucket-%d", n)
			f.Spec.Buckets = append(f.Spec.Buckets, bucket)
		}
	}),
)

var _ = It("fills in what an OIDCIssuer leaves out", func(ctx SpecContext) {
	issuer := newIssuer(newNamespace(ctx, nil))
	Expect(strict.Create(ctx, issuer)).To(Succeed())
	Expect(issuer.Spec.Token).To(Equal(v1alpha1.TokenSpec{
		Audience:      "sts.amazonaws.com",
		Lifetime:      metav1.Duration{Duration: 5 * time.Minute},
		SubjectPrefix: "agentkeys:agent:",
		WalletTagKey:  "agentkeys_user_wallet",
	}))
	Expect(issuer.Spec.Login.ChainIDs).To(Equal([]int64{1}))
	Expect(issuer.Spec.Login.SessionLifetime.Duration).To(Equal(time.Hour))
	Expect(issuer.Spec.Login.SessionKeyRotation).To(Equal(v1alpha1.KeyRotationSpec{
		Policy: v1alpha1.RotationPeriodic, Interval: metav1.Duration{Duration: 720 * time.Hour},
	}))
	Expect(issuer.Spec.Broker.Replicas).To(BeEquivalentTo(1))
	limits := issuer.Spec.Login.RateLimits
	Expect(limits.PerClient.PerSecond.String()).To(Equal("50"))
	Expect(limits.PerClient.Burst).To(BeEquivalentTo(200))
	Expect(limits.PerWallet.PerSecond.String()).To(Equal("10"))
	Expect(limits.PerWallet.Burst).To(BeEquivalentTo(50))
})

var _ = It("fills in what a WalletFederation leaves out", func(ctx SpecContext) {
	federation := newFederation(newNamespace(ctx, nil))
	Expect(strict.Create(ctx, federation)).To(Succeed())
	Expect(federation.Spec.Verification.Interval.Duration).To(Equal(time.Hour))
	Expect(federation.Spec.Role.BroadGrants).To(Equal(v1alpha1.BroadGrantsReport))
	Expect(federation.Spec.DeletionPolicy).To(Equal(v1alpha1.DeletionRestore))
})

var _ = It("takes changes of an OIDCIssuer that leave what is immutable", func(ctx SpecContext) {
	issuer := newIssuer(newNamespace(ctx, nil))
	Expect(strict.Create(ctx, issuer)).To(Succeed())
	issuer.Spec.Token.Lifetime.Duration = 10 * time.Minute
	issuer.Spec.Token.Audience = "other"
	issuer.Spec.Token.SubjectPrefix = "wallet:"
	admitting(wallet)(issuer)
	issuer.Spec.Accounts = append(issuer.Spec.Accounts, v1alpha1.AccountSpec{Name: "second", Region: "us-east-1"})
	Expect(strict.Update(ctx, issuer)).To(Succeed())
})

var _ = It("takes changes of a WalletFederation that leave what is immutable", func(ctx SpecContext) {
	federation := newFederation(newNamespace(ctx, nil))
	Expect(strict.Create(ctx, federation)).To(Succeed())
	under("bots/")(federation)
	every(time.Minute)(federation)
	federation.Spec.Role.BroadGrants = v1alpha1.BroadGrantsRemove
	federation.Spec.Suspend = true
	federation.Spec.DeletionPolicy = v1alpha1.DeletionRetain
	Expect(strict.Update(ctx, federation)).To(Succeed())
})
