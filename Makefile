PORT ?= 8000
HOST ?= 127.0.0.1
PYTHON ?= python3

.PHONY: run test check help

help: ## Show what can be made
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

run: .venv/installed ## Harvest a make-believe country and serve it (PORT=8080 for another port)
	.venv/bin/nachuan demo --host $(HOST) --port $(PORT)

test: .venv/installed-for-tests ## Check the code and run every test
	sh tests/prepare.sh
	.venv/bin/flake8 harvester nachuan portal schemas tests benchmarks
	.venv/bin/mypy
	.venv/bin/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/installed: .venv/bin/python pyproject.toml
	.venv/bin/python -m pip install --quiet --editable .
	touch $@

.venv/installed-for-tests: .venv/bin/python pyproject.toml
	.venv/bin/python -m pip install --quiet --editable '.[test]'
	touch .venv/installed $@
