# A fresh machine needs Python 3.11+ and make. Each target sets up what it needs in .venv.
PYTHON ?= python3
ARGS   ?=
VENV   := .venv
BIN    := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
PY     := $(BIN)/python

demo: $(VENV)/.with-viz             ## set up, then run the example: figures, explanation, proof
	$(PY) examples/demo.py $(ARGS)

test: $(VENV)/.with-test            ## set up, then run the tests; ARGS="-k neuron", ARGS="-m slow"
	$(PY) -m pytest -n auto --maxprocesses=8 --dist=loadgroup $(ARGS)

check: $(VENV)/.with-test $(VENV)/.with-check   ## format, lint, types, a clean wheel
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy
	$(PY) .ci/wheel.py

peers: $(VENV)/.with-peers           ## the tests that need JAX and PyTorch
	$(PY) -m pytest -m peers $(ARGS)

coverage: $(VENV)/.with-test $(VENV)/.with-check   ## which lines and branches the tests run
	$(PY) -m coverage run -m pytest $(ARGS)
	$(PY) -m coverage report

docs: $(VENV)/.with-all             ## write the generated pages of docs/ anew
	$(PY) docs/generate.py $(ARGS)

bench: $(VENV)/.with-bench          ## compare speed with peers, write docs/performance.md; ARGS=--quick
	$(PY) -m benchmarks $(ARGS)

help:                               ## this list
	@sed -nE 's/^([a-z]+):[^#]*## */\1	/p' Makefile | expand -t 12

clean:                              ## remove everything that these targets made
	rm -rf $(VENV) build dist *.egg-info .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache

# One stamp per extra. It is written last, so that an interrupted or failed installation is done again.
$(VENV)/.with-%: pyproject.toml $(VENV)/.created
	$(PY) -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	@touch $@

$(VENV)/.created:
	$(PYTHON) -m venv $(VENV)
	@touch $@

.PHONY: demo test peers check coverage docs bench help clean
.NOTPARALLEL:
