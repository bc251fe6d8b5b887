# Keiro. `make` alone lists what there is.

export CGO_ENABLED = 0

VERSION  := $(shell git describe --tags --always --dirty 2>/dev/null)
LDFLAGS  := -s -w $(if $(VERSION),-X github.com/keiro-net/keiro/cmd/internal/version.version=$(VERSION))
LINT     := go tool -modfile=tools/go.mod golangci-lint
# Two packages at a time: the tests in namespaces measure time, and more of
# them side by side would measure each other.
GOTEST   := go test -shuffle=on -timeout 20m -p 2
FUZZTIME ?= 30s

.PHONY: help build demo demo-bgp test test-vm test-deep lint race fuzz bench cover clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## bin/keiro, bin/keiro-controller, bin/keiro-agent, and bin/keiro-lab-router for labs
	go build -trimpath -ldflags '$(LDFLAGS)' -o bin/ ./cmd/...

demo: build ## a lab, four intents, a cut duct, the repair; KEEP=1 leaves it running
	bin/keiro demo $(if $(KEEP),--keep)

demo-bgp: build ## a lab of which half is plain routers: BGP-LS, SR Policy, a cut; KEEP=1 likewise
	bin/keiro demo --bgp $(if $(KEEP),--keep)

test: ## everything: vet, lint, unit, plays, twins, fuzz seeds, namespaces with the real kernel
	.ci/needs
	go vet ./...
	$(LINT) run
	$(GOTEST) ./...

test-vm: ## WireGuard and VRFs of the kernel, in a virtual machine with Debian's (slow, needs root on Debian)
	.ci/vm ./agent/lane './agent/rtnl=Spread|EndDT46' './agent=TestLane|TestSpread|TestPMTU$$' ./agent/tunnel=TestMaker ./agent/keying=TestKernel

test-deep: ## key epochs by the model checker with a fault more, and broken ones that it must find (slow)
	go test -run 'TestModel|TestMutants' -v -timeout 2h ./keys/rotate -deep -mutants

lint: ## golangci-lint, as in make test
	$(LINT) run

race: ## the tests under the race detector; needs a C compiler
	CGO_ENABLED=1 $(GOTEST) -race ./...

fuzz: ## every fuzzer for FUZZTIME (30s)
	@grep -ro --include='*_test.go' '^func Fuzz[A-Za-z0-9]*' . | sort | \
	while IFS=: read -r file func; do \
		go test -run '^$$' -fuzz "^$${func#func }\$$" -fuzztime $(FUZZTIME) "$$(dirname "$$file")" || exit 1; \
	done

bench: ## the numbers that are promised, measured
	.ci/needs bench
	go test -run TestNumbers -timeout 60m -v ./pathspec/solve -numbers
	go test -run '^$$' -bench . -benchmem -p 1 -timeout 60m ./...

cover: ## how much the tests reach, function by function
	mkdir -p .tmp
	$(GOTEST) -coverpkg=./... -coverprofile=.tmp/cover.out ./...
	go tool cover -func=.tmp/cover.out

clean: ## remove what was built
	rm -rf bin .tmp
