package oidcissuer_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/lestrrat-go/jwx/v2/jws"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/litentry/wallet-federation/api/v1alpha1"
	brokerclient "github.com/litentry/wallet-federation/broker/client"
	"github.com/litentry/wallet-federation/internal/session"
	"github.com/litentry/wallet-federation/internal/wallet"
	"github.com/litentry/wallet-federation/test/harness"
)

// The periods of a session key, as the controller has them.
const (
	month        = 720 * time.Hour
	publishAhead = 5 * time.Minute
	retireAfter  = 24*time.Hour + publishAhead + session.Tolerance
)

var _ = Describe("The session keys of an OIDCIssuer", func() {
	It("are published before they sign, and believed until what they signed has expired", func(ctx context.Context) {
		w := newWorld(ctx)
		w.settle(ctx)
		w.told()
		first := w.sessionKeys(ctx).Active().ID
		Expect(w.states(ctx)).To(Equal(map[string]session.State{first: session.Active}))

		By("publishing the next key when the interval is over, and not before")
		w.after(ctx, month-time.Second)
		Expect(w.states(ctx)).To(HaveLen(1))
		Expect(w.result.RequeueAfter).To(Equal(time.Second))
		w.after(ctx, time.Second)
		Expect(w.states(ctx)).To(HaveLen(2))
		second := w.other(ctx, first)
		Expect(w.states(ctx)).To(Equal(map[string]session.State{first: session.Active, second: session.Pending}))
		Expect(w.told()).To(ConsistOf(And(ContainSubstring(v1alpha1.ReasonSessionKeyPending), ContainSubstring(second))))
		Expect(w.result.RequeueAfter).To(BeNumerically("<=", publishAhead))

		By("signing with it when every replica has read it, and not before")
		w.after(ctx, publishAhead-time.Second)
		Expect(w.states(ctx)).To(HaveKeyWithValue(second, session.Pending))
		Expect(w.told()).To(BeEmpty())
		w.after(ctx, time.Second)
		Expect(w.states(ctx)).To(Equal(map[string]session.State{first: session.Retiring, second: session.Active}))
		Expect(w.told()).To(ConsistOf(
			And(ContainSubstring(v1alpha1.ReasonSessionKeyActive), ContainSubstring(second)),
			And(ContainSubstring(v1alpha1.ReasonSessionKeyRetiring), ContainSubstring(first))))

		By("removing the former one when the longest session has expired, and not before")
		w.after(ctx, retireAfter-time.Second)
		Expect(w.states(ctx)).To(HaveLen(2))
		Expect(w.told()).To(BeEmpty())
		w.after(ctx, time.Second)
		Expect(w.states(ctx)).To(Equal(map[string]session.State{second: session.Active}))
		Expect(w.told()).To(ConsistOf(And(ContainSubstring(v1alpha1.ReasonSessionKeyRemoved), ContainSubstring(first))))
	})

	It("change without ending the sessions that they signed, which revocations do", func(ctx context.Context) {
		w := newWorld(ctx)
		w.settle(ctx)
		const role = "arn:aws:iam::123456789012:role/example"
		federation := harness.Federation(w.issuer, w.issuer.Namespace)
		Expect(h.Client.Create(ctx, federation)).To(Succeed())
		federation.Status.RoleARN = role
		Expect(h.Client.Status().Update(ctx, federation)).To(Succeed())
		Expect(w.reconcile(ctx)).To(Succeed())
		key, err := wallet.GenerateKey()
		Expect(err).NotTo(HaveOccurred())
		broker, err := brokerclient.New(w.issuer.Spec.IssuerURL, nil)
		Expect(err).NotTo(HaveOccurred())
		signIn := func() (brokerclient.Session, error) { return broker.SignIn(ctx, brokerclient.KeySigner(key)) }
		before, err := signIn()
		Expect(err).NotTo(HaveOccurred())

		first := w.sessionKeys(ctx).Active().ID
		w.after(ctx, month)
		w.after(ctx, publishAhead)
		second := w.other(ctx, first)
		var after brokerclient.Session
		soon(ctx, func(g Gomega) {
			after, err = signIn()
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(signedBy(after)).To(Equal(second))
		})
		Expect(signedBy(before)).To(Equal(first))
		soon(ctx, func(g Gomega) {
			for _, session := range []brokerclient.Session{before, after} {
				_, err := broker.Mint(ctx, session, role)
				g.Expect(err).NotTo(HaveOccurred())
			}
		})

		By("revoking them")
		w.issuer.Spec.Login.Revocations = []v1alpha1.Revocation{{
			Wallet: string(key.Address()), Before: &metav1.Time{Time: time.Now().Add(time.Hour)},
		}}
		Expect(h.Client.Update(ctx, w.issuer)).To(Succeed())
		Expect(w.reconcile(ctx)).To(Succeed())
		soon(ctx, func(g Gomega) {
			for _, session := range []brokerclient.Session{before, after} {
				_, err := broker.Mint(ctx, session, role)
				g.Expect(status(err)).To(Equal(http.StatusUnauthorized))
			}
		})
	})

	It("are replaced every hour if they shall be, and never fill the set", func(ctx context.Context) {
		w := newWorld(ctx)
		w.issuer.Spec.Login.SessionKeyRotation.Interval.Duration = time.Hour
		w.settle(ctx)
		signed := map[string]bool{}
		for range 40 {
			w.after(ctx, time.Hour)
			w.after(ctx, publishAhead)
			signed[w.sessionKeys(ctx).Active().ID] = true
		}
		Expect(signed).To(HaveLen(40))
		Expect(len(w.states(ctx))).To(BeNumerically("<", session.MaxKeys))
	})

	It("stay as they are if they shall never be replaced", func(ctx context.Context) {
		w := newWorld(ctx)
		w.issuer.Spec.Login.SessionKeyRotation.Policy = v1alpha1.RotationNever
		w.settle(ctx)
		before := w.states(ctx)
		w.after(ctx, 10*365*24*time.Hour)
		Expect(w.states(ctx)).To(Equal(before))
	})

	It("are looked at again by themselves when a step is due", func(ctx context.Context) {
		w := newWorld(ctx)
		w.reconciler.Resync = 1000 * time.Hour
		w.settle(ctx)
		Expect(w.result.RequeueAfter).To(Equal(month))
		w.after(ctx, month)
		Expect(w.result.RequeueAfter).To(Equal(publishAhead))
		w.after(ctx, publishAhead)
		Expect(w.result.RequeueAfter).To(Equal(retireAfter))
	})

	It("are not written over when somebody else wrote them meanwhile", func(ctx context.Context) {
		w := newWorld(ctx)
		w.settle(ctx)
		w.told()
		before := w.secret(ctx, w.issuer.SessionKeySecretName()).Data[session.DataKey]
		faster := &fasterClient{Client: h.Client, name: w.issuer.SessionKeySecretName()}
		w.reconciler.Client = faster
		w.after(ctx, month)
		Expect(faster.beaten).To(BeTrue())
		Expect(w.secret(ctx, w.issuer.SessionKeySecretName()).Data[session.DataKey]).To(Equal(before))
		Expect(w.told()).To(BeEmpty())
		Expect(w.result.RequeueAfter).To(BeNumerically("<=", time.Second))

		w.reconciler.Client = h.Client
		Expect(w.reconcile(ctx)).To(Succeed())
		Expect(w.states(ctx)).To(HaveLen(2))
	})

	It("leave other data of their Secret alone, and are never told", func(ctx context.Context) {
		w := newWorld(ctx)
		w.settle(ctx)
		secret := w.secret(ctx, w.issuer.SessionKeySecretName())
		secret.Data["theirs"] = []byte("kept")
		Expect(h.Client.Update(ctx, secret)).To(Succeed())
		w.after(ctx, month)
		w.after(ctx, publishAhead)
		secret = w.secret(ctx, secret.Name)
		Expect(secret.Data).To(HaveKeyWithValue("theirs", []byte("kept")))
		told := strings.Join(w.told(), "\n") + fmt.Sprint(w.issuer.Status)
		Expect(told).To(ContainSubstring(v1alpha1.ReasonSessionKeyActive))
		for _, part := range strings.Split(string(secret.Data[session.DataKey]), `"key":"`)[1:] {
			Expect(told).NotTo(ContainSubstring(part[:43]))
		}
	})

	DescribeTable("are left as they are when they cannot be read, and the condition says what to do",
		func(ctx context.Context, damage map[string][]byte, reason string) {
			w := newWorld(ctx)
			w.settle(ctx)
			secret := w.secret(ctx, w.issuer.SessionKeySecretName())
			good := secret.Data
			secret.Data = damage
			Expect(h.Client.Update(ctx, secret)).To(Succeed())
			w.after(ctx, month)
			Expect(w.condition(v1alpha1.ConditionSigningKeyReady)).To(And(
				HaveField("Status", metav1.ConditionFalse), HaveField("Reason", v1alpha1.ReasonKeySecretDamaged),
				HaveField("Message", And(ContainSubstring(secret.Name), ContainSubstring(reason), ContainSubstring("Restore it from a backup")))))
			Expect(w.condition(v1alpha1.ConditionReady)).To(HaveField("Status", metav1.ConditionFalse))
			secret = w.secret(ctx, secret.Name)
			Expect(secret.Data).To(Equal(damage))

			secret.Data = good
			Expect(h.Client.Update(ctx, secret)).To(Succeed())
			w.untilReady(ctx)
		},
		Entry("cut short", map[string][]byte{session.DataKey: []byte(`{"keys":[`)}, "parsing session keys"),
		Entry("without an Active key", map[string][]byte{session.DataKey: []byte(`{"keys":[]}`)}, "no key is Active"),
		Entry("in a form that is no longer used", map[string][]byte{"session.key": make([]byte, 32)}, `no key "session-keys.json"`),
	)
})

