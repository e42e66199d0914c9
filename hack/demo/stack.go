package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"sync"

	appsv1 "k8s.io/api/apps/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/litentry/wallet-federation/test/administrator"
	"github.com/litentry/wallet-federation/test/environment"
	"github.com/litentry/wallet-federation/test/node"
)

// Where things listen. The samples say the same.
const (
	localawsAddress = "127.0.0.1:4566"
	brokerAddress   = "127.0.0.1:8787"
	namespace       = "default"
)

// The role and the bucket of the samples.
const (
	roleName   = "agent-memory"
	bucketName = "agent-memory"
)

// stack is everything that runs.
type stack struct {
	*environment.Environment

	dir, bin string
	aws      *administrator.Administrator
	localaws *process
	manager  *process

	stopNode context.CancelFunc
	node     sync.WaitGroup
}

// start brings everything up: etcd and kube-apiserver, localaws with a role and a
// bucket in it, the manager, and a node for the broker.
func start(ctx context.Context) (*stack, error) {
	heading("Starting")
	for _, address := range []string{localawsAddress, brokerAddress} {
		if err := checkFree(ctx, address); err != nil {
			return nil, err
		}
	}
	s := &stack{}
	if err := step("etcd and kube-apiserver", func() (err error) {
		s.Environment, err = environment.Start()
		return err
	}); err != nil {
		return nil, err
	}
	s.bin, s.dir = filepath.Join(s.Root, "bin"), filepath.Join(s.Root, "bin", "demo-files")
	if err := errors.Join(os.RemoveAll(s.dir), os.MkdirAll(s.dir, 0o700)); err != nil {
		return s, err
	}
	if err := step("localaws, the stand-in for AWS, at http://"+localawsAddress, func() error { return s.startLocalaws(ctx) }); err != nil {
		return s, err
	}
	if err := step("a bucket with a policy of somebody else's, and a role", func() error { return s.seed(ctx) }); err != nil {
		return s, err
	}
	if err := step("the manager, under the RBAC role it has in a cluster", func() error { return s.startManager(ctx) }); err != nil {
		return s, err
	}
	s.startNode(ctx)
	return s, nil
}

// checkFree says what is wrong before anything is started.
func checkFree(ctx context.Context, address string) error {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("the demo needs %s for itself: %w", address, err)
	}
	return listener.Close()
}

func (s *stack) startLocalaws(ctx context.Context) error {
	var err error
	if s.localaws, err = launch(s.bin, s.dir, "localaws", nil, "--listen", localawsAddress); err != nil {
		return err
	}
	return eventually(ctx, "localaws answers", func() (bool, string) {
		var err error
		s.aws, err = administrator.New(ctx, "http://"+localawsAddress)
		return err == nil, ""
	})
}

// seed makes what a team has before it installs the operator.
func (s *stack) seed(ctx context.Context) error {
	return errors.Join(s.aws.CreateRole(ctx, roleName), s.aws.CreateBucket(ctx, bucketName))
}

// startManager runs the manager as a user who has the generated role and no other right.
func (s *stack) startManager(ctx context.Context) error {
	const user = "wallet-federation-manager"
	roles := &rbacv1.ClusterRole{}
	if err := readYAML(filepath.Join(s.Root, "config", "rbac", "role.yaml"), roles); err != nil {
		return err
	}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: user},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: roles.Name},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.UserKind, APIGroup: rbacv1.GroupName, Name: user}},
	}
	for _, object := range []client.Object{roles, binding} {
		if err := s.Client.Create(ctx, object); err != nil {
			return err
		}
	}
	config, err := s.AddUser(user)
	if err != nil {
		return err
	}
	kubeconfig := filepath.Join(s.dir, "manager.kubeconfig")
	if err := errors.Join(writeKubeconfig(config, kubeconfig), writeKubeconfig(s.Config, s.kubeconfig())); err != nil {
		return err
	}
	s.manager, err = launch(s.bin, s.dir, "manager", []string{"KUBECONFIG=" + kubeconfig},
		"--resync=2s", "--metrics-bind-address=0", "--health-probe-bind-address=0")
	return err
}

func (s *stack) kubeconfig() string { return filepath.Join(s.dir, "kubeconfig") }

// startNode runs the broker as soon as there is a Deployment for it.
func (s *stack) startNode(ctx context.Context) {
	ctx, s.stopNode = context.WithCancel(context.WithoutCancel(ctx))
	runner := &node.Node{
		Client:  s.Client,
		Dir:     filepath.Join(s.dir, "volumes"),
		Address: func(*appsv1.Deployment) string { return brokerAddress },
		Run: func(ctx context.Context, arguments []string) error {
			return runUntil(ctx, s.bin, s.dir, "broker", append(arguments, "--shutdown-delay=0s"))
		},
		Logger: slog.New(slog.DiscardHandler),
	}
	s.node.Go(func() { runner.Start(ctx) })
}

// stop takes everything down, the operator first.
func (s *stack) stop() error {
	var errs []error
	if s.manager != nil {
		errs = append(errs, s.manager.stop())
	}
	if s.stopNode != nil {
		s.stopNode()
		s.node.Wait()
	}
	if s.localaws != nil {
		errs = append(errs, s.localaws.stop())
	}
	return errors.Join(append(errs, s.Stop())...)
}

// keep stays until ctx ends, or something that must run does not.
func (s *stack) keep(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-s.manager.ended:
	case <-s.localaws.ended:
	}
	return errors.New("something ended by itself")
}

// explain tells where to look when the story did not go as it must.
func (s *stack) explain() error {
	return fmt.Errorf("the logs are in %s", s.dir)
}

func writeKubeconfig(config *rest.Config, path string) error {
	const name = "demo"
	server, err := url.Parse(config.Host)
	if err != nil {
		return err
	}
	if server.Scheme == "" {
		server, err = url.Parse("https://" + config.Host)
		if err != nil {
			return err
		}
	}
	return clientcmd.WriteToFile(clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{name: {Server: server.String(), CertificateAuthorityData: config.CAData}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{name: {ClientCertificateData: config.CertData, ClientKeyData: config.KeyData, Token: config.BearerToken}},
		Contexts:       map[string]*clientcmdapi.Context{name: {Cluster: name, AuthInfo: name, Namespace: namespace}},
		CurrentContext: name,
	}, path)
}
