package environment

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/litentry/wallet-federation/api/v1alpha1"
)

// AssetsVariable names the folder that holds etcd and kube-apiserver. Where it
// is not set, bin/kubernetes of the module is used.
const AssetsVariable = "KUBEBUILDER_ASSETS"

// Environment is a running API server with the project's CRDs installed. Its
// fields are safe for use by several goroutines.
type Environment struct {
	// Config reaches the API server as an administrator.
	Config *rest.Config
	// Client reads and writes without a cache, and knows the types of Scheme.
	Client client.Client
	// Scheme knows Kubernetes' own types and the project's.
	Scheme *runtime.Scheme
	// Assets is the folder with the binaries of the API server and kubectl.
	Assets string
	// Root is the folder of the module, where config and hack are.
	Root string

	server *envtest.Environment
}

// Start starts an API server and installs the CRDs of config/crd/bases. It
// fails where the binaries are missing. The caller must call Stop.
func Start() (*Environment, error) {
	root, err := moduleRoot()
	if err != nil {
		return nil, err
	}
	assets, err := findAssets(root)
	if err != nil {
		return nil, err
	}
	scheme, err := NewScheme()
	if err != nil {
		return nil, err
	}
	server := &envtest.Environment{
		BinaryAssetsDirectory: assets,
		CRDDirectoryPaths:     []string{filepath.Join(root, "config", "crd", "bases")},
		ErrorIfCRDPathMissing: true,
	}
	e := &Environment{Scheme: scheme, Assets: assets, Root: root, server: server}
	if e.Config, err = server.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("starting API server of %s: %w", assets, err), e.Stop())
	}
	if e.Client, err = client.New(e.Config, client.Options{Scheme: scheme}); err != nil {
		return nil, errors.Join(fmt.Errorf("making client: %w", err), e.Stop())
	}
	return e, nil
}

// Stop ends the API server and its etcd and removes their data.
func (e *Environment) Stop() error {
	if err := e.server.Stop(); err != nil {
		return fmt.Errorf("stopping API server: %w", err)
	}
	return nil
}

// AddUser returns the configuration of a user who is in the given groups and
// has the rights that RBAC gives them, as the manager has in a cluster.
func (e *Environment) AddUser(name string, groups ...string) (*rest.Config, error) {
	user, err := e.server.AddUser(envtest.User{Name: name, Groups: groups}, nil)
	if err != nil {
		return nil, fmt.Errorf("adding user %q: %w", name, err)
	}
	return user.Config(), nil
}

// NewScheme returns a scheme that knows Kubernetes' own types and the project's.
func NewScheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	if err := clientgoscheme.AddToScheme(scheme); err != nil {
		return nil, fmt.Errorf("registering types of Kubernetes: %w", err)
	}
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return nil, fmt.Errorf("registering types of %s: %w", v1alpha1.GroupVersion, err)
	}
	return scheme, nil
}

// findAssets returns the folder with the binaries of the API server. envtest
// itself says which of them is missing, but not what to do.
func findAssets(root string) (string, error) {
	if assets := os.Getenv(AssetsVariable); assets != "" {
		return assets, nil
	}
	assets := filepath.Join(root, "bin", "kubernetes")
	if _, err := os.Stat(assets); err != nil {
		return "", fmt.Errorf("finding API server: run `make kubernetes` or set %s: %w", AssetsVariable, err)
	}
	return assets, nil
}

// moduleRoot returns the nearest folder above the working directory that has a
// go.mod: tests run in the folder of their package.
func moduleRoot() (string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("finding module root: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder, nil
		}
		parent := filepath.Dir(folder)
		if parent == folder {
			return "", errors.New("finding module root: no go.mod in the working directory or above it")
		}
		folder = parent
	}
}
