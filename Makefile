# What a user and a developer of Gyre call. `make demo` and `make test` are the two that matter.

CASES ?= ../shared/cases
CARGO ?= cargo

.PHONY: demo demo-check test bench fuzz lint conformance build check-tools

demo: check-tools
	$(CARGO) run --quiet --release --package gyre -- demo

# The demo without a person: pushes, prunes, heals, breaks, kills, and proves each. A line with its time for each step.
demo-check: check-tools
	$(CARGO) test --quiet --package gyre --test demo -- --nocapture

# Random input is the same in every run, so that a run tells what a change does; `make fuzz` draws it anew.
test: check-tools
	PROPTEST_RNG_SEED=1 $(CARGO) test --quiet --workspace --no-fail-fast

# The table of speeds and sizes, each beside its bound; with kubectl beside it where it can do the same.
bench: check-tools
	$(CARGO) bench --quiet --workspace --benches

# The tests that throw random input at the parsers, with other input each time and for much longer than `make test` does.
FUZZ_CASES ?= 20000
fuzz: check-tools
	PROPTEST_CASES=$(FUZZ_CASES) $(CARGO) test --quiet --workspace --lib --test fuzz --test properties --test templates

lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --quiet --workspace --all-targets -- -D warnings
	$(CARGO) run --quiet --package xtask -- tidy

conformance:
	$(CARGO) run --quiet --package xtask -- conformance $(CASES)

build:
	$(CARGO) build --release --package gyre

check-tools:
	@command -v $(CARGO) >/dev/null || { echo "cargo is missing: install Rust from https://rustup.rs"; exit 1; }
	@command -v git >/dev/null || { echo "git is missing: install it (apt-get install git)"; exit 1; }
