#!/usr/bin/env bash
# Rewrites go.mod for a Kubernetes and an etcd version: ./update.sh 1.37.2 v3.7.3
# The staging modules have to be replaced one by one, as k8s.io/kubernetes does it for itself.
set -euo pipefail
cd "$(dirname "$0")"
kubernetes=${1:?Kubernetes version without v} etcd=${2:?etcd version with v}
staging=v0.${kubernetes#1.}
upstream=$(cd "$(mktemp -d)" && go mod download -json "k8s.io/kubernetes@v$kubernetes" | sed -n 's/.*"GoMod": "\(.*\)".*/\1/p')
{
	echo "module github.com/litentry/wallet-federation/hack/kubernetes"
	echo
	grep -E '^(go|godebug) ' "$upstream"
	echo
	echo "tool ("
	echo "	go.etcd.io/etcd/server/v3"
	echo "	k8s.io/kubernetes/cmd/kube-apiserver"
	echo "	k8s.io/kubernetes/cmd/kubectl"
	echo ")"
	echo
	echo "require ("
	echo "	go.etcd.io/etcd/server/v3 $etcd"
	echo "	k8s.io/kubernetes v$kubernetes"
	echo ")"
	echo
	echo "replace ("
	sed -n 's#^	\(k8s.io/[a-z-]*\) => ./staging.*#	\1 => \1 '"$staging"'#p' "$upstream" | grep -v sample-
	echo ")"
} >go.mod
go mod tidy
