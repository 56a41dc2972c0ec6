# Two commands do everything on a fresh machine with Python 3.11+ and make:
#   make demo    from nothing to a call list and a running service
#   make test    all checks and tests

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN_STAMP := $(VENV)/.installed
DEV_STAMP := $(VENV)/.installed-dev
# Tests that run side by side; a file's stay together, as they share what is costly to make.
WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help install demo test tests check format notebooks bench grade lock clean

help:  ## Show these lines
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "pacesetter needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V 2>&1): set PYTHON=..." >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(RUN_STAMP): requirements.lock pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --no-deps -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV_STAMP): requirements-dev.lock $(RUN_STAMP)
	$(BIN)/python -m pip install --quiet --no-deps -r requirements-dev.lock
	@touch $@

install: $(RUN_STAMP)  ## Install the command at .venv/bin/pacesetter

demo: install  ## Make a sample company, train, print a call list, serve until Ctrl-C
	$(BIN)/pacesetter demo

test: $(DEV_STAMP)  ## All checks and tests
	$(MAKE) --no-print-directory --jobs 2 check tests

# `test` runs these beside the checks, which use one core and wait for the network.
tests: $(DEV_STAMP)
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile

check: $(DEV_STAMP)  ## Format, lint, types, import rule, dependencies and licences
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .
	$(BIN)/python tests/supply

format: $(DEV_STAMP)  ## Format and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

notebooks: $(DEV_STAMP)  ## Run the notebooks on a sample company; DATA=DIR adds a real log
	$(BIN)/python notebooks/run.py $(if $(DATA),--data "$(DATA)") $(if $(ONLY),--only "$(ONLY)")

bench: $(DEV_STAMP)  ## Measure the speed of the feature build beside its peers
	$(BIN)/python tests/bench

grade: $(DEV_STAMP)  ## Acceptance over seeds, soak and load
	$(BIN)/python tests/grade/__main__.py $(if $(DATA),--data $(DATA)) $(if $(ONLY),--only "$(ONLY)")

lock: $(DEV_STAMP)  ## Resolve the lock files anew (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --no-header --no-emit-index-url \
		--group build pyproject.toml -o requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --no-header --no-emit-index-url \
		--extra spark --group build --group dev -c requirements.lock pyproject.toml \
		-o requirements-dev.lock
	$(BIN)/python -m pip install --quiet --no-deps -r requirements-dev.lock
	$(BIN)/python tests/supply --write

clean:  ## Remove what was installed and made
	rm -rf $(VENV)
