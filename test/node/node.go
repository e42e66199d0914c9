package node

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/litentry/wallet-federation/api/v1alpha1"
)

// interval is the time between looks at the API server; a kubelet takes up to a
// minute for a changed volume, people who watch a demo have less patience.
const interval = 250 * time.Millisecond

// Node runs Deployments.
type Node struct {
	// Client reads Deployments, Secrets and ConfigMaps without a cache, and
	// writes the Deployments' status.
	Client client.Client
	// Dir is where volumes are laid out.
	Dir string
	// Address returns where the container of a Deployment is to listen, instead
	// of its own port on an address of its own.
	Address func(*appsv1.Deployment) string
	// Run runs a container until ctx ends. Paths among the arguments are those of
	// the volumes as they were laid out.
	Run func(ctx context.Context, arguments []string) error
	// Logger tells of what fails.
	Logger *slog.Logger

	pods   map[types.UID]*pod
	prober *http.Client
}

// pod is a running container.
type pod struct {
	stop  context.CancelFunc
	done  sync.WaitGroup
	ended atomic.Bool
}

// Start runs the operator's Deployments until ctx ends, and then waits for them.
func (n *Node) Start(ctx context.Context) {
	n.pods = map[types.UID]*pod{}
	// As a kubelet does, it believes any certificate: it asks for readiness alone.
	n.prober = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} //nolint:gosec // See above.
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		if err := n.sync(ctx); err != nil && ctx.Err() == nil {
			n.Logger.ErrorContext(ctx, "running Deployments", "error", err)
		}
		select {
		case <-ctx.Done():
			for _, p := range n.pods {
				p.end()
			}
			return
		case <-ticker.C:
		}
	}
}

func (p *pod) end() {
	p.stop()
	p.done.Wait()
}

// sync starts what is new, ends what is gone, and brings volumes and status up to date.
func (n *Node) sync(ctx context.Context) error {
	var deployments appsv1.DeploymentList
	if err := n.Client.List(ctx, &deployments, client.MatchingLabels{v1alpha1.ManagedByLabel: v1alpha1.ManagedByValue}); err != nil {
		return fmt.Errorf("listing Deployments: %w", err)
	}
	live := map[types.UID]bool{}
	var errs []error // One that cannot start keeps no other from it.
	for i := range deployments.Items {
		deployment := &deployments.Items[i]
		live[deployment.UID] = true
		if err := n.syncDeployment(ctx, deployment); err != nil {
			errs = append(errs, fmt.Errorf("running Deployment %q: %w", deployment.Name, err))
		}
	}
	for uid, p := range n.pods {
		if !live[uid] {
			p.end()
			delete(n.pods, uid)
		}
	}
	return errors.Join(errs...)
}

func (n *Node) syncDeployment(ctx context.Context, deployment *appsv1.Deployment) error {
	dir := filepath.Join(n.Dir, string(deployment.UID))
	spec := &deployment.Spec.Template.Spec
	container := &spec.Containers[0]
	for i := range spec.Volumes {
		data, err := n.volume(ctx, deployment.Namespace, &spec.Volumes[i])
		if err != nil {
			return err
		}
		relocate(data, container, dir)
		if err := layOut(filepath.Join(dir, spec.Volumes[i].Name), data); err != nil {
			return fmt.Errorf("laying out volume %q: %w", spec.Volumes[i].Name, err)
		}
	}
	if running := n.pods[deployment.UID]; running == nil || running.ended.Load() {
		n.start(ctx, deployment, n.arguments(deployment, container, dir))
	}
	ready := n.ready(ctx, container, n.Address(deployment))
	return n.report(ctx, deployment, ready)
}

