# make run     scores a folder and shows the ten best: make run FOLDER=/path/to/photos; without FOLDER, a demonstration
# make test    runs every test in its ordinary form; make test-full adds the long forms
# make check   lint, types, layers
# make man     writes the manual pages, from the same text as --help
# make bench   every figure of docs/PERFORMANCE.md, in about two hours; each line below is a command by itself

PYTHON ?= python3
FOLDER ?=
BIN := .venv/bin
DEMO := demo-photos

.PHONY: run test test-full check format man bench train evaluate clean

run: .venv/photod
ifeq ($(FOLDER),)
	@$(BIN)/photod-ctl demo $(DEMO)
	@$(BIN)/photod-ctl rate $(DEMO) --top 10
else
	@$(BIN)/photod-ctl rate "$(FOLDER)" --top 10
endif
	@echo "photod-ctl is $(BIN)/photod-ctl; README.md tells what else it does"

# Four processes, since most tests wait for something most of the time: they keep two processors busy.
PROCESSES ?= 4

# The tests that measure go first, with the machine to themselves.
test: .venv/dev
	$(BIN)/pytest -m "alone and not slow"
	$(BIN)/pytest -m "not alone and not slow" -n $(PROCESSES) --no-loadscope-reorder

test-full: .venv/dev
	$(BIN)/pytest

check: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))

# Stamps: an environment is filled anew only when what goes into it has changed, and made anew only when it cannot be:
# its Python is too old or gone, or it was interrupted before it had pip.
.venv/photod: pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "photod needs Python 3.11 or newer: apt install python3 python3-venv"; exit 1; }
	@$(PYTHON) -c '$(NEW_ENOUGH)' 2>/dev/null || { echo "photod needs Python 3.11 or newer, and $(PYTHON) is older: make run PYTHON=/path/to/a/newer/python3"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "photod needs the venv module: apt install python3-venv"; exit 1; }
	@echo "Setting up .venv (a few minutes the first time: PyTorch is large)"
	@$(BIN)/python -c 'import pip; $(NEW_ENOUGH)' 2>/dev/null || $(PYTHON) -m venv --clear .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

.venv/dev: .venv/photod
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

man: .venv/photod
	@$(BIN)/python -m photod_ctl.manual man/man1 >/dev/null
	@echo "man -M $(CURDIR)/man photod-ctl shows the first of them"

# How the built-in model was made: make train PHOTOS=DIR; make evaluate PHOTOS=DIR prints every figure of its card.
# REAL=DIR has the everyday photos that it is tried on, unless they are in ../shared/photos.
train evaluate: .venv/dev
	@test -n "$(PHOTOS)" || { echo "name the training photos: make $@ PHOTOS=/path/to/train-photos"; exit 2; }
	$(BIN)/python -m training $@ --photos "$(PHOTOS)" $(if $(REAL),--real "$(REAL)")

bench: .venv/dev
	$(BIN)/python benchmarks/material.py
	$(BIN)/python benchmarks/scorer.py
	$(BIN)/python benchmarks/resize.py
	$(BIN)/python benchmarks/throughput.py --kind jpeg-12mp
	$(BIN)/python benchmarks/throughput.py --kind small
	$(BIN)/python benchmarks/throughput.py --kind jpeg-12mp --weights builtin
	$(BIN)/python benchmarks/peers.py
	$(BIN)/python benchmarks/peers.py --weights builtin
	$(BIN)/python benchmarks/landing.py
	$(BIN)/python benchmarks/archive.py --photos 10000
	$(BIN)/python benchmarks/archive.py --photos 100000
	$(BIN)/python benchmarks/archive.py --photos 1000000 --runs 3
	$(BIN)/python benchmarks/growth.py --large
	$(BIN)/python benchmarks/slideshow.py
	$(BIN)/python benchmarks/engines.py
	$(BIN)/python benchmarks/decoders.py
	$(BIN)/python benchmarks/decoders.py --kind heic-12mp
	$(BIN)/python benchmarks/decoders.py --kind png-12mp
	$(BIN)/python benchmarks/decoders.py --kind dng-12mp
	$(BIN)/python benchmarks/profiles.py

clean:
	rm -rf .venv $(DEMO) man build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
