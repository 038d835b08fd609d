# Everything a developer types. Each target prepares what it needs: on a fresh machine Python 3.11 or newer is enough.
.DEFAULT_GOAL := help
SHELL := /bin/sh
.SUFFIXES:

VENV := .venv
BIN := $(VENV)/bin
RUN := $(VENV)/.installed-run
DEV := $(VENV)/.installed-dev
FUZZ := .venv-fuzz/.installed-fuzz
SITE := .venv-docs/.installed-docs
FUZZ_SECONDS ?= 120
FAULTS_SEED ?= 1
DOCKER ?= docker
IMAGE ?= track-bridge
VERSION := $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' bridge/__init__.py)
TESTS ?= tests
CHART := helm/track-bridge
HISTORIES ?= 100000
ARGS ?=

.PHONY: help demo playground environment situations soak faults fuzz lint bench bench-check image image-facts compose-rules chart chart-cluster docs site release fmt requirements clean
.PHONY: coverage coverage-all coverage-rest test test-all test-rest test-quick test-component test-chart test-image test-brokers

help: ## this list
	@echo "make TARGET [ARGS=...]"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(RUN) ## the whole bridge on an embedded Kafka and an emulated Track API, in half a minute
	@$(BIN)/track-bridge demo $(ARGS)

playground: $(DEV) ## a live shop, Kafka, API, bridge and console to touch, until Ctrl-C (ARGS="--config bridge.yaml --samples FILE")
	@$(BIN)/track-bridge playground $(ARGS)

environment: $(DEV) ## .venv with all that development needs; every target makes it by itself

# The quick tiers need nothing but processors and take all there are. The embedded broker's tests mostly wait, so four
# share the processors, and six where the slow ones do, the longest first (tests/component/conftest.py). Those on brokers of Java wait as well. An engine and a Helm are made once, by one process.
# What is `everyday` is decided in tests/everyday.py. `make test` and `make test-rest` run each test of CI once between them.
QUICK := tests/repo tests/unit tests/contract tests/simulation
WAITING := tests/component
CHARTS := tests/chart
ALONE := tests/image
BROKERS := tests/integration
PYTEST := $(BIN)/python -m pytest -q
ON_WAITING := $(PYTEST) -n 4 $(WAITING)
SLOW_WAITING := $(PYTEST) -n 6 --maxschedchunk 1 $(WAITING)
# Which tests share a broker of their own, and that the longest go first, is said in tests/integration/order.py.
ON_BROKERS := $(PYTEST) -n 4 --dist loadgroup --no-loadscope-reorder $(BROKERS)
test: $(DEV) ## what a change needs, in some minutes: quick tiers, fast component tests, a real Kafka in short form (TESTS=tests/unit: only these; ARGS: for pytest)
ifeq ($(strip $(TESTS) $(ARGS)),tests)
	@$(PYTEST) -n auto $(QUICK) -m everyday --hypothesis-profile=everyday
	@$(ON_WAITING) -m everyday
	@$(PYTEST) $(BROKERS) -m everyday
else
	@$(BIN)/python -m pytest $(TESTS) $(ARGS)
endif

test-all: ## everything CI tests: test, then test-rest; or part by part: test-quick test-component test-chart test-image test-brokers
	@$(MAKE) --no-print-directory test TESTS=tests ARGS=
	@$(MAKE) --no-print-directory test-rest

test-rest: $(DEV) ## what test leaves out: slow tests, all examples of the properties, the chart, the image, the real Kafka in full
	@$(PYTEST) -n auto $(QUICK) -m 'not everyday or hypothesis'
	@$(SLOW_WAITING) -m 'not everyday'
	@$(MAKE) --no-print-directory test-chart test-image
	@$(ON_BROKERS) -m 'not everyday'

test-quick: $(DEV) ## the tiers that need nothing but processors: repo, unit, contract, simulation
	@$(PYTEST) -n auto $(QUICK)

test-component: $(DEV) ## the whole service on the embedded Kafka and the emulated API
	@$(SLOW_WAITING)

test-chart: $(DEV) ## the Helm chart, rendered and held against its schemas, alerts and pages
	@$(BIN)/python -m tests.chart.helm >/dev/null || true
	@$(PYTEST) -n auto $(CHARTS)

test-image: $(DEV) ## the container image, built and run
	@$(PYTEST) $(ALONE)

test-brokers: $(DEV) ## everything on a real Kafka
	@$(ON_BROKERS)

