package oidcissuer

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"
	appsapply "k8s.io/client-go/applyconfigurations/apps/v1"
	coreapply "k8s.io/client-go/applyconfigurations/core/v1"
	metaapply "k8s.io/client-go/applyconfigurations/meta/v1"

	"github.com/litentry/wallet-federation/api/v1alpha1"
	"github.com/litentry/wallet-federation/internal/brokerconfig"
	"github.com/litentry/wallet-federation/internal/signingkey"
)

const (
	brokerPort = 8080
	portName   = "http"

	// Where the broker finds its files. ConfigMaps and Secrets are mounted as
	// directories: only those follow a change without a restart.
	configDir  = "/etc/wallet-federation/config"
	keysDir    = "/etc/wallet-federation/keys"
	sessionDir = "/etc/wallet-federation/session"
)

func (p *pass) labels() map[string]string {
	return map[string]string{
		"app.kubernetes.io/name":     "wallet-federation-broker",
		"app.kubernetes.io/instance": p.issuer.Name,
		v1alpha1.ManagedByLabel:      v1alpha1.ManagedByValue,
	}
}

// selector is the immutable part of the labels.
func (p *pass) selector() map[string]string {
	labels := p.labels()
	delete(labels, v1alpha1.ManagedByLabel)
	return labels
}

func (p *pass) owner() *metaapply.OwnerReferenceApplyConfiguration {
	return metaapply.OwnerReference().
		WithAPIVersion(v1alpha1.GroupVersion.String()).WithKind("OIDCIssuer").
		WithName(p.issuer.Name).WithUID(p.issuer.UID).
		WithController(true).WithBlockOwnerDeletion(true)
}

func (p *pass) configMap(config []byte) *coreapply.ConfigMapApplyConfiguration {
	return coreapply.ConfigMap(p.issuer.BrokerName(), p.issuer.Namespace).
		WithLabels(p.labels()).WithOwnerReferences(p.owner()).
		WithData(map[string]string{brokerconfig.DataKey: string(config)})
}

func (p *pass) service() *coreapply.ServiceApplyConfiguration {
	return coreapply.Service(p.issuer.BrokerName(), p.issuer.Namespace).
		WithLabels(p.labels()).WithOwnerReferences(p.owner()).
		WithSpec(coreapply.ServiceSpec().
			WithSelector(p.selector()).
			WithPorts(coreapply.ServicePort().WithName(portName).WithPort(80).
				WithProtocol(corev1.ProtocolTCP).WithTargetPort(intstr.FromString(portName))))
}

// deployment has one replica: nonces are kept in memory.
func (p *pass) deployment() *appsapply.DeploymentApplyConfiguration {
	return appsapply.Deployment(p.issuer.BrokerName(), p.issuer.Namespace).
		WithLabels(p.labels()).WithOwnerReferences(p.owner()).
		WithSpec(appsapply.DeploymentSpec().
			WithReplicas(1).
			WithSelector(metaapply.LabelSelector().WithMatchLabels(p.selector())).
			WithTemplate(coreapply.PodTemplateSpec().
				WithLabels(p.labels()).
				WithSpec(p.podSpec())))
}

func (p *pass) podSpec() *coreapply.PodSpecApplyConfiguration {
	return coreapply.PodSpec().
		// The broker never talks to the Kubernetes API.
		WithAutomountServiceAccountToken(false).
		WithSecurityContext(coreapply.PodSecurityContext().
			WithRunAsNonRoot(true).
			WithSeccompProfile(coreapply.SeccompProfile().WithType(corev1.SeccompProfileTypeRuntimeDefault))).
		WithContainers(p.container()).
		WithVolumes(
			coreapply.Volume().WithName("config").WithConfigMap(coreapply.ConfigMapVolumeSource().WithName(p.issuer.BrokerName())),
			coreapply.Volume().WithName("keys").WithSecret(coreapply.SecretVolumeSource().WithSecretName(p.issuer.SigningKeySecretName())),
			coreapply.Volume().WithName("session").WithSecret(coreapply.SecretVolumeSource().WithSecretName(p.issuer.SessionKeySecretName())),
		)
}

func (p *pass) container() *coreapply.ContainerApplyConfiguration {
	image := p.issuer.Spec.Broker.Image
	if image == "" {
		image = p.BrokerImage
	}
	return coreapply.Container().
		WithName("broker").
		WithImage(image).
		WithCommand("/broker").
		WithArgs(
			"--config="+configDir+"/"+brokerconfig.DataKey,
			"--keys="+keysDir+"/"+signingkey.DataKey,
			"--session-key="+sessionDir+"/"+sessionKeyName,
			"--listen=:8080",
		).
		WithPorts(coreapply.ContainerPort().WithName(portName).WithContainerPort(brokerPort).WithProtocol(corev1.ProtocolTCP)).
		WithVolumeMounts(
			coreapply.VolumeMount().WithName("config").WithMountPath(configDir).WithReadOnly(true),
			coreapply.VolumeMount().WithName("keys").WithMountPath(keysDir).WithReadOnly(true),
			coreapply.VolumeMount().WithName("session").WithMountPath(sessionDir).WithReadOnly(true),
		).
		WithReadinessProbe(probe("/readyz", 5)).
		WithLivenessProbe(probe("/healthz", 10)).
		WithResources(coreapply.ResourceRequirements().
			WithRequests(corev1.ResourceList{
				corev1.ResourceCPU: resource.MustParse("50m"), corev1.ResourceMemory: resource.MustParse("64Mi"),
			}).
			WithLimits(corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("256Mi")})).
		WithSecurityContext(coreapply.SecurityContext().
			WithAllowPrivilegeEscalation(false).
			WithReadOnlyRootFilesystem(true).
			WithCapabilities(coreapply.Capabilities().WithDrop("ALL")))
}

func probe(path string, seconds int32) *coreapply.ProbeApplyConfiguration {
	return coreapply.Probe().
		WithHTTPGet(coreapply.HTTPGetAction().WithPath(path).WithPort(intstr.FromString(portName))).
		WithPeriodSeconds(seconds)
}
