# Earmark's commands. `make help` lists them.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
RUNTIME := $(VENV)/.runtime
DEV := $(VENV)/.dev
# Most tests wait for processes, so that two processors have time for three. A file's tests share
# servers, and stay together; the slow files are the first ones, and are begun first.
IN_PARALLEL := --numprocesses 3 --dist loadfile --no-loadscope-reorder
BENCHMARKS := $(patsubst benchmarks/%.py,%,$(filter-out benchmarks/_%,$(wildcard benchmarks/*.py)))

# What `earmark up` reads; given as `make run PORT=8000` or in the environment.
export PORT MUSIC EARMARK_EMAIL EARMARK_PASSWORD EARMARK_DATA

.PHONY: help
help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1\t\2/' | expand -t 12

.PHONY: run
run: $(RUNTIME) ## run Earmark here (PORT, MUSIC, EARMARK_EMAIL, EARMARK_PASSWORD)
	@exec $(BIN)/earmark up

.PHONY: setup
setup: $(DEV) ## install everything for development

.PHONY: test
test: $(DEV) ## run all tests
	$(BIN)/python -m pytest $(IN_PARALLEL)

.PHONY: chaos
chaos: $(DEV) ## strike jobs with 200 random faults (SEED, FAULTS)
	@$(BIN)/python -m tests.chaos $(if $(SEED),--seed $(SEED)) $(if $(FAULTS),--faults $(FAULTS))

.PHONY: chaos-writeback
chaos-writeback: $(DEV) ## kill processes while they write lists, 100 times (SEED, KILLS)
	@$(BIN)/python -m tests.chaos.lists $(if $(SEED),--seed $(SEED)) $(if $(KILLS),--kills $(KILLS))
.PHONY: chaos-sync
chaos-sync: $(DEV) ## kill syncs at 20 random statements on each database (SEED, KILLS)
	@$(BIN)/python -m tests.chaos.syncs $(if $(SEED),--seed $(SEED)) $(if $(KILLS),--kills $(KILLS))

.PHONY: lint
lint: $(DEV) ## check style, types and import contracts
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: format
format: $(DEV) ## put the code in its form
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

.PHONY: requirements
requirements: $(DEV) ## pin what pyproject.toml asks for (UPGRADE=1: the newest of everything)
	$(BIN)/uv --quiet pip compile pyproject.toml --extra postgres --universal --generate-hashes \
		$(if $(UPGRADE),--upgrade) --custom-compile-command "make requirements" \
		--output-file requirements.txt
	$(BIN)/uv --quiet pip compile pyproject.toml --extra postgres --universal --python-version 3.11 \
		--resolution lowest-direct --constraint .ci/lowest-constraints.txt --no-annotate \
		--custom-compile-command "make requirements" --output-file .ci/lowest.txt

.PHONY: test-versions
test-versions: $(DEV) ## run some tests with the lowest versions, and with the newest Python here
	@.ci/versions

.PHONY: bench
bench: ## list the benchmarks
	@for name in $(BENCHMARKS); do echo "make bench-$$name"; done

.PHONY: bench-%
bench-%: $(DEV)
	$(BIN)/python -m benchmarks.$*

# The stamps are made last: an installation that was broken off is done again.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Earmark needs Python 3.11 or newer: name one with make PYTHON=…" >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 2; }

$(RUNTIME): pyproject.toml | $(BIN)/python
	@echo "Installing Earmark into $(VENV)"
	@$(PIP) "pip>=25.1"
	@$(PIP) --editable .
	@touch $@

$(DEV): $(RUNTIME)
	@echo "Installing the development tools into $(VENV)"
	@$(PIP) --group dev
	@touch $@
