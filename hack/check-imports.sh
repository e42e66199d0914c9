#!/usr/bin/env bash
# Checks what is linked into the programs, however many packages lie between. The
# linter sees direct imports only.
set -euo pipefail
cd "$(dirname "$0")/.."
failed=0

refuse() { # refuse PACKAGE PATTERN REASON
	local found
	found=$(go list -deps "$1" | grep -E "$2" || true)
	[ -z "$found" ] && return
	echo "$1 links what it must not: $3" >&2
	echo "$found" | sed 's/^/	/' >&2
	failed=1
}

module=github.com/litentry/wallet-federation
refuse ./cmd/broker '^(k8s\.io|sigs\.k8s\.io/controller-runtime|github\.com/aws)/' "the broker knows nothing of Kubernetes and of AWS management APIs"
refuse ./broker/client '^(k8s\.io|sigs\.k8s\.io/controller-runtime|github\.com/aws)/' "the broker's client is for everybody"
refuse ./api/v1alpha1 "^($module/(internal|controllers|broker|cmd|test)|sigs\.k8s\.io/controller-runtime|k8s\.io/client-go)" "the API is apimachinery and itself"
refuse ./cmd/manager "^($module/(test|internal/localaws|broker\$)|github\.com/(rclone|onsi)/)" "stand-ins, tests and the broker are no part of the manager"
exit $failed
