# Two commands matter: `make demo` and `make test`. Both need only Python 3.11 or newer, and make.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ANONLINK := .venv-anonlink
DEMO ?= demo
PEOPLE ?= 5000
SEED ?= 1
WORKERS ?= 2
# Whence extracts are pulled besides a folder: what the lock holds beside the hub itself.
SOURCES := sftp s3 azure postgresql
UNIVERSAL = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-emit-index-url --no-annotate
KIT_LOCK = $(BIN)/uv pip compile --quiet --python-version 3.11 --generate-hashes --no-header \
	--no-emit-index-url --no-annotate --constraints requirements/lock.txt
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.DEFAULT_GOAL := help
.PHONY: help install demo components test test-slow faults backtest bench bench-read bench-encode bench-linkage bench-engines bench-disclosure bench-quarters bench-synthetic bench-warehouse bench-weeks bench-refresh bench-record mutate-rules attack partner-kit bundle reference officers-page check format lock lock-proof clean bench-erasing

help: ## List the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

# The stamp names the locks it was built from, so a changed lock rebuilds the environment. The lock is
# whole, so nothing is looked up beside it, and what it lacked `pip check` would tell. Pip compiles on
# one core; all do it here, and what does not compile are templates.
$(BIN)/.installed: requirements/lock.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; set PYTHON=python3.12, for example."; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --no-deps --no-compile --require-hashes -r requirements/lock.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	$(BIN)/python -m pip check
	$(BIN)/python -m compileall -qq -j 0 $(VENV)/lib || true
	touch $@

# Where Spark cannot be had, the tests that need it say so.
$(BIN)/.spark: requirements/spark.txt $(BIN)/.installed
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/spark.txt && touch $@ \
		|| echo "Spark cannot be installed, so linking on it cannot be tested."

# Where the browser's driver cannot be had, or Chromium, the tests of the page say so; CI fails.
$(BIN)/.browser: requirements/browser.txt $(BIN)/.installed
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/browser.txt && touch $@ \
		|| echo "The browser's driver cannot be installed, so the page cannot be tested in a browser."

# clkhash and anonlink pin an old cryptography, so they have an environment of their own.
$(ANONLINK)/.installed: requirements/anonlink.txt
	$(PYTHON) -m venv --clear $(ANONLINK)
	$(ANONLINK)/bin/python -m pip install --quiet --require-hashes -r requirements/anonlink.txt
	touch $@

install: $(BIN)/.installed ## Build .venv from the committed lock

demo: install ## Make synthetic partners and run the whole journey into demo/
	$(BIN)/journeys synthesise --people $(PEOPLE) --seed $(SEED) --out $(DEMO)
	$(BIN)/journeys init --out $(DEMO) --demo
	$(BIN)/journeys run --config $(DEMO)/partnership.yaml
	$(BIN)/journeys publish --config $(DEMO)/partnership.yaml --demo-officers
	$(BIN)/journeys verify "$$(ls -td $(DEMO)/publications/*/ | head -1)"

