# The entry point: it only calls cargo, cmake and scripts/, each of which can also be called by hand.

PREFIX ?= /usr/local

# The directories of rustup and of the broker, which may not be in PATH.
export PATH := $(PATH):$(or $(CARGO_HOME),$(HOME)/.cargo)/bin:/usr/sbin

# One target at a time: each tool uses all processors by itself, and none has to know that make called
# it.
.NOTPARALLEL:
unexport MAKEFLAGS MFLAGS
export CMAKE_BUILD_PARALLEL_LEVEL := $(shell getconf _NPROCESSORS_ONLN)

# Most tests wait most of the time.
export CTEST_PARALLEL_LEVEL := $(shell expr 4 \* $(CMAKE_BUILD_PARALLEL_LEVEL))
export RUST_TEST_THREADS := $(CTEST_PARALLEL_LEVEL)

# Both build trees, for users and for tests, share what cargo compiles.
CONFIGURE := cmake --log-level=WARNING -DPMQTT_CARGO_TARGET_DIR=$(CURDIR)/build/cargo
COMPILE   := env -u MAKELEVEL cmake --build

.PHONY: help build demo test test-rust test-c conformance soak sanitize bench bench-full install deb docs lint header clean

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' Makefile | \
	    while IFS='|' read -r target what; do printf '  make %-11s %s\n' "$$target" "$$what"; done

build: ## compile the library, in build/release
	@scripts/setup build
	@$(CONFIGURE) -S . -B build/release -DCMAKE_BUILD_TYPE=Release \
	    -DPMQTT_BUILD_TESTS=OFF -DPMQTT_BUILD_EXAMPLES=OFF
	@$(COMPILE) build/release

demo: build ## see it work, with a private broker (or with PMQTT_BROKER=host:port)
	@scripts/setup demo
	@DESTDIR= cmake --install build/release --prefix build/prefix
	@cmake --log-level=WARNING -S bindings/c/examples/demo -B build/demo -DCMAKE_BUILD_TYPE=Release \
	    -DCMAKE_PREFIX_PATH=$(CURDIR)/build/prefix
	@$(COMPILE) build/demo
	@scripts/demo build/demo/demo

# Go finds the library as any Go program does: through an installed pkg-config file.
GO_PREFIX := $(CURDIR)/build/test/prefix

# Not $(MAKE) itself, as `make -n` would run it, and without -n, since no flags are exported.
AGAIN := $(MAKE) --no-print-directory

# Two halves that take about the same time: one computes while the other waits.
test: ## run all that there is to run: Rust, C, packaging, Go
	@scripts/setup test
	@scripts/beside rust='$(AGAIN) lint test-rust && scripts/sanitize address' c='$(AGAIN) test-c'
	@echo "make test: all passed"

# Pure code cannot differ between systems: the feature changes only src/sys.
PORTABLE := $(filter-out codec layers session_%,$(patsubst tests/%/main.rs,%,$(wildcard tests/*/main.rs)))

test-rust:
	cargo test
	cargo test --features portable --lib $(addprefix --test ,$(PORTABLE))
	cargo test --no-default-features --test without_tls
	cargo test --manifest-path tests/model/Cargo.toml

# The library is a release build, but the C tests keep their assertions, so there is no build type.
CONFIGURE_TEST := $(CONFIGURE) -S . -B build/test -DCMAKE_BUILD_TYPE= -DCMAKE_C_FLAGS=-g -DCMAKE_INSTALL_LIBDIR=lib \
    -DPMQTT_BUILD_TESTS=ON -DPMQTT_BUILD_EXAMPLES=ON

test-c:
	$(CONFIGURE_TEST)
	$(COMPILE) build/test
	ctest --test-dir build/test --output-on-failure --no-tests=error
	$(MAKE) --no-print-directory -C bench guard LIBRARY=$(CURDIR)/build/test/lib/release
	LD_LIBRARY_PATH=$(CURDIR)/build/test/lib/release bench/guard.py
	DESTDIR= cmake --install build/test --prefix $(GO_PREFIX)
	bindings/go/test.sh $(GO_PREFIX)

conformance: ## play the same cases against three brokers, for some minutes, and write docs/brokers.md
	@scripts/setup conformance
	@$(CONFIGURE_TEST)
	@$(COMPILE) build/test --target conformance
	@tests-c/conformance/run.py build/test/tests-c/conformance/conformance

# Each run prints how many episodes it has played, and one episode of each kind of fault.
soak: ## play 120,000 random episodes of the client, 20 cuts, and 40 times the schedules, for some minutes
	@scripts/setup build
	PMQTT_EPISODES=100000 cargo test --release --test episodes -- --nocapture --exact one_thread
	PMQTT_EPISODES=20000 cargo test --release --test episodes -- --nocapture --exact loop_thread
	PMQTT_CUTS=20 PMQTT_CUT_MS=1250 cargo test --release --test cuts -- --nocapture
	PMQTT_SCHEDULES=40 cargo test --manifest-path tests/model/Cargo.toml

sanitize: ## run the C tests under the address sanitizer, and the thread sanitizer with Rust nightly
	@scripts/setup test
	scripts/sanitize

bench: build ## measure pmqtt beside its peers, for some minutes, and write docs/benchmarks.md
	@scripts/setup bench
	@$(MAKE) --no-print-directory -C bench quick
	@bench/run.py quick

bench-full: build ## the same with more of them, for half an hour
	@scripts/setup bench
	@$(MAKE) --no-print-directory -C bench full
	@bench/run.py full

# Under sudo this only copies: root may have no Rust, and must not leave its own files in your build.
install: $(if $(SUDO_USER),,build) ## install into PREFIX=/usr/local, below DESTDIR where there is one
	@test -e build/release/cmake_install.cmake || { echo "Run 'make build' first." >&2; exit 1; }
	@cmake --install build/release --prefix $(PREFIX)
	@rm -f build/release/install_manifest.txt
	@test -n "$(DESTDIR)" || ldconfig 2>/dev/null || true

deb: ## make Debian packages, in build/deb
	@scripts/setup deb
	scripts/deb build/deb

docs: ## write the reference of the API, build/docs/html/index.html
	@scripts/setup docs
	@scripts/docs

lint: ## check the format, and ask clippy
	@scripts/setup test
	cargo fmt --check
	cargo clippy --all-targets -- -D warnings
	cargo clippy --all-targets --features portable -- -D warnings
	cargo clippy --no-default-features --lib --test without_tls -- -D warnings
	cargo fmt --check --manifest-path tests/model/Cargo.toml
	cargo clippy --manifest-path tests/model/Cargo.toml --tests -- -D warnings
	cargo fmt --check --manifest-path bench/micro/Cargo.toml
	cargo clippy --manifest-path bench/micro/Cargo.toml --all-targets -- -D warnings

header: ## write include/pmqtt.h anew, after a change of src/ffi
	@scripts/setup build
	PMQTT_UPDATE_HEADER=1 cargo test --test header

clean: ## remove all that was built
	rm -rf build target
