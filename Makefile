# Everything here sets up what it needs: a virtual environment in .venv, with the versions of requirements-lock.txt.
# The only thing to install beforehand is Python 3.11 or newer.

PYTHON ?= python3
STAGE ?= prod
NAME ?= demo
N ?= 20000
RATE ?= 2000
LOCALSTACK_PYTHON ?= $(or $(lastword $(wildcard $(HOME)/.pyenv/versions/3.13.*/bin/python3.13)),python3.13)

PY := .venv/bin/python
PIP := $(PY) -m pip install -qq --disable-pip-version-check --no-input -c requirements-lock.txt
SOURCES := app.py chalicelib infra tests

.DEFAULT_GOAL := help
.PHONY: help assets up down logs status demo test check lint types imports unit fuzz localstack answers slow nightly bench model broadcast channels uploads fairness preflight plan deploy smoke rollback rotate restore remove upgrade recount lock sbom clean

help: ## what there is to type
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# ---- the local stack

up: .venv/.local $(if $(filter localstack,$(NAME)),.local/localstack-venv/.installed) ## start the local stack: emulator, provider sandbox, everything deployed
	@$(PY) -m infra.local.stack up --name $(NAME)

down: .venv/.local ## stop it
	@$(PY) -m infra.local.stack down --name $(NAME)

status: .venv/.local ## what runs, and where
	@$(PY) -m infra.local.stack status --name $(NAME)

logs: .venv/.local ## follow what the functions and the sandbox write
	@$(PY) -m infra.local.stack logs --name $(NAME)

demo: .venv/.local $(if $(filter localstack,$(NAME)),.local/localstack-venv/.installed) ## send one message to 1,000 users through three channels, with fallback, and watch; CHANNELS=all: through all nine
	@$(PY) -m infra.demo.$(if $(filter all,$(CHANNELS)),every_channel,strategy $(if $(WITHIN),--within $(WITHIN))) --name $(NAME)

bench: .venv/.local ## how fast and what it would cost: make bench N=20000
	@$(PY) -m infra.bench.pipeline $(N)

model: .venv/.local ## what saturates first on AWS at a rate of sends: make model RATE=2000
	@$(PY) -m infra.bench.model $(RATE)

broadcast: .venv/.local ## one push to everyone while workers are killed: make broadcast N=200000
	@$(PY) -m infra.bench.broadcast $(N)

fairness: .venv/.local ## the delay of single sends beside a broadcast and beside a flood: make fairness N=100000
	@$(PY) -m infra.bench.fairness $(if $(filter command,$(origin N)),$(N))

channels: .venv/.local ## what a delivery over each platform costs in requests: make channels N=500
	@$(PY) -m infra.bench.channels $(if $(filter command,$(origin N)),$(N))

uploads: .venv/.local ## what imports of files cost in requests: 50,000 users, their tags, members of a segment
	@$(PY) -m infra.bench.uploads

assets: .venv/.local ## build the console's style sheet, scripts and catalogue; packaging does it by itself
	@$(PY) -m infra.console.build

# ---- tests

.venv/.chromium: # what the console's journeys need; without it they are skipped and say so
	@command -v chromium > /dev/null || (apt-get install -qq --yes --no-install-recommends chromium > /dev/null 2>&1 || true)
	@touch $@

test: check .venv/.dev .venv/.chromium ## everything: style, types, import rules, all tests, journeys on stacks of their own
	@$(PY) -m tests

check: lint types imports unit ## the fast part: style, types, import rules, quick tests

lint: .venv/.dev
	@$(PY) -m ruff check $(wildcard $(SOURCES))
	@$(PY) -m ruff format --check --quiet $(wildcard $(SOURCES)) || (echo "run: ruff format"; exit 1)

types: .venv/.dev
	@$(PY) -m mypy

imports: .venv/.dev
	@.venv/bin/lint-imports --no-logo > .venv/imports.txt || (cat .venv/imports.txt; exit 1)
	@tail -n 1 .venv/imports.txt

unit: .venv/.dev
	@PYTHONHASHSEED=0 PYTHONDONTWRITEBYTECODE= $(PY) -m pytest -n 3 --dist loadfile --no-loadscope-reorder \
	  --ignore=tests/journeys $(addprefix --ignore=tests/,template contracts growth simulation)

fuzz: .venv/.dev ## property tests with random inputs, at least ten times as many as in make test: make fuzz SEED=…
	@seed=$(or $(SEED),$$($(PY) -c 'import secrets; print(secrets.randbits(32))')); \
	echo "seed $$seed; to repeat these inputs: make fuzz SEED=$$seed"; \
	PYTHONHASHSEED=$$seed $(PY) -m pytest -n 2 --dist loadfile --ignore=tests/journeys -m hypothesis \
	  --hypothesis-profile fuzz --hypothesis-seed $$seed; status=$$?; \
	test $$status = 0 || echo "to repeat these inputs: make fuzz SEED=$$seed"; exit $$status

localstack: .venv/.dev .local/localstack-venv/.installed ## the demo and the journeys on LocalStack instead of MiniStack, without Docker
	@$(PY) -m infra.local.stack down --name localstack
	@$(PY) -m infra.local.stack up --name localstack --stage test
	@STACK=localstack EXAMPLES=4 $(PY) -m pytest tests/infra/localstack tests/journeys -rs; \
	status=$$?; $(PY) -m infra.local.stack down --name localstack; exit $$status