# Each example of a property is the same in every run. Workers and programs that the tests start are measured as well.
MEASURED := $(BIN)/python -m coverage run -m pytest -q --hypothesis-profile=everyday --hypothesis-seed=0 -m everyday
MEASURES := build/coverage
coverage: $(DEV) ## which lines and branches of bridge/ the quick and the fast component tests run (ARGS=--lines: what they do not); a function never entered needs a reason
	@rm -rf $(MEASURES) && mkdir -p $(MEASURES)
	@$(MEASURED) -n auto $(QUICK)
	@$(MEASURED) -n 4 $(WAITING)
	@$(BIN)/python -m coverage combine --quiet
	@$(BIN)/python -m coverage json --quiet --fail-under=0 -o $(MEASURES)/report.json
	@$(BIN)/python -m scripts.covered $(MEASURES)/report.json $(ARGS)
	@$(BIN)/python -m coverage report --format=total

# Each file of tests is a context, which not every way of measuring can tell: so the report says who enters what.
MEASURES_ALL := build/coverage-all
MEASURED_ALL := COVERAGE_CORE=ctrace $(BIN)/python -m coverage run --data-file=$(MEASURES_ALL)/data -m pytest -q -p tests.contexts --timeout=1200 --hypothesis-seed=0
coverage-all: $(DEV) ## the same of everything CI tests but chart and image, an hour or two; each function of tests/uncovered.toml is where it belongs
	@$(MAKE) --no-print-directory coverage ARGS=
	@$(MAKE) --no-print-directory coverage-rest

coverage-rest: $(DEV) ## the longer half of coverage-all, after a make coverage (ARGS=--write: sort tests/uncovered.toml by what was measured)
	@rm -rf $(MEASURES_ALL) && mkdir -p $(MEASURES_ALL)
	@$(MEASURED_ALL) -n auto $(QUICK) -m 'not everyday or hypothesis'
	@$(MEASURED_ALL) -n 6 --maxschedchunk 1 $(WAITING) -m 'not everyday'
	@$(MEASURED_ALL) -n 4 --dist loadgroup --no-loadscope-reorder $(BROKERS)
	@$(BIN)/python -m coverage combine --quiet --keep --data-file=$(MEASURES_ALL)/data $(MEASURES)/data $(MEASURES_ALL)
	@$(BIN)/python -m coverage json --quiet --fail-under=0 --show-contexts --data-file=$(MEASURES_ALL)/data -o $(MEASURES_ALL)/report.json
	@$(BIN)/python -m scripts.covered $(MEASURES)/report.json --all $(MEASURES_ALL)/report.json $(ARGS)
	@$(BIN)/python -m coverage report --format=total --data-file=$(MEASURES_ALL)/data

fuzz: $(FUZZ) ## look for inputs that break a promise, guided by coverage (FUZZ_SECONDS=600; ARGS=answers: one target)
	@.venv-fuzz/bin/python -m tests.fuzz --seconds $(FUZZ_SECONDS) $(ARGS)

platforms: $(DEV) ## the demo and some tests with the image's Python on amd64 and arm64, emulated; whether all wheels are there (ARGS='wheels arm64')
	@$(BIN)/python -m tests.platforms $(ARGS)

situations: $(DEV) ## fourteen things that go wrong on a real Kafka: what status, alerts, dashboard and runbook say, as a table
	@$(BIN)/python -m tests.integration.situations $(ARGS)

faults: $(DEV) ## the fault suite on a real Kafka with its full counts, and a table of what they came to (FAULTS_SEED=2)
	@FAULTS=full FAULTS_SEED=$(FAULTS_SEED) $(BIN)/python -m pytest -q tests/integration/faults tests/integration/cli/test_backfill.py $(ARGS)

soak: $(DEV) ## 100,000 simulated histories on all cores (HISTORIES=...; ARGS=SEED: where to begin)
	@$(BIN)/python -m tests.simulation --soak $(HISTORIES) $(ARGS)