// after lets time pass and reconciles.
func (w *world) after(ctx context.Context, d time.Duration) {
	GinkgoHelper()
	w.now = w.now.Add(d)
	Expect(w.reconcile(ctx)).To(Succeed())
}

func (w *world) sessionKeys(ctx context.Context) *session.KeySet {
	GinkgoHelper()
	keys, err := session.ParseKeySet(w.secret(ctx, w.issuer.SessionKeySecretName()).Data[session.DataKey])
	Expect(err).NotTo(HaveOccurred())
	return keys
}

// states are the states of all session keys, by id.
func (w *world) states(ctx context.Context) map[string]session.State {
	GinkgoHelper()
	states := map[string]session.State{}
	for _, key := range w.sessionKeys(ctx).Keys() {
		states[key.ID] = key.State
	}
	return states
}

// other is the id of a session key that is not the given one.
func (w *world) other(ctx context.Context, id string) string {
	GinkgoHelper()
	for other := range w.states(ctx) {
		if other != id {
			return other
		}
	}
	Fail("there is no other key")
	return ""
}

// signedBy is the id of the key that signed a session's bearer.
func signedBy(s brokerclient.Session) string {
	GinkgoHelper()
	message, err := jws.ParseString(s.Bearer)
	Expect(err).NotTo(HaveOccurred())
	return message.Signatures()[0].ProtectedHeaders().KeyID()
}

// fasterClient changes a Secret before each update of it.
type fasterClient struct {
	client.Client
	name   string
	beaten bool
}

// Update updates an object that somebody else has just changed.
func (c *fasterClient) Update(ctx context.Context, object client.Object, options ...client.UpdateOption) error {
	if object.GetName() == c.name {
		theirs := &corev1.Secret{}
		if err := c.Get(ctx, client.ObjectKeyFromObject(object), theirs); err != nil {
			return err
		}
		theirs.Annotations = map[string]string{"example.org/theirs": "faster"}
		if err := c.Client.Update(ctx, theirs); err != nil {
			return err
		}
		c.beaten = true
	}
	return c.Client.Update(ctx, object, options...)
}
