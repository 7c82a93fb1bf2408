# What a person needs: make demo, make test. Everything else is for those who change Selene.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
NLP_PEERS := $(VENV)/nlp-peers
FUZZ_SECONDS ?= 60

.PHONY: setup demo test lint format bench bench-nlp nlp-figures drills fuzz golden replay-golden scorer catalog requirements clean

setup: $(STAMP)

$(STAMP): requirements/dev.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	$(BIN)/python -m compileall -q src $(VENV)/lib >/dev/null || true
	touch $(STAMP)

demo: setup
	@$(BIN)/selene demo

# Three at a time, for many wait: a file's tests in one process, so that what they share is made once.
test: setup
	$(BIN)/python -m pytest -n 3 --dist loadfile

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Measures against peers, which it installs beside what the tests need.
bench: setup
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/bench.txt
	$(BIN)/python -m bench
	$(MAKE) bench-nlp

# Understanding and times against what somebody would pick instead, which never stands beside what
# the tests need: it has an environment of its own.
bench-nlp: $(NLP_PEERS)/.installed
	PYTHONPATH=src $(NLP_PEERS)/bin/python -m bench.nlp_compare

$(NLP_PEERS)/.installed: requirements/bench-nlp.txt
	$(PYTHON) -m venv $(NLP_PEERS)
	$(NLP_PEERS)/bin/python -m pip install --quiet --require-hashes -r requirements/bench-nlp.txt
	touch $@

# PH1.NLP's figures on the development data, whose folder SELENE_DATA names.
nlp-figures: setup
	$(BIN)/python -m bench.nlp_figures

# Heavier than the tests: longer random histories, more crashes.
drills: setup
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/notebook.txt
	SELENE_DRILLS=1 $(BIN)/python -m pytest tests/simulation tests/ledger tests/postgres \
	  tests/contracts tests/acceptance tests/proof tests/serving tests/console \
	  tests/http tests/edges/test_kills.py tests/client/test_notebook.py

# Coverage-guided, FUZZ_SECONDS for each target; an input that fails is kept below .fuzz.
fuzz: setup
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/fuzz.txt
	failed=; for target in decide times pack; do \
	  PYTHONPATH=tests $(BIN)/python -m fuzz $$target $(FUZZ_SECONDS) .fuzz || failed=1; \
	  done; test -z "$$failed"

# Decides the golden ledger again, and ends with 3 where a decision is another one now.
replay-golden: setup
	@PYTHONPATH=tests $(BIN)/python tests/golden/replay_golden.py

# After a change that is meant to change decisions: see docs/guides/replay.md.
golden: setup
	PYTHONPATH=tests $(BIN)/python tests/golden/write_golden.py

# The core pack's scorer anew, from the utterances in the folder that SELENE_DATA names.
scorer: setup
	$(BIN)/python -m training.scorer

# After a migration was added: what a fresh PostgreSQL ledger's catalog says.
catalog: setup
	PYTHONPATH=tests $(BIN)/python tests/postgres/write_catalog.py

# Needs pip-tools. Hashes are of every published file, addresses of none.
requirements:
	for name in dev image bench bench-nlp fuzz notebook; do pip-compile --quiet --upgrade --generate-hashes --strip-extras \
	  --allow-unsafe --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-header \
	  --no-annotate --output-file requirements/$$name.txt requirements/$$name.in; done

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .fuzz
