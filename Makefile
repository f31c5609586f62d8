# Two commands for a newcomer: `make demo` and `make test`. Each sets up what it needs in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help demo test check format docs bench clean

help: ## what can be made
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "specmill needs Python 3.11 or newer; set PYTHON=")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: $(STAMP) ## a spec becomes a tested dbt project on a branch, in a workspace of its own
	@$(BIN)/python -m docs.demo

test: $(STAMP) ## every test
	$(BIN)/python -m pytest --numprocesses 2 --dist loadgroup

check: $(STAMP) ## format, lint, types, layers, constitution, generated documents up to date
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/specmill constitution test
	$(BIN)/specmill check
	$(BIN)/python -m docs.build --check

format: $(STAMP) ## format and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(STAMP) ## regenerate the documents that come from code and real runs
	$(BIN)/python -m docs.build

bench: $(STAMP) ## measure: prints tables
	$(BIN)/python -m bench

clean: ## remove what was made here
	rm -rf $(VENV) .specmill build dist
