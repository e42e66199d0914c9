package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// apiSide is a kube-apiserver with a service account.
type apiSide struct {
	server *envtest.Environment
	client *http.Client
	url    string
	folder string
}

// tokenRequestBody asks for what a pod of a workload with a web identity gets.
const tokenRequestBody = `{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{"audiences":["sts.amazonaws.com"],"expirationSeconds":3600}}`

func startAPI(ctx context.Context, p256 bool) (*apiSide, error) {
	folder, err := os.MkdirTemp("", "bench-api-")
	if err != nil {
		return nil, err
	}
	side := &apiSide{folder: folder, server: &envtest.Environment{BinaryAssetsDirectory: filepath.Join("bin", "kubernetes")}}
	if p256 {
		if err := side.signWithP256(); err != nil {
			return nil, errors.Join(err, side.stop())
		}
	}
	config, err := side.server.Start()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("starting API server (make kubernetes builds it): %w", err), side.stop())
	}
	if err := side.connect(ctx, config); err != nil {
		return nil, errors.Join(err, side.stop())
	}
	return side, nil
}

func (a *apiSide) signWithP256() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	path := filepath.Join(a.folder, "service-account.key")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		return err
	}
	a.server.ControlPlane.GetAPIServer().Configure().
		Set("service-account-key-file", path).
		Set("service-account-signing-key-file", path)
	return nil
}

func (a *apiSide) connect(ctx context.Context, config *rest.Config) error {
	// Nothing is to be held back on the client's side.
	config.QPS = -1
	administrator, err := client.New(config, client.Options{})
	if err != nil {
		return err
	}
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "bench"}}
	if err := administrator.Create(ctx, account); err != nil {
		return fmt.Errorf("making a service account: %w", err)
	}
	tls, err := rest.TLSConfigFor(config)
	if err != nil {
		return err
	}
	a.client = &http.Client{Transport: transport(tls)}
	a.url = strings.TrimSuffix(config.Host, "/") + "/api/v1/namespaces/default/serviceaccounts/bench/token"
	return nil
}

func (a *apiSide) tokenRequest(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, a.url, bytes.NewReader([]byte(tokenRequestBody)))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	return answered(a.client, request, http.StatusCreated)
}

func (a *apiSide) stop() error {
	return errors.Join(a.server.Stop(), os.RemoveAll(a.folder))
}