// volume reads what a volume holds.
func (n *Node) volume(ctx context.Context, namespace string, volume *corev1.Volume) (map[string][]byte, error) {
	switch {
	case volume.Secret != nil:
		secret := &corev1.Secret{}
		err := n.Client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: volume.Secret.SecretName}, secret)
		if err != nil || volume.Secret.Items == nil {
			return secret.Data, err
		}
		data := make(map[string][]byte, len(volume.Secret.Items))
		for _, item := range volume.Secret.Items {
			data[item.Path] = secret.Data[item.Key]
		}
		return data, nil
	case volume.ConfigMap != nil:
		config := &corev1.ConfigMap{}
		err := n.Client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: volume.ConfigMap.Name}, config)
		data := make(map[string][]byte, len(config.Data))
		for name, content := range config.Data {
			data[name] = []byte(content)
		}
		return data, err
	}
	return nil, fmt.Errorf("volume %q is neither a Secret nor a ConfigMap", volume.Name)
}

// relocate puts the paths of volumes in the place of those that files name as
// they are in a cluster.
func relocate(data map[string][]byte, container *corev1.Container, dir string) {
	for name, content := range data {
		for _, mount := range container.VolumeMounts {
			content = bytes.ReplaceAll(content, []byte(`"`+mount.MountPath+`"`), []byte(`"`+filepath.Join(dir, mount.Name)+`"`))
		}
		data[name] = content
	}
}

// arguments are the container's, with the paths of volumes and the addresses to
// listen on put in the place of those it has in a cluster.
func (n *Node) arguments(deployment *appsv1.Deployment, container *corev1.Container, dir string) []string {
	replacements := []string{
		fmt.Sprintf("--listen=:%d", container.Ports[0].ContainerPort), "--listen=" + n.Address(deployment),
	}
	for _, port := range container.Ports[1:] {
		// Nobody asks there; several containers have the same ports.
		replacements = append(replacements, fmt.Sprintf("-listen=:%d", port.ContainerPort), "-listen=127.0.0.1:0")
	}
	for _, mount := range container.VolumeMounts {
		replacements = append(replacements, "="+mount.MountPath+"/", "="+filepath.Join(dir, mount.Name)+"/")
	}
	replacer := strings.NewReplacer(replacements...)
	arguments := make([]string, 0, len(container.Args))
	for _, argument := range container.Args {
		arguments = append(arguments, replacer.Replace(argument))
	}
	return arguments
}

func (n *Node) start(ctx context.Context, deployment *appsv1.Deployment, arguments []string) {
	ctx, cancel := context.WithCancel(ctx)
	p := &pod{stop: cancel}
	p.done.Go(func() {
		if err := n.Run(ctx, arguments); err != nil && ctx.Err() == nil {
			n.Logger.ErrorContext(ctx, "container ended", "deployment", deployment.Name, "error", err)
		}
		p.ended.Store(true)
	})
	n.pods[deployment.UID] = p
}

// ready asks the container's readiness probe.
func (n *Node) ready(ctx context.Context, container *corev1.Container, address string) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	get := container.ReadinessProbe.HTTPGet
	url := strings.ToLower(string(get.Scheme)) + "://" + address + get.Path
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return false
	}
	response, err := n.prober.Do(request)
	if err != nil {
		return false
	}
	defer func() { _ = response.Body.Close() }()
	return response.StatusCode == http.StatusOK
}

// report writes the Deployment's status, if it is another than before.
func (n *Node) report(ctx context.Context, deployment *appsv1.Deployment, ready bool) error {
	var available int32
	if ready {
		available = 1
	}
	status := appsv1.DeploymentStatus{
		ObservedGeneration: deployment.Generation, Replicas: 1,
		UpdatedReplicas: 1, ReadyReplicas: available, AvailableReplicas: available,
	}
	if before := deployment.Status; before.ObservedGeneration == status.ObservedGeneration && before.AvailableReplicas == available {
		return nil
	}
	base := client.MergeFrom(deployment.DeepCopy())
	deployment.Status = status
	if err := n.Client.Status().Patch(ctx, deployment, base); err != nil {
		return fmt.Errorf("writing status: %w", err)
	}
	return nil
}
