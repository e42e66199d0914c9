package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/litentry/wallet-federation/api/v1alpha1"
	"github.com/litentry/wallet-federation/internal/probe"
	"github.com/litentry/wallet-federation/test/administrator"
)

const federationName = "agent-memory"

// What the saboteur attaches to the role.
const (
	broadName  = "quick-fix"
	broadGrant = `{"Version":"2012-10-17","Statement":[{"Sid":"JustForNow","Effect":"Allow","Action":"s3:*","Resource":"*"}]}`
)

// tell is the story: proof, sabotage, notice, repair, proof.
func tell(ctx context.Context, s *stack) error {
	heading("kubectl apply -f config/samples")
	applied := time.Now()
	if err := s.applySamples(ctx); err != nil {
		return err
	}
	if err := s.waitVerified(ctx, metav1.ConditionTrue); err != nil {
		return err
	}
	say("")
	say("IsolationVerified=True %.1f s after kubectl apply. What was tried:", time.Since(applied).Seconds())
	if err := s.printEvidence(ctx); err != nil {
		return err
	}
	if err := s.checkForeignStatement(ctx); err != nil {
		return err
	}
	if err := s.sabotageSuspended(ctx); err != nil {
		return err
	}
	return s.sabotageWatched(ctx)
}

// sabotageSuspended opens the bucket while the operator may look and not touch,
// so that the hole is seen to leak.
func (s *stack) sabotageSuspended(ctx context.Context) error {
	heading("Sabotage, while the federation is suspended: the operator may look and not touch")
	if err := s.setSuspended(ctx, true); err != nil {
		return err
	}
	if err := s.sabotage(ctx); err != nil {
		return err
	}
	if err := s.waitVerified(ctx, metav1.ConditionFalse); err != nil {
		return err
	}
	federation, err := s.federation(ctx)
	if err != nil {
		return err
	}
	say("")
	say("The operator says what opened:")
	for _, conditionType := range []string{v1alpha1.ConditionRoleConfined, v1alpha1.ConditionBucketPoliciesApplied, v1alpha1.ConditionIsolationVerified} {
		printCondition(federation, conditionType)
	}
	if err := checkNamed(federation); err != nil {
		return err
	}
	say("")
	say("The cases that leaked:")
	printFailures(federation)

	heading("The federation is resumed: the operator repairs, and proves it again")
	if err := s.setSuspended(ctx, false); err != nil {
		return err
	}
	if err := s.waitVerified(ctx, metav1.ConditionTrue); err != nil {
		return err
	}
	if err := s.checkRepaired(ctx); err != nil {
		return err
	}
	return s.printRepairs(ctx)
}

// sabotageWatched does the same to a federation that is not suspended. Whether
// the repair or the probe comes first, the proof that is wrong is taken back.
func (s *stack) sabotageWatched(ctx context.Context) error {
	heading("The same sabotage again, this time under the operator's eyes")
	before, err := s.evidence(ctx)
	if err != nil {
		return err
	}
	if err := s.sabotage(ctx); err != nil {
		return err
	}
	err = eventually(ctx, "the sabotage is repaired and the repair is proven", func() (bool, string) {
		federation, err := s.federation(ctx)
		if err != nil {
			return false, err.Error()
		}
		proven := meta.IsStatusConditionTrue(federation.Status.Conditions, v1alpha1.ConditionIsolationVerified)
		after, err := s.evidence(ctx)
		if err != nil {
			return false, err.Error()
		}
		return proven && after.StartedAt.After(before.FinishedAt) && s.checkRepaired(ctx) == nil, verdict(federation)
	})
	if err != nil {
		return err
	}
	if err := s.checkForeignStatement(ctx); err != nil {
		return err
	}
	federation, err := s.federation(ctx)
	if err != nil {
		return err
	}
	printCondition(federation, v1alpha1.ConditionIsolationVerified)
	return nil
}

// applySamples applies what a user would apply with kubectl.
func (s *stack) applySamples(ctx context.Context) error {
	paths, err := filepath.Glob(filepath.Join(s.Root, "config", "samples", "*.yaml"))
	if err != nil {
		return err
	}
	for _, path := range paths {
		object, err := sample(path)
		if err != nil {
			return err
		}
		if object == nil {
			continue
		}
		object.SetNamespace(namespace)
		if err := s.Client.Create(ctx, object); err != nil {
			return fmt.Errorf("applying %s: %w", path, err)
		}
	}
	return nil
}

