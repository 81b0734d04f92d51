# The two commands for a fresh machine are `make demo` and `make test`. Rust and Go are all they need.

CARGO ?= cargo
# Build results stay outside the checkout where CI asks for it, so that a fresh clone builds quickly.
TARGET_DIR := $(or $(CARGO_TARGET_DIR),target)
DEPLOYCTL := $(abspath $(TARGET_DIR))/release/deployctl

.PHONY: help build demo test check bench schema

help: ## Show this help
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile

build: ## Build the program
	$(CARGO) build --release --locked

demo: build ## Start a sandbox and bring AI-IMUTIS to it
	DEPLOYCTL=$(DEPLOYCTL) ./demo.sh

check: ## Formatting, lints and documentation, warnings as errors
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --no-deps --document-private-items

test: check ## Run everything
	$(CARGO) build --locked
	$(abspath $(TARGET_DIR))/debug/deployctl sandbox install
	$(CARGO) test --locked

bench: build ## Measure `up` against a bare loop of PATCH requests
	$(DEPLOYCTL) sandbox run --nodes 10 -- env DEPLOYCTL=$(DEPLOYCTL) $(CARGO) bench --locked --bench apply

schema: ## Write the JSON Schema of the plan file
	$(CARGO) run --locked --quiet -- schema > docs/plan.schema.json
