#!/usr/bin/env bash
# Lists the packages with tests of one kind: ./test-packages.sh unit|integration
# A package is of the kind integration if its test binary links test/environment.
set -euo pipefail
kind=${1:?unit or integration}
cd "$(dirname "$0")/.."
go list -test -f '{{if eq .Name "main"}}{{.ImportPath}} {{join .Deps " "}}{{end}}' ./... |
	awk -v kind="$kind" '
		$1 ~ /\.test$/ {
			found = / [^ ]*\/test\/environment( |$)/ ? "integration" : "unit"
			if (found == kind) { sub(/\.test$/, "", $1); print $1 }
		}'
