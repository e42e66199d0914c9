package walletfederation

import (
	"context"
	"errors"
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/litentry/wallet-federation/api/v1alpha1"
	"github.com/litentry/wallet-federation/internal/probe"
)

// evidenceKey is the data key of the ConfigMap with every case of the last proof.
const evidenceKey = "evidence.json"

// maxFailures bounds the failed cases in the status; the ConfigMap has them all.
const maxFailures = 20

var errNoCases = errors.New("the probe tried nothing")

// record writes a report into the evidence ConfigMap and the status.
func (p *pass) record(ctx context.Context, hash string, report *probe.Report) error {
	if len(report.Cases) == 0 {
		return errNoCases
	}
	if err := p.storeEvidence(ctx, hash, report); err != nil {
		return err
	}
	finished := metav1.NewTime(report.FinishedAt)
	evidence := &v1alpha1.IsolationStatus{
		ProbeTime:     finished,
		DocumentsHash: hash,
		KeyID:         report.KeyID,
		EvidenceRef:   p.federation.EvidenceConfigMapName(),
	}
	if before := p.federation.Status.Isolation; before != nil {
		evidence.VerifiedTime = before.VerifiedTime
	}
	// Leaks first: the list is bounded, and they must not fall off its end.
	failed := append(report.Leaks(), report.Blocked()...)
	//nolint:gosec // A report has some hundred cases.
	evidence.Failed, evidence.Passed = int32(len(failed)), int32(len(report.Cases)-len(failed))
	for _, c := range failed[:min(len(failed), maxFailures)] {
		evidence.Failures = append(evidence.Failures, caseStatus(c))
	}
	if report.Passed() {
		evidence.VerifiedTime = &finished
	}
	p.federation.Status.Isolation = evidence
	return nil
}

func caseStatus(c probe.Case) v1alpha1.CaseStatus {
	name := c.Name
	if c.Bucket != "" {
		name = c.Bucket + ": " + name
	}
	return v1alpha1.CaseStatus{
		Name: name, Expected: string(c.Expected), Observed: string(c.Observed), Code: c.Code, RequestID: c.RequestID,
	}
}

// storeEvidence writes every case into a ConfigMap for auditors.
func (p *pass) storeEvidence(ctx context.Context, hash string, report *probe.Report) error {
	document, err := report.JSON()
	if err != nil {
		return fmt.Errorf("writing evidence: %w", err)
	}
	evidence := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
		Namespace: p.federation.Namespace, Name: p.federation.EvidenceConfigMapName(),
	}}
	_, err = controllerutil.CreateOrUpdate(ctx, p.Client, evidence, func() error {
		if evidence.Labels == nil {
			evidence.Labels = map[string]string{}
		}
		maps.Copy(evidence.Labels, map[string]string{v1alpha1.ManagedByLabel: v1alpha1.ManagedByValue})
		evidence.Data = map[string]string{evidenceKey: string(document), "documents.sha256": hash}
		return controllerutil.SetControllerReference(p.federation, evidence, p.Client.Scheme())
	})
	if err != nil {
		return fmt.Errorf("writing evidence: %w", err)
	}
	return nil
}
