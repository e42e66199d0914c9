package oidcissuer_test

import (
	"context"
	"net/http"
	"testing"
	"time"

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
	"github.com/litentry/wallet-federation/internal/account"
	"github.com/litentry/wallet-federation/internal/awsapi"
	"github.com/litentry/wallet-federation/internal/event"
	"github.com/litentry/wallet-federation/test/harness"
)

func TestOIDCIssuer(t *testing.T) {
	t.Parallel()
	RegisterFailHandler(Fail)
	RunSpecs(t, "OIDCIssuer controller")
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

// world is one test's own issuer and the controller that it reconciles by hand.
type world struct {
	reconciler *oidcissuer.Reconciler
	events     *events.FakeRecorder
	issuer     *v1alpha1.OIDCIssuer
	// now is the controller's clock; result is what the last reconcile asked for.
	now    time.Time
	result reconcile.Result
}

// newWorld prepares an issuer that is not created yet.
func newWorld(ctx context.Context) *world {
	GinkgoHelper()
	namespace, err := h.Namespace(ctx)
	Expect(err).NotTo(HaveOccurred())
	accounts, err := awsapi.NewAccounts(prometheus.NewRegistry())
	Expect(err).NotTo(HaveOccurred())
	w := &world{events: events.NewFakeRecorder(1000), now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	w.reconciler = &oidcissuer.Reconciler{
		Client: h.Client, Accounts: &account.Opener{Reader: h.Client, Accounts: accounts}, HTTPClient: &http.Client{},
		Events: event.Recorder{EventRecorder: w.events}, BrokerImage: "registry.example.org/broker:1", Resync: time.Minute,
		Now: func() time.Time { return w.now },
	}
	w.issuer, err = h.Issuer(namespace, "issuer")
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { h.InjectFault(nil) })
	return w
}

// reconcile reconciles the issuer once and reads it again.
func (w *world) reconcile(ctx context.Context) error {
	GinkgoHelper()
	var err error
	w.result, err = w.reconciler.Reconcile(ctx, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(w.issuer)})
	Expect(client.IgnoreNotFound(h.Client.Get(ctx, client.ObjectKeyFromObject(w.issuer), w.issuer))).To(Succeed())
	return err
}

// settle creates the issuer and reconciles until it is ready.
func (w *world) settle(ctx context.Context) {
	GinkgoHelper()
	Expect(h.Client.Create(ctx, w.issuer)).To(Succeed())
	w.untilReady(ctx)
}

func (w *world) untilReady(ctx context.Context) {
	GinkgoHelper()
	soon(ctx, func(g Gomega) {
		g.Expect(w.reconcile(ctx)).To(Succeed())
		g.Expect(w.condition(v1alpha1.ConditionReady)).To(HaveField("Status", metav1.ConditionTrue), "%+v", w.issuer.Status)
	})
}

// soon polls until something is so.
func soon(ctx context.Context, so func(Gomega)) {
	GinkgoHelper()
	Eventually(ctx, so).WithTimeout(30 * time.Second).WithPolling(100 * time.Millisecond).Should(Succeed())
}

func (w *world) condition(conditionType string) *metav1.Condition {
	return meta.FindStatusCondition(w.issuer.Status.Conditions, conditionType)
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

func (w *world) get(ctx context.Context, name string, object client.Object) {
	GinkgoHelper()
	Expect(h.Client.Get(ctx, client.ObjectKey{Namespace: w.issuer.Namespace, Name: name}, object)).To(Succeed())
}

func (w *world) secret(ctx context.Context, name string) *corev1.Secret {
	GinkgoHelper()
	secret := &corev1.Secret{}
	w.get(ctx, name, secret)
	return secret
}
