# Everything from a fresh clone, with nothing but Python 3.10+, Node 20+ and make. `make help` lists it.

PYTHON ?= python3
NOTEBOOK ?= example_notebooks/home_value.ipynb
VENV := .venv
BIN := $(VENV)/bin
PYTEST := $(BIN)/python -u -m pytest
TWO_WORKERS := --numprocesses 2 --dist loadfile --no-loadscope-reorder
PACKAGE = $(basename $(NOTEBOOK))_pipeline
LAB_SOURCES := $(wildcard package.json package-lock.json tsconfig.json install.json) \
	$(shell find labextension jupyter_pipe/server_config -type f -not -path '*/node_modules/*' 2>/dev/null)
LAB_BUILT := jupyter_pipe/labextension/static/style.js

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export NO_MKDOCS_2_WARNING := 1
# Kernels are processes: without bytecode each of them would compile every module anew.
unexport PYTHONDONTWRITEBYTECODE

SHELL := bash
# Of what runs side by side, every line says whose it is.
named = @set -o pipefail; ( $(2) ) 2>&1 | while IFS= read -r line; do printf '%s | %s\n' $(1) "$$line"; done

.DEFAULT_GOAL := help
.PHONY: help run lab dev test test-engines test-quick check typescript test-server test-browser test-python docs docs-check clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/installed-run ## compile and run the example notebook, headless
	$(BIN)/jupyter-pipe compile $(NOTEBOOK)
	$(BIN)/jupyter-pipe run $(PACKAGE)

lab: $(VENV)/installed-test ## open the example notebooks in JupyterLab
	$(BIN)/jupyter lab --notebook-dir example_notebooks

dev: $(VENV)/installed-test node_modules/.package-lock.json ## JupyterLab that follows your edits: Python restarts the server, TypeScript rebuilds
	$(BIN)/jupyter-builder develop . --overwrite
	@trap 'kill 0' EXIT; npm run watch & $(BIN)/jupyter-builder watch . & \
	  $(BIN)/jupyter lab --notebook-dir example_notebooks --ServerApp.autoreload=True

docs: $(VENV)/installed-test ## the documentation as a site, in build/site
	$(BIN)/mkdocs build --strict --quiet

test: ## everything that CI runs, from nothing, two at a time
	$(MAKE) --jobs=2 --keep-going check typescript test-browser test-python test-server

ENGINES := .make/engines
FLOWS := .make/flows
AIRFLOW := .make/airflow
KSERVE := .make/kserve
LABEL_STUDIO := .make/label-studio
CLOUDS := .make/clouds

test-engines: $(VENV)/installed-test $(ENGINES)/installed $(FLOWS)/installed $(AIRFLOW)/installed $(KSERVE)/installed $(LABEL_STUDIO)/installed $(CLOUDS)/installed slurm ## exports, really run by engines
	ENGINES_PYTHON=$(CURDIR)/$(ENGINES)/bin/python FLOWS_PYTHON=$(CURDIR)/$(FLOWS)/bin/python \
	  AIRFLOW_PYTHON=$(CURDIR)/$(AIRFLOW)/bin/python KSERVE_PYTHON=$(CURDIR)/$(KSERVE)/bin/python \
	  LABEL_STUDIO_PYTHON=$(CURDIR)/$(LABEL_STUDIO)/bin/python CLOUDS_PYTHON=$(CURDIR)/$(CLOUDS)/bin/python \
	  $(PYTEST) tests/engines

# Environments of their own: what engines pin must not meet what we need, nor each other.
$(ENGINES)/installed: tests/engines/requirements.txt
$(FLOWS)/installed: tests/engines/flows.txt
$(AIRFLOW)/installed: tests/engines/airflow.txt
$(KSERVE)/installed: tests/engines/kserve.txt
$(LABEL_STUDIO)/installed: tests/engines/label_studio.txt
$(CLOUDS)/installed: tests/engines/clouds.txt
$(ENGINES)/installed $(FLOWS)/installed $(AIRFLOW)/installed $(KSERVE)/installed $(LABEL_STUDIO)/installed $(CLOUDS)/installed:
	@$(PYTHON) -m venv $(@D)
	@$(@D)/bin/python -m pip install --quiet --no-compile -r $<
	@touch $@