answers: .venv/.dev ## 20,000 hostile requests to the API and the console, and how many were 5xx: make answers SEED=…
	@seed=$(or $(SEED),$$($(PY) -c 'import secrets; print(secrets.randbits(32))')); \
	echo "seed $$seed; to repeat these inputs: make answers SEED=$$seed"; \
	PYTHONHASHSEED=$$seed nice -n 15 $(PY) -m pytest tests/entrypoints/http/openapi/test_answers.py tests/entrypoints/http/test_any_body.py \
	  tests/entrypoints/http/test_any_input.py tests/console/test_any_form.py --hypothesis-profile answers --hypothesis-seed $$seed

slow: .venv/.dev ## tests with processes, whose waits look a second late: finds those that need a fast machine
	@SLOW_WAITS=1 $(PY) -m pytest -n 8 tests/entrypoints/workers tests/infra/localstack tests/providers tests/sandbox tests/web

nightly: fuzz answers slow localstack ## what takes too long for every change: random inputs, hostile requests, slow waits, LocalStack

# ---- AWS

preflight: .venv/.local ## check the AWS account before a deployment, read-only: make preflight STAGE=prod
	@$(PY) -m infra.preflight --stage $(STAGE) $(ARGS)

plan: .venv/.local ## print what a deployment would change, and change nothing: make plan STAGE=prod
	@$(PY) -m infra.deploy --stage $(STAGE) --plan $(ARGS)

deploy: .venv/.local ## deploy to AWS: make deploy STAGE=prod, with AWS_PROFILE and AWS_REGION as usual
	@$(PY) -m infra.deploy --stage $(STAGE) $(ARGS)

smoke: .venv/.local ## prove a deployed stage end to end: make smoke STAGE=prod
	@$(PY) -m infra.smoke --stage $(STAGE) $(ARGS)

rollback: .venv/.local ## deploy the release before the present one again: make rollback STAGE=prod
	@$(PY) -m infra.rollback --stage $(STAGE) $(ARGS)

rotate: .venv/.local ## make a global access key and a data key: make rotate STAGE=prod; ARGS="--end KEY" ends an earlier one
	@$(PY) -m infra.rotate --stage $(STAGE) $(ARGS)

restore: .venv/.local ## put back what a stage has lost since a moment: make restore STAGE=prod AT=2026-11-29T10:00:00Z
	@$(PY) -m infra.restore --stage $(STAGE) --at "$(AT)" $(ARGS)

remove: .venv/.local ## delete a stage's stack and keep its data: make remove STAGE=trial YES=trial
	@$(PY) -m infra.remove --stage $(STAGE) --yes "$(YES)" $(ARGS)

upgrade: .venv/.local ## move a stage of an earlier layout to today's, before the deployment: make upgrade STAGE=prod YES=prod
	@$(PY) -m infra.upgrade --stage $(STAGE) --yes "$(YES)"

recount: .venv/.local ## count a message's pages again from its facts: make recount MSGID=…
	@$(PY) -m infra.recount $(MSGID)

# ---- housekeeping

lock: ## write requirements-lock.txt and the locks of what is shipped anew, after a change of versions
	@rm -rf .venv/lock && $(PYTHON) -m venv .venv/lock
	@.venv/lock/bin/pip install -qq --disable-pip-version-check -r requirements-dev.txt
	@(echo "# Exact versions of everything, for pip's -c. Rewritten by \`make lock\`."; .venv/lock/bin/pip freeze) > .venv/lock/versions.txt
	@.venv/lock/bin/python -m infra.package_lock .venv/lock/versions.txt
	@mv .venv/lock/versions.txt requirements-lock.txt
	@rm -rf .venv/lock

sbom: .venv/.local ## write the bill of materials of what is shipped, in CycloneDX's JSON
	@$(PY) -m infra.sbom

clean: ## stop the local stack; remove what was built and the virtual environment
	@test ! -x $(PY) || $(PY) -m infra.local.stack down --name $(NAME)
	@rm -rf .build .local .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.venv/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.x")'
	@$(PYTHON) -m venv .venv
	@touch $@

.venv/.local: .venv/.python requirements.txt requirements-local.txt requirements-lock.txt requirements-package.txt
	@echo "installing into .venv (once)"
	@$(PIP) --no-deps --require-hashes -r requirements-package.txt
	@$(PIP) -r requirements-local.txt
	@touch $@

.local/localstack-venv/.installed: requirements-localstack.txt requirements-localstack-lock.txt
	@$(LOCALSTACK_PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 13) and "LocalStack needs Python 3.13: make LOCALSTACK_PYTHON=…")'
	@echo "installing LocalStack into .local/localstack-venv (once)"
	@$(LOCALSTACK_PYTHON) -m venv .local/localstack-venv
	@.local/localstack-venv/bin/pip install -qq --disable-pip-version-check --no-input -c requirements-localstack-lock.txt -r requirements-localstack.txt
	@touch $@

.venv/.dev: .venv/.local requirements-dev.txt
	@echo "installing the tools for tests into .venv (once)"
	@$(PIP) -r requirements-dev.txt
	@touch $@
