package oidcissuer

import (
	"cmp"
	"fmt"
	"path"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"
	appsapply "k8s.io/client-go/applyconfigurations/apps/v1"
	coreapply "k8s.io/client-go/applyconfigurations/core/v1"
	metaapply "k8s.io/client-go/applyconfigurations/meta/v1"
	policyapply "k8s.io/client-go/applyconfigurations/policy/v1"

	"github.com/litentry/wallet-federation/api/v1alpha1"
	"github.com/litentry/wallet-federation/internal/brokerconfig"
	"github.com/litentry/wallet-federation/internal/session"
	"github.com/litentry/wallet-federation/internal/signingkey"
)

const (
	brokerPort  = 8080
	metricsPort = 9090

	// The names of ports. A Service that serves https leads to nobody who serves
	// http: their ports have other names.
	httpPort, httpsPort = "http", "https"

	// Where the broker finds its files. ConfigMaps and Secrets are mounted as
	// directories: only those follow a change without a restart.
	configDir    = "/etc/broker/config"
	keysDir      = "/etc/broker/keys"
	sessionDir   = "/etc/broker/session"
	tlsDir       = "/etc/broker/tls"
	redisDir     = "/etc/broker/redis"
	admissionDir = "/etc/broker/admission"
	redisURLFile = "url"
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
	port := coreapply.ServicePort().WithName(p.portName()).WithPort(80).
		WithProtocol(corev1.ProtocolTCP).WithTargetPort(intstr.FromString(p.portName()))
	if p.issuer.Spec.Broker.TLS != nil {
		port.WithPort(443)
	}
	return coreapply.Service(p.issuer.BrokerName(), p.issuer.Namespace).
		WithLabels(p.labels()).WithOwnerReferences(p.owner()).
		WithSpec(coreapply.ServiceSpec().WithSelector(p.selector()).WithPorts(port))
}

func (p *pass) portName() string {
	if p.issuer.Spec.Broker.TLS != nil {
		return httpsPort
	}
	return httpPort
}

// disruptionBudget lets nodes be drained one broker at a time. It keeps a single
// one from nothing, and need not be removed when there is only one left.
func (p *pass) disruptionBudget() *policyapply.PodDisruptionBudgetApplyConfiguration {
	return policyapply.PodDisruptionBudget(p.issuer.BrokerName(), p.issuer.Namespace).
		WithLabels(p.labels()).WithOwnerReferences(p.owner()).
		WithSpec(policyapply.PodDisruptionBudgetSpec().
			WithMaxUnavailable(intstr.FromInt32(1)).
			WithUnhealthyPodEvictionPolicy(policyv1.AlwaysAllow).
			WithSelector(metaapply.LabelSelector().WithMatchLabels(p.selector())))
}

func (p *pass) replicas() int32 { return max(p.issuer.Spec.Broker.Replicas, 1) }

func (p *pass) deployment() *appsapply.DeploymentApplyConfiguration {
	return appsapply.Deployment(p.issuer.BrokerName(), p.issuer.Namespace).
		WithLabels(p.labels()).WithOwnerReferences(p.owner()).
		WithSpec(appsapply.DeploymentSpec().
			WithReplicas(p.replicas()).
			WithSelector(metaapply.LabelSelector().WithMatchLabels(p.selector())).
			WithTemplate(coreapply.PodTemplateSpec().
				WithLabels(p.labels()).
				WithSpec(p.podSpec())))
}

func (p *pass) podSpec() *coreapply.PodSpecApplyConfiguration {
	spec := coreapply.PodSpec().
		// The broker never talks to the Kubernetes API.
		WithAutomountServiceAccountToken(false).
		WithSecurityContext(coreapply.PodSecurityContext().
			WithRunAsNonRoot(true).
			WithSeccompProfile(coreapply.SeccompProfile().WithType(corev1.SeccompProfileTypeRuntimeDefault)))
	container := p.container()
	for _, m := range p.mounts() {
		spec.WithVolumes(m.volume)
		container.WithVolumeMounts(coreapply.VolumeMount().WithName(*m.volume.Name).WithMountPath(m.path).WithReadOnly(true))
	}
	spec.WithContainers(container)
	if p.replicas() > 1 {
		spec.WithTopologySpreadConstraints(p.spread(corev1.LabelHostname), p.spread(corev1.LabelTopologyZone))
	}
	return spec
}

