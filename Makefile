# `make help` lists what there is to make. Everything that is needed is set up on the way, below .venv and .build.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
BUILD  := .build
DEMO   := demo
FUZZ_SECONDS ?= 60
APT_PATIENCE := -o Acquire::Retries=1 -o Acquire::http::Timeout=20 -o DPkg::Lock::Timeout=60
COMMIT  = $(shell git rev-parse --short=12 HEAD 2>/dev/null)

RUST_SOURCES   := Cargo.toml Cargo.lock build.rs $(shell find src -type f 2>/dev/null)
PYTHON_SOURCES := pyproject.toml README.md LICENSE THIRD-PARTY.md $(shell find python -type f -not -name '*.so' -not -path '*__pycache__*' 2>/dev/null)

RUST_TESTS     := $(shell find tests/rust benches/reader.rs examples/read_set.rs docs/howto/arrow.md -type f 2>/dev/null)
PYTHON_TESTS   := $(shell find tests/python tests/data docs examples benches release README.md CHANGELOG.md Makefile -type f -not -path '*__pycache__*' 2>/dev/null)

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help demo test retest torture check format bench docs rules pictures fuzz develop browser dist matrix workflows licences third-party clean prerequisites

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(BUILD)/installed  ## build, make an example archive, index it, ask three questions, write its report
	@echo "== an archive of RELION projects, some of its files broken"
	@$(BIN)/python examples/make_archive.py $(DEMO)/archive --force
	@echo
	@echo "== tomoset index $(DEMO)/archive --catalog $(DEMO)/catalog"
	@$(BIN)/tomoset index $(DEMO)/archive --catalog $(DEMO)/catalog
	@for query in examples/queries/*.sql; do \
		echo; echo "== tomoset query --catalog $(DEMO)/catalog - < $$query"; \
		sed -n 's/^-- //p' $$query; \
		$(BIN)/tomoset query --catalog $(DEMO)/catalog - < $$query || exit 1; \
	done
	@echo
	@echo "== tomoset report --catalog $(DEMO)/catalog -o $(DEMO)/report.html"
	@$(BIN)/tomoset report --catalog $(DEMO)/catalog -o $(DEMO)/report.html
	@echo
	@echo "Open $(abspath $(DEMO))/report.html in a browser. For tomoset in this shell:  . $(BIN)/activate"

test: $(BUILD)/tested-rust $(BUILD)/tested-python  ## run all tests, if anything changed: Rust core, Python package, examples in the docs
	@echo "All tests pass. (\"make retest\" runs them though nothing changed.)"

retest:  ## run all tests, whether anything changed or not
	@rm -f $(BUILD)/tested-rust $(BUILD)/tested-python
	@$(MAKE) test

$(BUILD)/tested-rust: $(RUST_SOURCES) $(RUST_TESTS) | prerequisites
	cargo test --locked
	@mkdir -p $(BUILD) && touch $@

$(BUILD)/tested-python: $(BUILD)/installed $(PYTHON_TESTS) | browser
	$(BIN)/python -m pytest -q -n 2
	@touch $@

torture: $(BUILD)/installed  ## kill, starve and mislead the catalogue's indexing for half an hour (tests/torture)
	TORTURE_MEMORY=1 $(BIN)/python -m pytest -q -s tests/torture tests/python/test_faults.py tests/python/test_faults_stale.py tests/python/test_faults_trees.py

check: $(BUILD)/installed  ## formatting, lints and types of everything
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	cargo clippy --locked --features python -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --quiet
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy --no-error-summary tests/python tests/torture examples benches release
	$(BIN)/python -m mypy.stubtest tomoset._core --mypy-config-file pyproject.toml
	$(BIN)/basedpyright --level error --pythonpath $(BIN)/python
	$(BIN)/python release/third_party.py --check
	$(MAKE) --no-print-directory workflows

format: $(BUILD)/installed  ## format all code
	cargo fmt
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(BUILD)/installed  ## measure against the peers (benches/README.md)
	$(BIN)/python -m pip install --quiet 'gemmi>=0.7' 'starfile-rs>=0.1.12'
	$(BIN)/python benches/run.py
	$(BIN)/python benches/indexing.py
	$(BIN)/python benches/checking.py
	$(BIN)/python benches/catalogue.py
	$(BIN)/python benches/report.py
	cargo bench --locked

fuzz:  ## fuzz the reader for FUZZ_SECONDS (60), beginning with the files in tests/data
	@command -v cargo-fuzz >/dev/null || cargo install --locked cargo-fuzz
	mkdir -p fuzz/corpus/read
	RUSTC_BOOTSTRAP=1 cargo fuzz run read --sanitizer none fuzz/corpus/read tests/data/hostile tests/data/oracle/parse -- -max_total_time=$(FUZZ_SECONDS) -rss_limit_mb=4096

develop: $(BUILD)/installed  ## install in place, so that changes to Python files count at once
	TOMOSET_COMMIT=$(COMMIT) $(BIN)/maturin develop --release --locked

docs: $(BUILD)/installed  ## make the site of the docs in .build/site, Rust's included; warnings are errors
	$(BIN)/python -m pip install --quiet "$$(ls $(BUILD)/wheels/*.whl)[docs]"
	$(BIN)/python -m sphinx -q -W --keep-going -d $(BUILD)/doctrees docs $(BUILD)/site
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --quiet
	rm -rf $(BUILD)/site/rust
	cp -R "$${CARGO_TARGET_DIR:-target}/doc" $(BUILD)/site/rust
	@echo "$(BUILD)/site/index.html"

rules: $(BUILD)/installed  ## write docs/rules.md from the rules
	$(BIN)/python examples/write_rules.py

pictures: $(BUILD)/installed  ## draw the pictures of the docs
	$(BIN)/python examples/draw_conventions.py

# Without it those tests skip and say so: nothing fails where nobody may install, or there is no network.
browser:  ## install Chromium for the tests of the report, on Debian and as root, if it is missing
	@command -v chromedriver >/dev/null || { \
		test "$$(id -u)" = 0 && command -v apt-get >/dev/null && mkdir -p $(BUILD) && \
		echo "installing Chromium for the tests of the report ($(BUILD)/browser.log)" && \
		{ apt-get $(APT_PATIENCE) update && \
		DEBIAN_FRONTEND=noninteractive apt-get $(APT_PATIENCE) install -y --no-install-recommends chromium chromium-driver; \
		} >$(BUILD)/browser.log 2>&1; \
	} || echo "no Chromium: the tests of the report in a browser are skipped"

# maturin asks the first python3 of the path for zig.
dist: $(BUILD)/venv  ## build what is published: a wheel for any Linux with glibc 2.17, and the source; check both
	rm -rf $(BUILD)/dist
	$(BIN)/python -m pip install --quiet ziglang abi3audit twine
	PATH="$(abspath $(BIN)):$$PATH" TOMOSET_COMMIT=$(COMMIT) $(BIN)/maturin build --release --locked --zig --compatibility manylinux_2_17 --out $(BUILD)/dist
	$(BIN)/maturin sdist --out $(BUILD)/dist
	$(BIN)/python release/contents.py $(BUILD)/dist/*
	$(BIN)/abi3audit --strict --summary $(BUILD)/dist/*.whl
	$(BIN)/twine check --strict $(BUILD)/dist/*

matrix: $(BUILD)/wheel  ## install the wheel beside the oldest and newest packages, on every Python there is, and test it
	$(BIN)/python release/matrix.py $(BUILD)/wheels/*.whl $(COMBINATIONS)

workflows: $(BUILD)/installed  ## look at the workflows of continuous integration
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/zizmor --offline --quiet .github/workflows

licences: $(BUILD)/installed  ## look at the licences of all Rust crates and Python packages (deny.toml)
	@command -v cargo-deny >/dev/null || cargo install --locked cargo-deny
	cargo deny check licenses bans sources
	$(BIN)/python -m pip install --quiet pip-licenses
	$(BIN)/pip-licenses --packages $$($(BIN)/python release/third_party.py --packages) --order license

third-party:  ## write THIRD-PARTY.md anew, after Cargo.lock changed
	$(PYTHON) release/third_party.py

clean:  ## remove what was built
	rm -rf $(BUILD) $(DEMO) target $(VENV)

prerequisites:
	@command -v $(PYTHON) >/dev/null || { echo "missing: Python 3.11 or newer (set PYTHON=/path/to/python3)"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "too old: $$($(PYTHON) --version); Python 3.11 or newer is needed (set PYTHON=/path/to/python3)"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "missing: Python's venv module (Debian: apt install python3-venv)"; exit 1; }
	@command -v cargo >/dev/null || { echo "missing: Rust with cargo (https://rustup.rs)"; exit 1; }
	@command -v cc >/dev/null || { echo "missing: a C compiler (Debian: apt install gcc)"; exit 1; }

# The wheel and everything the tests need, installed into .venv.
$(BUILD)/installed: $(BUILD)/wheel
	@echo "installing tomoset and what it works with into $(VENV) (a minute or two the first time)"
	$(BIN)/python -m pip install --quiet "$$(ls $(BUILD)/wheels/*.whl)[dev]"
	$(BIN)/python -m pip install --quiet --force-reinstall --no-deps $(BUILD)/wheels/*.whl
	@touch $@

$(BUILD)/wheel: $(BUILD)/venv $(RUST_SOURCES) $(PYTHON_SOURCES)
	rm -rf $(BUILD)/wheels
	@echo "compiling the core (2 to 5 minutes the first time)"
	TOMOSET_COMMIT=$(COMMIT) $(BIN)/maturin build --release --locked --quiet --out $(BUILD)/wheels
	@touch $@

$(BUILD)/venv: | prerequisites
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet 'maturin>=1.9,<2'
	@mkdir -p $(BUILD)
	@touch $@
