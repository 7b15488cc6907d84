# Everything a person types; `make help` lists it.
SHELL := /bin/bash
export SWIFT_BACKTRACE ?= enable=no
# Tests are built with optimisation; 0 builds them as `swift build` does.
export SAKUIN_OPTIMISED_TESTS ?= 1

KILLS ?= 200
MINUTES ?= 1

.PHONY: help deps demo test build lint bench micro growth fuzz soak steady beside memory recovery merging proto clean

help: ## this list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

deps:
	@Scripts/ensure-deps.sh

build: deps ## release build
	swift build -c release

demo: deps ## start a daemon, import CORPUS (a sample), search QUERY, stop
	swift build -c release --product sakuind
	swift build -c release --product sakuin
	@Scripts/demo.sh

test: deps ## debug build and all tests
	swift build --build-tests
	swift test --skip-build --skip SweepTests
	# By themselves: they keep all threads of the test library busy, and tests that talk to a server would wait for them.
	swift test --skip-build --filter SweepTests

lint: ## format check, warnings are errors
	swift format lint --strict --configuration .swift-format --recursive \
	    $$(find Sources Tests Benchmarks Examples -name '*.swift' -not -path '*/Generated/*' -not -path '*/.build/*')

bench: deps ## measure beside the installed peers: CORPUS=file.jsonl[.xz] [QUERIES=file.tsv] [ENGINES=a,b] [COMPACT=yes]
	@Scripts/bench.sh

micro: deps ## micro benchmarks on generated text, as a table [FILTER='analyzer.*']
	@set -o pipefail; swift package --package-path Benchmarks --disable-sandbox benchmark --no-progress \
	    --format markdown $(if $(FILTER),--filter '$(FILTER)') | Scripts/micro-table.py

growth: deps ## how times grow with the corpus: CORPORA="a.jsonl.xz b.jsonl" [QUERIES="a.tsv b.tsv"] [PARTS=10,1] [OUT=folder]
	@test -n "$(CORPORA)" || { echo 'usage: make growth CORPORA="a.jsonl.xz b.jsonl" [QUERIES="a.tsv b.tsv"]' >&2; exit 2; }
	swift build -c release --package-path Benchmarks --product sakuin-bench
	Benchmarks/growth.py --bench Benchmarks/.build/release/sakuin-bench --out $(or $(OUT),.build/growth) \
	    $(if $(PARTS),--parts $(PARTS)) $(foreach file,$(QUERIES),--queries $(file)) $(CORPORA)

fuzz: deps ## fuzz every parser for SECONDS each, or TARGET alone
	@SECONDS_EACH=$(or $(SECONDS),60) TARGET="$(TARGET)" Scripts/fuzz.sh

soak: deps ## kill a loaded daemon KILLS times and go on for MINUTES, then sweep faults as long
	swift build -c release --product sakuind
	Scripts/soak.py --kills $(KILLS) --minutes $(MINUTES) $(if $(SEED),--seed $(SEED))
	SAKUIN_FAULT_SEED=$(or $(SEED),$$(date +%s)) SAKUIN_FAULT_SECONDS=$$(($(MINUTES) * 60)) swift test --filter 'FaultSweepTests|BesideSweepTests|RepairSweepTests'

steady: deps ## keep a daemon under load and compactions for MINUTES; plot memory, files, dead documents
	swift build -c release --product sakuind
	Scripts/steady.py --minutes $(MINUTES) --out steady.tsv --plot steady.svg $(if $(SEED),--seed $(SEED))

beside: deps ## measure searches with and without a compaction beside them [CORPUS=file.jsonl QUERIES=file.tsv COLUMN=2]
	swift build -c release --product sakuind
	swift build -c release --product sakuin
	Scripts/beside.py $(if $(CORPUS),--corpus $(CORPUS)) $(if $(QUERIES),--queries $(QUERIES)) --column $(or $(COLUMN),1)

memory: deps ## sample the memory of a daemon under imports: CORPUS=file.jsonl QUERIES=file.tsv [COLUMN=2] [MB=64]
	swift build -c release --product sakuind
	swift build -c release --product sakuin
	Scripts/memory.py $(CORPUS) $(QUERIES) --column $(or $(COLUMN),1) --memory-mb $(or $(MB),64)

recovery: deps ## time starts after kills in the middle of an import: CORPUS=file.jsonl [KILLS=200]
	swift build -c release --product sakuind
	swift build -c release --product sakuin
	Scripts/recovery.py $(CORPUS) --kills $(KILLS)

merging: deps ## simulate the merge policy over 10^10 documents; plot it into Docs/merging.svg
	swift build -c release --package-path Benchmarks --product sakuin-mergesim
	Benchmarks/.build/release/sakuin-mergesim > merging.tsv
	Benchmarks/plot_merging.py merging.tsv Docs/merging.svg

proto: ## regenerate the protobuf code; needs protoc and protoc-gen-swift
	protoc --proto_path=Protocol/sakuin/v1 --swift_out=Sources/SakuinProtocol/Generated \
	    Protocol/sakuin/v1/sakuin.proto

clean: ## remove everything that was built
	swift package clean
