# `make run` needs Python >= 3.11 and make; `make test` also Java 17 and Maven, or Docker (see README).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: run test check cluster bench bench-register models eval sentences load screenshots lock clean

run: $(VENV)/.run
	@$(BIN)/python -m gateway demo

test: check
	$(BIN)/python -m pytest

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy gateway classifiers deploy tests loadtest
	$(BIN)/lint-imports

cluster: $(VENV)/.dev
	$(BIN)/python -m deploy.local.cluster

bench: $(VENV)/.dev
	$(BIN)/python -m loadtest.bench

ACCOUNTS ?= 5800000
bench-register: $(VENV)/.dev
	$(BIN)/python -m loadtest.register --accounts $(ACCOUNTS)

# The labelled sets that models are made from: a directory of *.jsonl.gz, see classifiers/training/README.md.
MODERATION_DATA ?=
models: $(VENV)/.sentences
	@test -n "$(MODERATION_DATA)" || { echo "MODERATION_DATA: give the directory of the labelled sets" >&2; exit 1; }
	$(BIN)/python -m classifiers.lexicon.build "$(MODERATION_DATA)"
	$(BIN)/python -m classifiers.training make "$(MODERATION_DATA)"

eval: $(VENV)/.sentences
	@test -n "$(MODERATION_DATA)" || { echo "MODERATION_DATA: give the directory of the labelled sets" >&2; exit 1; }
	@mkdir -p .cache
	$(BIN)/python -m tests.classifiers.casebook >.cache/failures.txt
	$(BIN)/python -m classifiers.training evaluate "$(MODERATION_DATA)" --failures .cache/failures.txt --cards classifiers/models
	$(BIN)/python -m classifiers.campaigns.evaluate "$(MODERATION_DATA)"

# The second look at English texts: an extra of some 130 MB.
sentences: $(VENV)/.sentences

load: $(VENV)/.dev
	$(BIN)/python -m loadtest.load

# Pictures of the console for the README; the machine needs a font with Chinese characters.
screenshots: $(VENV)/.dev
	$(BIN)/python -m loadtest.screenshots

lock: $(VENV)/.dev
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --custom-compile-command "make lock" --no-emit-package opencv-python-headless requirements/run.in -o requirements/run.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --custom-compile-command "make lock" --no-emit-package opencv-python-headless requirements/dev.in -o requirements/dev.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --custom-compile-command "make lock" requirements/synapse.in -o requirements/synapse.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --custom-compile-command "make lock" --no-deps requirements/sentences.in -o requirements/sentences.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --custom-compile-command "make lock" requirements/mitmproxy.in -o requirements/mitmproxy.txt

clean:
	rm -rf $(VENV) .cache .data .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements/run.txt | $(VENV)/bin/python
	$(BIN)/pip install --quiet --no-deps --require-hashes -r requirements/run.txt
	@touch $@

$(VENV)/.dev: requirements/dev.txt | $(VENV)/bin/python
	$(BIN)/pip install --quiet --no-deps --require-hashes -r requirements/dev.txt
	@touch $@ $(VENV)/.run

$(VENV)/.sentences: requirements/sentences.txt | $(VENV)/.dev
	$(BIN)/pip install --quiet --no-deps --require-hashes -r requirements/sentences.txt
	@touch $@
