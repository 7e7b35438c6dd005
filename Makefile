# `make run` and `make test` need nothing but Python 3.11 or newer.
.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
NAMES := python3 python3.14 python3.13 python3.12 python3.11 python
ENOUGH := -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))'
PYTHON = $(firstword $(foreach name,$(NAMES),$(shell command -v $(name) >/dev/null 2>&1 && $(name) $(ENOUGH) 2>/dev/null && echo $(name))))

.PHONY: help run test browser lint bench contract exhaust faults package

help: ## say what there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{sub(/:.*/, "", $$1); printf "  make %-10s %s\n", $$1, $$2}'

$(STAMP): requirements.txt requirements-dev.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer with its venv module is needed, and none was found. On Debian: apt-get install python3 python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

run: $(STAMP) ## start the whole system on loopback: site 8000, desk 8025, Stripe stand-in 12111
	@exec $(BIN)/python -m local

test: $(STAMP) ## run the tests that want nothing but Python
	@$(BIN)/python -m pytest -n auto --dist worksteal --ignore=tests/faults --ignore=tests/contract --ignore=tests/browser -m "not slow"

browser: $(STAMP) ## run the tests that open the pages in Chromium
	@$(BIN)/python -m pytest -n auto --dist worksteal tests/browser -m "not slow"

lint: $(STAMP) ## check style, types and the direction of imports
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

contract: $(STAMP) ## hold moto against Amazon's DynamoDB Local (Java, Maven) our requests against stripe-mock (Go), documents against veraPDF (Java)
	@$(BIN)/python -m tests.contract

bench: $(STAMP) ## show speed as ratios against baselines of the same run
	@$(BIN)/python -m bench

exhaust: $(STAMP) ## every crash point and pair of them, every order of a gift's events, and the harness broken on purpose
	@$(BIN)/python -m pytest -n auto --dist worksteal tests/faults
	@$(BIN)/python -m pytest -n auto --dist worksteal --ignore=tests/faults -m slow

faults: $(STAMP) ## simulate what can go wrong with money: make faults SEEDS=200, or SEED=17 to replay one
	@SEEDS="$(SEEDS)" SEED="$(SEED)" $(BIN)/python -m tests.faults

package: $(STAMP) ## build what CloudFormation deploys: make package STAGE=prod
	@$(BIN)/python -m local.package "$(STAGE)"
