# Two commands set everything up on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MINUTES ?= 6
OUT ?= runs/demo

.PHONY: demo test test-all test-browser check pytest lint types imports lab docs lock clean

demo: $(VENV)/.installed
	$(BIN)/whyformer demo --minutes $(MINUTES) --out $(OUT)

test: check

# Side by side, for the checkers use one core only.
check: $(VENV)/.installed-dev
	$(MAKE) --no-print-directory -j2 lint types imports pytest

pytest: $(VENV)/.installed-dev
	OMP_NUM_THREADS=1 $(BIN)/pytest -n auto --dist worksteal -m "not slow"

# The tests that are marked `slow`, too. Run it before a release and after a change of the command
# line, of the settings or of distributed training.
test-all: $(VENV)/.installed-dev
	OMP_NUM_THREADS=1 $(BIN)/pytest -n auto --dist worksteal

# Open the pages in Chromium, which must be installed. Without it, the tests are skipped.
test-browser: $(VENV)/.installed-browser
	OMP_NUM_THREADS=1 $(BIN)/pytest -rs tests/browser

lint: $(VENV)/.installed-dev
	$(BIN)/ruff format --check --no-cache .
	$(BIN)/ruff check --no-cache .

types: $(VENV)/.installed-dev
	$(BIN)/basedpyright

imports: $(VENV)/.installed-dev
	$(BIN)/lint-imports

# Install torch first: the other packages depend on its build.
$(VENV)/.installed: requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check "$$(grep '^torch==' requirements.lock)"
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.lock
	touch $@

$(VENV)/.installed-docs: $(VENV)/.installed-dev requirements-docs.lock
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-docs.lock
	touch $@

$(VENV)/.installed-browser: $(VENV)/.installed-dev requirements-browser.lock
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-browser.lock
	touch $@

# Build the documentation site. Warnings, such as broken links, are errors.
docs: $(VENV)/.installed-docs
	$(BIN)/sphinx-build --fresh-env --fail-on-warning --keep-going --quiet \
	  --doctree-dir docs/_build/doctrees docs docs/_build/html
	@echo "site: docs/_build/html/index.html"

# Rebuild docs/lab from the published results. A test fails if the pages differ from them.
lab: $(VENV)/.installed-dev
	$(BIN)/python tools/judge_published.py
	$(BIN)/whyformer lab report --out docs/lab

# Pin the installed versions. Run it after you change the ranges in pyproject.toml.
lock:
	$(BIN)/python tools/lock.py

clean:
	rm -rf $(VENV) dist build docs/_build docs/reference .pytest_cache .ruff_cache .import_linter_cache
