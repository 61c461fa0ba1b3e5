# `make demo` and `make test` work on a fresh machine with Python 3.11 or later.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test check heavy audit sbom fuzz clean

demo: $(VENV)/ready
	$(BIN)/poam demo

test: $(VENV)/ready check
	$(BIN)/pytest -m "not heavy" -n auto --dist loadfile --durations 20

# Those that need LibreOffice, or minutes.
heavy: $(VENV)/ready
	$(BIN)/pytest -m heavy -n auto --dist loadfile --durations 20

check: $(VENV)/ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive flows parsers poam

# Known vulnerabilities of what is pinned.
audit: $(VENV)/audit
	$(VENV)-audit/bin/pip-audit --requirement constraints.txt --no-deps --disable-pip --strict \
	  || echo "pip-audit: found a vulnerability, or its service was not reached: nothing is proven."

# What the environment is made of, as CycloneDX.
sbom: $(VENV)/audit
	mkdir -p dist
	$(VENV)-audit/bin/cyclonedx-py environment --output-reproducible --of JSON -o dist/sbom.json $(BIN)/python

# Every parser, SECONDS each; atheris needs Linux.
SECONDS ?= 60
fuzz: $(VENV)/fuzz
	$(VENV)-fuzz/bin/python -m tests.fuzz --seconds $(SECONDS)

$(VENV)/audit: $(VENV)/ready
	$(PYTHON) -m venv $(VENV)-audit
	$(VENV)-audit/bin/python -m pip install --quiet --upgrade "pip>=25.1" --constraint constraints.txt
	$(VENV)-audit/bin/python -m pip install --quiet --constraint constraints.txt --group audit
	touch $@

$(VENV)/fuzz: $(VENV)/ready
	$(PYTHON) -m venv $(VENV)-fuzz
	$(VENV)-fuzz/bin/python -m pip install --quiet --constraint constraints.txt --editable . atheris pytest
	touch $@

$(VENV)/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1" --constraint constraints.txt
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --group dev --editable ".[dask,postgres]"
	touch $@

clean:
	rm -rf $(VENV) $(VENV)-audit $(VENV)-fuzz demo runs dist
