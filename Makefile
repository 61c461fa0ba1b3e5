# `make demo` and `make test` work on a fresh machine with Python 3.11 or later.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test check heavy clean

demo: $(VENV)/ready
	$(BIN)/poam demo

test: $(VENV)/ready check
	$(BIN)/pytest -m "not heavy" -n auto --dist loadfile

# Those that need LibreOffice, or minutes.
heavy: $(VENV)/ready
	$(BIN)/pytest -m heavy -n auto --dist loadfile

check: $(VENV)/ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

$(VENV)/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1" --constraint constraints.txt
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --group dev --editable ".[dask,postgres]"
	touch $@

clean:
	rm -rf $(VENV) demo runs dist
