# Everything a person types. `make` alone shows the list.
.DEFAULT_GOAL := help
.PHONY: help run test lint format bench clients shell manage clean venv venv-dev lock
python := .venv/bin/python

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

run: venv ## Start everything and print the addresses; Ctrl-C stops it. PORT=8000 BOTS=1 CHAIN=1 VAR_DIR=var HOST=127.0.0.1
	@exec $(python) -m exchange.run

test: venv-dev ## Run all tests in parallel. ARGS="-k name -x" goes to pytest, WORKERS=auto
	@exec $(python) -m pytest -n $(or $(WORKERS),auto) --dist loadgroup $(ARGS)

lint: venv-dev ## Check style, formatting, types and who imports whom
	$(python) -m ruff check .
	$(python) -m ruff format --check .
	$(python) -m mypy .
	.venv/bin/lint-imports

format: venv-dev ## Format the code, fix what can be fixed
	$(python) -m ruff check --fix .
	$(python) -m ruff format .

bench: venv-dev ## Measure all, print the tables, keep them in docs/performance.md. ARGS="engine rest" for some
	@exec $(python) -m benchmarks --write $(ARGS)

clients: venv-dev ## Run every method of ccxt against an exchange of its own; writes docs/clients/ccxt.md
	@exec $(python) -m tests.clients.table

manage: venv ## Run a Django command against the running exchange: make manage ARGS="verify_journal"
	@exec $(python) manage.py $(ARGS)

shell: venv ## Open a Django shell against the running exchange
	@exec $(python) manage.py shell

venv: ## Make .venv and install what runs (the other targets do it when needed)
	@.ci/venv

venv-dev: ## The same, with what tests, lints and measures
	@.ci/venv dev

lock: venv-dev ## Pin anew what the requirements files pull in (after changing one)
	@.ci/lock

clean: ## Remove .venv and every cache; keeps var/
	rm -rf .venv .pytest_cache .ruff_cache .mypy_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