// spread asks the scheduler to keep replicas apart, where it can.
func (p *pass) spread(topology string) *coreapply.TopologySpreadConstraintApplyConfiguration {
	return coreapply.TopologySpreadConstraint().
		WithMaxSkew(1).
		WithTopologyKey(topology).
		WithWhenUnsatisfiable(corev1.ScheduleAnyway).
		WithLabelSelector(metaapply.LabelSelector().WithMatchLabels(p.selector()))
}

// mount is a volume and where it is mounted.
type mount struct {
	path   string
	volume *coreapply.VolumeApplyConfiguration
}

func (p *pass) mounts() []mount {
	mounts := []mount{
		{configDir, configVolume("config", p.issuer.BrokerName())},
		{keysDir, secretVolume("keys", p.issuer.SigningKeySecretName())},
		{sessionDir, secretVolume("session", p.issuer.SessionKeySecretName())},
	}
	if broker := p.issuer.Spec.Broker; broker.TLS != nil {
		mounts = append(mounts, mount{tlsDir, secretVolume("tls", broker.TLS.SecretRef.Name)})
	}
	if broker := p.issuer.Spec.Broker; broker.Redis != nil {
		ref := broker.Redis.URLSecretRef
		volume := secretVolume("redis", ref.Name)
		// What else the Secret holds is not the broker's business.
		volume.Secret.WithItems(coreapply.KeyToPath().WithKey(ref.Key).WithPath(redisURLFile))
		mounts = append(mounts, mount{redisDir, volume})
	}
	for i, name := range admissionLists(&p.issuer.Spec.Login.Admission) {
		// A volume's name is shorter than a ConfigMap's may be.
		mounts = append(mounts, mount{path.Join(admissionDir, name), configVolume(fmt.Sprintf("admission-%d", i), name)})
	}
	return mounts
}

func configVolume(name, configMap string) *coreapply.VolumeApplyConfiguration {
	return coreapply.Volume().WithName(name).WithConfigMap(coreapply.ConfigMapVolumeSource().WithName(configMap))
}

func secretVolume(name, secret string) *coreapply.VolumeApplyConfiguration {
	return coreapply.Volume().WithName(name).WithSecret(coreapply.SecretVolumeSource().WithSecretName(secret))
}

// arguments are the broker's command line.
func (p *pass) arguments() []string {
	arguments := []string{
		"--config=" + path.Join(configDir, brokerconfig.DataKey),
		"--keys=" + path.Join(keysDir, signingkey.DataKey),
		"--session-keys=" + path.Join(sessionDir, session.DataKey),
		fmt.Sprintf("--listen=:%d", brokerPort),
		fmt.Sprintf("--metrics-listen=:%d", metricsPort),
	}
	if p.issuer.Spec.Broker.TLS != nil {
		arguments = append(arguments,
			"--tls-cert="+path.Join(tlsDir, corev1.TLSCertKey), "--tls-key="+path.Join(tlsDir, corev1.TLSPrivateKeyKey))
	}
	if p.issuer.Spec.Broker.Redis != nil {
		arguments = append(arguments, "--redis-url-file="+path.Join(redisDir, redisURLFile))
	}
	return arguments
}

func (p *pass) container() *coreapply.ContainerApplyConfiguration {
	return coreapply.Container().
		WithName("broker").
		WithImage(cmp.Or(p.issuer.Spec.Broker.Image, p.BrokerImage)).
		WithCommand("/broker").
		WithArgs(p.arguments()...).
		WithPorts(
			coreapply.ContainerPort().WithName(p.portName()).WithContainerPort(brokerPort).WithProtocol(corev1.ProtocolTCP),
			coreapply.ContainerPort().WithName("metrics").WithContainerPort(metricsPort).WithProtocol(corev1.ProtocolTCP),
		).
		WithReadinessProbe(p.probe("/readyz", 5)).
		WithLivenessProbe(p.probe("/healthz", 10)).
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

func (p *pass) probe(at string, seconds int32) *coreapply.ProbeApplyConfiguration {
	get := coreapply.HTTPGetAction().WithPath(at).WithPort(intstr.FromString(p.portName()))
	if p.issuer.Spec.Broker.TLS != nil {
		get.WithScheme(corev1.URISchemeHTTPS)
	}
	return coreapply.Probe().WithHTTPGet(get).WithPeriodSeconds(seconds)
}
