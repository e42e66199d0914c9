package walletfederation

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/litentry/wallet-federation/api/v1alpha1"
)

// originalsKey is the data key of the Secret with the original documents.
const originalsKey = "originals.json"

// The kinds of documents that we change, in the words of events.
const (
	originalTrustPolicy  = "trust policy"
	originalInlinePolicy = "inline policy"
	originalBucketPolicy = "bucket policy"
)

// original is a document as it was before the federation changed it.
type original struct {
	Kind    string      `json:"kind"`
	Name    string      `json:"name"`
	TakenAt metav1.Time `json:"takenAt"`
	// SHA256 is that of Document, in hexadecimal.
	SHA256 string `json:"sha256"`
	// Document is empty if there was none.
	Document string `json:"document,omitempty"`
}

// keepOriginal keeps a document before its first change, and reports whether this
// is it. The first one counts: what a later change finds is our own, or an edit of it.
func (p *pass) keepOriginal(ctx context.Context, kind, name string, document []byte) (first bool, err error) {
	secret, originals, err := p.readOriginals(ctx, p.federation)
	if err != nil {
		return false, err
	}
	if find(originals, kind, name) != nil {
		return false, nil
	}
	sum := sha256.Sum256(document)
	originals = append(originals, original{
		Kind: kind, Name: name, TakenAt: metav1.NewTime(p.Now()),
		SHA256: hex.EncodeToString(sum[:]), Document: string(document),
	})
	data, err := json.MarshalIndent(originals, "", "  ")
	if err != nil {
		return false, fmt.Errorf("writing originals: %w", err)
	}
	if err := controllerutil.SetControllerReference(p.federation, secret, p.Client.Scheme()); err != nil {
		return false, fmt.Errorf("owning Secret %q: %w", secret.Name, err)
	}
	exists := secret.ResourceVersion != ""
	secret.Data = map[string][]byte{originalsKey: data}
	secret.Labels = map[string]string{v1alpha1.ManagedByLabel: v1alpha1.ManagedByValue}
	if exists {
		err = p.Client.Update(ctx, secret)
	} else {
		err = p.Client.Create(ctx, secret)
	}
	if err != nil {
		return false, fmt.Errorf("keeping the original %s of %s: %w", kind, name, err)
	}
	return true, nil
}

// readOriginals reads the originals of a federation, and the Secret that holds
// them or will hold them. A Secret that cannot be read is an error: writing it
// anew would lose what it holds.
func (r *Reconciler) readOriginals(ctx context.Context, federation *v1alpha1.WalletFederation) (*corev1.Secret, []original, error) {
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: federation.Namespace, Name: federation.OriginalsSecretName()}}
	err := r.Client.Get(ctx, client.ObjectKeyFromObject(secret), secret)
	if apierrors.IsNotFound(err) {
		return secret, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("reading originals: %w", err)
	}
	var originals []original
	if err := json.Unmarshal(secret.Data[originalsKey], &originals); err != nil {
		return nil, nil, fmt.Errorf("reading originals in Secret %q: %w", secret.Name, err)
	}
	return secret, originals, nil
}

func find(originals []original, kind, name string) *original {
	for i := range originals {
		if originals[i].Kind == kind && originals[i].Name == name {
			return &originals[i]
		}
	}
	return nil
}
