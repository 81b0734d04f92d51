# The two commands for a fresh machine are `make demo` and `make test`. Rust, Go and the C compiler that Rust links with are
# all they need.

CARGO ?= cargo
# Where build results go is for the user's cargo to say: it may be outside the checkout.
TARGET_DIR := $(shell $(CARGO) metadata --format-version 1 --no-deps --offline | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
DEPLOYCTL := $(TARGET_DIR)/debug/deployctl
RELEASE := $(TARGET_DIR)/release/deployctl

.PHONY: help build program go-packages helm-packages demo test lint platforms configurations sandbox bench bench-readiness kill-points kill-sequences conformance schema checks-page

help: ## Show this help
	@sed -n 's/^\([a-z-]*\):.*## /\1 - /p' Makefile

# A test is named so that features are those of the tests wherever tests follow: with others, cargo would build what depends on
# them twice.
build: ## Build the program, quickly
	$(CARGO) build --locked --bin deployctl --test it

# On a new machine both cargo and Go are busy for minutes: the one is not waited for before the other begins.
demo: ## Start a sandbox and bring AI-IMUTIS to it, or PLATFORM=valueverse
	@$(MAKE) --no-print-directory -j2 program go-packages
	@DEPLOYCTL='$(DEPLOYCTL)' PLATFORM='$(PLATFORM)' ./demo.sh

test: ## Run everything
	$(CARGO) fmt --check
	@$(MAKE) --no-print-directory -j2 helm-packages lint
	@$(MAKE) --no-print-directory sandbox
	$(CARGO) test --locked

# The demo needs nothing of what the tests stand on.
program:
	$(CARGO) build --locked --bin deployctl

# The same packages with the same settings as `deployctl sandbox install`, which then only links them. What is wrong with Go is
# for that command to say.
go-packages:
	@echo "Compiling etcd, Kubernetes and kwok for the sandbox, beside cargo (the first time: some minutes)"
	@cd src/sandbox/programs && GOWORK=off GOTOOLCHAIN=local GOFLAGS= CGO_ENABLED=0 GOOS= GOARCH= \
		go list -trimpath -export -f '' tool >/dev/null 2>&1 && echo "The sandbox's packages are compiled" || true

# Tests of charts have both versions of Helm, each pinned by a module of its own.
helm-packages: go-packages
	@for module in helm3 helm4; do (cd tests/programs/$$module && GOWORK=off GOTOOLCHAIN=local GOFLAGS= CGO_ENABLED=0 GOOS= GOARCH= \
		go list -trimpath -export -f '' tool >/dev/null 2>&1 || true); done

# READINESS_VERBOSE=1 lists the cases that disagree. Sets that are not beside the project are named and left out.
conformance: ## Count how many verdicts agree with the collections of cases beside the project
	@$(CARGO) test --locked --quiet --lib readiness::conformance -- --nocapture --test-threads=1

# PLATFORM=ai-imutis tries one alone. `make test` runs it too.
platforms: sandbox ## Bring every platform up, twice, in all of its environments, and let every phase fail
	$(CARGO) test --locked --test it -- --exact platforms::deploy::every_platform_comes_up_stays_changes_fails_and_goes

# DEPLOYCTL_CONFIGURATION_PROGRAMS names a folder with programs that are not on the PATH. `make test` runs it too.
configurations: sandbox ## Load every configuration of the manifests with its real program, where that is found
	$(CARGO) test --locked --test it -- --exact --nocapture configurations::every_configuration_is_loaded_by_its_program

sandbox: build ## Build the sandbox's programs, once
	@$(DEPLOYCTL) sandbox install

lint: build ## Check lints and documentation, warnings as errors
	$(CARGO) clippy --locked --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --locked --no-deps --document-private-items
	$(CARGO) test --locked --no-run

bench: ## Measure `up` against a bare loop of PATCH requests
	$(CARGO) build --release --locked --bin deployctl --bench apply
	$(RELEASE) sandbox run --nodes 10 -- env DEPLOYCTL='$(RELEASE)' $(CARGO) bench --locked --bench apply

bench-readiness: ## Measure how soon verdicts come while 200 Deployments roll out
	$(CARGO) build --release --locked --bin deployctl --bench readiness
	$(RELEASE) sandbox run --nodes 10 -- env DEPLOYCTL='$(RELEASE)' $(CARGO) bench --locked --bench readiness

# POINTS=20 tries 20 requests of each scenario instead of all, LANES=2 fewer side by side, ONLY="Upgrade killed" some by name.
# Of the release build, since thousands of runs of the other cost more time than the API server's answers.
kill-points: ## Kill AI-IMUTIS' up and rollback at every request that writes, and go on and back from there
	KILL_POINTS='$(POINTS)' KILL_POINTS_LANES='$(LANES)' KILL_POINTS_ONLY='$(ONLY)' \
		$(CARGO) test --release --locked --test it -- --ignored --exact --nocapture kill_points::every_point_of_ai_imutis

# COUNT=1000 tries more of them, FROM=17 begins with another one, LANES=2 tries fewer side by side.
kill-sequences: ## Kill up, rollback and down in any order, drawn by chance, and compare what is there with what it must be
	SEQUENCES='$(COUNT)' SEQUENCES_FROM='$(FROM)' SEQUENCES_LANES='$(LANES)' \
		$(CARGO) test --release --locked --test it -- --ignored --exact --nocapture sequences::many

schema: build ## Write the JSON Schema of the plan file
	$(DEPLOYCTL) schema > docs/plan.schema.json.new
	mv docs/plan.schema.json.new docs/plan.schema.json

checks-page: build ## Write the page of all checks
	$(DEPLOYCTL) schema --checks > docs/checks.md.new
	mv docs/checks.md.new docs/checks.md
