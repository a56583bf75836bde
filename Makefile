# The two commands: `make run` starts the demo utility, `make test` tests everything. Both set up all they need.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2
APT := DEBIAN_FRONTEND=noninteractive apt-get
LOCK = $(BIN)/uv pip compile --quiet --generate-hashes --universal --python-version 3.11 --no-emit-index-url \
	--custom-compile-command "make lock" setup.cfg requirements/build.in

.PHONY: help run test lint bench soak lock venv clean
.DELETE_ON_ERROR:

help:
	@echo "make run     build and start the demo utility"
	@echo "make test    lint, types, import contracts, tests (all databases, browser)"
	@echo "make lint    only lint, types and import contracts"
	@echo "make bench   the benchmarks at small size      make soak   the long tests"
	@echo "make lock    resolve the dependencies anew     make clean  remove the virtual environment"

run: $(VENV)/run.stamp
	$(BIN)/cis-power demo

test: $(VENV)/test.stamp lint
	@sh tests/prepare.sh
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup --durations 15

lint: $(VENV)/test.stamp
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/bench.stamp
	$(BIN)/python -m bench all --size small

soak: $(VENV)/test.stamp
	@sh tests/prepare.sh
	$(BIN)/python -m pytest -m soak

lock: venv
	$(BIN)/python -m pip install --quiet "uv>=0.9,<1"
	$(LOCK) --extra test --output-file requirements/test.txt $(UPGRADE)
	$(LOCK) --constraint requirements/test.txt --output-file requirements/run.txt $(UPGRADE)
	$(LOCK) --constraint requirements/test.txt --extra bench --output-file requirements/bench.txt $(UPGRADE)

venv: $(VENV)/pip.stamp

# Debian parts venv's pip off into python3-venv: root installs it, others borrow their own pip.
$(VENV)/pip.stamp:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || [ "$$(id -u)" != 0 ] || \
		{ $(APT) update -q && $(APT) install -q -y --no-install-recommends python3-venv; }
	@if $(PYTHON) -c 'import ensurepip' 2>/dev/null; then $(PYTHON) -m venv $(VENV); \
	elif $(PYTHON) -m pip --version >/dev/null 2>&1; then \
		$(PYTHON) -m venv --without-pip $(VENV) && $(PYTHON) -m pip --python $(BIN)/python install --quiet pip; \
	else echo "no ensurepip and no pip: install the package python3-venv"; exit 1; fi
	@touch $@

# Everything is pinned by hash; the project itself is built without isolation from locked tools.
$(VENV)/%.stamp: requirements/%.txt setup.cfg pyproject.toml $(VENV)/pip.stamp
	$(BIN)/python -m pip install --quiet --require-hashes -r $<
	$(BIN)/python -m pip install -qq --no-deps --no-build-isolation --editable .
	@touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