.PHONY: slurm
slurm:
	@command -v slurmctld slurmd munged || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && apt-get install -qq -y --no-install-recommends slurmctld slurmd slurm-client munge; \
	  else \
	    echo "The test of SLURM needs slurmctld, slurmd and munged (Debian: apt-get install slurm-wlm munge)." >&2; exit 1; \
	  fi; }

.PHONY: loop-demo
loop-demo: $(VENV)/installed-test ## twelve weeks of a loop, with a service that answers and a page that says what happens
	@folder=$$(mktemp -d); $(BIN)/python -m tests.loop.scenario $$folder/weeks; status=$$?; rm -rf $$folder; exit $$status

check: $(VENV)/installed-test ## formatting, lint, types, density and the documentation site
	$(call named,check,$(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/mypy && \
	  $(BIN)/python benchmarks/density.py --check && $(BIN)/mkdocs build --strict --quiet)

typescript: $(VENV)/installed-test node_modules/.package-lock.json ## types and unit tests of the extension
	$(call named,typescript,npm test)

# pytest-jupyter and pytest-playwright each need an event loop of their own: separate processes. A browser
# test that fails is tried once more, and the summary names it: RERUN is a fault to be found, not a pass.
test-browser: $(VENV)/installed-test chromium ## the extension in a real JupyterLab
	$(call named,browser,$(PYTEST) tests/browser --reruns 1 -rfER)

.PHONY: screenshots
screenshots: $(VENV)/installed-test chromium ## the main states at every width, size and theme, to be looked at
	$(BIN)/python -m tests.browser.matrix build/screenshots

test-server: $(VENV)/installed-test ## the server extension's REST interface
	$(call named,server,$(PYTEST) tests/server)

test-python: $(VENV)/installed-test ## all other tests
	$(call named,python,$(PYTEST) --ignore tests/browser --ignore tests/server --ignore tests/engines $(TWO_WORKERS))

test-quick: $(VENV)/installed-test ## no kernels, servers or browser and few processes: a minute or two
	$(PYTEST) -q $(TWO_WORKERS) -m 'not (kernel or processes or server or browser or thorough)' --ignore tests/browser --ignore tests/server \
	  --ignore tests/engines

docs-check: $(VENV)/installed-test ## links, commands and figures in the documentation
	$(PYTEST) -q tests/examples/test_docs.py

clean: ## remove what was built, run or cached (the examples' runs too)
	rm -rf $(VENV) .make node_modules lib build dist jupyter_pipe/labextension example_notebooks/data
	rm -rf example_notebooks/*_pipeline example_notebooks/.jupyter_pipe example_notebooks/home_value_card.md
	cd example_notebooks/bakery && rm -rf data next_week.md .jupyter_pipe bakery_pipeline
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis test-results

# An environment of our own; the install is editable, so sources and tests never disagree.
$(VENV)/created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { \
	  echo "jupyter_pipe needs Python 3.10 or newer. Name one: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null && command -v npm >/dev/null || { \
	  echo "Building the JupyterLab extension needs Node 20 or newer, with npm, on the PATH." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { \
	  echo "$(PYTHON) could not make a virtual environment. On Debian and Ubuntu: apt-get install python3-venv" >&2; \
	  exit 1; }
	@touch $@

# The build hook builds the extension only where there is none, so an old one has to go first. It installs
# what the build needs into node_modules, never at the same time as `npm ci`. Python compiles what it imports:
# a third of pip's time would go into modules that nothing here imports.
$(VENV)/installed-%: pyproject.toml $(LAB_SOURCES) | $(VENV)/created node_modules/.package-lock.json
	@echo "Installing into $(VENV) and building the JupyterLab extension: two or three minutes."
	@find $(LAB_SOURCES) -newer $(LAB_BUILT) 2>/dev/null | grep -q . && rm -rf jupyter_pipe/labextension || true
	$(BIN)/python -m pip install --quiet --no-compile --editable '.[$(if $(filter run,$*),examples,$*)]'
	@touch $@

node_modules/.package-lock.json: package-lock.json | $(VENV)/created
	npm ci

.PHONY: chromium
chromium:
	@for name in chromium chromium-browser google-chrome; do command -v $$name && exit; done; \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && apt-get install -qq -y --no-install-recommends chromium; \
	  else \
	    echo "The browser tests need Chromium on the PATH (Debian: apt-get install chromium)." >&2; exit 1; \
	  fi
