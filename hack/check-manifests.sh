#!/usr/bin/env bash
# Renders config/default and the chart and lints the chart. KUSTOMIZE and HELM name the tools.
set -euo pipefail
cd "$(dirname "$0")/.."
: "${KUSTOMIZE:?path of kustomize}" "${HELM:?path of helm}"
chart=charts/wallet-federation
rendered=$(mktemp -d)
trap 'rm -rf "$rendered"' EXIT

echo "rendering config/default"
"$KUSTOMIZE" build config/default >"$rendered/default.yaml"

echo "linting $chart"
"$HELM" lint --strict --quiet "$chart"

echo "rendering $chart"
template() { "$HELM" template release "$chart" --namespace federation --include-crds "$@"; }
template >"$rendered/chart.yaml"
template \
	--set image.repository=registry.example.com/federation,image.tag=test,replicas=2 \
	--set 'imagePullSecrets[0].name=registry,nodeSelector.disk=ssd,tolerations[0].operator=Exists' \
	--set 'serviceAccount.annotations.eks\.amazonaws\.com/role-arn=arn:aws:iam::123456789012:role/federation' \
	>"$rendered/chart-values.yaml"
for expected in \
	'image: registry.example.com/federation:test' \
	'--broker-image=registry.example.com/federation:test' \
	'eks.amazonaws.com/role-arn: arn:aws:iam::123456789012:role/federation'; do
	grep -qF -- "$expected" "$rendered/chart-values.yaml" || { echo "the chart does not render: $expected" >&2; exit 1; }
done

echo "checking that $chart refuses bad values"
for bad in replicas=0 image.pullPolicy=Sometimes image.repositry=misspelled unknown=value; do
	if template --set "$bad" >/dev/null 2>&1; then
		echo "the chart takes --set $bad" >&2
		exit 1
	fi
done
