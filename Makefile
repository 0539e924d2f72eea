# Everything a person runs here. `make help` lists it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help run test lint format bench clean

help: ## List what there is
	@grep -hE '^[a-z%-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

run: $(VENV)/.run ## Set up and start all of Earmark (PORT, MUSIC, EARMARK_EMAIL, EARMARK_PASSWORD)
	@exec $(BIN)/earmark up

test: $(VENV)/.dev ## Set up and run all tests
	$(BIN)/python -m pytest $(ARGS)

lint: $(VENV)/.dev ## Check style, types, import contracts and generated files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev ## Put the code in its usual form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: ## List the benchmarks; make bench-NAME runs one
	@ls benchmarks/*.py 2>/dev/null | sed -n 's|benchmarks/\([a-z][a-z_]*\)\.py|  make bench-\1|p'

bench-%: $(VENV)/.dev
	$(BIN)/python -m benchmarks.$*

clean: ## Remove what was set up (not your data in .earmark)
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/.pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Earmark needs Python 3.11 or newer: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	@touch $@

$(VENV)/.run: $(VENV)/.pip pyproject.toml
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.pip pyproject.toml
	$(BIN)/python -m pip install --quiet --editable . --group dev
	@touch $@ $(VENV)/.run
