PYTHON ?= python3
UV ?= $(shell command -v uv || echo .venv/bin/uv)
ARGS ?=
SEED ?= 11

python := .venv/bin/python
installed := .venv/installed
compile := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-strip-extras --only-binary :all: --emit-build-options \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" --upgrade

MAKEFLAGS += --no-builtin-rules
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: run test prove check fix bench lock clean help

run: $(installed) ## start everything on this machine; Ctrl-C stops it
	@$(python) -m sandbox.run $(ARGS)

test: $(installed) ## run the whole suite against real servers (ARGS="-k name" for a part)
	$(python) -m pytest -n 3 --dist worksteal $(ARGS)

prove: $(installed) ## show that the promises hold, a line each (SEED=7 chooses, LONG=1 goes on for an hour)
	@$(python) -m tests.prove --seed $(SEED) $(if $(LONG),--minutes 60) $(ARGS)

check: $(installed) ## all that CI checks: format, lint, types, imports, tests
	$(python) -m ruff format --check .
	$(python) -m ruff check .
	$(python) -m mypy
	$(python) -c 'from importlinter.cli import lint_imports_command as lint; lint()'
	@$(MAKE) --no-print-directory test

fix: $(installed) ## format, and repair what the linter can
	$(python) -m ruff check --fix .
	$(python) -m ruff format .

bench: $(installed) ## measure the intake of webhooks
	$(python) -m bench ingest $(ARGS)

lock: $(installed) ## compile requirements*.in to the newest versions they allow
	@command -v $(UV) >/dev/null || $(python) -m pip install --quiet uv
	$(compile) requirements.in -o requirements.txt
	$(compile) requirements-dev.in -o requirements-dev.txt

clean: ## remove what was installed and cached; the data in var/ stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage*
	find . -name __pycache__ -type d -not -path './var/*' -prune -exec rm -rf {} +

help: ## show this
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-6s  %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# A file that says the installation was completed: an interrupted one starts over.
$(installed): requirements.txt requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Python 3.11 or newer is needed, as $(PYTHON); another: make PYTHON=/path/to/python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "Python's venv is missing. On Debian or Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@$(PYTHON) -I sandbox/installation.py .venv requirements-dev.txt
	@touch $@
