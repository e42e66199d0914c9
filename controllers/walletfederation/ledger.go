package walletfederation

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/litentry/wallet-federation/api/v1alpha1"
)

// ledgerKey is the data key of the Secret that holds the ledger.
const ledgerKey = "originals.json"

// The kinds of documents that we change, in the words of events.
const (
	trustPolicy  = "trust policy"
	inlinePolicy = "inline policy"
	bucketPolicy = "bucket policy"
)

// ledger is what a federation answers for in AWS: every document that it changed
// or found to be its own already, with the original where there is one. It is
// written before the document is, so that what is not in it needs no undoing.
//
// It has no owner reference: it must not be collected before the federation is
// undone, and with the policy Retain it outlives the federation.
type ledger struct {
	// RoleARN is the role that all of it is about.
	RoleARN   string  `json:"roleARN"`
	Documents []entry `json:"documents"`

	secret *corev1.Secret
}

// entry is one document.
type entry struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
	// Federation is the UID of the federation that took the entry. A federation
	// that is made anew under the same name takes its own.
	Federation types.UID   `json:"federation"`
	TakenAt    metav1.Time `json:"takenAt"`
	// Adopted says that the document was ours already, so that there is no original.
	Adopted bool `json:"adopted,omitempty"`
	// SHA256 is that of Document, in hexadecimal.
	SHA256 string `json:"sha256"`
	// Document is the original; empty if there was none.
	Document string `json:"document,omitempty"`
}

// openLedger reads the ledger. One that cannot be read, or that is about another
// role, is an error: writing it anew would lose what it holds.
func (p *pass) openLedger(ctx context.Context) error {
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: p.federation.Namespace, Name: p.federation.OriginalsSecretName()}}
	p.ledger = &ledger{secret: secret}
	err := p.Client.Get(ctx, client.ObjectKeyFromObject(secret), secret)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading originals: %w", err)
	}
	if err := json.Unmarshal(secret.Data[ledgerKey], p.ledger); err != nil {
		return fmt.Errorf("reading originals in Secret %q: %w", secret.Name, err)
	}
	if role := p.federation.Status.RoleARN; p.ledger.RoleARN != "" && role != "" && p.ledger.RoleARN != role {
		return fmt.Errorf("the Secret %q keeps the originals of role %s, and this federation is about %s: keep it elsewhere, and delete it",
			secret.Name, p.ledger.RoleARN, role)
	}
	return nil
}

// claim takes a document into the ledger before its first change, and reports
// whether this is it. What stands in for somebody else's document is the first
// one that this federation found: later changes of it are drift. A version of
// ours that an earlier federation left is no original.
func (p *pass) claim(ctx context.Context, kind, name string, document []byte) (first bool, err error) {
	taken := p.ledger.find(kind, name)
	ours := bytes.Contains(document, []byte(p.documents.SidPrefix()))
	sum := sha256.Sum256(document)
	next := entry{
		Kind: kind, Name: name, Federation: p.federation.UID, TakenAt: metav1.NewTime(p.Now()),
		SHA256: hex.EncodeToString(sum[:]), Document: string(document),
	}
	switch {
	case kind == inlinePolicy:
		// Every grant that is removed is kept, however often one comes back.
		if slices.ContainsFunc(p.ledger.Documents, func(e entry) bool { return e.Kind == kind && e.Name == name && e.SHA256 == next.SHA256 }) {
			return false, nil
		}
	case taken != nil && (taken.Federation == p.federation.UID || ours):
		return false, nil
	case ours:
		next.Adopted, next.Document, next.SHA256 = true, "", ""
	}
	p.ledger.Documents = append(p.ledger.Documents, next)
	return true, p.saveLedger(ctx)
}

// forget takes documents out of the ledger once they are undone.
func (p *pass) forget(ctx context.Context, undone func(entry) bool) error {
	kept := slices.DeleteFunc(slices.Clone(p.ledger.Documents), undone)
	if len(kept) == len(p.ledger.Documents) {
		return nil
	}
	p.ledger.Documents = kept
	return p.saveLedger(ctx)
}

// saveLedger writes the ledger, or deletes it when nothing is left of it.
func (p *pass) saveLedger(ctx context.Context) error {
	secret := p.ledger.secret
	if len(p.ledger.Documents) == 0 {
		return client.IgnoreNotFound(p.Client.Delete(ctx, secret, client.Preconditions{ResourceVersion: &secret.ResourceVersion}))
	}
	p.ledger.RoleARN = p.federation.Status.RoleARN
	data, err := json.MarshalIndent(p.ledger, "", "  ")
	if err != nil {
		return fmt.Errorf("writing originals: %w", err)
	}
	if secret.Labels == nil {
		secret.Labels = map[string]string{}
	}
	secret.Labels[v1alpha1.ManagedByLabel] = v1alpha1.ManagedByValue
	secret.Data = map[string][]byte{ledgerKey: data}
	if secret.ResourceVersion == "" {
		err = p.Client.Create(ctx, secret)
	} else {
		err = p.Client.Update(ctx, secret)
	}
	if err != nil {
		return fmt.Errorf("keeping originals in Secret %q: %w", secret.Name, err)
	}
	return nil
}

// find returns the latest entry of a document, or nil.
func (l *ledger) find(kind, name string) *entry {
	for i := range slices.Backward(l.Documents) {
		if l.Documents[i].Kind == kind && l.Documents[i].Name == name {
			return &l.Documents[i]
		}
	}
	return nil
}

// buckets are the buckets that may carry statements of ours.
func (l *ledger) buckets() []string {
	var names []string
	for _, e := range l.Documents {
		if e.Kind == bucketPolicy {
			names = append(names, e.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