lint: $(DEV) ## style, types, who may import whom, the recipes of image and chart, what may not be in a tracked file
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/hadolint Dockerfile
	$(BIN)/python -m scripts.chart --check
	@helm=$$($(BIN)/python -m tests.chart.helm --here) || { echo "helm lint: left out, there is no helm here yet (make test TESTS=tests/chart builds one)"; exit 0; }; \
	  for values in $(CHART)/ci/*-values.yaml; do $$helm lint --strict --quiet --values $$values $(CHART) || exit 1; done; \
	  $(BIN)/python -m scripts.chart.plain $$helm --check
	$(BIN)/python -m pytest -q --no-header tests/repo/test_tracked_files.py

bench: $(DEV) ## what an event costs, side by side with the least it can cost
	@$(BIN)/python -m bench $(ARGS)

bench-check: $(DEV) ## whether an event costs over 15 % more of our code than the baseline says (half a minute)
	@$(BIN)/python -m bench.check $(ARGS)

image: ## the container image, and its bill of materials in dist/ (DOCKER=podman works too)
	@$(DOCKER) info >/dev/null 2>&1 || { \
	  echo "make image needs a container engine and '$(DOCKER) info' gets no answer: start Docker, or name another one (make image DOCKER=podman)." >&2; exit 1; }
	DOCKER_BUILDKIT=1 $(DOCKER) build $(ARGS) --build-arg VERSION=$(VERSION) --build-arg REVISION=$$(git rev-parse HEAD 2>/dev/null) -t $(IMAGE):$(VERSION) .
	DOCKER_BUILDKIT=1 $(DOCKER) build $(ARGS) --target sbom --output type=local,dest=dist .

image-facts: $(DEV) ## what that image weighs and how fast it starts (ARGS: its base, where that is another one)
	@DOCKER=$$(command -v $(DOCKER)) $(BIN)/python -m tests.image $(IMAGE):$(VERSION) $(ARGS)

compose-rules: $(DEV) ## the chart's alerts for the Prometheus of compose.yaml, after they changed in helm/
	$(BIN)/python scripts/compose-rules > deploy/compose/rules.yaml

chart: $(DEV) ## write again what of the Helm chart has a source: the schema of its values, its README, its dashboard, the plain manifests
	@$(BIN)/python -m scripts.chart
	@helm=$$($(BIN)/python -m tests.chart.helm) && $(BIN)/python -m scripts.chart.plain $$helm

chart-cluster: $(DEV) ## the chart on a real Kubernetes API server, built here once: install, upgrade, rollback, uninstall
	@$(BIN)/python -m tests.support.cluster $(ARGS)

docs: $(DEV) ## write what is generated from the code: the configuration's schema and page, the tables of docs/operations.md
	$(BIN)/python -m bridge.config.schema > schemas/.bridge.schema.json
	mv schemas/.bridge.schema.json schemas/bridge.schema.json
	$(BIN)/python -m scripts.configuration_page docs/configuration.md
	$(BIN)/python -m scripts.reference_tables docs/operations.md
	$(BIN)/python -m scripts.commands_page docs/commands.md
	$(BIN)/python -m scripts.pictures docs/pictures

site: $(SITE) ## the pages as a site in build/site; a link or an anchor that leads nowhere ends it with an error
	@NO_MKDOCS_2_WARNING=1 .venv-docs/bin/python -m mkdocs build --quiet --strict $(ARGS)
	@echo "build/site/index.html"

release: $(DEV) ## the local half of a release: bump, build twice and compare, try the wheel, commit, tag (TO=1.4.0)
	@test -n "$(TO)" || { echo "make release TO=1.4.0: which version? This one is $(VERSION)." >&2; exit 2; }
	@$(BIN)/python -m scripts.release local "$(TO)"

fmt: $(DEV) ## format, and fix what can be fixed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Names, versions and hashes only: an address would bind everyone to one mirror. ARGS=--upgrade takes newer versions.
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	--no-strip-extras --no-emit-index-url --no-emit-find-links $(ARGS)
requirements: $(DEV) ## lock the dependencies again after pyproject.toml changed (ARGS=--upgrade: newer versions)
	$(LOCK) pyproject.toml --output-file requirements/run.txt
	$(LOCK) pyproject.toml --extra aws --extra console --extra zstd --constraints requirements/run.txt --output-file requirements/image.txt
	$(LOCK) pyproject.toml --all-extras --constraints requirements/image.txt --output-file requirements/image-otel.txt
	$(LOCK) pyproject.toml --all-extras --group dev --constraints requirements/image-otel.txt --output-file requirements/dev.txt
	$(LOCK) --group build --constraints requirements/dev.txt --output-file requirements/build.txt
	$(LOCK) --group fuzz --constraints requirements/dev.txt --output-file requirements/fuzz.txt
	$(LOCK) --group docs --constraints requirements/dev.txt --output-file requirements/docs.txt
	$(LOCK) --group sbom --constraints requirements/dev.txt --output-file requirements/sbom.txt

clean: ## remove what was made here (the broker's cache stays)
	rm -rf $(VENV) .venv-fuzz .venv-docs build dist .coverage .cache .*_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(RUN): requirements/run.txt requirements/build.txt pyproject.toml scripts/bootstrap
	@scripts/bootstrap run

$(DEV): requirements/dev.txt pyproject.toml scripts/bootstrap
	@scripts/bootstrap dev

$(FUZZ): requirements/dev.txt requirements/fuzz.txt pyproject.toml scripts/bootstrap
	@scripts/bootstrap fuzz

$(SITE): requirements/docs.txt scripts/bootstrap
	@scripts/bootstrap docs
