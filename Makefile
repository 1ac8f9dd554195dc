# make demo | test | test-long | test-gpu | check | lint | interop | chaos | bench | bench-long | bench-serve | clean.
# Each makes .venv by itself, keyed to what is pinned.
# Paths are relative, so that a clone in a folder with a space in its name works.
PYTHON ?= python3.11
ARGS ?=
VENV := .venv
PY := $(VENV)/bin/python
KEY := $(shell cat constraints.txt pyproject.toml 2>/dev/null | cksum | tr -d ' ')
STAMP := $(VENV)/.installed-$(KEY)
RIVALS := $(VENV)/.rivals-$(KEY)

.PHONY: demo test test-long test-gpu check lint interop chaos bench bench-long bench-serve clean venv
.DEFAULT_GOAL := test

demo: $(STAMP)
	$(PY) -m hedgerow_launch demo $(ARGS)

# Two at a time where no test starts a system; with ARGS all that they name, one after another.
test: $(STAMP)
ifeq ($(ARGS),)
	$(PY) -m pytest -n 2 --dist loadfile -m "not system and not interop and not chaos and not long and not gpu"
	$(PY) -m pytest -m "system and not interop and not chaos and not long"
else
	$(PY) -m pytest -m "not interop and not chaos and not long and not gpu" $(ARGS)
endif

# What takes real processes half a minute and more: the worked examples, all faces of the advice, steps of the clock.
test-long: $(STAMP)
	$(PY) -m pytest -m "long and not chaos" $(ARGS)

# Beside a real GPU, without which it fails: needs an NVIDIA driver, and onnxruntime-gpu in place of onnxruntime.
test-gpu: $(STAMP)
	$(PY) -m pytest -m gpu -s tests/gpu $(ARGS)

check: lint test

lint: $(STAMP)
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(PY) -c 'from importlinter.cli import lint_imports_command as lint; lint()'
	$(PY) -m hedgerow_idl.export --check

# The peer of a second vendor: needs Debian's fastddsgen, libfastrtps-dev, cmake and g++.
interop: $(STAMP)
	$(PY) -m pytest -m interop $(ARGS)

# The long fault runs; each prints its seed and its number of trials.
chaos: $(STAMP)
	$(PY) -m pytest -m chaos -s $(ARGS)

# One line for each promise about speed, under 10 minutes; `make bench ARGS=codec` runs one row.
bench: $(RIVALS)
	$(PY) -m benchmarks $(ARGS)

bench-long: $(RIVALS)
	$(PY) -m benchmarks --long $(ARGS)

# What serving promises; needs no rival.
bench-serve: $(STAMP)
	$(PY) -m benchmarks --serve $(ARGS)

# Dask and Ray, beside which the pipeline is measured; nothing else needs them.
$(RIVALS): $(STAMP)
	$(PY) -m pip install --quiet --constraint constraints.txt --editable '.[bench]'
	touch $(RIVALS)

venv: $(STAMP)

$(STAMP): constraints.txt pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "make: $(PYTHON) is missing; on Debian: apt-get install python3.11 python3.11-venv"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { echo "make: $(PYTHON) is not Python 3.11; on Debian: apt-get install python3.11, or name it: make PYTHON=..."; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "make: the venv module is missing; on Debian: apt-get install python3.11-venv"; exit 1; }
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --constraint constraints.txt --editable '.[all,dev]'
	touch $(STAMP)

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .import_linter_cache .hypothesis
