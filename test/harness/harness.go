package harness

import (
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"os"
	"sync"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/litentry/wallet-federation/api/v1alpha1"
	"github.com/litentry/wallet-federation/internal/localaws"
	"github.com/litentry/wallet-federation/test/administrator"
	"github.com/litentry/wallet-federation/test/environment"
	"github.com/litentry/wallet-federation/test/node"
)

// Harness is a running world.
type Harness struct {
	*environment.Environment
	// Cloud is the stand-in for AWS, reached at its URL.
	Cloud    *localaws.Server
	CloudURL string
	// Admin is the account's administrator.
	Admin *administrator.Administrator

	server   *httptest.Server
	dir      string
	stopNode context.CancelFunc
	node     sync.WaitGroup

	mu        sync.Mutex
	fault     func(localaws.Call) *localaws.Fault
	doors     map[string]*door
	addresses map[client.ObjectKey]string
}

// Start brings the world up. The caller must call Stop.
func Start(ctx context.Context) (_ *Harness, err error) {
	h := &Harness{doors: map[string]*door{}, addresses: map[client.ObjectKey]string{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, h.Stop())
		}
	}()
	if h.Environment, err = environment.Start(); err != nil {
		return nil, err
	}
	if h.dir, err = os.MkdirTemp("", "wallet-federation-"); err != nil {
		return nil, err
	}
	if h.Cloud, err = localaws.New(localaws.Options{Fault: h.decideFault}); err != nil {
		return nil, err
	}
	h.server = httptest.NewServer(h.Cloud)
	h.CloudURL = h.server.URL
	if h.Admin, err = administrator.New(ctx, h.CloudURL); err != nil {
		return nil, err
	}
	h.startNode(ctx)
	return h, nil
}

// Stop takes the world down.
func (h *Harness) Stop() error {
	if h.stopNode != nil {
		h.stopNode()
		h.node.Wait()
	}
	if h.server != nil {
		h.server.Close()
	}
	errs := []error{h.closeDoors()}
	if h.Environment != nil {
		errs = append(errs, h.Environment.Stop())
	}
	return errors.Join(append(errs, os.RemoveAll(h.dir))...)
}

// InjectFault breaks calls to the cloud as decide says, until it is called with nil.
func (h *Harness) InjectFault(decide func(localaws.Call) *localaws.Fault) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.fault = decide
}

func (h *Harness) decideFault(call localaws.Call) *localaws.Fault {
	h.mu.Lock()
	decide := h.fault
	h.mu.Unlock()
	if decide == nil {
		return nil
	}
	return decide(call)
}

// Writes are the calls since the last reset that changed something in the cloud,
// other than those of the probe's wallets.
func (h *Harness) Writes() []string {
	var writes []string
	for _, call := range h.Cloud.Calls() {
		if call.Write && call.Principal == h.Admin.ARN {
			writes = append(writes, call.Action())
		}
	}
	return writes
}

// Namespace makes a namespace of its own for a test, with the Secret "aws" that
// holds the administrator's credentials.
func (h *Harness) Namespace(ctx context.Context) (string, error) {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"}}
	if err := h.Client.Create(ctx, namespace); err != nil {
		return "", err
	}
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace.Name, Name: "aws"},
		StringData: map[string]string{"aws_access_key_id": "localaws", "aws_secret_access_key": "localaws"},
	}
	return namespace.Name, h.Client.Create(ctx, secret)
}

// Issuer returns an OIDCIssuer, not created yet, whose URL is an address that is
// kept for its broker.
func (h *Harness) Issuer(namespace, name string) (*v1alpha1.OIDCIssuer, error) {
	d, err := newDoor()
	if err != nil {
		return nil, err
	}
	address := d.listener.Addr().String()
	issuer := &v1alpha1.OIDCIssuer{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: v1alpha1.OIDCIssuerSpec{
			IssuerURL: "http://" + address,
			Login:     v1alpha1.LoginSpec{Admission: v1alpha1.AdmissionSpec{Mode: v1alpha1.AdmissionOpen}},
			Accounts: []v1alpha1.AccountSpec{{
				Name: "sandbox", Region: "us-east-1", EndpointURL: h.CloudURL,
				CredentialsSecretRef: &v1alpha1.SecretReference{Name: "aws"},
			}},
		},
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.doors[address] = d
	h.addresses[client.ObjectKey{Namespace: namespace, Name: issuer.BrokerName()}] = address
	return issuer, nil
}

// Federation returns a WalletFederation, not created yet, over a role and a
// bucket of the same name as itself, which must be unique in the world.
func Federation(issuer *v1alpha1.OIDCIssuer, name string) *v1alpha1.WalletFederation {
	return &v1alpha1.WalletFederation{
		ObjectMeta: metav1.ObjectMeta{Namespace: issuer.Namespace, Name: name},
		Spec: v1alpha1.WalletFederationSpec{
			IssuerRef: v1alpha1.IssuerReference{Name: issuer.Name},
			Account:   "sandbox",
			Role:      v1alpha1.RoleSpec{Name: name},
			Buckets: []v1alpha1.BucketSpec{{
				Name: name, Prefix: "bots/",
				Access: []v1alpha1.Access{v1alpha1.AccessList, v1alpha1.AccessRead, v1alpha1.AccessWrite, v1alpha1.AccessDelete},
			}},
		},
	}
}

// startNode runs brokers as their Deployments say.
func (h *Harness) startNode(ctx context.Context) {
	ctx, h.stopNode = context.WithCancel(context.WithoutCancel(ctx))
	runner := &node.Node{
		Client: h.Client, Dir: h.dir, Address: h.address, Run: h.runBroker,
		Logger: slog.New(slog.DiscardHandler),
	}
	h.node.Go(func() { runner.Start(ctx) })
}

func (h *Harness) address(deployment *appsv1.Deployment) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.addresses[client.ObjectKeyFromObject(deployment)]
}
