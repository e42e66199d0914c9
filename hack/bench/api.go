package main

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"

	"github.com/lestrrat-go/jwx/v2/jws"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/keyutil"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// serviceAccountKey is a kind of key that an API server signs tokens with.
type serviceAccountKey struct {
	name      string
	algorithm string
	generate  func() (crypto.PrivateKey, error)
}

var (
	// rsaKey is what clusters are set up with (kubeadm, EKS).
	rsaKey = serviceAccountKey{"its default RSA key", "RS256", func() (crypto.PrivateKey, error) {
		return rsa.GenerateKey(rand.Reader, 2048)
	}}
	p256Key = serviceAccountKey{"a P-256 key", "ES256", func() (crypto.PrivateKey, error) {
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}}
)

// apiSide is a kube-apiserver with a service account.
type apiSide struct {
	server *envtest.Environment
	url    *url.URL
	tls    *tls.Config
	folder string
}

// tokenRequestBody asks for what a pod of a workload with a web identity gets.
const tokenRequestBody = `{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{"audiences":["sts.amazonaws.com"],"expirationSeconds":3600}}`

func startAPI(ctx context.Context, key serviceAccountKey) (*apiSide, error) {
	folder, err := os.MkdirTemp("", "bench-api-")
	if err != nil {
		return nil, err
	}
	side := &apiSide{folder: folder, server: &envtest.Environment{BinaryAssetsDirectory: filepath.Join("bin", "kubernetes")}}
	if err := side.start(ctx, key); err != nil {
		return nil, errors.Join(err, side.stop())
	}
	return side, nil
}

func (a *apiSide) start(ctx context.Context, key serviceAccountKey) error {
	if err := a.signWith(key); err != nil {
		return err
	}
	config, err := a.server.Start()
	if err != nil {
		return fmt.Errorf("starting API server (make kubernetes builds it): %w", err)
	}
	if a.tls, err = rest.TLSConfigFor(config); err != nil {
		return err
	}
	if a.url, err = url.Parse(config.Host); err != nil {
		return err
	}
	return a.makeAccount(ctx, config, key)
}

func (a *apiSide) signWith(key serviceAccountKey) error {
	private, err := key.generate()
	if err != nil {
		return err
	}
	encoded, err := keyutil.MarshalPrivateKeyToPEM(private)
	if err != nil {
		return err
	}
	path := filepath.Join(a.folder, "service-account.key")
	if err := os.WriteFile(path, encoded, 0o600); err != nil {
		return err
	}
	a.server.ControlPlane.GetAPIServer().Configure().
		Set("service-account-key-file", path).
		Set("service-account-signing-key-file", path)
	return nil
}

// makeAccount makes a service account, and looks whether its tokens are signed
// as they are meant to be.
func (a *apiSide) makeAccount(ctx context.Context, config *rest.Config, key serviceAccountKey) error {
	administrator, err := client.New(config, client.Options{})
	if err != nil {
		return err
	}
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "bench"}}
	if err := administrator.Create(ctx, account); err != nil {
		return fmt.Errorf("making a service account: %w", err)
	}
	request := &authenticationv1.TokenRequest{}
	if err := administrator.SubResource("token").Create(ctx, account, request); err != nil {
		return fmt.Errorf("requesting a token: %w", err)
	}
	message, err := jws.ParseString(request.Status.Token)
	if err != nil {
		return errors.New("the API server gave no JWT")
	}
	if got := message.Signatures()[0].ProtectedHeaders().Algorithm().String(); got != key.algorithm {
		return fmt.Errorf("the API server signs with %s, not with %s", got, key.algorithm)
	}
	return nil
}

func (a *apiSide) tokenRequest() *target {
	request := "POST /api/v1/namespaces/default/serviceaccounts/bench/token HTTP/1.1\r\nHost: " + a.url.Host +
		"\r\nContent-Type: application/json\r\nContent-Length: " + strconv.Itoa(len(tokenRequestBody)) + "\r\n\r\n" + tokenRequestBody
	return &target{address: a.url.Host, tls: a.tls, request: []byte(request), want: 201}
}

func (a *apiSide) stop() error {
	return errors.Join(a.server.Stop(), os.RemoveAll(a.folder))
}
