# demo, test, lint, bench: nothing else to know. PYTHON names the interpreter the first run uses.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
.DEFAULT_GOAL := help
.PHONY: help demo test lint browser bench clean

help:
	@echo "make demo   set up, then publish campaigns/quickstart to the embedded marketplace"
	@echo "make test   set up, then lint, types and every test"
	@echo "make bench  set up, then the benchmarks (minutes)"

$(VENV)/pip:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	@touch $@

$(VENV)/run: $(VENV)/pip pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(VENV)/dev: $(VENV)/pip pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@ $(VENV)/run

demo: $(VENV)/run
	@$(BIN)/turkform -C campaigns/quickstart apply --auto-approve

lint: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Browser tests run in the system's own Chromium. Without one the tests that need it fail; none is skipped.
browser:
	@command -v chromium >/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium; \
	  else echo "Browser tests need the command chromium: install Chromium as your system does, for one" \
	    "'sudo apt-get install chromium', and see that it is in PATH." >&2; exit 1; fi; }

test: lint browser
	$(BIN)/python -m pytest -n 2 --dist loadfile

bench: $(VENV)/dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[bench]'
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) campaigns/*/.turkform
