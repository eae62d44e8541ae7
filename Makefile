# Each target is a line or two; the work is in deploy/local/ and tests/. Everything sets itself up.
.DEFAULT_GOAL := help
.PHONY: help deps build demo chaos up down test check accept ci-more conformance chart fuzz mutants \
  soak bench image docs-test fmt clean
MAKEFLAGS += --no-print-directory
ORDERS ?= $(if $(filter chaos,$(MAKECMDGOALS)),300,120)
KILLS ?= 40
SEED ?= 1
PS_AUTH ?= basic
ONLY ?=
SECONDS ?= 60
SERVICE ?=
BASE ?=
programs := audit-ledger ups-gateway ps-ingest tracking-sync shipment-builder psupsctl \
  ups-sandbox peoplesoft-sandbox
bench_programs := ups_load token_hot_path cartonization grpc_call

help: ## what can be done here
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' Makefile

deps: ## installs what is missing (Debian packages, buf, dbmate); nothing the second time
	@deploy/local/deps

build: deps ## builds everything, tests too, into build/
	@deploy/local/build

demo: deps ## the whole job against the sandboxes: make demo [ORDERS=120] [PS_AUTH=basic]
	@deploy/local/build $(programs)
	@python3 tests/harness/demo.py --orders $(ORDERS) --ps-auth $(PS_AUTH)

chaos: deps ## the job while everything fails: make chaos [ORDERS=300] [KILLS=40] [SEED=1]
	@deploy/local/build $(programs)
	@python3 tests/harness/chaos.py --orders $(ORDERS) --kills $(KILLS) --seed $(SEED)

up: deps ## starts PostgreSQL, sandboxes and services, and leaves them running
	@deploy/local/build $(programs)
	@python3 -m deploy.local up

down: ## stops what `make up` started; its data stays
	@python3 -m deploy.local down

test: build ## all tests; ends with: N passed, N failed
	@tests/run_all

check: build ## formats, lints, proto compatibility, comments, shell
	@deploy/local/deps lint
	@tests/checks/run

accept: ## each promise of tests/acceptance.tsv has a test that ran and is green
	@tests/checks/accept

ci-more: build ## what CI runs beyond test and check
	@deploy/local/deps fuzz
	@tests/ci_more

conformance: deps ## prism judges what we and the sandbox say, by UPS's OpenAPI files (UPS_OPENAPI_DIR)
	@deploy/local/deps conformance
	@deploy/local/build ups-gateway psupsctl ups-sandbox grpc_call
	@tests/conformance/run.py

chart: deps ## the Helm chart without a cluster: Kubernetes' schemas, our rules, real starts
	@deploy/local/deps chart
	@deploy/local/build $(programs)
	@tests/chart/run

mutants: deps ## breaks a promise at a time and wants a test to go red
	@deploy/local/deps chart
	@python3 tests/mutants/run.py

soak: deps ## the long runs under moved time at full size
	@deploy/local/build $(programs) grpc_call
	@tests/soak

fuzz: deps ## the parsers of UPS's bytes under libFuzzer: make fuzz [SECONDS=60], for each
	@deploy/local/deps fuzz
	@tests/fuzz/run --seconds=$(SECONDS)

bench: deps ## the benchmarks: make bench [ONLY=P1]; results in build/bench/results.jsonl
	@PRESET=release deploy/local/build $(programs) $(bench_programs)
	@BUILD_DIR=$(CURDIR)/build-release python3 tests/bench/bench.py --only "$(ONLY)"

image: ## container images, by docker or buildah: make image [SERVICE=ps-ingest] [BASE=local]
	@BASE=$(BASE) deploy/image $(SERVICE)

docs-test: deps ## the console blocks of docs/kubernetes.md and docs/monitoring.md, word by word
	@deploy/local/deps chart
	@deploy/local/build $(programs)
	@tests/docs/run

fmt: ## formats the C++ files
	@deploy/local/deps lint
	@tests/checks/fmt

clean: down ## removes what was built and what `make up` and `make demo` stored
	@python3 -m deploy.local forget
	@rm -rf build build-*
