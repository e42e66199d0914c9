# `make help` tells what there is. Everything is built from Go modules: no image
# and no binary is downloaded. Tests use the redis-server of the distribution.
SHELL := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.NOTPARALLEL:

BIN := $(CURDIR)/bin
GO ?= go

# The API server of tests and demo. Somebody else's is used where the variable is set.
ifeq ($(KUBEBUILDER_ASSETS),)
BUILD_KUBERNETES := hack/kubernetes/build.sh "$(BIN)/kubernetes"
export KUBEBUILDER_ASSETS := $(BIN)/kubernetes
else
BUILD_KUBERNETES := echo "using the API server of $(KUBEBUILDER_ASSETS)"
endif

# With the flags of hack/kubernetes/build.sh, so that what both compile is compiled once.
BUILD := CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -gcflags=all=-dwarf=false -ldflags="-s -w"

# The time limit is for the tests of one package; building them does not count.
TEST := CGO_ENABLED=1 $(GO) test -race -shuffle=on -timeout=10m

CONTROLLER_GEN := $(BIN)/controller-gen
KUSTOMIZE := $(BIN)/kustomize
HELM := $(BIN)/helm
CRD_REF_DOCS := $(BIN)/crd-ref-docs
GOLANGCI_LINT := $(BIN)/golangci-lint

CHART := charts/wallet-federation

.PHONY: help
help: ## Show this help.
	@awk 'BEGIN {FS = ":.*## "; print "Usage: make TARGET\n"} \
		/^##@/ {printf "%s\n", substr($$0, 5)} \
		/^[a-z-]+:.*## / {printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.DEFAULT_GOAL := help

##@ Build

.PHONY: all
all: generate build lint test ## Generate, build, lint and test.

.PHONY: build
build: ## Build manager, broker, localaws and wallet-token into bin/.
	$(BUILD) -o "$(BIN)/" ./cmd/... ./hack/demo

.PHONY: kubernetes
kubernetes: ## Build etcd, kube-apiserver and kubectl into bin/kubernetes, unless KUBEBUILDER_ASSETS is set.
	@$(BUILD_KUBERNETES)

.PHONY: redis
redis: ## Install redis-server for the tests, unless it is there (Debian, as root).
	@hack/redis/install.sh

.PHONY: clean
clean: ## Remove what was built. Go's own caches stay.
	rm -rf "$(BIN)"

##@ Run

.PHONY: demo
demo: kubernetes build ## Prove isolation on a real API server. KEEP=1 leaves it running.
	@KEEP="$(KEEP)" "$(BIN)/demo"

.PHONY: load
load: redis ## Run three replicas of the broker under load and attack, with Redis killed half-way.
	$(GO) run ./hack/load

##@ Test

.PHONY: test
test: kubernetes redis ## Run every test, race-checked, in random order, and fuzz the broker for moments.
	$(TEST) ./...
	@hack/fuzz.sh 3s ./broker ./internal/{brokerconfig,challenge,session,siwe} >/dev/null

.PHONY: test-unit
test-unit: redis ## Run the tests that need no API server.
	@packages=$$(hack/test-packages.sh unit); set -x; $(TEST) $$packages

.PHONY: test-integration
test-integration: kubernetes redis ## Run the tests that need an API server.
	@packages=$$(hack/test-packages.sh integration); set -x; $(TEST) $$packages

.PHONY: fuzz
fuzz: ## Run every fuzz target for FUZZTIME, which is 1m unless you say otherwise.
	@hack/fuzz.sh "$(or $(FUZZTIME),1m)"

.PHONY: interop
interop: ## Try the broker with clients of others; needs Node 20, npm, curl and jq. VECTORS=folder adds SIWE vectors.
	cd hack/interop && npm ci --silent --ignore-scripts
	$(GO) run ./hack/interop $(VECTORS)

##@ Code

.PHONY: fmt
fmt: $(GOLANGCI_LINT) ## Format the code.
	$(GOLANGCI_LINT) fmt ./...

.PHONY: lint
lint: $(GOLANGCI_LINT) ## Lint the code.
	$(GOLANGCI_LINT) run ./...

.PHONY: generate
generate: $(CONTROLLER_GEN) $(CRD_REF_DOCS) ## Generate deep copies, CRDs, the manager's role, the chart's copies of them and docs/api.md.
	$(CONTROLLER_GEN) object paths=./api/...
	$(CONTROLLER_GEN) crd paths=./api/... output:crd:dir=config/crd/bases
	$(CONTROLLER_GEN) rbac:roleName=manager-role paths=./controllers/... output:rbac:dir=config/rbac
	mkdir -p $(CHART)/crds $(CHART)/files
	cp config/crd/bases/*.yaml $(CHART)/crds/
	cp config/rbac/role.yaml $(CHART)/files/role.yaml
	$(CRD_REF_DOCS) --log-level=ERROR --config=hack/tools/crd-ref-docs.yaml --source-path=api/v1alpha1 --renderer=markdown --output-path=docs/api.md

.PHONY: manifests-check
manifests-check: $(KUSTOMIZE) $(HELM) ## Render the manifests and the chart, and lint the chart.
	KUSTOMIZE="$(KUSTOMIZE)" HELM="$(HELM)" hack/check-manifests.sh

.PHONY: imports-check
imports-check: ## Check what is linked into the programs.
	hack/check-imports.sh

.PHONY: modules-check
modules-check: ## Check that every go.mod is tidy.
	@for module in . hack/kubernetes hack/tools hack/tools/golangci; do \
		echo "checking $$module/go.mod"; (cd "$$module" && $(GO) mod tidy -diff); \
	done

.PHONY: verify
verify: generate modules-check imports-check lint manifests-check ## Check everything that is no test; fail on a dirty tree, untracked files included.
	@hack/check-clean.sh

##@ Tools

.PHONY: tools
tools: $(CONTROLLER_GEN) $(KUSTOMIZE) $(HELM) $(CRD_REF_DOCS) $(GOLANGCI_LINT) ## Build the pinned tools into bin/.

# $(call build-tool,MODULE FOLDER,PACKAGE): a tool is older than its go.mod or up to date.
define build-tool
	cd $(1) && CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -o "$@" $(2)
	@touch "$@"
endef

$(CONTROLLER_GEN): hack/tools/go.mod hack/tools/go.sum
	$(call build-tool,hack/tools,sigs.k8s.io/controller-tools/cmd/controller-gen)

$(KUSTOMIZE): hack/tools/go.mod hack/tools/go.sum
	$(call build-tool,hack/tools,sigs.k8s.io/kustomize/kustomize/v5)

$(CRD_REF_DOCS): hack/tools/go.mod hack/tools/go.sum
	$(call build-tool,hack/tools,github.com/elastic/crd-ref-docs)

$(HELM): hack/tools/go.mod hack/tools/go.sum
	$(call build-tool,hack/tools,helm.sh/helm/v4/cmd/helm)

$(GOLANGCI_LINT): hack/tools/golangci/go.mod hack/tools/golangci/go.sum
	$(call build-tool,hack/tools/golangci,sigs.k8s.io/kube-api-linter/cmd/golangci-lint-kube-api-linter)
