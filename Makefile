# The one command list: people, CI and the README call these and nothing else.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# The interpreter with the pinned packages of tests/support/requirements.txt; the tests that need it skip aloud without it.
export AURICLE_PYTHON ?= $(CURDIR)/target/venv/bin/python

# Where no cmake is installed, that of PyPI builds libopus; `make setup` puts it there.
export PATH := $(PATH):$(CURDIR)/target/venv/bin

# What the MongoDB store was tested against, as the last words of a run.
MONGO_SAID := [ -z "$${MONGO_URI:-}" ] && echo "MongoDB: mongo-java-server stood in for it; MONGO_URI=… tests against a real one" || true

CONFIG ?=
UNTIL ?=
TARGETS ?=
MINUTES ?=
RELEASE := target/release/auricle

.PHONY: console openapi help setup run demo test test-full mutants lint fuzz quality quality-echo quality-turns quality-webrtc dtmf histories bench-agent bench-api bench-call bench-media bench-sip bench-flood bench-pacer bench-webrtc measured image

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## find or install everything that running, testing and measuring need
	@scripts/setup.sh run test bench image

console: ## build the page that the gateway serves at /, where Node is installed
	@scripts/console.sh build

run: ## build release and start the gateway on its embedded defaults (CONFIG=FILE for your own)
	@scripts/setup.sh run console
	@scripts/console.sh build
	cargo build --release --locked
	exec $(RELEASE) serve $(if $(CONFIG),--config $(CONFIG))

demo: ## play a spoken file into a fresh gateway, record the answer, print the call's timeline
	@scripts/setup.sh demo
	cargo build --release --locked
	@scripts/demo.sh

test: ## every test, real callers included (at most 25 minutes)
	@scripts/setup.sh test
	@scripts/console.sh build
	cargo test --workspace --locked --no-fail-fast
	@$(MONGO_SAID)

test-full: ## every test with its long runs: more seeds, more interruptions, more calls
	@scripts/setup.sh test
	@scripts/console.sh build
	AURICLE_FULL=1 SIM_SEEDS=20000 cargo test --workspace --locked --no-fail-fast -- --include-ignored
	@$(MONGO_SAID)

mutants: ## 100 mistakes in authentication and tenancy, and whether a test notices each; goes on where the last run ended (MINUTES=60)
	@scripts/setup.sh mutants
	$(AURICLE_PYTHON) scripts/mutants.py --minutes $(or $(MINUTES),60)

lint: ## formatting, clippy, types of the console, documentation, licences and sources of every dependency
	@scripts/setup.sh run
	@scripts/console.sh check
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items --locked
	@scripts/deny.sh

openapi: ## write openapi.json anew from the routes
	AURICLE_WRITE_OPENAPI=1 cargo test --locked --lib openapi

fuzz: ## every fuzz target, SECONDS_EACH=60 by default, or UNTIL=600 of the project together; TARGETS="media/rtp …" for some
	@scripts/setup.sh run
	@UNTIL=$(UNTIL) scripts/fuzz.sh $(or $(SECONDS_EACH),60) $(TARGETS)

quality-echo: ## whether the agent's echo is taken for the caller, and how soon the caller is heard through it
	@scripts/setup.sh test
	AURICLE_MEASURE=1 cargo test --release --locked --test echo_barge_in
	@python3 scripts/measured.py --result echo

quality: ## how voices sound: PESQ of real speech through a 24 kHz echo, and over bad links (the loss table, with plots)
	@scripts/setup.sh quality
	AURICLE_MEASURE=1 cargo test --release --locked --test interop sound
	@python3 scripts/measured.py --result sound
	AURICLE_MEASURE=1 cargo test --release --locked --test quality || short=$$?; \
	python3 scripts/measured.py --result quality; exit $${short:-0}

quality-webrtc: ## how a voice sounds from a browser to an agent and back, and what of its way is the gateway's
	@scripts/setup.sh test
	@scripts/console.sh build
	AURICLE_MEASURE=1 cargo test --release --locked --test webrtc sound -- --nocapture
	@python3 scripts/measured.py --result webrtc_sound

quality-turns: ## 1,000 interruptions and 1,000 cuts of agents in 100 calls, and 100 agents that hang in 50
	@scripts/setup.sh test
	AURICLE_FULL=1 cargo test --release --locked --test turns -- --nocapture an_interruption resets_and_closes an_agent_that_hangs
	@python3 scripts/measured.py --result barge_in
	@python3 scripts/measured.py --result agent_cuts
	@python3 scripts/measured.py --result agent_stalls

dtmf: ## keys under 20 % loss, and hours of speech that hold none
	@scripts/setup.sh test
	AURICLE_FULL=1 cargo test --release --locked -p media --test dtmf_loss --test dtmf_talk_off -- --nocapture 2>&1 | tee target/dtmf.log
	@python3 scripts/measured.py --dtmf target/dtmf.log

histories: ## a million random packet histories, and as many ordered and replayed packets, on every core
	@scripts/setup.sh run
	AURICLE_FULL=1 cargo test --release --locked -p media --test ingress_histories --test egress_histories --test playout_histories \
		--test ingress_orderly -- --nocapture 2>&1 | tee target/histories.log
	AURICLE_FULL=1 cargo test --release --locked -p media --lib srtp -- --nocapture 2>&1 | tee -a target/histories.log
	@python3 scripts/measured.py --histories target/histories.log

bench-call: ## cost, delay and memory of a call at 100 and 400 calls, against the bare loop
	@scripts/setup.sh bench
	cargo bench --profile dist --locked --bench call_capacity -- all

bench-api: ## 500 requests a second beside 50 calls, and guesses at passwords beside both
	@scripts/setup.sh bench
	cargo bench --profile dist --locked --bench api -- all

bench-agent: ## cost of a frame toward an agent and back in every protocol, and what passing G.711 through saves
	@scripts/setup.sh run
	cargo bench --profile dist --locked --bench agent

bench-media: ## cost of a frame of every codec, of a call's pipelines a tick, and its memory
	@scripts/setup.sh run
	cargo bench --profile dist --locked --bench media

bench-sip: ## time and allocations of reading an INVITE, memory of a dialog, calls a second
	@scripts/setup.sh run
	cargo bench --profile dist --locked --bench sip

bench-flood: ## OPTIONS, calls and memory beside 20,000 REGISTER a second, and new clients beside 3,000 half-open connections
	@scripts/setup.sh run
	AURICLE_MEASURE=1 AURICLE_FULL=1 cargo test --release --locked --test hostile registers -- --nocapture
	AURICLE_MEASURE=1 cargo test --release --locked --test transports half_open::a_new_client -- --nocapture
	@python3 scripts/measured.py --result flood
	@python3 scripts/measured.py --result half_open

bench-pacer: ## send lateness of 1000 paced streams alone on the machine
	@scripts/setup.sh run
	cargo bench --profile dist --locked --bench pacer_lateness

bench-webrtc: ## cost, memory and set-up of 100 calls from web pages: Opus to an agent at 24 kHz
	@scripts/setup.sh run
	cargo bench --profile dist --locked --bench webrtc -- all

measured: ## write docs/measured.md from the figures that the last measurements saved
	@python3 scripts/measured.py

image: ## build the container image without a registry, start it, ask it for its health
	@scripts/setup.sh image console
	@scripts/console.sh build
	cargo build --profile dist --locked --bin auricle
	@scripts/image.sh
