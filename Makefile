PYTHON ?= python3
BIN := .venv/bin

.PHONY: setup demo check test clean

setup: .venv/installed

# The second run of any target finds the stamp and installs nothing.
.venv/installed: setup.cfg pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q -c constraints.txt torch
	$(BIN)/python -m pip install -q -c constraints.txt -e ".[dev]"
	touch $@

demo: .venv/installed
	$(BIN)/python -m monai_i2v.demo

check: .venv/installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: check
	$(BIN)/coverage run -m pytest
	$(BIN)/coverage report

clean:
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .coverage demo_output
