# Everything a developer types. `make help` lists it.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

SOURCES := Package.swift Sources Snippets Tests Examples/Package.swift Examples/Sources Examples/Tests Benchmarks/Package.swift Benchmarks/Sources

# The tests with brokers, and clients with threads of their own. They wait for each other's processor time, so they run
# by themselves and a few at once, where the toolchain can be told that (6.3 and newer). (`grep` without -q, which stops
# reading when it has found something: the help that is still being written then would count as a failure.)
BROKER_TESTS := XKafkaTests\.|XKafkaSQLiteTests\.|XKafkaTestingTests\.|XKafkaTransportTests\.|IntegrationTests\.
FEW_AT_ONCE := $(shell swift test --help-hidden 2>/dev/null | grep maximum-parallelization-width >/dev/null && \
	echo --experimental-maximum-parallelization-width 8)

.PHONY: help
help: ## List the targets.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  \1|\2/' | column -t -s '|'

.PHONY: setup
setup: ## Install what is missing: librdkafka, SQLite, kcat, pkg-config.
	@./Scripts/setup

.PHONY: build
build: setup ## Build everything, debug.
	swift build --build-tests
	swift build --package-path Examples --build-tests

.PHONY: test
test: build ## Run all tests that need nothing but this machine.
	swift test --skip-build --skip '$(BROKER_TESTS)'
	swift test --skip-build --filter '$(BROKER_TESTS)' $(FEW_AT_ONCE)
	swift test --package-path Examples --skip-build

KILLS ?= 200
CHAOS_SECONDS ?= 60
SEED ?=

.PHONY: chaos
chaos: setup ## Let members, brokers and handlers fail for CHAOS_SECONDS by the schedule of SEED; kill consumers KILLS times.
	XKAFKA_CHAOS_SECONDS=$(CHAOS_SECONDS) XKAFKA_CHAOS_SEED=$(SEED) swift test --filter ChaosTests
	XKAFKA_KILLS=$(KILLS) swift test --skip-build --filter KilledConsumerTests

SEEDS ?= 20000

.PHONY: simulate
simulate: setup ## Play SEEDS schedules each of consuming and producing, simulated, and check the rules after every step.
	swift build -c release --product xkafka-simulate
	@.build/release/xkafka-simulate $(SEEDS)

.PHONY: calibrate
calibrate: setup ## Switch mistakes on, one after the other, and see that the simulator finds each.
	swift build -c release --traits SimulatedDefects --scratch-path .build/defects --product xkafka-simulate
	@.build/defects/release/xkafka-simulate

# How long each reader is fuzzed, and which one; all unless told otherwise.
SECONDS ?= 60
TARGET ?=

.PHONY: fuzz
fuzz: setup ## Fuzz what reads bytes from outside, SECONDS each; TARGET=commit-metadata narrows.
	@./Scripts/fuzz $(SECONDS) $(TARGET)

# Of thread, address and handles.
SANITIZE ?= thread address handles
HANDLES ?= 1000

.PHONY: sanitize
sanitize: setup ## Run the tests under sanitizers, and look for leaks of HANDLES clients; SANITIZE=thread narrows.
	@HANDLES=$(HANDLES) ./Scripts/sanitize $(SANITIZE)

BENCH ?=
MICRO ?=

.PHONY: bench
bench: setup ## Compare with librdkafka alone, in release; BENCH="--filter drain" narrows. Takes some minutes.
	swift build --package-path Benchmarks -c release --product xkafka-bench
	@Benchmarks/.build/release/xkafka-bench run $(BENCH)

SCALING ?=

.PHONY: bench-scaling
bench-scaling: setup ## Measure with few and many shards, keys and waiting messages; SCALING=shards, keys or backlog narrows.
	swift build --package-path Benchmarks -c release --product xkafka-bench
	@Benchmarks/.build/release/xkafka-bench scaling $(SCALING)

.PHONY: bench-micro
bench-micro: setup ## Measure offset tracker, key queues and lanes by themselves; MICRO=tracker narrows.
	swift build -c release --product xkafka-micro
	@.build/release/xkafka-micro $(MICRO)

.PHONY: demo
demo: setup ## Read this machine's package history through Kafka and check the outcome.
	swift build --package-path Examples --product demo
	@Examples/.build/debug/demo

.PHONY: test-integration
test-integration: setup ## Run the tests of a real cluster, named by XKAFKA_BROKERS; FILTER=group-consumer narrows.
	@if [ -z "$${XKAFKA_BROKERS:-}" ]; then \
		echo "error: XKAFKA_BROKERS is not set: name a cluster, such as XKAFKA_BROKERS=127.0.0.1:9092" >&2; \
		exit 2; \
	fi
	@suites="IntegrationTests\.$$(echo "$${FILTER:-}" | sed -E 's/(^|-)([a-z])/\U\2/g')"; \
	swift test --filter "$$suites" --skip BrokerDeath; \
	swift test --skip-build --filter "$$suites.*BrokerDeath"

# What users import, and what comes with that; each is linked with the others.
DOCUMENTED := XKafkaCore XKafkaConsume XKafkaProduce XKafka XKafkaConfiguration XKafkaSQLite XKafkaTesting

.PHONY: docs
docs: setup ## Build the documentation into .build/docs.
	XKAFKA_DOCS=1 swift package --allow-writing-to-directory .build/docs generate-documentation \
		$(addprefix --target ,$(DOCUMENTED)) --enable-experimental-combined-documentation --warnings-as-errors \
		--output-path .build/docs

.PHONY: lint
lint: ## Check formatting and style.
	swift format lint --strict --recursive --parallel $(SOURCES)

.PHONY: format
format: ## Format the code.
	swift format --in-place --recursive --parallel $(SOURCES)

# What is no prose: bytes that fuzzing found, and the log of packages.
NOT_SPELLED := Tests/Corpus Examples/Sources/demo/Resources

.PHONY: spell
spell: ## Look for misspelled words in what git tracks.
	@./Scripts/setup codespell
	@git ls-files -z -- . $(NOT_SPELLED:%=':!%') | xargs -0 codespell

# What the next version is allowed to break, in the words of the check, a line for each.
BREAKAGES := $(wildcard .ci/api-breakages.txt)

.PHONY: api-check
api-check: setup ## Compare the public interface with that of the last tag.
	@tag=$$(git describe --tags --abbrev=0 2>/dev/null) || { echo "There is no tag to compare with yet."; exit 0; }; \
	swift package diagnose-api-breaking-changes "$$tag" $(BREAKAGES:%=--breakage-allowlist-path %)

.PHONY: clean
clean: ## Remove what was built.
	rm -rf .build Examples/.build Benchmarks/.build