# The servers that sources are tested against. Without them the tests that need one are skipped and
# say so; where CI=true is set they fail.
components: ## Install the SFTP server and PostgreSQL that the tests start on loopback
	@if command -v sshd > /dev/null || [ -x /usr/sbin/sshd ]; then sshd=1; fi; \
	if ls /usr/lib/postgresql/*/bin/postgres > /dev/null 2>&1 || command -v postgres > /dev/null; then postgres=1; fi; \
	if [ -n "$$sshd" ] && [ -n "$$postgres" ]; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null \
		&& apt-get -qq update > /dev/null && DEBIAN_FRONTEND=noninteractive \
		apt-get -qq install -y --no-install-recommends openssh-server openssh-client postgresql > /dev/null; \
	then echo "Installed an SFTP server and PostgreSQL for the tests."; \
	else echo "THE TESTS WILL NOT MEET A REAL SFTP SERVER AND POSTGRESQL: install openssh-server and postgresql as root."; fi

# A file stays with one worker, which makes what its tests share once. In the order of the folders
# the long files come first, so that no worker is left alone with one at the end.
test: install components $(BIN)/.browser ## Run every test but the slow ones
	$(BIN)/python -m pytest -m "not slow" -n $(WORKERS) --dist loadfile --no-loadscope-reorder

test-slow: install $(BIN)/.spark ## Run the tests that take minutes, and more examples of each property
	$(BIN)/python -m pytest -m slow
	$(BIN)/python -m pytest -m "hypothesis and not slow" --hypothesis-profile thorough --timeout 3600

faults: install ## Pull the plug, fill the disk, move the clock and damage files, hundreds of times, and say what stood
	$(BIN)/python -m pytest -q -s -rA --durations=0 --show-capture=no tests/faults

backtest: install ## Judge the linkage by pair of partners, beside clear text
	$(BIN)/python -m pytest -q -s tests/backtest tests/integration/test_febrl4.py

bench: install ## How encoding and linking grow with the number of records
	$(BIN)/python benchmarks/scale.py

bench-encode: install $(ANONLINK)/.installed ## Records encoded a second, beside clkhash
	$(BIN)/python benchmarks/encode_speed.py --clkhash $(ANONLINK)/bin/python

bench-linkage: install $(ANONLINK)/.installed ## Encoded, in clear text and anonlink: one table (DATA="FILE…" SIZES="N…")
	$(BIN)/python benchmarks/linkage_table.py --anonlink $(ANONLINK)/bin/python $(if $(SIZES),--sizes $(SIZES)) $(DATA)

bench-record: install ## How long the audit record takes to verify, and an entry to add
	$(BIN)/python benchmarks/audit_record.py

bench-engines: install $(BIN)/.spark ## What linking costs in DuckDB and on Spark, a partition
	$(BIN)/python benchmarks/engine_costs.py

bench-disclosure: install ## How long the publication gate takes, and what it masks: made-up tables, and the demo's pack
	$(BIN)/python benchmarks/disclosure.py
	$(if $(wildcard $(DEMO)/partnership.yaml),$(BIN)/python benchmarks/publication.py $(DEMO)/partnership.yaml 1,@echo "make demo first, to measure a whole publication too")

bench-quarters: install ## What a publication costs with 0 to 4 earlier ones: made-up tables, and the demo's pack by quarters
	$(BIN)/python benchmarks/disclosure.py windows
	$(if $(wildcard $(DEMO)/partnership.yaml),$(BIN)/python benchmarks/publication.py $(DEMO)/partnership.yaml 5,@echo "make demo first, to measure a whole publication too")

bench-synthetic: install ## Inventing a million records, in seconds and memory
	$(BIN)/python benchmarks/synthetic_speed.py

bench-warehouse: install ## Building the warehouse of a million records, model by model
	$(BIN)/python benchmarks/warehouse_build.py

bench-erasing: install ## Erasing a thousand people from the stores of a million records, and that they are gone
	$(BIN)/python benchmarks/erasing.py

bench-refresh: install ## The whole refresh at 100,000 and a million records, beside clear text (RECORDS="N…")
	$(BIN)/python benchmarks/refresh.py $(RECORDS)

bench-weeks: install ## What comes back of the days behind a release's weeks
	$(BIN)/python benchmarks/week_attack.py

mutate-rules: install ## Take each rule out of the contracts and see a test fail
	$(BIN)/python tests/support/rule_mutants.py

bench-read: install ## Reading and validating a million rows, against polars reading them
	$(BIN)/python benchmarks/read_speed.py

reference: install ## Renew the pages of the contracts, the warehouse, the metrics and lineage
	$(BIN)/python -m schemas.reference docs/reference/contracts
	$(BIN)/python -m warehouse.reference docs/reference
	$(BIN)/python -m flows.releases.lineage_page docs/reference/lineage.md
	$(BIN)/python -m flows.agreements.page docs/reference/agreement.md
	$(BIN)/python -m flows.readers.roles_page docs/explanation/who-can-read-what.md

officers-page: install ## Renew the answers on the page of officers' questions
	RENEW=1 $(BIN)/python -m pytest -q tests/flows/test_officers_questions.py

attack: install ## Turn the published attacks, and ones made for it, on the encoding
	$(BIN)/journeys attack

partner-kit: ## Build the partner kit for Linux and, untested, for Windows
	rm -rf build/kit build/lib dist/partner-kit-linux dist/partner-kit-windows
	$(PYTHON) -m venv --clear build/kit
	build/kit/bin/python -m pip install --quiet --require-hashes -r requirements/kit.txt
	build/kit/bin/python -m pip install --quiet --no-deps --no-build-isolation .
	rm -rf build/lib
	build/kit/bin/python kit/build.py linux --out dist/partner-kit-linux
	build/kit/bin/python kit/build.py windows --out dist/partner-kit-windows

bundle: install ## One file with which a hub is installed without a network, in dist/
	$(BIN)/python kit/bundle.py --out dist

check: install ## Formatting, linting, types and import rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: install ## Put every file in the house format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: install ## Resolve every dependency again and write the lock
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-header --no-emit-index-url $(addprefix --extra ,hub $(SOURCES)) --group dev pyproject.toml -o requirements/lock.txt
	$(UNIVERSAL) $(addprefix --extra ,hub $(SOURCES)) --constraints requirements/lock.txt pyproject.toml -o requirements/hub.txt
	sed -n 's/^spark = \["\(.*\)"\]$$/\1/p' pyproject.toml | $(UNIVERSAL) --constraints requirements/lock.txt - -o requirements/spark.txt
	$(UNIVERSAL) --group anonlink -o requirements/anonlink.txt
	$(UNIVERSAL) --group browser --constraints requirements/lock.txt -o requirements/browser.txt
	$(KIT_LOCK) --python-platform x86_64-manylinux_2_28 --group kit -o requirements/kit.txt
	$(KIT_LOCK) --python-platform windows --group source -o requirements/kit-windows.txt

lock-proof: ## Install the lock into an empty environment and start what it holds
	@scratch=$$(mktemp -d) && trap 'rm -rf "$$scratch"' EXIT && \
	$(PYTHON) -m venv "$$scratch/venv" && \
	"$$scratch/venv/bin/python" -m pip install --quiet --no-deps --require-hashes -r requirements/lock.txt && \
	"$$scratch/venv/bin/python" -m pip install --quiet --no-deps --no-build-isolation . && \
	"$$scratch/venv/bin/python" -m pip check && \
	"$$scratch/venv/bin/python" -c "from prefect.server.api.server import create_app; create_app(); print('The Prefect server starts.')" && \
	"$$scratch/venv/bin/journeys" --help > /dev/null && echo "The lock installs and runs."

clean: ## Remove the environment and the demo
	rm -rf $(VENV) $(DEMO) $(ANONLINK)