// sample reads a sample as an object of its own type; nil for a file that is no
// object of the cluster.
func sample(path string) (client.Object, error) {
	var kind metav1.TypeMeta
	if err := readYAML(path, &kind); err != nil {
		return nil, err
	}
	var object client.Object
	switch kind.Kind {
	case "Secret":
		object = &corev1.Secret{}
	case "OIDCIssuer":
		object = &v1alpha1.OIDCIssuer{}
	case "WalletFederation":
		object = &v1alpha1.WalletFederation{}
	case "Kustomization":
		return nil, nil
	default:
		return nil, fmt.Errorf("%s is of the unexpected kind %q", path, kind.Kind)
	}
	return object, readYAML(path, object)
}

func readYAML(path string, into any) error {
	data, err := os.ReadFile(path) //nolint:gosec // A file of the repository.
	if err != nil {
		return err
	}
	if err := yaml.Unmarshal(data, into); err != nil {
		return fmt.Errorf("reading %s: %w", path, err)
	}
	return nil
}

func (s *stack) federation(ctx context.Context) (*v1alpha1.WalletFederation, error) {
	federation := &v1alpha1.WalletFederation{}
	err := s.Client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: federationName}, federation)
	return federation, err
}

// waitVerified waits until IsolationVerified has a status for the present generation.
func (s *stack) waitVerified(ctx context.Context, status metav1.ConditionStatus) error {
	return eventually(ctx, "IsolationVerified is "+string(status), func() (bool, string) {
		federation, err := s.federation(ctx)
		if err != nil {
			return false, err.Error()
		}
		condition := meta.FindStatusCondition(federation.Status.Conditions, v1alpha1.ConditionIsolationVerified)
		reached := condition != nil && condition.Status == status && condition.ObservedGeneration == federation.Generation
		return reached, verdict(federation)
	})
}

func (s *stack) setSuspended(ctx context.Context, suspended bool) error {
	federation, err := s.federation(ctx)
	if err != nil {
		return err
	}
	base := client.MergeFrom(federation.DeepCopy())
	federation.Spec.Suspend = suspended
	return s.Client.Patch(ctx, federation, base)
}

func (s *stack) sabotage(ctx context.Context) error {
	say("  somebody attaches s3:* to the role, as inline policy %q", broadName)
	say("  somebody strips the guard from the policy of bucket %q", bucketName)
	return errors.Join(s.aws.PutInlinePolicy(ctx, roleName, broadName, broadGrant), s.aws.StripGuard(ctx, bucketName))
}

// checkNamed requires that the statement that opened the role, the statement
// that was stripped, and a case that leaked are all told by name.
func checkNamed(federation *v1alpha1.WalletFederation) error {
	for conditionType, word := range map[string]string{
		v1alpha1.ConditionRoleConfined:          "JustForNow",
		v1alpha1.ConditionBucketPoliciesApplied: "DenyForeignObjects",
		v1alpha1.ConditionIsolationVerified:     "must be denied, was allowed",
	} {
		condition := meta.FindStatusCondition(federation.Status.Conditions, conditionType)
		if condition == nil || condition.Status != metav1.ConditionFalse || !strings.Contains(condition.Message, word) {
			return fmt.Errorf("%s does not tell of %q", conditionType, word)
		}
	}
	return nil
}

// checkRepaired requires that the grant is gone and the guard is back.
func (s *stack) checkRepaired(ctx context.Context) error {
	policies, err := s.aws.InlinePolicies(ctx, roleName)
	if err != nil {
		return err
	}
	if len(policies) > 0 {
		return fmt.Errorf("the role still has the inline policies %v", policies)
	}
	policy, err := s.aws.BucketPolicy(ctx, bucketName)
	if err != nil {
		return err
	}
	if !strings.Contains(policy, "DenyForeignObjects") {
		return errors.New("the guard is not back in the bucket policy")
	}
	return s.checkForeignStatement(ctx)
}

// checkForeignStatement requires that what was there before us is still there.
func (s *stack) checkForeignStatement(ctx context.Context) error {
	policy, err := s.aws.BucketPolicy(ctx, bucketName)
	if err != nil {
		return err
	}
	if !strings.Contains(policy, administrator.ForeignSid) {
		return fmt.Errorf("the statement %s is lost from the bucket policy", administrator.ForeignSid)
	}
	return nil
}

// evidence is what the operator wrote for auditors.
func (s *stack) evidence(ctx context.Context) (*probe.Report, error) {
	federation, err := s.federation(ctx)
	if err != nil {
		return nil, err
	}
	config := &corev1.ConfigMap{}
	if err := s.Client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: federation.EvidenceConfigMapName()}, config); err != nil {
		return nil, err
	}
	report := &probe.Report{}
	if err := json.Unmarshal([]byte(config.Data["evidence.json"]), report); err != nil {
		return nil, fmt.Errorf("reading evidence: %w", err)
	}
	return report, nil
}
