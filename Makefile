# `make` lists all commands. They need Python 3.11, 3.12 or 3.13, git and make.
# `make bench ONLY=checks` measures one part, `make bench RECORD=yes` also records the ratios that `make quick` looks at.
# To use another Python or virtual environment: make test PYTHON=python3.12 VENV=/tmp/venv-312

PYTHON ?= python3
VENV ?= .venv
WORKERS ?= auto
MINUTES ?= 10
SEEDS ?= 100
FIRST ?= 1
CUSTOMERS ?= 1000
MONTHS ?= 12

PYTHON_VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])' 2>/dev/null)
IN_VENV := $(VENV)/bin/python
TOOLS := $(VENV)-tools/bin
TOOLS_READY = $(VENV)-tools/ready-tools-$(PYTHON_VERSION)
ready = $(VENV)/ready-$(1)-$(PYTHON_VERSION)

.DEFAULT_GOAL := help
.PHONY: help demo run doctor test lint types tests quick browser conformance mutate audit sbom chaos simulate outcome bench format lock upgrade picture clean

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: $(call ready,demo) ## Try the bot in a browser, without Telegram and without a provider
	@$(IN_VENV) -m bot demo

run: $(call ready,run) ## Run the bot with the settings from .env
	@$(IN_VENV) -m bot run

doctor: $(call ready,run) ## Check the settings, the key, the store, Telegram and the provider
	@$(IN_VENV) -m bot doctor

test: lint types tests quick ## Linter, formatter check, type checker, all tests, and a look at the speed

lint: $(call ready,dev) ## Linter and formatter check
	$(IN_VENV) -m ruff check
	$(IN_VENV) -m ruff format --check
	$(VENV)/bin/deno lint --quiet

types: $(call ready,dev) ## Type checker
	$(IN_VENV) -m mypy
	$(VENV)/bin/deno check --quiet bot/sandbox/page/static/js/main.js

tests: $(call ready,dev) ## All tests
	@$(IN_VENV) -m tests.programs
	$(IN_VENV) -m pytest -n $(WORKERS) --dist worksteal

quick: $(call ready,dev) ## See whether anything has become slower by a third
	@$(IN_VENV) -m benchmarks.quick

browser: $(call ready,dev) ## Get Chromium for the tests of the demo's page, also by Debian's package manager
	@$(IN_VENV) -m tests.programs --install

conformance: $(call ready,dev) $(TOOLS_READY) ## Read all objects of the sandbox's Telegram with aiogram's models
	@objects=$$(mktemp); trap 'rm -f "$$objects"' EXIT; \
	SEEN_OBJECTS=$$objects $(IN_VENV) -m pytest -q tests/telegram_api tests/sandbox/test_telegram_*.py && $(TOOLS)/python scripts/second_opinion.py $$objects

mutate: $(call ready,dev) ## Change the rules in small ways, and see whether a test fails: make mutate RULES=payments
	@$(IN_VENV) scripts/mutate.py --minutes $(MINUTES) $(RULES)

audit: $(TOOLS_READY) ## Ask whether the bot's libraries have known weaknesses (needs PyPI's own service)
	$(TOOLS)/pip-audit --requirement requirements/run.txt --require-hashes --disable-pip --strict --progress-spinner off

sbom: $(TOOLS_READY) ## List all libraries of a release in CycloneDX's form: dist/sbom.json
	@mkdir -p dist
	$(TOOLS)/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible --output-file dist/sbom.json requirements/run.txt

chaos: $(call ready,dev) ## Kill replicas and their database again and again: make chaos MINUTES=10
	@$(IN_VENV) -m tests.chaos $(MINUTES)

simulate: $(call ready,dev) ## Simulate months of many chats: make simulate SEEDS=1000 FIRST=1
	$(IN_VENV) -m tests.simulation.run --first $(FIRST) --seeds $(SEEDS)

outcome: $(call ready,dev) ## Measure how many services are lost: make outcome CUSTOMERS=1000 MONTHS=12
	$(IN_VENV) -m tests.outcome.run --customers $(CUSTOMERS) --months $(MONTHS)

bench: $(call ready,dev) $(TOOLS_READY) ## Measure everything beside its baselines, and write docs/performance.md
	@$(if $(RECORD),$(IN_VENV) -m benchmarks.quick --record)
	@AIOGRAM_PYTHON=$(TOOLS)/python $(IN_VENV) -m benchmarks $(ONLY)

format: $(call ready,dev) ## Format the code, after safe fixes of the linter
	$(IN_VENV) -m ruff check --fix
	$(IN_VENV) -m ruff format

lock: ## Update requirements/ from pyproject.toml, and keep the present versions
	@$(call compile,)

upgrade: ## Like lock, but with the newest versions that pyproject.toml allows
	@$(call compile,--upgrade)

picture: $(call ready,dev) ## Take the README's pictures again
	@PYTHONPATH=. $(IN_VENV) scripts/picture.py

clean: ## Remove the virtual environment and all caches
	rm -rf $(VENV) $(VENV)-tools build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find bot tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# One stamp for each list of requirements and each Python. Newer requirements or another Python rebuild it.
$(VENV)/ready-%-$(PYTHON_VERSION): requirements/%.txt
	@case "$(PYTHON_VERSION)" in 3.11.*|3.12.*|3.13.*) ;; *) \
	  echo "The bot needs Python 3.11, 3.12 or 3.13, but '$(PYTHON)' is $(or $(PYTHON_VERSION),not there). Name another: make PYTHON=python3.13 …" >&2; \
	  exit 1 ;; esac
	@echo "Setting up $(VENV) from $< (Python $(PYTHON_VERSION)) …"
	@$(IN_VENV) -c 'import pip, sys; sys.exit("%d.%d.%d" % sys.version_info[:3] != "$(PYTHON_VERSION)")' 2>/dev/null \
	  || $(PYTHON) -c 'import os, sys; python = sys._base_executable; os.execv(python, [python, "-m", "venv", "--clear", "$(VENV)"])'
	@$(IN_VENV) -m pip install -qq --disable-pip-version-check --no-input --require-hashes --requirement $<
	@touch $@

# Some programs can't live beside the bot, and have an environment of their own.
$(TOOLS_READY): requirements/tools.txt
	@$(MAKE) --no-print-directory VENV=$(VENV)-tools $@

# The first list holds all packages. The others take their versions from it.
define compile
set -e; tools=$$(mktemp -d); trap 'rm -rf "$$tools"' EXIT; \
$(PYTHON) -m venv "$$tools"; "$$tools/bin/python" -m pip install -qq --disable-pip-version-check uv; \
lock() { "$$tools/bin/uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header pyproject.toml "$$@"; }; \
lock $(1) --extra demo --group dev --output-file requirements/dev.txt; \
lock --extra demo --constraints requirements/dev.txt --output-file requirements/demo.txt; \
lock --constraints requirements/dev.txt --output-file requirements/run.txt; \
"$$tools/bin/uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header $(1) --group tools --output-file requirements/tools.txt
endef
