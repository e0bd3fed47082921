# Each target does its own set-up. Needed: git, make, and Python >= 3.11 with venv.
#
#   make optimize     search for a better cell on the digits
#   make test         lint, types, and the tests on the built wheel
#   make test-oldest  the tests with the oldest dependencies that pyproject.toml promises, on Python 3.11
#   make test-313     the tests on Python 3.13, where there is one
#   make picture      draw docs/run.svg from the folder RUN of a search
#   make clean        remove what was built

SHELL := /bin/bash
.DELETE_ON_ERROR:
.PHONY: optimize test check build test-wheel test-oldest leg-oldest test-313 leg-313 picture clean

SUPPORTED := import sys, venv; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c '$(SUPPORTED)' 2>/dev/null && echo $$python && break; done)
# Under pyenv, commands of Pythons that are not active answer only when asked for by this variable.
PYTHON_311 := PYENV_VERSION=3.11 python3.11
PYTHON_313 := PYENV_VERSION=3.13 python3.13
PIP := python -m pip --quiet --disable-pip-version-check
# More than there are cores: some tests wait for processes that end, or never do.
WORKERS ?= 3

# $(call environment,FOLDER,PYTHON): a new virtual environment
define environment
@$(or $(2),false) -c '$(SUPPORTED)' 2>/dev/null || \
	{ echo "nao needs Python >= 3.11 with venv; say which: make PYTHON=/path/to/python3.11" >&2; exit 1; }
rm -rf $(1)
$(2) -m venv $(1)
endef

# $(call tests,FOLDER): the tests, on what is installed there. Beside them nothing can be imported from
# where they run: the folder holds a link to tests/ and no more.
define tests
rm -rf $(1)/empty
mkdir $(1)/empty
ln -s "$(CURDIR)/tests" $(1)/empty/tests
cd $(1)/empty && ../bin/python -m pytest -c "$(CURDIR)/pyproject.toml" --rootdir . -q -n $(WORKERS) --dist loadgroup
endef

optimize: .venv/installed
	.venv/bin/nao optimize --iterations 3 --seeds 100

test: check test-wheel

.venv/bin/python:
	$(call environment,.venv,$(PYTHON))

.venv/installed: pyproject.toml | .venv/bin/python
	.venv/bin/$(PIP) install --editable .
	touch $@

.venv/checked: .venv/installed
	.venv/bin/$(PIP) install --editable '.[check,test]'
	touch $@

check: .venv/checked
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

# The wheel is built from the source distribution, so both are tested.
build: .venv/checked
	rm -rf build/dist
	.venv/bin/python -m build --quiet --outdir build/dist .
	.venv/bin/python .ci/wheel.py build/dist/*.whl

test-wheel: build
	$(call environment,.venv-wheel,$(PYTHON))
	.venv-wheel/bin/$(PIP) install "$$(echo build/dist/*.whl)[test]"
	$(call tests,.venv-wheel)

test-oldest: build
	@if $(PYTHON_311) -c '' 2>/dev/null; then $(MAKE) leg-oldest; \
	else echo "no python3.11 here: the oldest dependencies are not tested"; fi

leg-oldest:
	$(call environment,.venv-oldest,$(PYTHON_311))
	.venv-oldest/bin/python .ci/oldest.py pyproject.toml > .venv-oldest/oldest.txt
	.venv-oldest/bin/$(PIP) install "$$(echo build/dist/*.whl)[test]" --constraint .venv-oldest/oldest.txt
	$(call tests,.venv-oldest)

test-313: build
	@if $(PYTHON_313) -c '' 2>/dev/null; then $(MAKE) leg-313; \
	else echo "no python3.13 here: nothing is tested on it"; fi

leg-313:
	$(call environment,.venv-313,$(PYTHON_313))
	.venv-313/bin/$(PIP) install "$$(echo build/dist/*.whl)[test]"
	$(call tests,.venv-313)

picture: .venv/installed
	.venv/bin/python docs/picture.py $(RUN) docs/run.svg

clean:
	rm -rf .venv .venv-wheel .venv-oldest .venv-313 build .mypy_cache .ruff_cache
